# What the program says of itself: JSON and man page agree with -help, for every verb and option; completion completes.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" -help -json
cp out all.json
"$WEFT" --help --json | cmp -s - all.json || fail "two dashes tell something else"
"$PYTHON" - "$WEFT" << 'PYTHON' || fail "-help and -help -json disagree"
import json, subprocess, sys

def printed(*words):
    return subprocess.run([sys.argv[1], *words, "-help"], capture_output=True, text=True, check=True).stdout

def line(option):
    head = f"{option['name']} {option['argument']}" if option["argument"] is not None else option["name"]
    return f"{head} {option['help']}" + (f" [{option['default']}]" if option["default"] is not None else "")

everything = json.load(open("all.json"))
assert everything["version"] in subprocess.run([sys.argv[1], "-version"], capture_output=True, text=True).stdout
verbs = everything["verbs"]
listed = [row.split()[1] for row in printed().splitlines() if row.startswith("  weft ")]
assert listed[: len(verbs)] == [verb["name"] for verb in verbs], listed
for verb in verbs:
    assert json.loads(printed(verb["name"], "-json")) == verb, verb["name"]
    text = printed(verb["name"])
    lines = [" ".join(row.split()) for row in text.splitlines() if row.startswith("  -")]
    told = [line(option) for option in verb["options"] + everything["everywhere"]]
    assert told == lines, set(told) ^ set(lines)
    assert verb["synopsis"] in text and verb["summary"] in text
    assert all(verb["name"] == "learn" or not option["per_layer"] for option in verb["options"])
(learn,) = (verb for verb in verbs if verb["name"] == "learn")
per_layer = {option["name"]: option["per_layer"] for option in learn["options"]}
assert per_layer["-weft_atoms"] and per_layer["-weft_coder_type"] and not per_layer["-weft_layers"]
assert not per_layer["-data"] and not per_layer["-check"]
names = {option["name"] for verb in verbs for option in verb["options"]} | {o["name"] for o in everything["everywhere"]}
open("names", "w").write("\n".join(sorted(names)) + "\n")
PYTHON
[ "$("$MPIEXEC" -n 2 "$WEFT" -help -json | wc -l)" -eq "$(wc -l < all.json)" ] || fail "two ranks print twice"

# The man page.
runs "$WEFT" -help -man
cp out weft.1
if command -v groff > /dev/null; then
  runs groff -ww -man -Tascii -P-cbou weft.1
  [ ! -s err ] || fail "man page: $(head -3 err)"
  cp out page
  runs env MANWIDTH=100 man --warnings -E ascii -l weft.1
  [ ! -s err ] || fail "man page: $(head -3 err)"
  [ "$(wc -l < names)" -gt 90 ] || fail "few options: $(wc -l < names)"
  while read -r name; do
    grep -qE -- "^ +$name( |$)" page || fail "man page: no $name"
  done < names
  for section in NAME SYNOPSIS DESCRIPTION OPTIONS "EXIT STATUS" ENVIRONMENT FILES "SEE ALSO"; do
    grep -qx "$section" page || fail "man page: no section $section"
  done
else
  echo "no groff here: the man page was not rendered"
fi

# Completion: what is offered after these words, the last of which has been begun.
. "$WEFT_SOURCE/jobs/completion.bash"
completes=_weft
offers() {
  local expected=$1
  COMP_WORDS=("${@:2}")
  COMP_CWORD=$(($# - 2))
  "$completes"
  [ "${COMPREPLY[*]}" = "$expected" ] || fail "after \"${*:2}\": \"${COMPREPLY[*]}\", not \"$expected\""
}
mkdir files && cd files || exit 1
touch a.h5 "b c.h5" other.txt grid.yaml
mkdir folder
offers "import synth learn encode train info bench -help -version" "$WEFT" ""
offers "learn" "$WEFT" le
offers "idx cifar10 hdf5" "$WEFT" import ""
offers "coder" "$WEFT" bench cod
offers "-weft_coder_type" "$WEFT" learn -data a.h5 -weft_coder_t
offers "--weft_coder_type" "$WEFT" learn --weft_coder_t
offers "bcd fista admm" "$WEFT" learn -weft_coder_type ""
offers "fista" "$WEFT" learn --weft_coder_type f
offers "single double" "$WEFT" learn -weft_precision ""
offers "-layer1_weft_atoms" "$WEFT" learn -layer1_weft_at
offers "" "$WEFT" learn -layer1_weft_lay
offers "exemplars" "$WEFT" learn -layer1_weft_start e
offers "" "$WEFT" learn -weft_atoms ""
offers "a.h5" "$WEFT" learn -data a
offers "b c.h5" "$WEFT" learn -data b
offers "folder" "$WEFT" learn -data f
offers "" "$WEFT" learn -data oth
offers "folder grid.yaml" "$WEFT" learn -options_file ""
offers "-resume" "$WEFT" train -check -res
offers "" "$WEFT" encode -resu
offers "" /no/such/weft le
submit=$WEFT_SOURCE/jobs/submit.sh # runs the program that WEFT names
export WEFT
offers "learn" "$submit" le
offers "learn train encode bench -help" "$submit" ""
offers "--nodes" "$submit" --nod
offers "" "$submit" --excl
offers "" "$submit" --nodes ""
offers "-weft_coder_type" "$submit" --nodes 2 --dry-run learn -weft_coder_t
offers "bcd" "$submit" learn -weft_coder_type b
completes=_weft_sweep
offers "--dry-run" "$WEFT_SOURCE/jobs/sweep.sh" --dr
offers "folder grid.yaml" "$WEFT_SOURCE/jobs/sweep.sh" ""
offers "a.h5" "$WEFT_SOURCE/jobs/sweep.sh" grid.yaml -data a
completes=_weft
printf '#!/bin/sh\ncat ../all.json\necho asked >> ../asked\n' > weft # asked once, and again when it has changed
chmod +x weft
offers "learn" ./weft le
offers "-weft_layers" ./weft learn -weft_lay
[ "$(wc -l < ../asked)" -eq 1 ] || fail "the program was asked $(wc -l < ../asked) times"
touch -d '1 hour ago' weft
offers "learn" ./weft le
[ "$(wc -l < ../asked)" -eq 2 ] || fail "a new program is not asked"
[[ "$(complete -p weft)" == *"-F _weft weft" ]] || fail "not registered: $(complete -p weft)"
finish
