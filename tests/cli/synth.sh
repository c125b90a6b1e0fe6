# Synthetic data: the content does not depend on the rank count but on the seed; bad options are refused.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o one.h5 -samples 500 -test_samples 101
grep -q '500 training and 101 test samples of 784 features (28x28x1), 10 classes' out || fail "summary: $(cat out)"
runs "$MPIEXEC" -n 3 "$WEFT" synth -o three.h5 -samples 500 -test_samples 101
[ "$(wc -l < out)" -eq 1 ] || fail "more than rank 0 prints: $(cat out)"
runs "$WEFT" synth -o other.h5 -samples 500 -test_samples 101 -seed 2
runs "$WEFT" synth -o longer.h5 -samples 501 -test_samples 1
runs "$WEFT" synth -o colour.h5 -samples 50 -test_samples 0 -size 32 -channels 3
runs "$MPIEXEC" -n 3 "$WEFT" synth -o few.h5 -samples 2 -test_samples 1 -size 8
"$PYTHON" - <<'PY' || fail "content"
import h5py, numpy as np
one, three, other, longer, colour, few = (h5py.File(n + ".h5") for n in
                                          ("one", "three", "other", "longer", "colour", "few"))
for path in ("train/x", "train/y", "test/x", "test/y"):
    assert (one[path][:] == three[path][:]).all(), path
    assert (one[path][:] != other[path][:]).any(), path
assert dict(one.attrs).keys() == dict(three.attrs).keys()
assert (longer["train/x"][:500] == one["train/x"][:]).all() and (longer["test/x"][:] == one["test/x"][:1]).all()
assert (one["train/x"][:101] != one["test/x"][:]).any(axis=1).all()
assert one["train/x"].dtype == np.uint8 and set(one["train/y"][:]) == set(range(10))
assert colour["train/x"].shape == (50, 3072) and "test" not in colour and tuple(colour.attrs["shape"]) == (32, 32, 3)
planes = colour["train/x"][:].reshape(50, 3, 1024).astype(float)
assert (planes[:, 0] != planes[:, 1]).any() and np.corrcoef(planes[:, 0].ravel(), planes[:, 1].ravel())[0, 1] > 0.7
assert few["train/x"].shape == (2, 64) and few["test/y"].shape == (1,)
PY

refuses_alone "-o FILE is needed" "$WEFT" synth
refuses_alone "-o one.h5: exists already" "$WEFT" synth -o one.h5
refuses "-o one.h5: exists already" "$MPIEXEC" -n 3 "$WEFT" synth -o one.h5
refuses_alone "-size 5: a whole number from 8 to 1024" "$WEFT" synth -o new.h5 -size 5
refuses_alone "-channels 2: one of 1|3" "$WEFT" synth -o new.h5 -channels 2
refuses_alone "-samples 0: a whole number" "$WEFT" synth -o new.h5 -samples 0
refuses_alone "-samples many: a whole number" "$WEFT" synth -o new.h5 -samples many
refuses_alone "did you mean -samples" "$WEFT" synth -o new.h5 -sampels 10
refuses_alone "cannot write new.h5" "$WEFT" synth -o new.h5 -samples 1000000000000
finish
