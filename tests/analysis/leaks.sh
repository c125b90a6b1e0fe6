#!/usr/bin/env bash
# tests/analysis/leaks.sh [NAME...]
# Leaks, by LeakSanitizer in build-sanitize/: every unit test at 1 and 3 ranks, or the unit tests named, and a short import,
# learning, training and encoding. What is not Weft's is in leaks.supp, with its reason.
# Exit status: 0 none; 2 something is missing or misspelt; else the build failed, a program did, or leaks were found.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../jobs/packages.sh"
. "$weft_source/jobs/mpienv.sh"
[[ "${1:-}" != -* ]] || { sed -n '2,5s/^# //p' "$0"; exit 0; }

build=$weft_source/build-sanitize
weft_prepare "$weft_test_packages"
weft_configure "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWEFT_WERROR=ON -DWEFT_SANITIZE=ON
cmake --build "$build" --parallel "$(nproc)"
weft_mpi_env 3
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
cd "$TMP"

# The call chains of libraries without frame pointers are only found the slow way, and suppressions need all of them.
export ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=60:log_path=$TMP/leak
export LSAN_OPTIONS=suppressions=$here/leaks.supp:print_suppressions=0 PETSC_OPTIONS='-malloc_coalesce 0'
export OPENBLAS_NUM_THREADS=1

# sound RANKS PROGRAM ARGUMENT...: it ends well and leaves nothing.
failed=0
ran=0
sound() {
  local ranks=$1 what
  shift
  what="$(basename "$1") ${2:-}, $ranks ranks"
  ran=$((ran + 1))
  if ! mpiexec -n "$ranks" "$@" > out 2>&1 < /dev/null || compgen -G 'leak.*' > /dev/null; then
    failed=$((failed + 1))
    echo "FAIL: $what"
    cat leak.* 2> /dev/null || tail -n 40 out
  fi
  rm -f leak.*
}

while read -r name ranks; do
  [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
  sound "$ranks" "$build/tests/test_$name"
done < <(ctest --test-dir "$build" -N | sed -n 's|.*: unit/\(.*\)/\([13]\)$|\1 \2|p')
if [ $# -eq 0 ]; then
  sound 1 "$build/weft" -help
  for ranks in 1 3; do
    rm -f ./*.h5
    sound $ranks "$build/weft" synth -o data.h5 -samples 120 -test_samples 20 -size 8
    sound $ranks "$build/weft" learn -data data.h5 -o run.h5 -weft_layers 2 -weft_depth_min_gain -1e6 -weft_atoms 16 \
      -weft_batch_size 40 -weft_iterations 4 -weft_sparsity 0.1 -weft_checkpoint_every 0
    sound $ranks "$build/weft" train -data data.h5 -structure run.h5 -o net.h5 -weft_train_epochs 2 \
      -weft_train_batch_size 50 -weft_checkpoint_every 0
    sound $ranks "$build/weft" encode -data data.h5 -structure run.h5 -o features.h5
    sound $ranks "$build/weft" encode -data data.h5 -network net.h5 -o logits.h5
    sound $ranks "$build/weft" info run.h5 -verify
  done
fi
[ $ran -gt 0 ] || { echo "no such unit test: $*" >&2; exit 2; }
echo "$ran programs, $failed failed or leaked"
[ $failed -eq 0 ]
