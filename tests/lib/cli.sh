# What every command-line test needs; source it. The environment gives WEFT, MPIEXEC and WEFT_SOURCE.
set -u
DATA=${WEFT_DATA:-$WEFT_SOURCE/../shared/data}
PYTHON=${PYTHON:-/usr/bin/python3}
TMP=$(mktemp -d) || exit 1
trap 'rm -rf "$TMP"' EXIT
cd "$TMP" || exit 1
failures=0

fail() { echo "FAIL: $*" >&2; failures=$((failures + 1)); }
skip() { echo "SKIP: $*"; exit 77; }
finish() { [ "$failures" -eq 0 ] && echo "passed" || exit 1; }

# runs COMMAND...: status 0.
runs() {
  "$@" > out 2> err || { fail "status $?: $*"; cat err >&2; }
}

# refuses WORDS COMMAND...: a user's mistake: status 2, one line "weft: error:" that holds WORDS, nothing on stdout, and
# no file new.h5 or new.h5.partial, which is what the commands are told to write.
refuses() {
  local words=$1 status
  shift
  rm -f new.h5
  "$@" > out 2> err
  status=$?
  [ $status -eq 2 ] || fail "status $status, not 2: $*"
  [ "$(grep -c '^weft: error: ' err)" -eq 1 ] || fail "not one line of error: $*: $(cat err)"
  grep '^weft: error: ' err | grep -qF -- "$words" || fail "does not say \"$words\": $*: $(cat err)"
  [ ! -s out ] || fail "printed on stdout: $*: $(cat out)"
  ls new.h5* > /dev/null 2>&1 && fail "left a file behind: $*: $(ls new.h5*)"
  return 0
}

# refuses_alone: as refuses, where no launcher adds lines of its own: stderr holds no trace and no other's message.
refuses_alone() {
  refuses "$@"
  grep -qv '^weft: ' err && fail "more than that line: ${*:2}: $(cat err)"
  return 0
}
