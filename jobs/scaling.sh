#!/bin/bash
# weft bench scaling at 1, 2, 4 and 8 ranks of this machine (or at those given), model beside measurement:
#   ./jobs/scaling.sh [RANKS...] [-- OPTIONS of weft bench scaling]
# Ranks beyond the cores share them, which the model counts in. WEFT is the program, ./build/weft unless set.
cd "$(dirname "$0")/.." && . jobs/mpienv.sh
weft=${WEFT:-./build/weft}
ranks=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do ranks+=("$1"); shift; done
[ "${1:-}" = -- ] && shift
[ ${#ranks[@]} -gt 0 ] || ranks=(1 2 4 8)
for n in "${ranks[@]}"; do
  weft_mpi_env "$n"
  "${MPIEXEC:-mpiexec}" -n "$n" "$weft" bench scaling "$@" | sed '/^Continued/,$d' || exit 1
done
