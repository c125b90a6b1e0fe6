# weft learn -weft_share: the inputs' lattice is found, layers are those of prototypes' copies, in every file and verb; the
# same at any number of ranks; interrupted and resumed; mistakes.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o data.h5 -samples 4000 -test_samples 200 -size 12
learn=("$WEFT" learn -data data.h5 -weft_layers 2 -weft_depth_min_gain -1e6 -weft_atoms 64 -weft_iterations 30 -weft_share 4 -layer1_weft_share 6 -layer1_weft_share_window 3 -weft_precision double)
for n in 1 2 3; do
  runs "$MPIEXEC" -n $n "${learn[@]}" -o run$n.h5
  runs "$MPIEXEC" -n $n "$WEFT" encode -structure run$n.h5 -data data.h5 -o lower$n.h5 -layer 0 -weft_precision double
  runs "$MPIEXEC" -n $n "$WEFT" encode -structure run$n.h5 -data data.h5 -o upper$n.h5 -weft_precision double
done
"$PYTHON" - << 'PY' || fail "shared layers are wrong"
import h5py
import numpy as np


def preprocessed(x, layer):
    x = x - x.mean(axis=1, keepdims=True)
    x /= np.maximum(x.std(axis=1, keepdims=True), layer.attrs["contrast_floor"])
    return (x - layer["mean"][:]) @ layer["whitening"][:].astype(float)


def answers(x, layer):
    """The copies' responses on a picture of the lattice, pooled."""
    s = layer["shared"]
    p, w, pool = (int(s.attrs[a]) for a in ("group_size", "window", "pool"))
    rows, cols, channels = (int(s.attrs[a]) for a in ("rows", "columns", "channels"))
    row, col, channel = (s[a][:] for a in ("row", "column", "channel"))
    on = row >= 0
    picture = np.zeros((len(x), rows + w - 1, cols + w - 1, channels))
    picture[:, row[on] + w // 2, col[on] + w // 2, channel[on]] = x[:, on]
    atoms = s["atoms"][:].reshape(-1, w, w, channels)
    u = sum(picture[:, i : i + rows, j : j + cols] @ atoms[:, i, j].T for i in range(w) for j in range(w))
    norm = np.sqrt((u.reshape(*u.shape[:3], -1, p) ** 2).sum(axis=4)) - layer.attrs["lambda"] * np.sqrt(p)
    square = np.maximum(norm, 0) ** 2
    even = np.zeros((len(x), -(-rows // pool) * pool, -(-cols // pool) * pool, square.shape[3]))
    even[:, :rows, :cols] = square
    even = even.reshape(len(x), even.shape[1] // pool, pool, even.shape[2] // pool, pool, -1)
    return np.sqrt(even.sum(axis=(2, 4))).reshape(len(x), -1)


run, data = h5py.File("run1.h5"), h5py.File("data.h5")
x = data["train/x"][:500] * data["train/x"].attrs.get("scale", 1.0)
lower = run["layers/0/shared"]
assert lower.attrs["lattice_score"] >= 0.85 and lower.attrs["channels"] == 1
j = np.arange(144)
truth = [(a, b) for a in (j // 12, 11 - j // 12) for b in (j % 12, 11 - j % 12)]
found = (lower["row"][:], lower["column"][:])
assert max(np.mean((f[0] == t[0]) & (f[1] == t[1])) for t in truth for f in (found, found[::-1])) == 1
assert run["layers/1/dictionary"].shape == (6 * 6 * 4, 64) and run["layers/1/shared"].attrs["channels"] == 4
y = answers(preprocessed(x, run["layers/0"]), run["layers/0"])
z = answers(preprocessed(y, run["layers/1"]), run["layers/1"])
assert (y > 0).mean() > 0.01 and (z > 0).mean() > 0.01
for n in "123":
    for name, expected in ("lower", y), ("upper", z):
        features = h5py.File(f"{name}{n}.h5")["train/features"][:500]
        assert features.shape == expected.shape, (n, name, features.shape, expected.shape)
        assert np.allclose(features, expected, atol=1e-5), (n, name, abs(features - expected).max())
PY

# Interrupted in each layer, and resumed at another number of ranks.
for layer in 0 1; do
  rm -f again.h5
  "$MPIEXEC" -n 2 "${learn[@]}" -o again.h5 -weft_iterations 400 -weft_checkpoint_every 0 > out 2> err &
  job=$!
  for _ in $(seq 600); do
    "$PYTHON" -c "import h5py, sys; sys.exit('history/$layer' not in h5py.File('again.h5'))" 2> /dev/null && break
    sleep 0.1
  done
  pkill -TERM -P $job
  wait $job
  runs "$MPIEXEC" -n 1 "${learn[@]}" -o again.h5 -weft_iterations 400 -resume
  [ -e whole.h5 ] || runs "${learn[@]}" -o whole.h5 -weft_iterations 400
  "$PYTHON" - << 'PY' || fail "resumed in layer $layer is another"
import h5py
import numpy as np

a, b = h5py.File("whole.h5"), h5py.File("again.h5")
for name in "layers/0/shared/group", "layers/1/shared/group", "layers/0/shared/row":
    assert (a[name][:] == b[name][:]).all(), name
for name in "layers/0/dictionary", "layers/1/dictionary", "layers/1/shared/atoms":
    assert np.allclose(a[name][:], b[name][:], atol=1e-6), (name, abs(a[name][:] - b[name][:]).max())
PY
done

# A network of it trains, and its copies share their weights.
runs "$WEFT" train -structure run1.h5 -data data.h5 -o net.h5 -weft_train_epochs 2
grep -q "2 masked layers" out || fail "says: $(cat out)"
# So does a readout of what the copies answer: 36 places of 4 prototypes and 9 of 6.
runs "$WEFT" train -structure run1.h5 -data data.h5 -o readout.h5 -weft_train_rule ridge
grep -q "198 inputs" out || fail "says: $(cat out)"

# Mistakes.
"$PYTHON" - << 'PY'
import h5py
import numpy as np

with h5py.File("noise.h5", "w") as f:
    f["train/x"] = np.random.default_rng(1).normal(size=(2000, 60)).astype("f4")
PY
refuses "-weft_share 4: no lattice is found" "$WEFT" learn -data noise.h5 -o new.h5 -weft_share 4 -weft_atoms 16
refuses "-weft_share_window 4" "$WEFT" learn -data data.h5 -o new.h5 -weft_share 4 -weft_share_window 4
refuses "-layer1_weft_share 4" "$WEFT" learn -data data.h5 -o new.h5 -weft_layers 2 -layer1_weft_share 4
refuses "-weft_train_units single" "$WEFT" train -structure run1.h5 -data data.h5 -o new.h5 -weft_train_units single
refuses "-codes_kind exact: layer 1" "$WEFT" encode -structure run1.h5 -data data.h5 -o new.h5 -codes_kind exact
finish
