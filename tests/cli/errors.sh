# Mistakes in files and folders: status 2, one line that names option and file, no file left behind.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o data.h5 -samples 600 -test_samples 0 -size 8
small=(-weft_atoms 16 -weft_batch_size 100 -weft_iterations 4)
learn() { refuses_alone "$1" "$WEFT" learn -data data.h5 -o new.h5 "${small[@]}" "${@:2}"; }
with() { refuses_alone "$1" "$WEFT" learn -data "$2" -o new.h5 "${small[@]}"; } # another data file

# Data.
refuses_alone "-data F.h5 is needed" "$WEFT" learn -o new.h5
refuses_alone "-data F.h5 is needed" "$WEFT" learn -data -o new.h5
refuses_alone "-o F.h5 is needed" "$WEFT" learn -data data.h5
"$PYTHON" - <<'PY' || exit 1
import h5py, numpy as np
r = np.random.default_rng(0)
def write(name, x, path="train/x"):
    with h5py.File(name, "w") as f:
        f[path] = x
good = r.normal(size=(600, 12)).astype("f4")
write("good.h5", good)
nan, inf, constant = good.copy(), good.copy(), good.copy()
nan[417, 3] = nan[500, 1] = np.nan
inf[599, 11] = -np.inf
constant[:, 5] = 2.5
write("nan.h5", nan)
write("inf.h5", inf)
write("constant.h5", constant)
write("same.h5", np.repeat(good[:1], 600, axis=0))
write("zero.h5", np.zeros((600, 12), "f4"))
write("other.h5", good, "data")
write("one.h5", good[:1])
whole = open("data.h5", "rb").read()
for name, length in (("cut", len(whole) // 2), ("byte", len(whole) - 1), ("head", 100), ("empty", 0)):
    open(name + ".h5", "wb").write(whole[:length])
open("text.h5", "w").write("sample,feature\n1,2\n" * 50)
PY
runs "$WEFT" learn -data good.h5 -o plain.h5 "${small[@]}"
with "-data missing.h5: No such file" missing.h5
with "-data .: cannot be read (Is a directory)" .
with "-data text.h5: not an HDF5 file" text.h5
with "-data empty.h5: not an HDF5 file" empty.h5
with "-data cut.h5: damaged or cut short" cut.h5
with "-data byte.h5: damaged or cut short" byte.h5
with "-data head.h5: damaged or cut short" head.h5
with "-data other.h5: has no /train/x" other.h5
with "nan.h5: /train/x: sample 417, feature 3 " nan.h5
with "inf.h5: /train/x: sample 599, feature 11 " inf.h5
with "all samples are the same" same.h5
with "no sample has any contrast" zero.h5
refuses "first batch are all zero" "$WEFT" learn -data one.h5 -o new.h5 "${small[@]}"
for n in 2 3; do
  refuses "-data missing.h5: No such file" "$MPIEXEC" -n "$n" "$WEFT" learn -data missing.h5 -o new.h5
  refuses "-data byte.h5: damaged or cut short" "$MPIEXEC" -n "$n" "$WEFT" learn -data byte.h5 -o new.h5
  refuses "sample 417, feature 3 " "$MPIEXEC" -n "$n" "$WEFT" learn -data nan.h5 -o new.h5
done
runs "$WEFT" learn -data constant.h5 -o constant_run.h5 "${small[@]}"
"$PYTHON" - <<'PY' || fail "a constant feature"
import h5py, numpy as np
f = h5py.File("constant_run.h5")
assert f.attrs["complete"] == 1 and all(np.isfinite(f[p][:]).all() for p in ("layers/0/dictionary", "history/0/objective"))
PY

# Where to write.
learn "-o no/new.h5: its folder: No such file" -o no/new.h5
learn "-o data.h5/new.h5: its folder: Not a directory" -o data.h5/new.h5
learn "-o .: exists already" -o .
cp data.h5 kept.h5
learn "-o data.h5: exists already" -o data.h5
cmp -s data.h5 kept.h5 || fail "the data file was touched"
mkdir closed
if [ "$(id -u)" -ne 0 ]; then
  chmod 555 closed
  learn "-o closed/new.h5: its folder: Permission denied" -o closed/new.h5
elif mount -t tmpfs -o ro tmpfs closed 2> /dev/null; then
  learn "-o closed/new.h5: its folder: Read-only file system" -o closed/new.h5
  umount closed
else
  echo "not tested: a folder that cannot be written (root, and no mount)"
fi

# What weft info is shown.
refuses_alone "weft info missing.h5: no such file" "$WEFT" info missing.h5
refuses_alone "weft info data.h5: not a run file" "$WEFT" info data.h5
refuses_alone "weft info text.h5: not an HDF5 file" "$WEFT" info text.h5
refuses_alone "a word is needed after the verb" "$WEFT" info
head -c 5000 plain.h5 > short.h5
refuses_alone "weft info short.h5: damaged or cut short" "$WEFT" info short.h5
finish
