#!/usr/bin/env bash
# Fuzzes one reader for so many seconds and ends with one line: runs, runs a second, seconds, inputs that reached what none
# had, failures. Status 1 if there was a failure.
#     tests/fuzz/run.sh idx|cifar10|options|hdf5 SECONDS [LIBFUZZER OPTION...]
# Needs clang and its libFuzzer (Debian: clang libclang-rt-dev), and a built program for the good files (WEFT, else
# build/weft). With WEFT_FUZZ_BYTES=1, hdf5 changes bytes of its files in place of what they hold. What was found worth
# keeping stays in build-fuzz/NAME, inputs that fail in build-fuzz/NAME-crash-*, all messages in build-fuzz/NAME.log.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/jobs/packages.sh"
. "$source/jobs/mpienv.sh"
PYTHON=$(weft_python)
export PYTHON
name=${1:?idx, cifar10, options or hdf5} seconds=${2:?seconds} build=${WEFT_FUZZ_BUILD:-$source/build-fuzz}
shift 2
weft_mpi_env 1
export OPENBLAS_NUM_THREADS=1
CC=clang OMPI_CC=clang cmake -S "$source" -B "$build" -DWEFT_FUZZ=ON -DBUILD_TESTING=OFF \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo > /dev/null
OMPI_CC=clang cmake --build "$build" -j 2 --target "fuzz_$name" > "$build/make.log" 2>&1 ||
  { cat "$build/make.log" >&2; exit 2; }

# In memory where it can be: every run makes files and asks that they are on disk, which halves the runs a second.
TMPDIR=$(mktemp -d -p /dev/shm weft-fuzz-XXXXXX 2> /dev/null || mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
export WEFT_FUZZ_GOOD=$build/good
weft=${WEFT:-$source/build/weft}
[ -e "$WEFT_FUZZ_GOOD/training.h5" ] ||
  bash "$source/tests/fuzz/good.sh" "$weft" "$WEFT_FUZZ_GOOD" > "$build/good.log" 2>&1 ||
  { cat "$build/good.log" >&2; exit 2; }

corpus=$build/$name${WEFT_FUZZ_BYTES:+-bytes} log=$build/$name${WEFT_FUZZ_BYTES:+-bytes}.log
mkdir -p "$corpus"
cp "$source/tests/fuzz/seeds/$name"/* "$corpus" 2> /dev/null || true
more=()
[ "$name" != hdf5 ] || more=(-max_len=31) # it reads no more
if [ "$name" = options ]; then
  for verb in learn encode train info; do "$weft" $verb -help; done | grep -oE -- '-[a-z][a-z0-9_]+' | sort -u |
    sed 's/.*/"&"/' > "$TMPDIR/words"
  more=(-dict="$TMPDIR/words")
fi

count() { find "$build" -maxdepth 1 -name "$name-crash-*" | wc -l; }
before=$(find "$corpus" -type f | wc -l) crashes=$(count) begin=$(date +%s) status=0 crashed=0
: > "$log"
# A little quarantine and short stacks: what is freed and used again is found all the same, and the runs are faster.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=32:malloc_context_size=8
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
# A process ends itself when it is full (fuzz.c) and at a crash; the next one goes on with what is kept.
# libFuzzer's -fork=1 would read all of that again, and start anew, every few seconds.
while left=$((begin + seconds - $(date +%s))) && [ $left -gt 0 ] && [ $crashed -lt 10 ]; do
  timeout -s ABRT $((left + 120)) "$build/tests/fuzz/fuzz_$name" -max_total_time=$left -timeout=0 -rss_limit_mb=0 \
    -malloc_limit_mb=3000 -close_fd_mask=3 -print_final_stats=1 -artifact_prefix="$build/$name-" "${more[@]}" "$@" \
    "$corpus" >> "$log" 2>&1 || { status=1 crashed=$((crashed + 1)); }
  find "$TMPDIR" -mindepth 1 -maxdepth 1 -name 'weft-fuzz-*' -exec rm -rf {} +
done
took=$(($(date +%s) - begin))
runs=$(awk '/number_of_executed_units/ { n += $2 } END { print n + 0 }' "$log")
printf 'fuzz %s: %d runs, %d a second, %d s, %d new inputs kept, %d crashes, %d of them hangs\n' \
  "$(basename "$corpus")" "$runs" $((took ? runs / took : 0)) $took \
  $(($(find "$corpus" -type f | wc -l) - before)) "$crashed" "$(grep -c 'in OnHang' "$log")"
[ $status -eq 0 ] || echo "inputs that fail: $(($(count) - crashes)), $build/$name-crash-*; what they did: $log" >&2
exit $status
