# Data and settings at the edge of what numbers can do: learned with a finite result, or refused in one line; numbers that
# overflow while learning end the run where they appear, and the checkpoint before stays.
. "$WEFT_SOURCE/tests/lib/cli.sh"

"$PYTHON" - <<'PY' || exit 1
import h5py
import numpy as np

r = np.random.default_rng(0)
good = r.normal(size=(60, 9))
line = np.outer(r.normal(size=60), r.normal(size=9))
cases = {
    "good": good, "huge": 1e38 * np.clip(good, -3, 3), "mixed": np.concatenate([good, 3e38 * np.sign(good)]),
    "tiny": 1e-42 * good, "offset": 1e6 + good, "line": line, "nearly": line + 1e-12 * good,
    "scales": good * 10.0 ** np.linspace(-18, 18, 9), "few": np.tile(good[:2], (30, 1)), "two": good[:2],
    "half": np.where(np.arange(60)[:, None] < 50, 0.5, good), "features": good[:, :2],
    "overflow": 1e300 * good, "denormal": 1e-310 * good, "same": np.tile(good[0], (60, 1)), "zero": np.zeros((60, 9)),
    "constant": np.ones((60, 9)), "one": good[:1], "feature": good[:, :1],
}
for name, x in cases.items():
    with h5py.File(name + ".h5", "w") as file:
        file["train/x"] = x if np.abs(x).max() > 3.4e38 or name in ("nearly", "denormal") else x.astype("f4")
PY

# All numbers of a run file are finite, but bits_full, which a covariance without an inverse has none of.
finite() {
  "$PYTHON" - "$1" <<'PY' || fail "not finite: ${*:2}"
import sys, h5py, numpy as np
bad = []
def visit(name, thing):
    if isinstance(thing, h5py.Dataset) and thing.dtype.kind == "f" and not np.isfinite(thing[()]).all():
        bad.append(name)
with h5py.File(sys.argv[1]) as file:
    file.visititems(visit)
bad = [name for name in bad if name != "information/bits_full"]
sys.exit(", ".join(bad) if bad else 0)
PY
}
small=(-weft_layers 2 -weft_depth_min_gain -1 -weft_atoms 8 -weft_iterations 12 -weft_batch_size 20)
learns() { # DATA OPTION...
  rm -f run.h5
  runs "$WEFT" learn -data "$1.h5" -o run.h5 "${small[@]}" "${@:2}"
  finite run.h5 "$@"
}
learns_on() { # RANKS DATA OPTION...
  rm -f run.h5
  runs "$MPIEXEC" -n "$1" "$WEFT" learn -data "$2.h5" -o run.h5 "${small[@]}" "${@:3}"
  finite run.h5 "$@"
}

# Magnitudes at both ends, covariances without full rank or with a condition of 1e36, atoms that begin alike.
for data in huge mixed tiny offset line nearly scales few two half features; do
  learns $data
  learns $data -weft_precision double
done
# Nothing to hold the smallest directions back; batches that are all zero.
learns nearly -weft_precision double -weft_whitening_ridge 1e-6 -weft_contrast_floor 1e-6
learns half -weft_layers 1 -weft_batch_size 2 -weft_iterations 200
# λ at its maximum and beyond, with and without feedback.
for sparsity in 0.999999 1 1.5; do
  learns good -weft_sparsity $sparsity
  learns good -weft_sparsity $sparsity -weft_target_activity 0
done
# More ranks than samples, and than rows of the dictionary.
learns_on 3 two
learns_on 3 features

nothing() { refuses_alone "$1" "$WEFT" learn -data "$2.h5" -o new.h5 "${small[@]}" "${@:3}"; }
nothing "no sample has any contrast" zero
nothing "no sample has any contrast" constant
nothing "no sample has any contrast" feature
nothing "no sample has any contrast" denormal -weft_precision double
nothing "all samples are the same up to brightness and contrast" same
nothing "all zero after preprocessing" one
nothing "too large for single precision" overflow
nothing "infinite or not a number" overflow -weft_precision double
refuses "all zero after preprocessing" "$MPIEXEC" -n 3 "$WEFT" learn -data one.h5 -o new.h5 "${small[@]}"

# A checkpoint whose statistics make the next step overflow: what is wrong, where, and the file as it was.
going_on=("$WEFT" learn -data good.h5 -weft_layers 1 -weft_atoms 8 -weft_iterations 20000 -weft_batch_size 20)
"${going_on[@]}" -o part.h5 -weft_checkpoint_every 0 > out 2> err &
pid=$!
until [ -e part.h5 ] || ! kill -0 $pid 2> /dev/null; do sleep 0.01; done
kill $pid
wait $pid
[ $? -eq 75 ] || fail "no checkpoint: $(cat out err)"
"$PYTHON" - <<'PY' || exit 1
import h5py
with h5py.File("part.h5", "r+") as file:
    print(file["state"].attrs["iteration"])
    file["state/dictionary"][...] = 1e200
    del file["state/dictionary"].attrs["crc32"]  # what was written, for all that the run can tell
PY
cp part.h5 kept.h5
for ranks in 1 2; do
  refuses "layer 0, iteration " "$MPIEXEC" -n $ranks "${going_on[@]}" -o part.h5 -resume
  grep -q "not a finite number; the last checkpoint stands" err || fail "does not say so: $(cat err)"
  cmp part.h5 kept.h5 || fail "the checkpoint has changed"
done

# Training that diverges: caught at the step where it shows, on every rank; a checkpoint from before stands, with finite
# numbers, and goes on to that same step.
. "$WEFT_SOURCE/tests/lib/stops.sh"
runs "$WEFT" synth -o labelled.h5 -samples 600 -test_samples 100 -size 8
runs "$WEFT" learn -data labelled.h5 -o structure.h5 -weft_layers 1 -weft_atoms 16 -weft_iterations 8 -weft_batch_size 100
train=("$WEFT" train -structure structure.h5 -data labelled.h5 -weft_train_batch_size 50)
diverging=("${train[@]}" -weft_train_optimiser sgd -weft_train_rate 100 -weft_train_schedule constant
  -weft_train_hidden 0 -weft_train_epochs 40)
diverges() {
  refuses "$@"
  grep -q "^weft: error: epoch [0-9]*, step [0-9]*: .* -weft_train_rate" err || fail "no step, or no advice: $(cat err)"
}
for ranks in 1 2; do
  for precision in single double; do
    run=("$MPIEXEC" -n $ranks "${diverging[@]}" -weft_precision $precision)
    diverges "is not a finite number; the last checkpoint stands" "${run[@]}" -o new.h5
    rm -f part.h5
    diverges "is not a finite number" "${run[@]}" -o part.h5 -weft_checkpoint_every 0
    step=$(grep -o "epoch [0-9]*, step [0-9]*" err)
    complete part.h5 0 || fail "no checkpoint stands"
    finite part.h5 "${run[@]}"
    cp part.h5 kept.h5
    diverges "$step: " "${run[@]}" -o part.h5 -resume
    cmp part.h5 kept.h5 || fail "the checkpoint has changed"
  done
done

# Weights that overflow in a step whose loss does not; the checkpoint as it was written goes on.
healthy=("${train[@]}" -weft_train_epochs 400)
stops TERM self healthy.h5 "${healthy[@]}" -o healthy.h5 -weft_checkpoint_every 0
stopped healthy.h5
"$PYTHON" - <<'PY' || exit 1
import h5py, shutil
shutil.copy("healthy.h5", "part.h5")
with h5py.File("part.h5", "r+") as file:
    for name, value in ("m", 3e38), ("v", 0):
        file["state"][name][...] = value
        del file["state"][name].attrs["crc32"]
PY
cp part.h5 kept.h5
for ranks in 1 2; do
  diverges "a weight or its gradient is not a finite number" "$MPIEXEC" -n $ranks "${healthy[@]}" -o part.h5 -resume \
    -weft_checkpoint_every 0
  cmp part.h5 kept.h5 || fail "the checkpoint has changed"
done
runs "${healthy[@]}" -o healthy.h5 -resume
finite healthy.h5 "${healthy[@]}"

# Readouts of responses so small that their weights overflow, and so large that sums over samples do; in double neither.
for factor in 1e-43 1e37; do
  "$PYTHON" - $factor <<'PY' || exit 1
import sys, h5py, shutil
shutil.copy("structure.h5", "scaled.h5")
with h5py.File("scaled.h5", "r+") as file:
    file["layers/0"].attrs["lambda"] = 0.0
    file["layers/0/dictionary"][...] *= float(sys.argv[1])
    del file["layers/0/dictionary"].attrs["crc32"]
PY
  for rule in ridge softmax; do
    readout=("${train[@]}" -structure scaled.h5 -weft_train_rule $rule)
    for ranks in 1 2; do
      [ $rule$factor = ridge1e37 ] || refuses "rule $rule" "$MPIEXEC" -n $ranks "${readout[@]}" -o new.h5
    done
    rm -f net.h5
    runs "${readout[@]}" -o net.h5 -weft_precision double
    finite net.h5 "${readout[@]}"
  done
done
finish
