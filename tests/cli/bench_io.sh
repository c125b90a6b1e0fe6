# weft bench io: rates of a checkpoint beside plain transfers; leaves nothing behind, touches nothing that is there.
. "$WEFT_SOURCE/tests/lib/cli.sh"

small=(-samples 200 -inputs 30 -weft_atoms 32 -repeats 3)
runs "$WEFT" bench io "${small[@]}" -json one.json
grep -q '^  checkpoint  ' out && grep -q '^  plain write ' out || fail "table: $(cat out)"
runs "$MPIEXEC" -n 3 "$WEFT" bench io "${small[@]}" -weft_precision double -file three.h5 -json
cp out three.json
runs "$WEFT" bench io "${small[@]}" -inputs 1 -weft_atoms 4 -samples 1 -json least.json
ls | grep -q 'h5' && fail "left behind: $(ls)"
"$PYTHON" - <<'PY' || fail "bench io: $(cat one.json)"
import json
for name, ranks in ("one", 1), ("three", 3), ("least", 1):
    told = json.load(open(name + ".json"))
    assert told["bench"] == "io" and told["ranks"] == ranks and told["machine"] and told["repeats"] == 3
    ways = [told[way] for way in ("checkpoint", "plain_write", "resume", "plain_read")]
    for way in ways:
        low, high = way["seconds_range"]
        assert 0 < low <= way["seconds"] <= high and way["cpu_seconds"] > 0
        assert abs(way["bytes_per_second"] * way["seconds"] / way["bytes"] - 1) < 1e-9
    assert ways[0]["bytes"] == ways[1]["bytes"] >= ways[2]["bytes"] == ways[3]["bytes"] > 0
    assert abs(ways[0]["of_plain"] - ways[0]["bytes_per_second"] / ways[1]["bytes_per_second"]) < 1e-9
one, three = json.load(open("one.json")), json.load(open("three.json"))
# 30 x 32 atoms, their 8 groups, 30 x 30 for whitening, and in double the atoms, B, 32 x 32 and 200 samples' codes
assert one["checkpoint"]["bytes"] > 4 * (30 * 40 + 900) + 8 * (2 * 960 + 1024) + 200 * 8 * (4 + 32)
assert three["checkpoint"]["bytes"] > one["checkpoint"]["bytes"] + 3 * (30 * 40 + 900)  # HDF5 fills gaps between
PY

echo kept > here.h5
refuses_alone "-file here.h5: exists already" "$WEFT" bench io "${small[@]}" -file here.h5
[ "$(cat here.h5)" = kept ] || fail "a file that was there was touched"
refuses_alone "-file no/x.h5: its folder: No such file" "$WEFT" bench io "${small[@]}" -file no/x.h5
refuses_alone "-problem: weft bench io has no such option" "$WEFT" bench io -problem here.h5
finish
