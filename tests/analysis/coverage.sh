#!/usr/bin/env bash
# tests/analysis/coverage.sh [LEAST]
# Builds with gcc's coverage counters in build-coverage/, runs the unit and cli tests there, and prints how many
# lines of src/ they went through, file by file (gcovr; Debian: gcovr). Status 1 below LEAST per cent [90] or where a test
# failed. What a killed or aborted process went through is not counted.
set -euo pipefail
. "$(dirname "$0")/../../jobs/packages.sh"
. "$weft_source/jobs/mpienv.sh"
least=${1:-90}
build=$weft_source/build-coverage
weft_prepare "$weft_test_packages gcovr"
weft_configure "$build" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="--coverage -O1 -fprofile-update=atomic"
cmake --build "$build" --parallel "$(nproc)"
find "$build" -name '*.gcda' -delete
weft_mpi_env 4
status=0
ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" -L '^(unit|cli)$' -LE '^long$' || status=1
gcovr --root "$weft_source" --object-directory "$build" --filter "$weft_source/src/" --exclude-unreachable-branches \
  --sort-uncovered --fail-under-line "$least" "$build" || status=1
exit $status
