# weft bench coder: what it tells is what its codes are, at any rank count, and a wrong file is refused.
. "$WEFT_SOURCE/tests/lib/cli.sh"

"$PYTHON" "$WEFT_SOURCE/tests/lib/benchproblem.py" problem.h5 || exit 1
"$PYTHON" - <<'PY' || exit 1
import h5py, numpy as np
with h5py.File("problem.h5") as f:
    X, D = f["X"][:], f["D"][:]
for name, path, value in (("noD", "D", None), ("nolambda", "lambda_G", None), ("short", "pstar_L", np.ones(59)),
                          ("badp", "group_size", 5), ("neglambda", "lambda_L", -1.0), ("nan", "X", X * np.nan),
                          ("badpstar", "pstar_G", np.full(60, -1.0)), ("vector", "lambda_L", np.ones(3)),
                          ("narrow", "D", D[:, 1:])):
    with h5py.File("problem.h5") as f, h5py.File(name + ".h5", "w") as g:
        for key in f:
            if key != path:
                g[key] = f[key][()]
        if value is not None:
            g[path] = value
PY

# check JSON CODES SAMPLES: the object has the promised fields, and the codes are as good as it says.
check() {
  "$PYTHON" - "$@" <<'PY' || fail "bench coder: $*"
import json, sys
import h5py, numpy as np
told, codes, n = json.load(open(sys.argv[1])), h5py.File(sys.argv[2]), int(sys.argv[3])
f = h5py.File("problem.h5")
X, D = f["X"][:n].astype("f8"), f["D"][:].astype("f8")
assert {"machine", "blas", "gemm_samples_per_second", "results"} <= told.keys()
assert told["gemm_samples_per_second"] > 0 and told["samples"] == n
wanted = {"problem", "coder", "precision", "threads", "target_gap", "mean_gap", "max_gap", "samples_per_cpu_second",
          "samples_per_second", "peak_bytes", "max_certified_gap"}
assert [(r["problem"], r["target_gap"]) for r in told["results"]] == [("L", 1e-3), ("L", 1e-5), ("G", 1e-3), ("G", 1e-5)]
for r in told["results"]:
    assert wanted <= r.keys(), wanted - r.keys()
    assert r["samples_per_cpu_second"] > 0 and r["samples_per_second"] > 0 and r["peak_bytes"] > 1e6
    low, high = r["samples_per_cpu_second_range"]
    assert low <= r["samples_per_cpu_second"] <= high
    assert r["converged"] and r["checked_samples"] == n
    assert -1e-9 <= r["mean_gap"] <= r["target_gap"], r  # -1e-9: the optima of this test are not exact
    assert r["mean_gap"] <= r["max_gap"] <= r["max_certified_gap"] + 1e-9 and r["max_certified_gap"] <= 10 * r["target_gap"], r
    if r["target_gap"] > 1e-5:
        continue
    Z = codes[r["problem"] + "/codes"]
    assert Z.shape == (n, 24) and Z.dtype == np.float32 and Z.attrs["target_gap"] == 1e-5
    Z, q = Z[:].astype("f8"), 1 if r["problem"] == "L" else 4
    P = 0.5 * ((X - Z @ D) ** 2).sum(1)
    P += f["lambda_" + r["problem"]][()] * np.sqrt(q) * np.linalg.norm(Z.reshape(n, -1, q), axis=2).sum(1)
    best = f["pstar_" + r["problem"]][:n]
    assert P[7] == 0 and (Z != 0).any()
    keep = best > 0
    worst = ((P - best)[keep] / best[keep]).max()
    assert abs((P.sum() - best.sum()) / best.sum() - r["mean_gap"]) < 1e-8, (P.sum(), best.sum(), r["mean_gap"])
    assert abs(worst - r["max_gap"]) < 1e-8, (worst, r["max_gap"])
PY
}

runs "$WEFT" bench coder -problem problem.h5 -json one.json -codes one.h5 -repeats 2
grep -q 'samples per second; medians of 2; gaps to the optimum of 60 samples' out || fail "table: $(cat out)"
check one.json one.h5 60
runs "$WEFT" bench coder -problem problem.h5 -json one.json -codes one.h5 -repeats 1 # replaces them
check one.json one.h5 60
for n in 2 3; do
  runs "$MPIEXEC" -n $n "$WEFT" bench coder -problem problem.h5 -json many.json -codes many.h5 -repeats 1 -samples 50
  check many.json many.h5 50
done
for type in fista admm; do
  runs "$WEFT" bench coder -problem problem.h5 -json $type.json -codes $type.h5 -repeats 1 -weft_coder_type $type
  check $type.json $type.h5 60
done
runs "$WEFT" bench coder -problem problem.h5 -json -codes double.h5 -repeats 1 -weft_precision double
cp out double.json
check double.json double.h5 60
grep -q '"precision": "double"' double.json || fail "precision: $(cat double.json)"

# Its own problem: the same at any rank count.
small=(-samples 90 -size 8 -weft_atoms 32 -repeats 1 -gaps 1e-4)
runs "$WEFT" bench coder "${small[@]}" -json made.json
runs "$MPIEXEC" -n 3 "$WEFT" bench coder "${small[@]}" -json made3.json
"$PYTHON" - <<'PY' || fail "a problem that is made: $(cat made.json)"
import json
one, three = (json.load(open(n)) for n in ("made.json", "made3.json"))
assert [r["problem"] for r in one["results"]] == ["L", "G"]
for a, b in zip(one["results"], three["results"]):
    assert -1e-9 <= a["mean_gap"] <= 1e-4 and a["mean_gap"] <= a["max_gap"] <= 1e-3, a  # -1e-9: as above
    assert a["checked_samples"] == b["checked_samples"] == 90
    assert abs(a["lambda"] / b["lambda"] - 1) < 1e-5 and 0.5 < a["active_groups"] < 16
    assert abs(a["active_groups"] / b["active_groups"] - 1) < 0.01
assert (one["ranks"], three["ranks"]) == (1, 3)
PY

bench() { refuses_alone "$1" "$WEFT" bench coder -codes new.h5 -repeats 1 "${@:2}"; }
bench "-problem missing.h5: No such file" -problem missing.h5
bench "noD.h5: /D is missing" -problem noD.h5
bench "nolambda.h5: /lambda_G is missing" -problem nolambda.h5
bench "short.h5: /pstar_L has 59 numbers for 60 samples" -problem short.h5
bench "badp.h5: /group_size 5 does not divide the 24 atoms" -problem badp.h5
bench "neglambda.h5: /lambda_L is -1, not positive" -problem neglambda.h5
bench "nan.h5: /X has a number that is not finite" -problem nan.h5
bench "badpstar.h5: /pstar_G has a number that is no objective" -problem badpstar.h5
bench "vector.h5: /lambda_L has 1 dimension(s) where 0 are wanted" -problem vector.h5
bench "narrow.h5: dimension 1 of /D is 11 where 12 is wanted" -problem narrow.h5
refuses "-problem missing.h5: No such file" "$MPIEXEC" -n 2 "$WEFT" bench coder -codes new.h5 -problem missing.h5
bench "-gaps 1e-3,x: up to 8 numbers" -gaps 1e-3,x
bench "-weft_atoms: is for a problem that is made" -problem problem.h5 -weft_atoms 8
bench "-weft_iterations: weft bench coder has no such option" -weft_iterations 3
bench "-json no/x.json: its folder: No such file" -problem problem.h5 -json no/x.json
bench "-json .: a folder" -problem problem.h5 -json .
bench "-repeat: unknown option; did you mean -repeats?" -repeat 3
refuses_alone "weft bench coders: one of" "$WEFT" bench coders
finish
