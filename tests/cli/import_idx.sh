# Import of MNIST and Fashion-MNIST: what Python's own gzip decodes is what the data file holds, at any rank count.
. "$WEFT_SOURCE/tests/lib/cli.sh"

check() { # FOLDER FILE
  "$PYTHON" - "$@" <<'PY' || fail "$*: not what Python reads"
import gzip, sys
import h5py, numpy as np
folder, name = sys.argv[1:]
def idx(file, header):
    return np.frombuffer(gzip.open(f"{folder}/{file}").read(), np.uint8, offset=header)
with h5py.File(name) as f:
    for split, stem, n in (("train", "train", 60000), ("test", "t10k", 10000)):
        x, y = f[split]["x"], f[split]["y"]
        assert x.shape == (n, 784) and x.dtype == np.uint8 and y.shape == (n,) and y.dtype == np.int32
        assert (x[:].ravel() == idx(f"{stem}-images-idx3-ubyte.gz", 16)).all()
        assert (y[:] == idx(f"{stem}-labels-idx1-ubyte.gz", 8)).all()
        assert abs(x.attrs["scale"] - 1 / 255) < 1e-15
        assert [d.label for d in x.dims] == ["sample", "feature"] and len(x.attrs["description"]) > 5
    a = f.attrs
    assert tuple(a["shape"]) == (28, 28, 1) and a["classes"] == 10 and a["weft_schema"] == 1
    assert a["pixel_order"] in (b"interleaved", "interleaved") and b"train-images" in bytes(a["source"])
PY
}

arguments() {
  echo "-images $1/train-images-idx3-ubyte.gz -labels $1/train-labels-idx1-ubyte.gz" \
       "-test-images $1/t10k-images-idx3-ubyte.gz -test-labels $1/t10k-labels-idx1-ubyte.gz"
}

for set in mnist fashion-mnist; do
  [ -d "$DATA/$set" ] || skip "no $DATA/$set"
  runs "$WEFT" import idx $(arguments "$DATA/$set") -o $set.h5
  grep -q '60000 training and 10000 test samples of 784 features (28x28x1), 10 classes' out || fail "summary: $(cat out)"
  check "$DATA/$set" $set.h5
done

runs "$MPIEXEC" -n 3 "$WEFT" import idx $(arguments "$DATA/mnist") -o three.h5
[ "$(wc -l < out)" -eq 1 ] || fail "more than rank 0 prints: $(cat out)"
check "$DATA/mnist" three.h5

# The first so many training samples; the test split stays whole.
runs "$WEFT" import idx $(arguments "$DATA/mnist") -samples 1234 -o first.h5
grep -q '1234 training and 10000 test samples' out || fail "summary: $(cat out)"
"$PYTHON" -c "
import h5py
a, b = h5py.File('first.h5'), h5py.File('mnist.h5')
assert (a['train/x'][:] == b['train/x'][:1234]).all() and (a['train/y'][:] == b['train/y'][:1234]).all()
assert (a['test/x'][:] == b['test/x'][:]).all()
" || fail "the first samples"
refuses "-samples 60001: there are 60000 training samples" "$WEFT" import idx $(arguments "$DATA/mnist") -samples 60001 \
  -o new.h5
refuses "-samples 0: a whole number from 1" "$WEFT" import idx $(arguments "$DATA/mnist") -samples 0 -o new.h5

# Plain files, told by their content and not by their name.
gzip -dc "$DATA/mnist/t10k-images-idx3-ubyte.gz" > images.gz
gzip -dc "$DATA/mnist/t10k-labels-idx1-ubyte.gz" > labels
runs "$WEFT" import idx --images images.gz --labels labels -o plain.h5
"$PYTHON" -c "
import h5py
a, b = h5py.File('plain.h5'), h5py.File('mnist.h5')
assert (a['train/x'][:] == b['test/x'][:]).all() and (a['train/y'][:] == b['test/y'][:]).all() and 'test' not in a
" || fail "plain IDX files"
finish
