# What learning is for: with no option but the data, real images give sparse, local, pooled structure. Bars, not figures.
. "$WEFT_SOURCE/tests/lib/cli.sh"
images=$DATA/fashion-mnist/train-images-idx3-ubyte.gz
labels=$DATA/fashion-mnist/train-labels-idx1-ubyte.gz
[ -f "$images" ] || skip "no $DATA/fashion-mnist"

runs "$WEFT" import idx -images "$images" -labels "$labels" -o data.h5
runs "$MPIEXEC" -n 2 "$WEFT" learn -data data.h5 -o run.h5
PYTHONPATH=$WEFT_SOURCE/postprocess runs "$PYTHON" -m weftpost measure run.h5 --json
"$PYTHON" - out <<'PY' || fail "the structure misses a bar: $(cat out)"
import json, sys
m = json.load(open(sys.argv[1]))
bars = {"connection_density": (0.02, 0.15), "active_fraction": (0.01, 0.08), "locality": (0, 0.40),
        "pooling": (20, 1e9), "worst_max_gap": (0, 1e-3)}
missed = {name: m[name] for name, (low, high) in bars.items() if m[name] is None or not low <= m[name] <= high}
assert not missed, missed
assert m["complete"] and m["iterations"] == 160
PY
finish
