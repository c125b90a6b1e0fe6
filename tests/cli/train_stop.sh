# A signal stops training at the next step where steps take long, however few there are; a readout, which is one step and
# has no checkpoint, stops within it.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"

runs "$WEFT" synth -o data.h5 -samples 7000 -test_samples 100 -size 12
runs "$WEFT" learn -data data.h5 -o run.h5 -weft_layers 1 -weft_atoms 128 -weft_batch_size 1000 -weft_iterations 8
train=("$WEFT" train -structure run.h5 -data data.h5)

# signalled WORDS WHO COMMAND...: USR1 as soon as stderr holds WORDS, to the command itself or to all of a launcher's children.
signalled() {
  local words=$1 who=$2 pid
  shift 2
  rm -f out err # of the command before, which said the same
  "$@" > out 2> err &
  pid=$!
  until grep -qs -- "$words" err out || ! kill -0 $pid 2> /dev/null; do sleep 0.01; done
  [ $who = self ] && kill -USR1 $pid || kill -USR1 $(children $pid)
  { wait $pid; } 2> /dev/null
  status=$?
}

# Seven steps: each an epoch, and all in one, which take well over 50 ms each.
for form in "7000 7 512" "1000 1 2048,1024"; do
  read -r batch epochs hidden <<< "$form"
  seven=("${train[@]}" -weft_train_batch_size $batch -weft_train_epochs $epochs -weft_train_hidden $hidden)
  runs "${seven[@]}" -o whole.h5
  for who in self all; do
    rm -f part.h5
    [ $who = self ] && launcher=() || launcher=("$MPIEXEC" -n 2)
    signalled "note: about" $who "${launcher[@]}" "${seven[@]}" -o part.h5
    stopped part.h5
    grep -q "stopped after [1-6] of 7 steps" out || fail "stopped elsewhere: $(cat out)"
    [ $who = all ] || cp part.h5 one.h5
  done
  runs "${seven[@]}" -o one.h5 -resume
  "$PYTHON" - << 'PY' || fail "stopped and resumed, it is another network"
import h5py
with h5py.File("whole.h5") as a, h5py.File("one.h5") as b:
    names = []
    a["weights"].visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    assert names and all(a["weights"][n][()].tobytes() == b["weights"][n][()].tobytes() for n in names)
PY
  rm whole.h5
done

# A checkpoint after each such step, which are fewer than between two looks at a fast one.
"${seven[@]}" -weft_checkpoint_every 0 -o often.h5 -log_view :events.txt > out 2> err || fail "status $?: $(cat err)"
grep -q "^WeftCheckpoint *7 " events.txt || fail "not a checkpoint after each step: $(grep -i checkpoint events.txt)"

# Readouts: before a penalty is tried, and between TAO's iterations.
unwritten() {
  [ $status -eq 75 ] || fail "status $status after a signal, not 75: $(tail -3 out err)"
  grep -q "stopped; the rule $1 has no checkpoint, and nothing is written: run it again" out || fail "does not say so: $(tail -3 out)"
  ls new.h5* > /dev/null 2>&1 && fail "left a file behind: $(ls new.h5*)"
}
signalled "note: about" self "${train[@]}" -weft_train_rule ridge -o new.h5
unwritten ridge
endless=("${train[@]}" -weft_train_rule softmax -weft_readout_decay 1e-9 -weft_readout_tao_gttol 0 -weft_readout_tao_max_it 100000
  -weft_precision double -weft_readout_tao_monitor)
signalled "Residual" self "${endless[@]}" -o new.h5
unwritten softmax
signalled "Residual" all "$MPIEXEC" -n 2 "${endless[@]}" -o new.h5
unwritten softmax
finish
