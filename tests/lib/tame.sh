# For tests that give the program what it must not fall over; source it after cli.sh. A command is tame that ends within
# 20 seconds and 6 GiB of addresses, with status 0, or with 2 and one line "weft: error:" alone.
export WEFT_TAME_SECONDS=${WEFT_TAME_SECONDS:-20} WEFT_TAME_KIB=6291456
# The address sanitizer maps more than that from the start: it is told how much one allocation may have, and the time that
# its checks cost is given.
if [ -n "${ASAN_OPTIONS:-}" ]; then
  export WEFT_TAME_SECONDS=60 WEFT_TAME_KIB=unlimited
  export ASAN_OPTIONS=$ASAN_OPTIONS:allocator_may_return_null=1:max_allocation_size_mb=6144
fi

# tame NAME COMMAND...: in a folder of its own, which goes; says what is not tame. Runs in shells of its own, for xargs.
tame() {
  local name=$1 status folder why=
  shift
  folder=$(mktemp -d -p "$TMP") && cd "$folder" || return 1
  (ulimit -v "$WEFT_TAME_KIB" && exec timeout -s KILL "$WEFT_TAME_SECONDS" "$@") > out 2> err
  status=$?
  case $status in
    0) ! grep -q '^weft: error: ' err || why="an error, and status 0" ;;
    2)
      [ "$(grep -c '^weft: error: ' err)" -eq 1 ] || why="not one line of error"
      [ "${WEFT_TAME_LAUNCHED:-}" ] || ! grep -qav '^weft: ' err || why="more than that line"
      ;;
    *) why="status $status" ;;
  esac
  if [ -e new.h5.partial ] || { [ $status -ne 0 ] && [ -e new.h5 ]; }; then why="$why; left a file behind"; fi
  [ -z "$why" ] || printf 'not tame: %s: %s: %s\n' "$name" "$why" "$(head -c 600 err | tr '\n' '|')"
  cd "$TMP" && rm -rf "$folder"
}
export -f tame
export TMP

# all_tame FILE: every line of it is a command, as the shell reads it; as many at once as the test has cores.
all_tame() {
  tr '\n' '\0' < "$1" | xargs -0 -P 2 -n 1 bash -c 2> /dev/null | tee wild
  [ ! -s wild ] || fail "$(wc -l < wild) of $(wc -l < "$1") are not tame"
}
