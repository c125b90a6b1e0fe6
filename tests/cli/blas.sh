# The BLAS kernel: chosen without the user; a line where the environment asks for one that wastes the processor.
. "$WEFT_SOURCE/tests/lib/cli.sh"
grep -qw avx2 /proc/cpuinfo 2> /dev/null || skip "no AVX2: every kernel of OpenBLAS is as good here"
small=(bench io -samples 100 -weft_atoms 16 -repeats 1 -json)
unset OPENBLAS_CORETYPE

runs "$WEFT" "${small[@]}"
grep -q '"blas": "OpenBLAS ' out || skip "the BLAS here is not OpenBLAS: $(grep blas out)"
grep -q 'is set' err && fail "a note without a cause: $(cat err)"
chosen=$(sed -n 's/.*"blas": "OpenBLAS \([A-Za-z0-9]*\)".*/\1/p' out)
if grep -q 'takes this processor for an older one' err; then
  [ "$(grep -c 'weft: note: OpenBLAS takes' err)" -eq 1 ] || fail "said more than once: $(cat err)"
  grep -q "its $chosen kernel is used" err || fail "another kernel than $chosen: $(cat err)"
fi

# What a second start leaves behind tells of it.
WEFT_BLAS_BEFORE=Prescott runs "$MPIEXEC" -n 2 "$WEFT" "${small[@]}"
[ "$(grep -c "note: OpenBLAS takes this processor for an older one (Prescott); its $chosen kernel is used" err)" -eq 1 ] ||
  fail "a replaced kernel is not said once: $(cat err)"

OPENBLAS_CORETYPE=Prescott runs "$WEFT" "${small[@]}"
grep -q '"blas": "OpenBLAS Prescott"' out || fail "the user's kernel is not used: $(grep blas out)"
grep -q "weft: note: OPENBLAS_CORETYPE=Prescott is set, but this processor can do more: unset OPENBLAS_CORETYPE" err ||
  fail "no note: $(cat err)"
OPENBLAS_CORETYPE=Prescott runs "$MPIEXEC" -n 2 "$WEFT" "${small[@]}"
[ "$(grep -c 'is set, but' err)" -eq 1 ] || fail "not said once by two ranks: $(cat err)"
finish
