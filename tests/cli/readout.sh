# weft train's linear readouts and structure kinds: the file against numpy, at any rank count; the user's mistakes.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o data.h5 -samples 1500 -size 10 -seed 3
runs "$WEFT" learn -data data.h5 -o run.h5 -weft_atoms 64 -weft_batch_size 200 -weft_iterations 12
train() { runs $1 "$WEFT" train -structure run.h5 -data data.h5 -weft_precision double -weft_train_samples 1200 "${@:2}"; }

for rule in ridge softmax; do
  train "" -weft_train_rule $rule -o ${rule}1.h5
  grep -q "test accuracy" out || fail "$rule tells no accuracy: $(cat out)"
  train "$MPIEXEC -n 3" -weft_train_rule $rule -o ${rule}3.h5
done
train "" -weft_train_rule softmax -weft_readout_decay -1 -o chosen.h5
train "" -weft_train_rule softmax -weft_readout_tao_type blmvm -o blmvm.h5
"$PYTHON" - <<'PY' || fail "readouts are not what they should be"
import h5py
import numpy as np

data, run = h5py.File("data.h5"), h5py.File("run.h5")
layer = run["layers/0"]


def features(split, count):
    x = data[f"{split}/x"][:count].astype(float) * data[f"{split}/x"].attrs.get("scale", 1)
    x -= x.mean(axis=1, keepdims=True)
    x /= np.maximum(x.std(axis=1, keepdims=True), layer.attrs["contrast_floor"])
    z = (x - layer["mean"][:]) @ layer["whitening"][:].astype(float) @ layer["dictionary"][:].astype(float)
    p = layer.attrs["group_size"]
    norms = np.sqrt((z.reshape(len(z), -1, p) ** 2).sum(axis=2))
    return np.maximum(0, norms - layer.attrs["lambda"] * np.sqrt(p)), data[f"{split}/y"][:count]


f, y = features("train", 1200)
test, answers = features("test", None)
deviation = f.std(axis=0)
varies = deviation > 1e-9
z = (f - f.mean(axis=0))[:, varies] / deviation[varies]
hot = np.eye(y.max() + 1)[y]


def read(path):
    with h5py.File(path) as net:
        o, b = net["weights/output/weights"][:], net["weights/output/bias"][:]
        right = ((test @ o.T + b).argmax(axis=1) == answers).mean()
        assert abs(right - net.attrs["test_accuracy"]) < 2e-3, (path, right, net.attrs["test_accuracy"])
        assert net["history/test_accuracy"][0] == net.attrs["test_accuracy"]
        assert net.attrs["weights"] == o.size + b.size
        assert (o[:, ~varies] == 0).all()
        return o[:, varies] * deviation[varies], o @ f.mean(axis=0) + b, net["readout/penalty"][0]


w, b, penalty = read("ridge1.h5")
expected = np.linalg.solve(z.T @ z / len(z) + penalty * np.eye(z.shape[1]), z.T @ (hot - hot.mean(axis=0)) / len(z))
assert np.allclose(w, expected.T, atol=1e-6) and np.allclose(b, hot.mean(axis=0), atol=1e-8)
with h5py.File("ridge1.h5") as net:
    tried, held = net["readout/tried_penalty"][:], net["readout/held_out_accuracy"][:]
    assert penalty == tried[held.argmax()]
w3, b3, _ = read("ridge3.h5")
assert np.allclose(w3, w, atol=1e-8) and np.allclose(b3, b, atol=1e-8)

for path in ("softmax1.h5", "softmax3.h5", "chosen.h5", "blmvm.h5"):
    w, b, penalty = read(path)
    logits = z @ w.T + b
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    slope = (chances - hot).T @ z / len(z) + penalty * w
    start = (hot.mean(axis=0) - hot).T @ z / len(z)
    assert np.linalg.norm(slope) < 1e-3 * np.linalg.norm(start), path
PY

# Kinds of structure, beside one of few connections; their number of weights is told.
runs "$WEFT" learn -data data.h5 -o few.h5 -weft_atoms 64 -weft_iterations 0 -weft_start sparse
for kind in learned learned-random-weights random-mask dense mlp; do
  for match in width parameters; do
    train "" -structure few.h5 -structure_kind $kind -weft_train_match $match -weft_train_epochs 1 -o $kind-$match.h5
    weights=$("$PYTHON" -c "import h5py, sys; print(h5py.File(sys.argv[1]).attrs['weights'])" $kind-$match.h5)
    grep -q " $weights weights" out || fail "$kind, $match: does not tell of $weights weights: $(cat out)"
    eval "${kind//-/_}_$match=$weights"
  done
done
[ "$random_mask_width" -eq "$learned_width" ] && [ "$learned_random_weights_width" -eq "$learned_width" ] || fail "masks"
[ "$dense_width" -gt "$learned_width" ] && [ "$mlp_width" -gt "$learned_width" ] || fail "dense and mlp are not wider"
[ "$dense_parameters" -le "$learned_width" ] && [ "$mlp_parameters" -le "$learned_width" ] || fail "not matched"

new() { echo "$WEFT" train -structure run.h5 -data data.h5 -o new.h5; }
refuses_alone "-structure_kind" $(new) -weft_train_rule ridge -structure_kind dense
refuses_alone "-weft_train_layers" $(new) -weft_train_layers 2
refuses_alone "random-mask" $(new) -structure_kind circle
refuses_alone "-weft_readout_held_out" $(new) -weft_train_rule ridge -weft_readout_held_out 1
finish
