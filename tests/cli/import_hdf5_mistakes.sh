# HDF5 files that cannot be learned from, and bad options: one line, status 2, no file left behind.
. "$WEFT_SOURCE/tests/lib/cli.sh"

"$PYTHON" - <<'PY' || exit 1
import h5py, numpy as np
r = np.random.default_rng(0)
with h5py.File("in.h5", "w") as f:
    f["f4"] = r.normal(size=(101, 12)).astype("f4")
    f["f8"] = r.normal(size=(101, 12))
    f["deep/er"] = f["f4"][:]
    f.create_dataset("packed", data=f["f4"][:], chunks=(7, 12), compression="gzip", shuffle=True)
    f["y"] = r.integers(0, 5, 101)
    f["test_x"], f["test_y"] = f["f4"][:20], f["y"][:20]
    bad = f["f4"][:]
    bad[77, 3] = np.nan; bad[50, 9] = np.inf; bad[50, 11] = np.nan
    f["bad"] = bad
    f["wide"] = f["f8"][:] * 1e300
    f["y_bad"] = f["y"][:]; f["y_bad"][13] = -1
    f["y_half"] = f["y"][:].astype("f8"); f["y_half"][14] = 1.5
    f["text"] = np.array(["a"] * 101, dtype="S3")
    f["one"], f["five"] = np.zeros(101), np.zeros((101, 1, 2, 3, 4))
    f["none"], f["flat"] = np.zeros((0, 12)), np.zeros((101, 0))
    f["f4_100"], f["scalar"] = f["f4"][:100, :11], 3.0
    f.create_dataset("enormous", shape=(2**40, 2**40), chunks=(1, 1024), dtype="f4")
PY

bad() { refuses_alone "$1" "$WEFT" import hdf5 -file in.h5 -o new.h5 -x "${@:2}"; }
bad "in.h5: bad: sample 50, feature 9 (counted from 0) is NaN, infinite" bad
refuses "in.h5: bad: sample 50, feature 9 (" "$MPIEXEC" -n 3 "$WEFT" import hdf5 -file in.h5 -x bad -o new.h5
bad "in.h5: wide: sample 0, feature 0 (counted from 0) is NaN, infinite or too large for single precision" wide
bad "in.h5: has no dataset nothing" nothing
bad "in.h5: has no dataset deep/no/thing" deep/no/thing
bad "in.h5: deep is not a dataset" deep
bad "in.h5: text holds neither integers nor floating point" text
bad "in.h5: one has 1 dimension(s), not 2 to 4" one
bad "in.h5: five has 5 dimension(s)" five
bad "in.h5: scalar has 0 dimension(s)" scalar
bad "in.h5: none has no samples" none
bad "in.h5: flat has no features" flat
bad "in.h5: the dimensions of enormous are more than it can hold" enormous
bad "in.h5: test_y has 20 x 1 labels for the 101 samples of f4" f4 -y test_y
bad "in.h5: y_bad: sample 13 has label -1" f4 -y y_bad
bad "in.h5: y_half: sample 14 has label 1.5" f4 -y y_half
bad "outside 0 to 2" f4 -y y -classes 3
bad "in.h5: f4_100 has 11 features, f4 has 12" f4 -test-x f4_100
bad "-test-y: needs -test-x" f4 -test-y test_y
bad "a pixel order needs a shape" f4 -pixel_order planes
bad "the shape 5,5,1 does not make up its 12 features" f4 -shape 5,5
refuses_alone "-x PATH is needed" "$WEFT" import hdf5 -file in.h5 -o new.h5
refuses_alone "-file none.h5: No such file" "$WEFT" import hdf5 -file none.h5 -x f4 -o new.h5
echo "plain text" > text.h5
refuses_alone "-file text.h5: not an HDF5 file" "$WEFT" import hdf5 -file text.h5 -x f4 -o new.h5
head -c 20000 in.h5 > cut.h5
refuses_alone "-file cut.h5: damaged or cut short" "$WEFT" import hdf5 -file cut.h5 -x f4 -o new.h5
"$PYTHON" - <<'PY'
import h5py
with h5py.File("in.h5") as f:
    address = f["packed"].id.get_chunk_info(9).byte_offset
data = bytearray(open("in.h5", "rb").read())
data[address:address + 64] = bytes(b ^ 0x5A for b in data[address:address + 64])
open("damaged.h5", "wb").write(data)
PY
refuses_alone "damaged.h5: cannot read packed: " "$WEFT" import hdf5 -file damaged.h5 -x packed -o new.h5
refuses "damaged.h5: cannot read packed: " \
  "$MPIEXEC" -n 3 "$WEFT" import hdf5 -file damaged.h5 -x packed -o new.h5
finish
