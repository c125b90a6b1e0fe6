# A run begun by one build is finished by another, whose PETSc may count in other integers: WEFT_OTHER names its program.
. "$WEFT_SOURCE/tests/lib/cli.sh"
[ -x "${WEFT_OTHER:-}" ] || skip "WEFT_OTHER names no program of another build"

same() { "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" "$@" || fail "differ: $*"; }
complete() { "$PYTHON" -c "import h5py, sys; sys.exit(0 if h5py.File('$1').attrs['complete'] == $2 else 1)"; }

runs "$WEFT" synth -o data.h5 -samples 400 -test_samples 0 -size 8
runs "$WEFT_OTHER" synth -o other.h5 -samples 400 -test_samples 0 -size 8
same data.h5 other.h5
options=(-data data.h5 -weft_atoms 32 -weft_batch_size 100 -weft_iterations 2000 -weft_width_penalty 0.1 -weft_layers 1)

# begun BEGINNER FINISHER: stopped under the one, finished under the other, on two ranks each.
begun() {
  local status
  rm -f part.h5
  touch marker
  "$MPIEXEC" -n 2 "$1" learn "${options[@]}" -weft_checkpoint_every 0.1 -o part.h5 > out 2> err &
  until [ part.h5 -nt marker ] || ! kill -0 $! 2> /dev/null; do sleep 0.02; done
  kill -USR1 $!
  { wait $!; } 2> /dev/null
  status=$?
  [ $status -eq 75 ] || fail "status $status after a signal, not 75: $(cat out err)"
  complete part.h5 0 || fail "not a checkpoint"
  runs "$MPIEXEC" -n 2 "$2" learn "${options[@]}" -resume -o part.h5
  complete part.h5 1 || fail "not finished"
  same whole.h5 part.h5
}

runs "$MPIEXEC" -n 2 "$WEFT" learn "${options[@]}" -o whole.h5
begun "$WEFT" "$WEFT_OTHER"
begun "$WEFT_OTHER" "$WEFT"
finish
