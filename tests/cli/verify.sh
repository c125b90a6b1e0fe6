# label: long
# A flipped bit in a stored file is found before the file is used, and named, or changes nothing: in every dataset, and
# in places drawn at random. Files of before, without checksums, pass with a note.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"
flipbits() { "$PYTHON" "$WEFT_SOURCE/tests/lib/flipbits.py" "$@"; }

runs "$WEFT" synth -o data.h5 -samples 300 -test_samples 60 -size 8
learn=(learn -data data.h5 -weft_atoms 16 -weft_batch_size 100 -weft_layers 1)
stops TERM self checkpoint.h5 "$WEFT" "${learn[@]}" -weft_iterations 100000 -weft_checkpoint_every 0 -o checkpoint.h5
stopped checkpoint.h5
runs "$MPIEXEC" -n 3 "$WEFT" "${learn[@]}" -weft_iterations 6 -o run.h5
runs "$WEFT" train -structure run.h5 -data data.h5 -o net.h5 -weft_train_epochs 1
runs "$WEFT" encode -structure run.h5 -data data.h5 -o features.h5
for n in 1 3; do
  for file in checkpoint run net features data; do
    runs "$MPIEXEC" -n $n "$WEFT" info $file.h5 -verify
    grep -qE "^$file.h5: all [0-9]+ datasets are as written$" out || fail "$file.h5 at $n ranks: $(cat out)"
  done
done

# The checksum is what anyone would take: zlib's of a dataset's bytes.
"$PYTHON" - <<'PY' || fail "crc32 is not that of the bytes"
import h5py, numpy, zlib
for name in ("checkpoint.h5", "run.h5", "net.h5", "features.h5", "data.h5"):
    with h5py.File(name) as file:
        def check(path, thing):
            if isinstance(thing, h5py.Dataset):
                held = numpy.empty(thing.shape, thing.dtype)
                if held.size:
                    thing.read_direct(held)
                assert zlib.crc32(held.tobytes()) == thing.attrs["crc32"], (name, path)
        file.visititems(check)
PY

# Every dataset in turn.
for file in checkpoint net; do
  flipbits datasets $file.h5 > places
  [ "$(wc -l < places)" -ge 20 ] || fail "only $(wc -l < places) datasets in $file.h5"
  while read -r offset dataset <&3; do
    flipbits flip $file.h5 flipped.h5 "$offset"
    refuses_alone "flipped.h5: $dataset is not what its checksum says" "$WEFT" info flipped.h5 -verify
  done 3< places
done

# Anywhere: found, or harmless.
flipbits random checkpoint.h5 50 6 > places
found=0
while read -r offset _ <&3; do
  flipbits flip checkpoint.h5 flipped.h5 "$offset"
  if "$WEFT" info flipped.h5 -verify > out 2> err; then
    flipbits same checkpoint.h5 flipped.h5 || fail "byte $offset: not found, and something else is read"
  else
    found=$((found + 1))
    refuses_alone flipped.h5 "$WEFT" info flipped.h5 -verify
  fi
done 3< places
[ $found -ge 20 ] || fail "only $found of 50 bits were found"

# In use, before anything else is said; at several ranks too, and where HDF5's own checksums find it.
place() { flipbits datasets "$1" | awk -v name="$2" '$2 == name {print $1}'; }
flipbits flip checkpoint.h5 bad.h5 "$(place checkpoint.h5 /state/B)"
flipbits flip run.h5 bad_run.h5 "$(place run.h5 /layers/0/dictionary)"
flipbits flip net.h5 bad_net.h5 "$(place net.h5 /weights/output/weights)"
cp bad.h5 before
again=("${learn[@]}" -weft_iterations 100000 -resume)
for n in 1 3; do
  refuses "-o bad.h5: /state/B is not what" "$MPIEXEC" -n $n "$WEFT" "${again[@]}" -o bad.h5
  refuses "-structure bad_run.h5: /layers/0/dictionary is not" "$MPIEXEC" -n $n "$WEFT" \
    train -structure bad_run.h5 -data data.h5 -o new.h5
  refuses "-structure bad_run.h5: /layers/0/dictionary is not" "$MPIEXEC" -n $n "$WEFT" \
    encode -structure bad_run.h5 -data data.h5 -o new.h5
  refuses "-network bad_net.h5: /weights/output/weights is not" "$MPIEXEC" -n $n "$WEFT" \
    encode -network bad_net.h5 -data data.h5 -o new.h5
  for offset in 8 100 $(($(place checkpoint.h5 /state/B) - 1)); do
    flipbits flip checkpoint.h5 flipped.h5 "$offset"
    flipbits same checkpoint.h5 flipped.h5 2> /dev/null && continue
    refuses flipped.h5 "$MPIEXEC" -n $n "$WEFT" "${again[@]}" -o flipped.h5
  done
done
cmp -s bad.h5 before || fail "bad.h5 was touched"

# Names that lead back to the root: from each of them the walk would go on to all the others, and on.
"$PYTHON" - <<'PY'
import h5py, shutil
shutil.copy("run.h5", "loops.h5")
with h5py.File("loops.h5", "r+") as file:
    for path in ("layers/0/usage", "layers/0/mean", "history/0/objective", "information/bits"):
        del file[path]
        file[path] = file["/"]
PY
refuses "groups within groups without end" timeout 20 "$WEFT" info loops.h5 -verify

# Files without checksums.
"$PYTHON" - <<'PY'
import h5py, shutil
shutil.copy("run.h5", "old.h5")
with h5py.File("old.h5", "r+") as file:
    file.visititems(lambda _, thing: thing.attrs.pop("crc32", None) and None)
    del file.attrs["heap_crc32"]
PY
runs "$WEFT" info old.h5 -verify
grep -qE "none of its [0-9]+ datasets has a checksum" out || fail "old.h5: $(cat out)"
runs "$WEFT" encode -structure old.h5 -data data.h5 -o old_features.h5
grep -q "weft: note: old.h5: .* have no checksum" err || fail "no note on old.h5: $(cat err)"
refuses_alone "No such file" "$WEFT" info missing.h5 -verify
refuses_alone "leave -json out" "$WEFT" info run.h5 -verify -json
finish
