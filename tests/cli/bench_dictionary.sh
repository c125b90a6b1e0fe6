# weft bench dictionary: the objectives it tells are right where they can be found otherwise, and fall.
. "$WEFT_SOURCE/tests/lib/cli.sh"
"$PYTHON" "$WEFT_SOURCE/tests/lib/benchproblem.py" problem.h5 || exit 1

learn=(-batch 20 -batches 30 -every 10 -repeats 2)
runs "$WEFT" bench dictionary -problem problem.h5 "${learn[@]}" -json one.json
grep -q 'learning, batches of 20, groups of 1, lambda 0.2' out || fail "table: $(cat out)"
runs "$MPIEXEC" -n 3 "$WEFT" bench dictionary -problem problem.h5 "${learn[@]}" -json three.json
runs "$WEFT" bench dictionary -samples 200 -size 8 -weft_atoms 64 -repeats 1 -batches 0 -weft_precision double -json made.json
PYTHONPATH=$WEFT_SOURCE/tests/lib "$PYTHON" - <<'PY' || fail "bench dictionary: $(cat one.json)"
import json, h5py
from benchproblem import optima
one, three, made = (json.load(open(n + ".json")) for n in ("one", "three", "made"))
f = h5py.File("problem.h5")
first = optima(f["Xtest"][:].astype("f8"), f["D"][:], 1, 0.2).mean()
for told in one, three:
    checks = told["learning"]["checks"]
    assert [c["batches"] for c in checks] == [0, 10, 20, 30]
    assert abs(checks[0]["objective"] / first - 1) < 1e-5, (checks[0], first)
    assert all(a["objective"] > b["objective"] for a, b in zip(checks[:2], checks[1:]))  # of other samples: nearly
    assert checks[0]["cpu_seconds"] == 0 and all(a["cpu_seconds"] < b["cpu_seconds"] for a, b in zip(checks, checks[1:]))
    assert told["learning"]["test_samples"] == 20 and told["learning"]["batch_size"] == 20
assert all(abs(a["objective"] / b["objective"] - 1) < 1e-3
           for a, b in zip(one["learning"]["checks"], three["learning"]["checks"]))
for told, (k, d) in (one, (24, 12)), (three, (24, 12)), (made, (64, 64)):
    assert [s["group_size"] for s in told["steps"]] == [1, 4, 4]
    assert told["gemm_flops_per_cpu_second"] > 0 and told["precision"] == ("double" if told is made else "single")
    for s in told["steps"]:
        assert 0 < s["density"] <= 1 and s["iterations"] > 0 and s["flops"] > 0 and s["cpu_seconds"] > 0
        assert abs(s["gemm_ratio"] * told["gemm_flops_per_cpu_second"] / s["flops_per_cpu_second"] - 1) < 1e-9
        assert s["dense_flops"] == 2 * d * k * k * s["iterations"]
    assert told["steps"][0]["density"] == 1 and told["steps"][2]["density"] < told["steps"][1]["density"]
assert made["learning"]["checks"] == []
PY

dictionary() { refuses_alone "$1" "$WEFT" bench dictionary -repeats 1 "${@:2}"; }
"$PYTHON" -c 'import h5py; f = h5py.File("problem.h5", "a"); del f["Xtest"]' || exit 1
dictionary "problem.h5: /Xtest is missing" -problem problem.h5
dictionary "-codes: weft bench dictionary has no such option" -problem problem.h5 -codes new.h5
finish
