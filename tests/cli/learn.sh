# weft learn and weft info: what a run file holds, at any rank count; options by line and by file; help and version.
. "$WEFT_SOURCE/tests/lib/cli.sh"

check() { "$PYTHON" "$WEFT_SOURCE/tests/lib/checkrun.py" "$@" || fail "checkrun $*"; }
option() { # FILE NAME VALUE: the run was made with it
  "$PYTHON" -c "
import h5py, sys
path, name, value = sys.argv[1:]
lines = h5py.File(path)['options'][()].decode().splitlines()
sys.exit(0 if f'{name}: {value}' in lines else f'{path}: no line \"{name}: {value}\" in {lines}')" "$@" || fail "option $*"
}

runs "$WEFT" synth -o data.h5 -samples 500 -test_samples 0 -size 10
small=(-data data.h5 -weft_atoms 48 -weft_batch_size 100 -weft_iterations 12 -weft_layers 1)

# Rank counts: the same file but for rounding.
for n in 1 2 3; do
  runs "$MPIEXEC" -n "$n" "$WEFT" learn "${small[@]}" -weft_precision double -seed 7 -o run$n.h5
  [ "$(wc -l < out)" -eq 2 ] || fail "$n ranks print: $(cat out)"
  grep -q "^layer 0: 500 samples x 100 inputs: " out || fail "summary: $(cat out)"
  check run$n.h5 data.h5 ranks=$n seed=7 complete=1 samples=500
done
"$PYTHON" - <<'PY' || fail "rank counts differ"
import h5py, numpy as np
def walk(f):
    names = []
    f.visit(names.append)
    return names
runs = [h5py.File(f"run{n}.h5") for n in (1, 2, 3)]
for other in runs[1:]:
    assert walk(other) == walk(runs[0]) and other.attrs.keys() == runs[0].attrs.keys()
    assert other.attrs["data_checksum"] == runs[0].attrs["data_checksum"]
    for path in ("history/0/objective", "history/0/lambda", "layers/0/dictionary", "layers/0/usage"):
        assert np.allclose(other[path][:], runs[0][path][:], rtol=1e-8, atol=1e-8), path
PY

# More ranks than samples; no iterations at all; the full batch; passes over the data; every type of coder.
runs "$WEFT" synth -o two.h5 -samples 2 -test_samples 0 -size 8
runs "$MPIEXEC" -n 4 "$WEFT" learn -data two.h5 -o few.h5 -weft_layers 1 -weft_atoms 8 -weft_iterations 4
check few.h5 two.h5 ranks=4 samples=2
runs "$WEFT" learn "${small[@]}" -weft_iterations 0 -o none.h5
check none.h5 data.h5 complete=1
for start in dense sparse local principal; do
  runs "$MPIEXEC" -n 2 "$WEFT" learn "${small[@]}" -weft_iterations 0 -weft_start $start -o $start.h5
  check $start.h5 data.h5 complete=1
done
"$PYTHON" - <<'PY' || fail "starts are not what they are called"
import h5py, numpy as np
for start, density in (("dense", 1), ("sparse", 0.05), ("local", 0.05), ("principal", 1)):
    layer = h5py.File(f"{start}.h5")["layers/0"]
    assert np.allclose((layer["connectivity"][:] > 0).mean(axis=0), density), start
    assert abs(layer["usage"][:].mean() / 0.04 - 1) < 0.25, start  # of 500 samples, set on 100
PY
runs "$WEFT" learn "${small[@]}" -weft_batch_size 0 -weft_iterations 3 -weft_freeze_fraction 0 -o full.h5
check full.h5 data.h5 freeze_iteration=0
runs "$WEFT" learn "${small[@]}" -weft_epochs 2 -o epochs.h5
"$PYTHON" -c "import h5py; assert len(h5py.File('epochs.h5')['history/0/objective']) == 10" || fail "two epochs of five"
for type in bcd fista admm; do
  runs "$WEFT" learn "${small[@]}" -weft_iterations 2 -weft_coder_type $type -o $type.h5
  check $type.h5 data.h5
done
"$PYTHON" - <<'PY' || fail "coder types disagree"
import h5py, numpy as np
j = [h5py.File(f"{t}.h5")["history/0/objective"][:] for t in ("bcd", "fista", "admm")]
assert np.allclose(j[1], j[0], rtol=1e-3) and np.allclose(j[2], j[0], rtol=1e-3)
PY

# Several layers, each with options of its own; at any rank count.
for n in 1 2 4; do
  runs "$MPIEXEC" -n "$n" "$WEFT" learn "${small[@]}" -weft_precision double -weft_layers 3 -weft_depth_min_gain -1e6 -layer1_weft_atoms 16 \
    -layer2_weft_iterations 5 -layer2_weft_group_size 2 -o deep$n.h5
  [ "$(grep -c "^layer [012]: 500 samples x " out)" -eq 3 ] || fail "a line for each layer: $(cat out)"
  for layer in 0 1 2; do grep -q "^learn layer $layer " err || fail "no progress of layer $layer: $(cat err)"; done
  check deep$n.h5 data.h5 ranks=$n complete=1
done
for n in 2 4; do
  "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" deep1.h5 deep$n.h5 1e-8 || fail "deep1.h5 and deep$n.h5 differ"
done

# Two dashes; a file of options, nested or not, over which the command line takes precedence wherever it stands.
printf 'weft_atoms: 32\nweft_iterations: 3\nweft:\n  batch_size: 50\nseed: 5\n' > options.yaml
runs "$WEFT" learn --weft_iterations 4 --options_file options.yaml --data data.h5 --o yaml.h5 --seed 6
option yaml.h5 weft_atoms 32
option yaml.h5 weft_iterations 4
option yaml.h5 weft_batch_size 50
check yaml.h5 data.h5 seed=6
echo "data: data.h5" >> options.yaml
runs "$WEFT" learn -options_file options.yaml -o whole.h5
check whole.h5 data.h5 seed=5

# weft info, in words and as JSON, once however many ranks.
runs "$WEFT" info run2.h5
grep -q "12 batches, 2 ranks, seed 7" out || fail "info: $(cat out)"
runs "$MPIEXEC" -n 3 "$WEFT" info run2.h5 -json
"$PYTHON" - <<'PY' || fail "info -json: $(cat out)"
import json, h5py
told, f = json.load(open("out")), h5py.File("run2.h5")
assert told["complete"] is True and told["ranks"] == 2 and told["seed"] == 7 and told["samples"] == 500
assert told["inputs"] == 100 and told["atoms"] == 48 and told["groups"] == 12 and told["iterations"] == 12
assert told["alive_groups"] == f["layers/0/alive"][:].sum() and told["lambda"] == f["layers/0"].attrs["lambda"]
assert told["objective"] == f["history/0/objective"][-1] and told["worst_max_gap"] == f["history/0/max_gap"][:].max()
PY
# A second layer and what they keep, as a file of several layers has them; kept 0: measured, but not there.
"$PYTHON" - <<'PY'
import h5py, numpy, shutil
shutil.copy("run2.h5", "layers.h5")
with h5py.File("layers.h5", "r+") as f:
    f.copy("layers/0", "layers/1"), f.copy("history/0", "history/1")
    f["layers/1/alive"][:3] = 0
    del f["layers/1/alive"].attrs["crc32"]
    if "information" in f: del f["information"]
    for name, values in (("layer", [0, 1, 2]), ("bits", [7.5, 9.25, 9.3]), ("entropy_bits", [20.0, 31.0, 40.0]),
                         ("bits_full", [11.0, numpy.nan, 12.0]), ("kept", [1, 1, 0])):
        f["information/" + name] = numpy.array(values)
PY
runs "$WEFT" info layers.h5
grep -q "24 batches, 2 ranks" out || fail "info: $(cat out)"
test "$(grep -c "^  layer [01] .*12 batches" out)" = 2 || fail "info: $(cat out)"
grep -q "9 of 12 groups alive" out || fail "info: $(cat out)"
grep -q "layers to 1: 9.25 bits (nan by log-det), entropy 31.0 bits$" out || fail "info: $(cat out)"
grep -q "layers to 2: 9.30 bits (12.00 by log-det), entropy 40.0 bits, not kept$" out || fail "info: $(cat out)"
runs "$MPIEXEC" -n 2 "$WEFT" info layers.h5 -json
"$PYTHON" - <<'PY' || fail "info -json of layers: $(cat out)"
import json
told = json.load(open("out"))
first, second = told["layers"]
assert {name: told[name] for name in first} == first and second["alive_groups"] == 9 and first["iterations"] == 12
assert told["information"] == [
    {"layer": 0, "bits": 7.5, "bits_full": 11.0, "entropy_bits": 20.0, "kept": True},
    {"layer": 1, "bits": 9.25, "bits_full": None, "entropy_bits": 31.0, "kept": True},
    {"layer": 2, "bits": 9.3, "bits_full": 12.0, "entropy_bits": 40.0, "kept": False}]
PY
runs "$WEFT" info none.h5 -json
"$PYTHON" -m json.tool out > /dev/null || fail "info -json of a run without iterations: $(cat out)"

# Help and version, once however many ranks.
for words in -version --version -help --help -h; do
  runs "$WEFT" $words
  [ -s out ] && [ ! -s err ] || fail "weft $words: $(cat out err)"
done
grep -q "weft learn" <("$WEFT" -help) || fail "-help lists no verbs"
for verb in import synth learn info; do
  for words in -help --help; do
    runs "$WEFT" $verb $words
    grep -q "^weft $verb: " out || fail "weft $verb $words: $(cat out)"
  done
done
for option in data o resume seed weft_atoms weft_coder_type weft_whitening_ridge weft_dict_rtol; do
  grep -q -- "^  -$option " <("$WEFT" learn -help) || fail "learn -help does not tell of -$option"
done
runs "$MPIEXEC" -n 3 "$WEFT" -version
[ "$(wc -l < out)" -eq 1 ] || fail "version: $(cat out)"
"$WEFT" > out 2> err
[ $? -eq 2 ] || fail "weft alone"

# Log events after the steps of the method.
runs "$WEFT" learn "${small[@]}" -weft_iterations 2 -o log.h5 -log_view
for event in WeftRead WeftPrepare WeftWhiten WeftCode WeftCertify WeftStats WeftReduce WeftDictionary WeftReseed WeftGather WeftGram WeftInformation WeftCheckpoint; do
  grep -q "^$event " out || fail "no event $event under -log_view"
done
finish
