#!/usr/bin/env bash
# ./tests/run.sh [--petsc64] [--label L]...
# From a bare Debian 12 to tested: installs the packages, builds in build-test/ with warnings as errors and runs the
# tests by ctest: those of the labels named (unit, cli, python, check, slurm, long), or all but the long ones and then the
# unit tests once more, against a PETSc of 64-bit indices in build-test64/ and, on 3 ranks, under sanitizers in
# build-sanitize/. --petsc64: against that PETSc only, and the labels named there.
# Exit status: 0 all passed; 2 something is missing or misspelt; else a build or a test failed.
set -euo pipefail
. "$(dirname "$0")/../jobs/packages.sh"
. "$weft_source/jobs/mpienv.sh"

usage() { sed -n '2,7s/^# //p' "$0"; }
labels=
only64=
while [ $# -gt 0 ]; do
  case $1 in
    -h | -help | --help) usage; exit 0 ;;
    --petsc64) only64=1; shift; continue ;;
    --label) [ $# -ge 2 ] || { usage >&2; exit 2; } ;;
    *) usage >&2; exit 2 ;;
  esac
  labels=$labels${labels:+|}$2
  shift 2
done

# build BUILD [TARGET]: configures and builds, all or one target.
build() {
  weft_configure "$1" -DWEFT_WERROR=ON
  cmake --build "$1" --parallel "$(nproc)" ${2:+--target "$2"} || exit 1
}

# tests BUILD LABELS: runs those, or all but the long ones where LABELS is empty; counts in status.
status=0
tests() {
  local which=()
  [ -z "$2" ] || which=(-L "^($2)\$")
  [[ "|$2|" == *"|long|"* ]] || which+=(-LE '^long$')
  ctest --test-dir "$1" --output-on-failure --no-tests=error --parallel "$(nproc)" "${which[@]}" | tee "$1/ctest.log" ||
    status=1
}

# ctest ends with lists of labels, of what was skipped and of what failed; what it all comes to stands last here.
sum_up() { grep 'tests passed' "$1/ctest.log" || status=1; }

plain=$weft_source/build-test
wide=${plain}64
sane=$weft_source/build-sanitize
weft_prepare "$weft_test_packages" "$weft_optional_packages"
petsc64=$(weft_petsc64) || petsc64=
if [ -n "$only64" ] && [ -z "$petsc64" ]; then
  echo "No PETSc of 64-bit indices here (Debian: libpetsc64-real-dev); with another PETSc: PETSC_DIR=... $0" >&2
  exit 2
fi
[ -z "$labels" ] || [ -n "$only64" ] || petsc64= # a label asked for is asked of the usual build

# The two builds finish each other's runs: each is the other's WEFT_OTHER.
build "$plain" ${only64:+weft}
[ -z "$petsc64" ] || PETSC_DIR=$petsc64 PETSC_ARCH='' build "$wide"
weft_mpi_env 1 # the tests themselves say what else they need
if [ -n "$only64" ]; then
  WEFT_OTHER=$plain/weft tests "$wide" "$labels"
else
  WEFT_OTHER=${petsc64:+$wide/weft} tests "$plain" "$labels"
  [ -z "$petsc64" ] || tests "$wide" unit
fi
if [ -z "$labels$only64" ]; then
  mkdir -p "$sane"
  "$weft_source/tests/analysis/sanitize.sh" 3 | tee "$sane/ctest.log" || status=1
fi
if [ -n "$petsc64" ]; then
  echo "With PETSc of 64-bit indices, $petsc64:"
  sum_up "$wide"
elif [ -z "$labels" ]; then
  echo "SKIP: no PETSc of 64-bit indices here, so nothing was tested with one"
fi
if [ -z "$labels$only64" ]; then
  echo "With the address and undefined-behaviour sanitizers, the unit tests on 3 ranks:"
  sum_up "$sane"
fi
[ -n "$only64" ] || sum_up "$plain"
exit $status
