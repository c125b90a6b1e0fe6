#!/usr/bin/env bash
# tests/analysis/valgrind.sh [RANKS]
# Memcheck on a short learning, training and encoding of tiny synthetic data, built in build-valgrind/, on 2 ranks or as
# many as told. Open MPI brings suppressions of its own; what else is not Weft's is in valgrind.supp, with its reason.
# Exit status: 0 no errors; 2 something is missing or misspelt; else the build or a program failed, or there were errors.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../jobs/packages.sh"
. "$weft_source/jobs/mpienv.sh"
ranks=${1:-2}
[[ $ranks =~ ^[1-9]$ && $# -le 1 ]] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }

build=$weft_source/build-valgrind
weft_prepare "$weft_test_packages valgrind"
command -v valgrind > /dev/null || { echo "valgrind is missing" >&2; exit 2; }
weft_configure "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_FLAGS_RELWITHDEBINFO='-O1 -g' -DWEFT_WERROR=ON
cmake --build "$build" --parallel "$(nproc)" --target weft
weft_mpi_env "$ranks"
TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
cd "$TMP"
theirs=$(dirname "$(dirname "$(readlink -f "$(command -v mpiexec)")")")/share/openmpi/openmpi-valgrind.supp

# A kernel without the instructions that valgrind does not know (AVX-512), and PETSc's arrays each in an allocation of its
# own: a step from one into the next would go unseen.
export OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 PETSC_OPTIONS='-malloc_coalesce 0'
memcheck=(valgrind --quiet --error-exitcode=99 --num-callers=40 --suppressions="$here/valgrind.supp")
[ ! -e "$theirs" ] || memcheck+=(--suppressions="$theirs")

failed=0
clean() {
  echo "weft $*"
  mpiexec -n "$ranks" "${memcheck[@]}" "$build/weft" "$@" < /dev/null > out 2>&1 && ! grep -q '^==[0-9]*== ' out && return
  failed=$((failed + 1))
  cat out
}
clean synth -o data.h5 -samples 120 -test_samples 20 -size 8
clean learn -data data.h5 -o run.h5 -weft_layers 2 -weft_depth_min_gain -1e6 -weft_atoms 16 -weft_batch_size 40 \
  -weft_iterations 3 -weft_sparsity 0.1 -weft_checkpoint_every 0
clean train -data data.h5 -structure run.h5 -o net.h5 -weft_train_epochs 1 -weft_train_batch_size 50
clean encode -data data.h5 -structure run.h5 -o features.h5
clean encode -data data.h5 -network net.h5 -o logits.h5
echo "valgrind on $ranks ranks: $failed of 5 programs with errors"
[ $failed -eq 0 ]
