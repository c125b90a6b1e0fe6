#!/usr/bin/env bash
# tests/analysis/sanitize.sh [RANKS|all]
# Builds in build-sanitize/ with the address and undefined-behaviour sanitizers, any finding of which ends the program, and
# runs there by ctest the unit tests that run on so many ranks (default 3), or all that can run there of unit tests at
# every rank count, the program's and Python's. Leaks are not looked for: tests/analysis/leaks.sh.
# Exit status: 0 all passed; 2 something is missing or misspelt; else a build or a test failed.
set -euo pipefail
. "$(dirname "$0")/../../jobs/packages.sh"
. "$weft_source/jobs/mpienv.sh"
usage() { sed -n '2,6s/^# //p' "$0"; }
case ${1:-3} in
  -h | -help | --help) usage; exit 0 ;;
  all) which=(-L '^(unit|cli|python)$' -LE '^long$') ;;
  [1-9]) which=(-R "^unit/.*/${1:-3}\$") ;;
  *) usage >&2; exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2; exit 2; }

build=$weft_source/build-sanitize
weft_prepare "$weft_test_packages"
weft_configure "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWEFT_WERROR=ON -DWEFT_SANITIZE=ON
cmake --build "$build" --parallel "$(nproc)"
weft_mpi_env 1
exec ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$(nproc)" "${which[@]}"
