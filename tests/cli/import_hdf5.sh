# Import of HDF5 files: every type and layout gives the same numbers, at any rank count.
. "$WEFT_SOURCE/tests/lib/cli.sh"

"$PYTHON" - <<'PY' || exit 1
import h5py, numpy as np
r = np.random.default_rng(0)
with h5py.File("in.h5", "w") as f:
    f["f4"] = r.normal(size=(101, 12)).astype("f4")
    f["f8"] = r.normal(size=(101, 12))
    f["big_endian"] = f["f8"][:].astype(">f4")
    f["u1"] = r.integers(0, 256, (101, 12), dtype=np.uint8)
    f["scaled"] = f["u1"][:]
    f["scaled"].attrs["scale"] = 0.5
    f["i2"] = r.integers(-3000, 3000, (101, 12), dtype=np.int16)
    f["u8"] = r.integers(0, 1000, (101, 12), dtype=np.uint64)
    f["deep/er/images"] = r.integers(0, 256, (101, 3, 4), dtype=np.uint8)
    f["interleaved"] = r.integers(0, 256, (101, 4, 5, 3), dtype=np.uint8)
    f["planes"] = r.normal(size=(101, 3, 4, 5)).astype("f4")
    f.create_dataset("packed", data=f["f4"][:], chunks=(7, 12), compression="gzip", shuffle=True)
    f["y"] = r.integers(0, 5, 101)
    f["y_sorted"] = np.sort(f["y"][:])
    f["y_float"] = f["y"][:].astype("f8")
    f["y_column"] = f["y"][:][:, None]
    f["test_x"], f["test_y"] = f["f4"][:20], f["y"][:20].astype("i1")
PY

check() { # X Y: new.h5 holds them as Python does
  "$PYTHON" - "$@" <<'PY' || fail "$*: not what Python reads"
import sys
import h5py, numpy as np
x_name, y_name = sys.argv[1:]
with h5py.File("in.h5") as f, h5py.File("new.h5") as g:
    x, out = f[x_name], g["train/x"]
    want = x[:].reshape(len(x), -1)
    assert out.dtype == (np.uint8 if x.dtype == np.uint8 else np.float32), out.dtype
    assert out.shape == want.shape and (out[:] == want.astype(out.dtype)).all()
    assert out.dtype != np.uint8 or out.attrs["scale"] == x.attrs.get("scale", 1 / 255)
    if y_name:
        assert (g["train/y"][:] == f[y_name][:].ravel()).all() and g.attrs["classes"] == 5
    assert ("y" in g["train"]) == bool(y_name)
PY
}
import() { rm -f new.h5; runs "$WEFT" import hdf5 -file in.h5 -o new.h5 -x "$@"; }
attributes() {
  "$PYTHON" -c "
import h5py; a = h5py.File('new.h5').attrs
print(*a['shape'], bytes(a['pixel_order']).decode()) if 'shape' in a else print('none')"
}
has_shape() { [ "$(attributes)" = "$1" ] || fail "shape is $(attributes), not $1"; }

for x in f4 f8 big_endian u1 scaled i2 u8 /packed; do
  import $x -y y
  check $x y
  has_shape none
done
import /f4; check f4 ""
import f4 -y y_float; check f4 y_float
import f4 -y y_column; check f4 y_column
import deep/er/images; check deep/er/images ""; has_shape "3 4 1 interleaved"
import interleaved; check interleaved ""; has_shape "4 5 3 interleaved"
import planes; check planes ""; has_shape "4 5 3 planes"
import f4 -shape 2,2,3 -pixel_order planes; check f4 ""; has_shape "2 2 3 planes"
import f4 -shape 3,4; has_shape "3 4 1 interleaved"
import planes -pixel_order interleaved; has_shape "3 4 5 interleaved"
import f4 -y y -test-x test_x -test-y test_y -classes 7
"$PYTHON" -c "
import h5py
f, g = h5py.File('in.h5'), h5py.File('new.h5')
assert (g['test/x'][:] == f['test_x'][:]).all() and (g['test/y'][:] == f['test_y'][:]).all()
assert g.attrs['classes'] == 7 and g['test/y'].dtype == 'i4'" || fail "test split"
import u1 -test-x test_x
"$PYTHON" -c "
import h5py, numpy as np
f, g = h5py.File('in.h5'), h5py.File('new.h5')
assert g['train/x'].dtype == 'f4' and np.abs(g['train/x'][:] - f['u1'][:] / 255).max() < 1e-7" || fail "bytes beside floats"
import f4 -y y -test-x test_x -test-y test_y -classes 7 -samples 5
"$PYTHON" -c "
import h5py
f, g = h5py.File('in.h5'), h5py.File('new.h5')
assert (g['train/x'][:] == f['f4'][:5]).all() and (g['train/y'][:] == f['y'][:5]).all()
assert (g['test/x'][:] == f['test_x'][:]).all()" || fail "the first samples"
rm -f new.h5
runs "$MPIEXEC" -n 3 "$WEFT" import hdf5 -file in.h5 -x f8 -y y -o new.h5
check f8 y


# The first samples of a file in the order of its classes are not like the rest, which one is told.
for n in 1 3; do
  rm -f new.h5
  runs "$MPIEXEC" -n $n "$WEFT" import hdf5 -file in.h5 -x f4 -y y_sorted -samples 30 -o new.h5
  grep -q "^weft: note: the labels of the first 30 samples go up from class to class, to [01], and the other 71 " err ||
    fail "no note on labels in order: $(cat err)"
  for words in "-y y_sorted" "-y y -samples 30"; do
    rm -f new.h5
    runs "$MPIEXEC" -n $n "$WEFT" import hdf5 -file in.h5 -x f4 $words -o new.h5
    ! grep -q "weft: note: the labels" err || fail "a note without need ($words): $(cat err)"
  done
done
finish
