# How deep: a further layer is kept where it tells of what the first cannot, and not where it tells nothing; /information.
. "$WEFT_SOURCE/tests/lib/cli.sh"

check() { "$PYTHON" "$WEFT_SOURCE/tests/lib/checkrun.py" "$@" || fail "checkrun $*"; }
kept() { # FILE "1 1 0": /information/kept, and as many layers as there are ones
  "$PYTHON" - "$@" <<'PY' || fail "kept: $*: $(cat out)"
import sys, h5py
f, wanted = h5py.File(sys.argv[1]), [int(word) for word in sys.argv[2].split()]
assert list(f["information/kept"]) == wanted, (list(f["information/kept"]), list(f["information/bits"]))
assert len(f["layers"]) == len(f["history"]) == sum(wanted)
PY
}

# A sample has one of 5 x 5 pairs of features, and a faint mark of its own for each pair, which the few units of layer 0
# have no room for: which pair it is, is a matter of two features at once, for a unit of layer 1.
"$PYTHON" - <<'PY' || exit 1
import h5py, numpy as np
rng = np.random.default_rng(0)
m, width, n = 5, 6, 4000
i, j = rng.integers(m, size=(2, n))
patterns = rng.standard_normal((2 * m, 2 * m * width)) * (np.arange(2 * m * width) // width == np.arange(2 * m)[:, None])
x = np.hstack([patterns[i] + patterns[m + j], 0.15 * np.eye(m * m)[i * m + j]])
with h5py.File("pairs.h5", "w") as f:
    f["train/x"] = (x + 0.03 * rng.standard_normal(x.shape)).astype("f4")
    f.attrs["shape"], f.attrs["pixel_order"] = (1, x.shape[1], 1), "planes"
PY
pairs=("$WEFT" learn -data pairs.h5 -weft_atoms 16 -weft_group_size 1 -weft_batch_size 400 -weft_iterations 100
  -weft_target_activity 0.15 -weft_target_density 0.1 -weft_layers 2)
runs "${pairs[@]}" -o pairs-run.h5
grep -q "^layer 0: .* bits$" out && grep -q "^layer 1: .* bits with those before it, gain .* %: kept$" out || fail "lines: $(cat out)"
kept pairs-run.h5 "1 1"
check pairs-run.h5 pairs.h5 complete=1

# Shapes that hide one another, each of either shade: the first layer's responses tell no sign, nor do any of theirs.
runs "$WEFT" synth -o shapes.h5 -samples 3000 -test_samples 0 -size 12
shapes=("$WEFT" learn -data shapes.h5 -weft_atoms 64 -weft_batch_size 300 -weft_iterations 40)
runs "${shapes[@]}" -weft_layers 3 -o shapes-run.h5
grep -q "^layer 1: .* not kept$" out || fail "lines: $(cat out)"
grep -q "^layer 2: " out && fail "a layer after the one that was not kept: $(cat out)"
kept shapes-run.h5 "1 0"
check shapes-run.h5 shapes.h5 complete=1

# A gain below 0 forces depth; the layers that both runs have are the same.
runs "${shapes[@]}" -weft_layers 3 -weft_depth_min_gain -1 -o forced.h5
kept forced.h5 "1 1 1"
check forced.h5 shapes.h5 complete=1
"$PYTHON" -c "
import h5py
a, b = h5py.File('shapes-run.h5'), h5py.File('forced.h5')
assert (a['layers/0/dictionary'][:] == b['layers/0/dictionary'][:]).all()
assert list(a['information/bits']) == list(b['information/bits'])[:2]" || fail "forcing depth changes what was learned before"

# Told once more by weft info, and the same by two ranks.
runs "$WEFT" info pairs-run.h5 -json
"$PYTHON" -c "
import json, h5py
told, f = json.load(open('out')), h5py.File('pairs-run.h5')
assert [entry['bits'] for entry in told['information']] == list(f['information/bits'])" || fail "info: $(cat out)"
runs "$MPIEXEC" -n 2 "${pairs[@]}" -o two.h5
check two.h5 pairs.h5 complete=1
finish
