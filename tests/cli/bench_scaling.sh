# weft bench scaling: tables and object at several rank counts; the model is held to what it is made of.
# cores: 2
. "$WEFT_SOURCE/tests/lib/cli.sh"

small=(-samples 400 -size 8 -batch 20 -batches 4 -repeats 2 -weft_atoms 64)
for n in 1 2 3; do
  runs "$MPIEXEC" -n $n "$WEFT" bench scaling "${small[@]}" -json $n.json
  for words in "strong .* model" "strong .* measured" "weak .* measured" "^large:" "Whole on every rank"; do
    grep -q "$words" out || fail "$n ranks do not print \"$words\": $(cat out)"
  done
done
runs "$WEFT" bench scaling "${small[@]}" -weft_precision double -latency 0 -bandwidth 2e10 -memory 1e12 -json other.json
runs "$MPIEXEC" -n 3 "$WEFT" bench scaling -samples 100 -size 8 -weft_atoms 32 -repeats 1 # batches of 33 then
"$PYTHON" - <<'PY' || fail "bench scaling: $(cat 2.json)"
import json, os
parts = ["code", "statistics", "dictionary", "gram", "whole", "messages"]
whole = lambda t: abs(sum(t[p] for p in parts) / t["total"] - 1) < 1e-9
told = {n: json.load(open(f"{n}.json")) for n in ("1", "2", "3", "other")}
for name, t in told.items():
    n = int(name) if name.isdigit() else 1
    crowd = max(1, n / os.cpu_count())
    assert t["ranks"] == n and t["iterations"] == 4 and t["gemm_flops_per_second"] > 0 and abs(t["ranks_per_core"] - crowd) < 1e-9
    assert (t["latency"] > 0 and t["bytes_per_second"] > 0) == (n > 1)
    assert [c["run"] for c in t["checks"]] == ["strong", "weak"] and [c["batch"] for c in t["checks"]] == [20, 20 * n]
    assert t["alone"]["messages"] == 0 and all(t["alone"][p] > 0 for p in parts[:5])
    for c in t["checks"]:
        model, measured = c["model"], c["measured"]
        assert whole(model) and measured["total"] > 0 and abs(c["model_over_measured"] * measured["total"] / model["total"] - 1) < 1e-9
        samples = -(-c["batch"] // n) / 20
        for p, share in (("code", samples), ("gram", 1 / n), ("whole", 1)):
            assert abs(model[p] / (crowd * share * t["alone"][p]) - 1) < 1e-9, (name, p)
    rows = t["continued"]
    assert len(rows) == 21 and rows[-1]["ranks"] == 4096 and rows[-1]["inputs"] == 50000 and rows[-1]["atoms"] == 100000
    assert all(whole(r) and r["memory_bytes"] > 0 and r["fits"] == (r["memory_bytes"] <= t["limits"]["memory_bytes"]) for r in rows)
    assert rows[0]["sent_bytes"] == 0 and not rows[-1]["fits"] or name == "other"
    assert 0 < t["limits"]["most_atoms"] < t["limits"]["most_atoms_of_784_inputs"] or t["limits"]["most_atoms"] == 0
fm, d, k = told["1"]["continued"][1], 784, 1024  # 4 ranks: what must travel, at least
least = 0.75 * 4 * (k * (k + 1) + d * k + d * k + k * k)
assert least < fm["sent_bytes"] < 1.05 * least, (fm, least)
wide = told["other"]["continued"][1]
assert 1.9 < wide["sent_bytes"] / fm["sent_bytes"] <= 2 and abs(wide["messages"] * 2e10 / wide["sent_bytes"] - 1) < 1e-9
PY

scaling() { refuses_alone "$1" "$WEFT" bench scaling "${@:2}"; }
scaling "-bandwidth" -samples 400 -size 8 -weft_atoms 64 -bandwidth 0
scaling "-codes: weft bench scaling has no such option" -codes new.h5
finish
