# weft train as a user sees it: learn a structure, train it, look into the file; the user's mistakes.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o data.h5 -samples 2500 -size 10 -seed 3
runs "$WEFT" learn -data data.h5 -o run.h5 -weft_layers 1 -weft_atoms 64 -weft_batch_size 200 -weft_iterations 12
train() { runs $1 "$WEFT" train -structure run.h5 -data data.h5 -weft_train_batch_size 50 -weft_train_epochs 3 "${@:2}"; }

train "" -o one.h5
grep -q "written: one.h5" out || fail "does not say what it wrote: $(cat out)"
train "$MPIEXEC -n 3" -o three.h5
train "" -o double1.h5 -weft_precision double
train "$MPIEXEC -n 3" -o double3.h5 -weft_precision double
train "" -o seed.h5 -seed 2
$PYTHON "$WEFT_SOURCE/tests/lib/checknet.py" one.h5 three.h5 double1.h5 double3.h5 seed.h5 || fail "wrong network files"

# Every optimiser, schedule and form of network runs.
train "" -o sgd.h5 -weft_train_optimiser sgd -weft_train_schedule step -weft_train_decay 1e-3 -weft_train_average 0.9
train "$MPIEXEC -n 2" -o form.h5 -weft_train_hidden 0 -weft_train_units pooled -weft_train_pool 2 -weft_train_input whitened \
  -weft_train_schedule constant -weft_train_label_smoothing 0.1
train "" -o deep.h5 -weft_train_hidden 20,12 -weft_train_units single -weft_train_readout_from last

# Logits, at any rank count, are what the network file says: of one form of network and of another.
for net in one form double1; do
  runs "$WEFT" encode -network $net.h5 -data data.h5 -o logits.h5
  runs "$MPIEXEC" -n 3 "$WEFT" encode -network $net.h5 -data data.h5 -o logits3.h5
  $PYTHON -c "
import sys, h5py, numpy as np
sys.path.insert(0, '$WEFT_SOURCE/tests/lib')
import checknet
with h5py.File('$net.h5') as f, h5py.File('logits.h5') as a, h5py.File('logits3.h5') as b, h5py.File('data.h5') as data:
    for split in 'train', 'test':
        x = data[split + '/x']
        z = checknet.logits(f, x[:].astype(float) * x.attrs.get('scale', 1.0))
        assert np.abs(a[split + '/logits'][:] - z).max() < 1e-3 * np.abs(z).max(), split
        assert np.abs(a[split + '/logits'][:] - b[split + '/logits'][:]).max() < 1e-4 * np.abs(z).max(), split
    y = data['test/y'][:]
    assert abs(np.mean(np.argmax(a['test/logits'][:], 1) == y) - f.attrs['test_accuracy']) < 1.5 / len(y)" || fail "logits of $net.h5"
  rm logits.h5 logits3.h5
done
refuses_alone "no such file" "$WEFT" encode -network none.h5 -data data.h5 -o new.h5
refuses_alone "not a network file" "$WEFT" encode -network run.h5 -data data.h5 -o new.h5
refuses_alone "-layer" "$WEFT" encode -network one.h5 -layer 0 -data data.h5 -o new.h5

# A file that is there is left alone, and a complete one is nothing to resume.
cp one.h5 before.h5
"$WEFT" train -structure run.h5 -data data.h5 -o one.h5 > out 2> err && fail "wrote over a file"
grep -q "exists already" err || fail "does not say that the file exists: $(cat err)"
train "" -o one.h5 -resume
cmp -s one.h5 before.h5 || fail "-resume changed a complete file"

refuses_alone "-structure" "$WEFT" train -data data.h5 -o new.h5
refuses_alone "no such file" "$WEFT" train -structure none.h5 -data data.h5 -o new.h5
refuses_alone "not a run file" "$WEFT" train -structure data.h5 -data data.h5 -o new.h5
refuses_alone "no such rule" "$WEFT" train -structure run.h5 -data data.h5 -o new.h5 -weft_train_rule magic
refuses_alone "adam|sgd" "$WEFT" train -structure run.h5 -data data.h5 -o new.h5 -weft_train_optimiser newton
refuses_alone "-weft_train_hidden" "$WEFT" train -structure run.h5 -data data.h5 -o new.h5 -weft_train_hidden 12x
runs "$WEFT" synth -o wide.h5 -samples 50 -size 14
refuses_alone "features" "$WEFT" train -structure run.h5 -data wide.h5 -o new.h5
refuses_alone "features" "$WEFT" encode -network one.h5 -data wide.h5 -o new.h5
$PYTHON -c "
import h5py
with h5py.File('data.h5') as f, h5py.File('bare.h5', 'w') as g:
    g['train/x'] = f['train/x'][:]"
refuses_alone "no labels" "$WEFT" train -structure run.h5 -data bare.h5 -o new.h5
finish
