# What -resume must not go on from: another schema, damaged files, other options, other data. The file stays as it is.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o data.h5 -samples 400 -test_samples 0 -size 8
runs "$WEFT" synth -o other.h5 -samples 400 -test_samples 0 -size 8 -seed 2
runs "$WEFT" synth -o more.h5 -samples 401 -test_samples 0 -size 8
options=(-weft_atoms 16 -weft_batch_size 100 -weft_iterations 100000 -weft_layers 1)

# A checkpoint: stopped as soon as one is there.
"$WEFT" learn -data data.h5 -o good.h5 "${options[@]}" -weft_checkpoint_every 0 > out 2> err &
pid=$!
until [ -e good.h5 ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
kill $pid
wait $pid
[ $? -eq 75 ] || fail "no checkpoint: $(cat out err)"

"$PYTHON" - <<'PY' || exit 1
import shutil
import h5py
def change(name):
    shutil.copy("good.h5", name)
    return h5py.File(name, "r+")
with change("schema.h5") as f:
    f.attrs["weft_schema"] = f.attrs["weft_schema"] + 1
with change("stateless.h5") as f:
    del f["state"]
with change("narrow.h5") as f:
    shape, kind = f["state/B"].shape, f["state/B"].dtype
    del f["state/B"]
    f.create_dataset("state/B", (shape[0], shape[1] - 1), kind)
with change("nobody.h5") as f:
    del f["layers/0/dictionary"]
with change("unsaid.h5") as f:
    del f["options"]
with open("good.h5", "rb") as f:
    whole = f.read()
open("cut.h5", "wb").write(whole[: len(whole) // 2])
open("empty.h5", "wb").write(b"")
open("text.h5", "w").write("not a run file\n" * 100)
PY

# resumed WORDS FILE [OPTION ...]: refused, in one line, and the file untouched.
resumed() {
  cp "$2" before
  refuses_alone "$1" "$WEFT" learn -data data.h5 "${options[@]}" -resume -o "$2" "${@:3}"
  cmp -s "$2" before || fail "$2 was touched"
  ls ./*.partial > /dev/null 2>&1 && fail "left a file behind: $(ls ./*.partial)"
}
resumed "-o schema.h5: a run file of schema 2, where this version reads 1" schema.h5
resumed "-o cut.h5: damaged or cut short" cut.h5
resumed "-o empty.h5: not an HDF5 file" empty.h5
resumed "-o text.h5: not an HDF5 file" text.h5
resumed "-o data.h5: not a run file" data.h5
resumed "-o nobody.h5: not a run file" nobody.h5
resumed "unsaid.h5: /options is missing" unsaid.h5
resumed "stateless.h5: /state lacks" stateless.h5
resumed "narrow.h5: dimension 1 of /state/B is 15 where 16 is wanted" narrow.h5

resumed "good.h5 was begun with -weft_atoms 16, not 32" good.h5 -weft_atoms 32
resumed "good.h5 was begun with -weft_iterations 100000, not 7" good.h5 -weft_iterations 7
resumed "good.h5 was begun with -weft_sparsity 0.5, not 0.4" good.h5 -weft_sparsity 0.4
resumed "good.h5 was begun with -weft_target_density 0.05, not 0.1" good.h5 -weft_target_density 0.1
resumed "good.h5 was begun with -weft_coder_type bcd, not fista" good.h5 -weft_coder_type fista
resumed "good.h5 was begun with -weft_whitening_ridge 0.1, not 0.2" good.h5 -weft_whitening_ridge 0.2
resumed "good.h5 was begun with -weft_precision single, not double" good.h5 -weft_precision double
resumed "good.h5 was begun with -seed 1, not 2" good.h5 -seed 2
resumed "good.h5 was begun without -weft_epochs" good.h5 -weft_epochs 3
resumed "-data other.h5: other samples than those that good.h5 was begun with" good.h5 -data other.h5
resumed "-data more.h5: other samples than those that good.h5 was begun with" good.h5 -data more.h5

cp good.h5 before
for n in 2 3; do
  resume=("$MPIEXEC" -n "$n" "$WEFT" learn "${options[@]}" -resume)
  refuses "-o cut.h5: damaged or cut short" "${resume[@]}" -data data.h5 -o cut.h5
  refuses "narrow.h5: dimension 1 of /state/B" "${resume[@]}" -data data.h5 -o narrow.h5
  refuses "-data other.h5: other samples" "${resume[@]}" -data other.h5 -o good.h5
  refuses "begun with -weft_atoms 16, not 32" "${resume[@]}" -data data.h5 -o good.h5 -weft_atoms 32
done
cmp -s good.h5 before || fail "the checkpoint was touched"

# What may differ: where the files are, how often checkpoints are written, and how a number is spelt.
mv data.h5 moved.h5
mv good.h5 elsewhere.h5
"$WEFT" learn -data moved.h5 -o elsewhere.h5 "${options[@]}" -weft_sparsity 5e-1 -weft_checkpoint_every 0 -resume > out 2> err &
pid=$!
until [ elsewhere.h5 -nt before ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
kill $pid
wait $pid
[ $? -eq 75 ] || fail "not resumed after a move: $(cat out err)"

# A complete file is held to the same, and stays as it is: other options, data or structure, and numbers that have changed.
complete=("$WEFT" learn -weft_atoms 16 -weft_batch_size 100 -weft_iterations 20 -weft_layers 1)
runs "${complete[@]}" -data moved.h5 -o run.h5
runs "${complete[@]}" -data moved.h5 -o second.h5 -seed 9
train=("$WEFT" train -weft_train_epochs 2 -weft_train_hidden 8)
runs "${train[@]}" -structure run.h5 -data moved.h5 -o net.h5
for n in 1 2; do # as they were asked for, but for where the files are
  runs "$MPIEXEC" -n $n "${complete[@]}" -data moved.h5 -o run.h5 -weft_checkpoint_every 3 -resume
  grep -q "run.h5 is complete: nothing to resume" out || fail "complete: $(cat out)"
  runs "$MPIEXEC" -n $n "${train[@]}" -structure run.h5 -data moved.h5 -o net.h5 -resume
  grep -q "net.h5 is complete: nothing to resume" out || fail "complete: $(cat out)"
done
"$PYTHON" - <<'PY' || exit 1
import shutil, sys
import h5py
for name, path in ("run.h5", "layers/0/dictionary"), ("net.h5", "weights/output/weights"):
    with h5py.File(name) as f:
        place = f[path].id.get_offset()
    with open(name, "rb") as f:
        whole = bytearray(f.read())
    whole[place + 2] ^= 1
    open("flipped-" + name, "wb").write(whole)
PY
# kept WORDS FILE COMMAND...: refused at one rank and at two, and the file as it was.
kept() {
  cp "$2" before
  refuses_alone "$1" "${@:3}" -o "$2" -resume
  refuses "$1" "$MPIEXEC" -n 2 "${@:3}" -o "$2" -resume
  cmp -s "$2" before || fail "$2 was touched"
}
kept "run.h5 was begun with -weft_atoms 16, not 64" run.h5 "${complete[@]}" -data moved.h5 -weft_atoms 64
kept "run.h5 was begun with -seed 1, not 5" run.h5 "${complete[@]}" -data moved.h5 -seed 5
kept "-data other.h5: other samples than those that run.h5 was begun with" run.h5 "${complete[@]}" -data other.h5
kept "-data more.h5: other samples than those that run.h5 was begun with" run.h5 "${complete[@]}" -data more.h5
kept "flipped-run.h5: /layers/0/dictionary is not what its checksum says" flipped-run.h5 "${complete[@]}" -data moved.h5
kept "net.h5 was begun with -weft_train_epochs 2, not 3" net.h5 "${train[@]}" -structure run.h5 -data moved.h5 -weft_train_epochs 3
kept "-data other.h5: other samples than those that net.h5 was begun with" net.h5 "${train[@]}" -structure run.h5 -data other.h5
kept "another structure than net.h5 was begun with" net.h5 "${train[@]}" -structure second.h5 -data moved.h5
kept "flipped-net.h5: /weights/output/weights is not what its checksum says" flipped-net.h5 "${train[@]}" -structure run.h5 -data moved.h5
finish
