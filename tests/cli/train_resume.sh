# A training run stopped by a signal and resumed equals one that was never stopped, bit for bit.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"

same() {
  "$PYTHON" - "$@" << 'PY' || fail "differ: $*"
import sys, h5py
a, b = (h5py.File(name) for name in sys.argv[1:])
found = []
a.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
for name in set(found) - {"history/seconds", "options"}:  # options name the file
    assert a[name][()].tobytes() == b[name][()].tobytes(), name
assert a.attrs["test_accuracy"] == b.attrs["test_accuracy"]
PY
}

runs "$WEFT" synth -o data.h5 -samples 2000 -size 8
runs "$WEFT" learn -data data.h5 -o run.h5 -weft_layers 1 -weft_atoms 32 -weft_batch_size 200 -weft_iterations 8
options=(-structure run.h5 -data data.h5 -weft_train_batch_size 20 -weft_train_epochs 400 -weft_train_hidden 16)
often=(-weft_checkpoint_every 0.1)
train=("$WEFT" train "${options[@]}")

runs "${train[@]}" -o whole.h5 -weft_train_average 0.99
for signal in TERM USR1; do
  stops $signal self part.h5 "${train[@]}" "${often[@]}" -weft_train_average 0.99 -resume -o part.h5
  stopped part.h5
done
runs "${train[@]}" -resume -o part.h5 -weft_train_average 0.99
same whole.h5 part.h5

# A killed one goes on from its last checkpoint. Two ranks, sgd.
two=("$MPIEXEC" -n 2 "${train[@]}" -weft_train_optimiser sgd)
runs "${two[@]}" -o whole2.h5
stops USR1 all part2.h5 "${two[@]}" "${often[@]}" -o part2.h5
stopped part2.h5
cp part2.h5 kept.h5
runs "${two[@]}" -resume -o part2.h5
same whole2.h5 part2.h5
stops KILL self part3.h5 "${train[@]}" "${often[@]}" -o part3.h5
runs "${train[@]}" -resume -o part3.h5
runs "${train[@]}" -o whole3.h5
same whole3.h5 part3.h5

# A checkpoint of two ranks goes on with one: the same but for the order of sums.
cp kept.h5 other.h5
runs "${train[@]}" -weft_train_optimiser sgd -resume -o other.h5

# Other options, data or structure than it was begun with are refused, and the checkpoint stays.
from=kept.h5
refuses_kept() {
  local words=$1
  shift
  cp $from new2.h5
  "$@" -o new2.h5 -resume > out 2> err
  [ $? -eq 2 ] || fail "not refused: $*"
  grep -qF -- "$words" err || fail "does not say \"$words\": $(cat err)"
  cmp -s $from new2.h5 || fail "the checkpoint was touched: $*"
}
refuses_kept "-weft_train_optimiser sgd" "${train[@]}"
runs "$WEFT" synth -o data2.h5 -samples 2000 -size 8 -seed 7
refuses_kept "other samples" "$WEFT" train "${options[@]}" -weft_train_optimiser sgd -data data2.h5
runs "$WEFT" learn -data data.h5 -o run2.h5 -weft_layers 1 -weft_atoms 32 -weft_batch_size 200 -weft_iterations 8 -seed 9
refuses_kept "another structure" "$WEFT" train "${options[@]}" -weft_train_optimiser sgd -structure run2.h5

# The labels and the test samples count as data too, of a complete file as well; where a file of an older version does not
# tell of them, a note says so.
"$PYTHON" - << 'PY' || exit 1
import shutil, h5py
for name, path, place in ("labels", "train/y", 1999), ("test_x", "test/x", 0), ("test_y", "test/y", 0), ("alone", None, 0):
    shutil.copy("data.h5", name + ".h5")
    with h5py.File(name + ".h5", "r+") as file:
        if not path:
            del file["test"]
            continue
        file[path][place] = 0 if path == "test/x" else 0 if file[path][place] else 1
        file[path].attrs.pop("crc32", None)
for name, left_out in ("old.h5", ("labels_checksum", "test_checksum")), ("half.h5", ("test_checksum",)):
    shutil.copy("kept.h5", name)
    with h5py.File(name, "r+") as file:
        for attribute in left_out:
            del file.attrs[attribute]
PY
sgd=("$WEFT" train "${options[@]}" -weft_train_optimiser sgd)
for from in kept.h5 whole2.h5; do
  for n in 1 2; do
    refuses_kept "-data labels.h5: other labels than those that new2.h5 was begun with" "$MPIEXEC" -n $n "${sgd[@]}" -data labels.h5
    for data in test_x test_y alone; do
      refuses_kept "-data $data.h5: other test samples than those that" "$MPIEXEC" -n $n "${sgd[@]}" -data $data.h5
    done
  done
done
from=half.h5
refuses_kept "new2.h5: lacks the attribute test_checksum: damaged" "${sgd[@]}"
runs "${sgd[@]}" -resume -o old.h5
grep -q "weft: note: old.h5: written before files told of their labels and test samples" err || fail "no note: $(cat err)"
cp run.h5 not.h5
refuses_alone "not a network file" "${train[@]}" -resume -o not.h5
finish
