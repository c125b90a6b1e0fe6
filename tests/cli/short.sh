# Memory that a rank is short of: status 2 and one line that says so from each rank that is, no trace, and nothing left
# behind. cores: 2
. "$WEFT_SOURCE/tests/lib/cli.sh"
[ -z "${ASAN_OPTIONS:-}" ] || skip "the address sanitizer maps more than any limit"

# short COMMAND...: with addresses for the program and its libraries, and not for one matrix of 20000 atoms.
short() {
  rm -f new.h5
  (ulimit -v 3000000 && exec timeout 120 "$@") > out 2> err
  local status=$?
  [ $status -eq 2 ] || fail "status $status, not 2: $*: $(cat err)"
  grep -qE '^weft: error: rank [01] is out of memory: .*\([0-9.]+ MB are wanted and not to be had\)$' err ||
    fail "does not say what is short: $*: $(cat err)"
  [ "$(grep -cv 'rank [01] is out of memory' <(grep '^weft: error' err))" -eq 0 ] || fail "another error: $*: $(cat err)"
  [ "$(sort err | grep '^weft: error' | uniq -d | wc -l)" -eq 0 ] || fail "a rank says it twice: $*: $(cat err)"
  grep -q 'PETSC ERROR' err && fail "a trace: $*: $(cat err)"
  ls new.h5* > /dev/null 2>&1 && fail "left $(ls new.h5*)"
}

runs "$WEFT" synth -o data.h5 -samples 300 -test_samples 0 -size 8
many=("$WEFT" learn -data data.h5 -o new.h5 -weft_layers 1 -weft_atoms 30000 -weft_batch_size 100 -weft_iterations 2)
short "${many[@]}"
[ "$(grep -c '^weft: error: ' err)" -eq 1 ] || fail "not one line: $(cat err)"
short "${many[@]}" -malloc_debug
for n in 1 2; do short "$MPIEXEC" -n $n "${many[@]}"; done
finish
