# label: long
# clang-tidy finds nothing in the C files: .clang-tidy says what it looks for. The build folder that a test runs in has
# the commands; by hand, of some folders: WEFT_SOURCE=. WEFT=build/weft bash tests/check/tidy.sh src/dict src/sys
cd "$WEFT_SOURCE" || exit 1
command -v clang-tidy > /dev/null || { echo "SKIP: no clang-tidy here"; exit 77; }
build=$(dirname "$WEFT")
[ -e "$build/compile_commands.json" ] || { echo "SKIP: no compile_commands.json in $build"; exit 77; }
mapfile -t files < <(grep -o '"file": "[^"]*"' "$build/compile_commands.json" | cut -d '"' -f 4 | sort -u |
  grep -F "$(printf '%s/\n' "${@:-}")")
[ ${#files[@]} -gt 0 ] || { echo "no C files in $build/compile_commands.json"; exit 1; }
# One file a process: the analyser's checker of variable arguments carries over what it learned of the last one.
if printf '%s\0' "${files[@]}" | xargs -0 -P "$(nproc)" -n 1 clang-tidy -p "$build" --quiet > "$build/tidy.log" 2> "$build/tidy.err" &&
  ! grep '^Skipping' "$build/tidy.err"; then
  exit 0
fi
cat "$build/tidy.log"
exit 1
