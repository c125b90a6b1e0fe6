# A run stopped by a signal, or killed, and resumed equals one that was never stopped.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"

same() { "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" "$@" || fail "differ: $*"; }
runs "$WEFT" synth -o data.h5 -samples 400 -test_samples 0 -size 8
slower=1 # runs last long enough to be stopped, and no longer
[ -z "${ASAN_OPTIONS:-}" ] || slower=8
options=(-data data.h5 -weft_atoms 32 -weft_batch_size 100 -weft_iterations $((15000 / slower)) -weft_layers 1
  -weft_width_penalty 0.1)
often=(-weft_checkpoint_every 0.1)
learn=("$WEFT" learn "${options[@]}")

# One rank: stopped by each signal in turn, each time from where it stood, then finished.
runs "${learn[@]}" -o whole.h5
for signal in TERM USR1 INT; do
  stops $signal self part.h5 "${learn[@]}" "${often[@]}" -resume -o part.h5
  stopped part.h5
done
runs "${learn[@]}" -resume -o part.h5
same whole.h5 part.h5

# A complete file: nothing to do, nothing done. No file: from the start.
cp part.h5 kept.h5
runs "${learn[@]}" -resume -o part.h5
grep -q "part.h5 is complete: nothing to resume" out || fail "complete: $(cat out)"
cmp -s part.h5 kept.h5 || fail "a complete file was touched"
runs "${learn[@]}" -resume -o fresh.h5
same whole.h5 fresh.h5
refuses_alone "-o part.h5: exists already" "${learn[@]}" -o part.h5
cmp -s part.h5 kept.h5 || fail "an existing file was touched"

# Two ranks: a signal to both or to one stops both.
two=("$MPIEXEC" -n 2 "${learn[@]}")
runs "${two[@]}" -o whole2.h5
for who in all one; do
  rm -f part2.h5
  stops USR1 $who part2.h5 "${two[@]}" "${often[@]}" -o part2.h5
  stopped part2.h5
  runs "${two[@]}" -resume -o part2.h5
  same whole2.h5 part2.h5
done

# In layer 1: what was learned of layer 0 stands, and layer 1 goes on; stopped by a signal, or killed.
runs "$WEFT" synth -o deep-data.h5 -samples 1000 -test_samples 0 -size 10
layers=("$WEFT" learn -data deep-data.h5 -weft_atoms 64 -weft_batch_size 200 -weft_iterations 50
  -layer1_weft_iterations $((4000 / slower)) -weft_depth_min_gain -1e6)
deep=("$MPIEXEC" -n 2 "${layers[@]}" -weft_layers 2)
has() { "$PYTHON" -c "import h5py, sys; sys.exit(0 if '$2' in h5py.File('$1') else 1)" 2> /dev/null; }
runs "${deep[@]}" -o deep.h5
for signal in USR1 KILL; do
  rm -f cut.h5
  "${deep[@]}" "${often[@]}" -o cut.h5 > out 2> err &
  pid=$!
  until has cut.h5 layers/1 || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
  kill -$signal $(children $pid)
  { wait $pid; } 2> /dev/null
  status=$?
  [ $signal = KILL ] || stopped cut.h5
  [ $signal = KILL ] || grep -q "batches of layer 1; checkpoint" out || fail "stopped elsewhere: $(cat out)"
  complete cut.h5 0 && has cut.h5 layers/1 || fail "not a checkpoint in layer 1"
  cp cut.h5 other.h5
  runs "${deep[@]}" -resume -o cut.h5
  same deep.h5 cut.h5
done
refuses_alone "was begun with -layer1_weft_iterations $((4000 / slower)), not 4001" \
  "${layers[@]}" -weft_layers 2 -resume -o other.h5 -layer1_weft_iterations 4001
runs "$MPIEXEC" -n 3 "${layers[@]}" -weft_layers 2 -resume -o other.h5
has other.h5 layers/1 && complete other.h5 1 || fail "not finished at another rank count"

# Killed, so that it cannot write: the last checkpoint stands. Ten full batches in double: finished by another number of
# ranks than began, the objective agrees to 1e-10.
runs "$WEFT" synth -o more.h5 -samples 3000 -test_samples 0 -size 12
full=("$WEFT" learn -weft_layers 1 -data more.h5 -weft_atoms 128 -weft_batch_size 0 -weft_iterations 10 -weft_precision double)
runs "${full[@]}" -o full.h5
for _ in 1 2 3 4 5; do
  rm -f cut.h5
  stops KILL self cut.h5 "${full[@]}" -weft_checkpoint_every 0 -o cut.h5
  complete cut.h5 0 && break
done
[ $status -eq 137 ] || fail "status $status after SIGKILL, not 137"
complete cut.h5 0 || fail "never killed in time"
touch cut.h5.partial cut.h5.partial.locktest.7 # as if killed while writing: replaced; Open MPI's own of an eighth rank
runs "$MPIEXEC" -n 3 "${full[@]}" -resume -o cut.h5
! ls cut.h5.partial* 2> /dev/null || fail "left cut.h5.partial"
same full.h5 cut.h5 1e-10
finish
