#!/usr/bin/env bash
# Fuzzes one reader for so many seconds:
#     tests/fuzz/run.sh idx|cifar10|options|hdf5 SECONDS [LIBFUZZER OPTION...]
# with clang and its libFuzzer (Debian: clang libclang-rt-dev), and a built program for the good files (WEFT, else
# build/weft). What was found worth keeping stays in build-fuzz/NAME, inputs that fail in build-fuzz/NAME-crash-*.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/jobs/packages.sh"
PYTHON=$(weft_python)
export PYTHON
name=$1 seconds=$2 build=${WEFT_FUZZ_BUILD:-$source/build-fuzz}
shift 2
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1
CC=clang OMPI_CC=clang cmake -S "$source" -B "$build" -DWEFT_FUZZ=ON -DBUILD_TESTING=OFF \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo > /dev/null
cmake --build "$build" --target "fuzz_$name" > /dev/null

export WEFT_FUZZ_GOOD=$build/good
weft=${WEFT:-$source/build/weft}
[ -e "$WEFT_FUZZ_GOOD/training.h5" ] || bash "$source/tests/fuzz/good.sh" "$weft" "$WEFT_FUZZ_GOOD"
mkdir -p "$build/$name"
cp "$source/tests/fuzz/seeds/$name"/* "$build/$name" 2> /dev/null || true
# Runs that are refused leave what they had allocated: a new process takes over now and then.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
exec "$build/tests/fuzz/fuzz_$name" -fork=1 -ignore_ooms=1 -ignore_timeouts=0 -rss_limit_mb=3000 -timeout=20 \
  -max_total_time="$seconds" -close_fd_mask=3 -artifact_prefix="$build/$name-" "$@" "$build/$name"
