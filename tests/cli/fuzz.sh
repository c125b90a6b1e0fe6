# The inputs that tests/fuzz starts from, and those that it found faults with, through the real program: used or refused
# in one line. What was found in HDF5 files is among the cases of cli/hostile.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/tame.sh"

for target in idx cifar10 options; do
  for input in "$WEFT_SOURCE/tests/fuzz/seeds/$target"/*; do
    name=$target-$(basename "$input")
    words=$("$PYTHON" "$WEFT_SOURCE/tests/lib/replay.py" $target "$input" "$TMP/$name") || fail "$name: replay.py"
    printf "tame '%s' '%s' %s\n" "$name" "$WEFT" "$(tr '\n' ' ' <<< "$words")"
  done
done > commands
[ "$(wc -l < commands)" -ge 8 ] || fail "only $(wc -l < commands) inputs"
all_tame commands
finish
