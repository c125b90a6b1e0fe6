# weft encode: features by the documented formulas, to the bit the same at any number of ranks; memory that does not grow
# with the samples; stopped without a file; mistakes.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o data.h5 -samples 5000 -test_samples 300 -size 8
runs "$WEFT" learn -data data.h5 -o run.h5 -weft_layers 1 -weft_atoms 48 -weft_iterations 30
encode=("$WEFT" encode -structure run.h5 -data data.h5)

# One to four ranks, both kinds.
for n in 1 2 3 4; do
  runs "$MPIEXEC" -n $n "${encode[@]}" -o forward$n.h5
  [ "$(wc -l < out)" -eq 2 ] || fail "$n ranks print: $(cat out)"
  grep -q "^5000 training and 300 test samples: 12 features of layer 0, feedforward, " out || fail "says: $(cat out)"
  runs "$MPIEXEC" -n $n "${encode[@]}" -o exact$n.h5 -codes_kind exact -weft_coder_rtol 1e-5
done
runs "${encode[@]}" -o double.h5 -weft_precision double -layer 0
grep -q "largest certified gap" out && fail "a gap of codes that are not exact: $(cat out)"
runs "${encode[@]}" -o exactdouble.h5 -weft_precision double -codes_kind exact -weft_coder_rtol 1e-10
grep -q "largest certified gap" out || fail "no word on the gap: $(cat out)"
"$PYTHON" - <<'PY' || fail "features are wrong"
import re
import h5py
import numpy as np

def preprocessed(x, layer):
    x = x - x.mean(axis=1, keepdims=True)
    x /= np.maximum(x.std(axis=1, keepdims=True), layer.attrs["contrast_floor"])
    return (x - layer["mean"][:]) @ layer["whitening"][:].astype(float)

def forward(x, layer):
    p = int(layer.attrs["group_size"])
    u = (x @ layer["dictionary"][:].astype(float)).reshape(len(x), -1, p)
    return np.maximum(0, np.sqrt((u**2).sum(axis=2)) - layer.attrs["lambda"] * np.sqrt(p))

def exact(x, layer):
    """Proximal gradient on every sample, until nothing moves."""
    p = int(layer.attrs["group_size"])
    D = layer["dictionary"][:].astype(float)
    step, threshold = 1 / np.linalg.norm(D, 2) ** 2, layer.attrs["lambda"] * np.sqrt(p)
    z = np.zeros((len(x), D.shape[1]))
    for _ in range(20000):
        v = (z + step * (x - z @ D.T) @ D).reshape(len(x), -1, p)
        norm = np.sqrt((v**2).sum(axis=2, keepdims=True))
        new = (v * np.maximum(0, 1 - step * threshold / np.maximum(norm, 1e-300))).reshape(z.shape)
        change, z = np.abs(new - z).max(), new
        if change < 1e-12:
            break
    return np.sqrt((z.reshape(len(x), -1, p) ** 2).sum(axis=2))

run, data = h5py.File("run.h5"), h5py.File("data.h5")
layer = run["layers/0"]
files = {name: h5py.File(name + ".h5") for name in ["forward1", "exact1", "double", "exactdouble"]}
for split, n in ("train", 5000), ("test", 300):
    x = preprocessed(data[split]["x"][:] * data[split]["x"].attrs.get("scale", 1.0), layer)
    y = forward(x, layer)
    z = exact(x[:200], layer)
    for name, f in files.items():
        found = f[split]["features"]
        assert found.shape == (n, 12) and found.dtype == "f4" and found.dims[1].label == "group"
        assert (f[split]["y"][:] == data[split]["y"][:]).all() and f[split]["y"].dtype == "i4"
        right, wanted = (found[:200], z) if "exact" in name else (found[:], y)
        assert np.abs(right - wanted).max() < {"exact1": 0.05, "exactdouble": 1e-3}.get(name, 1e-4), (name, np.abs(right - wanted).max())
    assert 0.01 < (y > 0).mean() < 0.9 and (z > 0).any() and np.abs(z - y[:200]).max() > 0.1, ((y > 0).mean(), np.abs(z - y[:200]).max())
    for kind in "forward", "exact":
        for ranks in 2, 3, 4:
            other = h5py.File(f"{kind}{ranks}.h5")
            assert (other[split]["features"][:] == files[f"{kind}1"][split]["features"][:]).all(), (kind, ranks)
            assert (other[split]["y"][:] == data[split]["y"][:]).all()
for name, f in files.items():
    said = {key: value.decode() if isinstance(value, bytes) else value for key, value in f.attrs.items()}
    assert re.fullmatch(r"run\.h5 [0-9a-f]{16}", said["structure"]) and said["layer"] == 0, said
    assert said["codes_kind"] == ("exact" if "exact" in name else "feedforward")
    assert said["classes"] == data.attrs["classes"] and (said["shape"] == data.attrs["shape"]).all()
    assert said["source"] == data.attrs["source"].decode() and said["weft_schema"] == 1
PY

# Many samples take no more memory than few; no labels, no test samples, more ranks than pieces.
"$PYTHON" - <<'PY'
import h5py, numpy as np
for name, n in ("few", 2048), ("many", 200_000), ("one", 1):
    with h5py.File(name + ".h5", "w") as f:
        f["train/x"] = np.random.default_rng(1).random((n, 64), dtype="f4")
PY
megabytes() { sed -n 's/.* \([0-9]*\) MB per rank.*/\1/p' out; }
runs "${encode[@]:0:4}" -data few.h5 -o fewfeatures.h5
few=$(megabytes)
runs "${encode[@]:0:4}" -data many.h5 -o manyfeatures.h5
# The address sanitizer keeps what was freed.
[ -n "${ASAN_OPTIONS:-}" ] || [ "$(megabytes)" -le $((few + 8)) ] || fail "$(megabytes) MB for 51 MB of samples, $few MB for few"
runs "$MPIEXEC" -n 3 "${encode[@]:0:4}" -data one.h5 -o onefeature.h5
"$PYTHON" - <<'PY' || fail "files without labels"
import h5py
one, many, few = (h5py.File(f"{name}.h5") for name in ("onefeature", "manyfeatures", "fewfeatures"))
assert list(one) == ["train"] and list(one["train"]) == ["features"] and "classes" not in one.attrs
assert many["train/features"].shape == (200_000, 12) and one["train/features"].shape == (1, 12)
assert (many["train/features"][:2048] == few["train/features"][:]).all()
PY

# Stopped: status 75, and neither a file nor part of one.
for n in 1 2; do
  "$MPIEXEC" -n $n "${encode[@]:0:4}" -data many.h5 -o stopped.h5 -codes_kind exact \
    -weft_coder_rtol 1e-8 -weft_precision double > out 2> err &
  pid=$!
  until [ -e stopped.h5.partial ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
  kill -USR1 $pid
  wait $pid
  status=$?
  [ $status -eq 75 ] || fail "status $status after a signal, not 75: $(cat out err)"
  grep -q "stopped.h5 was not written" out || fail "no word on what was stopped: $(cat out)"
  ls stopped.h5* > /dev/null 2>&1 && fail "left $(ls stopped.h5*)"
done

# Mistakes.
cp run.h5 before.h5
runs "$WEFT" synth -o wide.h5 -samples 50 -test_samples 0 -size 9
"$PYTHON" - <<'PY'
import shutil, h5py
shutil.copy("run.h5", "checkpoint.h5")
with h5py.File("checkpoint.h5", "r+") as f:
    f.attrs["complete"] = 0
shutil.copy("few.h5", "nan.h5")
with h5py.File("nan.h5", "r+") as f:
    f["train/x"][2000, 3] = float("nan")
PY
for launch in "" "$MPIEXEC -n 2"; do
  refuses "-data wide.h5: samples of 81 features, where the structure of run.h5 has 64 inputs" \
    $launch "$WEFT" encode -structure run.h5 -data wide.h5 -o new.h5
  refuses "checkpoint.h5: a checkpoint of a run that is not finished: weft learn -resume -o checkpoint.h5" \
    $launch "$WEFT" encode -structure checkpoint.h5 -data data.h5 -o new.h5
  refuses "-structure data.h5: not a run file" $launch "$WEFT" encode -structure data.h5 -data data.h5 -o new.h5
  refuses "-structure nowhere.h5: no such file" $launch "$WEFT" encode -structure nowhere.h5 -data data.h5 -o new.h5
  refuses "-layer 99: run.h5 has 1 layer, of which the last is -layer 0" $launch "${encode[@]}" -o new.h5 -layer 99
  refuses "-codes_kind" $launch "${encode[@]}" -o new.h5 -codes_kind both
  refuses "sample 2000, feature 3" $launch "$WEFT" encode -structure run.h5 -data nan.h5 -o new.h5
  refuses "-o forward1.h5: exists already" $launch "${encode[@]}" -o forward1.h5
  refuses "did not reach its gap" $launch "${encode[@]}" -o new.h5 -codes_kind exact -weft_coder_rtol 1e-12 \
    -weft_coder_max_rounds 1
done
cmp -s run.h5 before.h5 || fail "the run file was touched"
finish
