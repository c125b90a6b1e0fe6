#!/usr/bin/env bash
# ./tests/run.sh [--label L]...
# From a bare Debian 12 to tested: installs the packages, builds in build-test/ with warnings as errors and runs the
# tests by ctest: those of the labels named (unit, cli, python, check, long), or all but the long ones.
# Exit status: 0 all passed; 2 something is missing or misspelt; else a build or a test failed.
set -euo pipefail
. "$(dirname "$0")/../jobs/packages.sh"
. "$weft_source/jobs/mpienv.sh"

usage() { sed -n '2,5s/^# //p' "$0"; }
labels=
while [ $# -gt 0 ]; do
  case $1 in
    -h | -help | --help) usage; exit 0 ;;
    --label) [ $# -ge 2 ] || { usage >&2; exit 2; } ;;
    *) usage >&2; exit 2 ;;
  esac
  labels=$labels${labels:+|}$2
  shift 2
done
which=()
[ -z "$labels" ] || which=(-L "^($labels)\$")
[[ "|$labels|" == *"|long|"* ]] || which+=(-LE '^long$')

weft_prepare "$weft_test_packages" "$weft_optional_packages"
build=$weft_source/build-test
weft_configure "$build" -DWEFT_WERROR=ON
cmake --build "$build" --parallel "$(nproc)" || exit 1

weft_mpi_env 1 # the tests themselves say what else they need
log=$build/ctest.log
status=0
ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$(nproc)" "${which[@]}" | tee "$log" || status=1
# ctest ends with lists of labels, of what was skipped and of what failed; what it all comes to stands last here.
grep 'tests passed' "$log" || status=1
exit $status
