# weftpost export: what it writes for PyTorch and ONNX computes what weft encode does, of structures and networks of
# every kind; the user's mistakes. Where PyTorch or onnx is missing the other is still compared.
. "$WEFT_SOURCE/tests/lib/cli.sh"
export PYTHONPATH=$WEFT_SOURCE/postprocess:$WEFT_SOURCE/postprocess/tests
formats=()
for package in torch onnx; do
  if "$PYTHON" -c "import $package" 2> /dev/null; then formats+=("$package"); else echo "no $package: not compared"; fi
done
[ ${#formats[@]} -gt 0 ] || skip "neither PyTorch nor onnx"
format=both
[ ${#formats[@]} -eq 2 ] || format=${formats[0]}

export_() { runs "$PYTHON" -m weftpost export --format "$format" "$@"; }
# as_encoded PREFIX DATA ENCODED.h5 [BOUND]
as_encoded() { runs "$PYTHON" "$WEFT_SOURCE/tests/lib/checkexport.py" "$@"; }
encode() { runs "$WEFT" encode -data "$1" -o "$2" "${@:3}"; }

runs "$WEFT" synth -o data.h5 -samples 1500 -test_samples 300 -size 10 -seed 3
few=(-weft_batch_size 200 -weft_iterations 12 -weft_depth_min_gain -1e6)
learn() { runs "$WEFT" learn -data "$1" -o "$2" "${few[@]}" "${@:3}"; }
learn data.h5 run.h5 -weft_layers 2 -weft_atoms 64

# A structure, both layers; some of its groups are removed.
"$PYTHON" - <<'PY'
import h5py

with h5py.File("run.h5", "a") as file:
    for name in "alive", "dictionary", "connectivity":
        of_group = {"dictionary": slice(8, 12)}.get(name, slice(2, 3))
        item = file[f"layers/0/{name}"]
        item[(slice(None), of_group) if item.ndim == 2 else of_group] = 0
        del item.attrs["crc32"]
PY
for layer in 0 1; do
  encode data.h5 features$layer.h5 -structure run.h5 -layer $layer
  export_ run.h5 --layer $layer -o "run$layer"
  as_encoded "run$layer" data.h5 features$layer.h5
done
export_ run.h5 --all-layers -o all
as_encoded all data.h5 features1.h5
"$PYTHON" - "${formats[@]}" <<'PY' || fail "the files do not say where they come from"
import sys
from pathlib import Path

import h5py

checksum = h5py.File("features1.h5").attrs["structure"].decode().split()[-1]
if "onnx" in sys.argv:
    import onnx

    about = {entry.key: entry.value for entry in onnx.load("run1.onnx").metadata_props}
    assert about["structure"] == checksum and about["seed"] == "1" and about["layer"] == "1", about
    names = [output.name for output in onnx.load("all.onnx").graph.output]
    assert names == ["features_0", "features"], names
if "torch" in sys.argv:
    assert f"structure: {checksum}" in Path("run1_torch.py").read_text()
PY

# Pixels of one byte with a scale; learned in double precision.
"$PYTHON" - <<'PY'
import h5py
import numpy as np

with h5py.File("data.h5") as data, h5py.File("bytes.h5", "w") as file:
    for split in "train", "test":
        x = data[f"{split}/x"]
        x = x[:] * x.attrs.get("scale", 1.0)
        item = file.create_dataset(f"{split}/x", data=np.round(200 * (x - x.min()) / (x.max() - x.min())).astype("u1"))
        item.attrs["scale"] = 0.02
        file[f"{split}/y"] = data[f"{split}/y"][:]
PY
learn bytes.h5 double.h5 -weft_layers 1 -weft_atoms 48 -weft_group_size 3 -weft_precision double
encode bytes.h5 double-features.h5 -structure double.h5 -weft_precision double
mkdir there
export_ double.h5 -o there
as_encoded there/double bytes.h5 double-features.h5

# Shared layers.
learn data.h5 shared.h5 -weft_layers 2 -weft_atoms 64 -weft_share 4 -layer1_weft_share 6 -layer1_weft_share_window 3
encode data.h5 shared-features.h5 -structure shared.h5
export_ shared.h5
as_encoded shared data.h5 shared-features.h5

# Networks: NAME STRUCTURE OPTIONS OF TRAIN...
network() {
  runs "$WEFT" train -structure "$2" -data data.h5 -o "$1.h5" -weft_train_epochs 1 -weft_train_hidden 12 "${@:3}"
  encode data.h5 "$1-logits.h5" -network "$1.h5"
  export_ "$1.h5"
  as_encoded "$1" data.h5 "$1-logits.h5"
}
network net run.h5
network net-double run.h5 -weft_precision double -weft_train_input whitened
network net-pools run.h5 -weft_train_pool 3 -weft_train_units pooled -weft_train_hidden 0
network net-last run.h5 -weft_train_readout_from last -weft_train_hidden 12,8
network net-shared shared.h5
for kind in learned-random-weights random-mask dense mlp; do network net-$kind run.h5 -structure_kind $kind; done
network net-untied shared.h5 -structure_kind random-mask

# Readouts, whose file does not hold the structure: the features times O.
for rule in ridge softmax; do
  runs "$WEFT" train -structure run.h5 -data data.h5 -o $rule.h5 -weft_train_rule $rule
  "$PYTHON" - $rule <<'PY'
import sys

import h5py
import numpy as np

with h5py.File(f"{sys.argv[1]}.h5") as net, h5py.File(f"{sys.argv[1]}-logits.h5", "w") as file:
    f = np.concatenate([h5py.File(f"features{i}.h5")["test/features"][:].astype(float) for i in (0, 1)], axis=1)
    file["test/logits"] = f @ net["weights/output/weights"][:].T + net["weights/output/bias"][:]
PY
  export_ $rule.h5
  as_encoded $rule data.h5 $rule-logits.h5
done
runs "$WEFT" train -structure run.h5 -data data.h5 -o last.h5 -weft_train_rule ridge -weft_train_readout_from last
mkdir moved
mv run.h5 moved
export_ last.h5 --structure moved/run.h5

# Mistakes: one line, status 2, nothing written. no WORDS ARGUMENTS...
no() {
  local words=$1 status
  shift
  rm -rf none
  mkdir none
  "$PYTHON" -m weftpost export --format "$format" -o none/ "$@" > out.txt 2> err
  status=$?
  [ $status -eq 2 ] || fail "status $status, not 2: $*"
  [ "$(grep -c '' err)" -eq 1 ] || fail "not one line: $*: $(cat err)"
  grep -qF -- "$words" err || fail "does not say \"$words\": $*: $(cat err)"
  [ -z "$(ls none)" ] || fail "left a file behind: $*: $(ls none)"
}
"$PYTHON" - <<'PY'
import shutil

import h5py

for name in "shared.h5", "net.h5":
    shutil.copy(name, f"part-{name}")
    with h5py.File(f"part-{name}", "a") as file:
        file.attrs["complete"] = 0
PY
no "part-shared.h5: a checkpoint: finish it with weft learn -resume" part-shared.h5
no "part-net.h5: a checkpoint: finish it with weft train -resume" part-net.h5
no "data.h5: neither a run file nor a network file" data.h5
no "no-such.h5: no such file" no-such.h5
no "export.sh: not an HDF5 file" "$WEFT_SOURCE/tests/cli/export.sh"
no "--layer 2" shared.h5 --layer 2
no "--layer" net.h5 --layer 0
no "--all-layers" net.h5 --all-layers
no "give --structure" ridge.h5
no "is not the structure" ridge.h5 --structure shared.h5
no "leave the option out" net.h5 --structure shared.h5
finish
