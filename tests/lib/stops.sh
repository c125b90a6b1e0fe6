# For tests that stop a run by a signal; source it after cli.sh.
children() { # PID: processes that it started
  for status in /proc/[0-9]*/status; do
    awk -v parent="$1" '/^Pid:/ {pid = $2} /^PPid:/ && $2 == parent {print pid}' "$status" 2> /dev/null
  done
}
complete() { "$PYTHON" -c "import h5py, sys; sys.exit(0 if h5py.File('$1').attrs['complete'] == $2 else 1)"; }

# stops SIGNAL WHO RUN.h5 COMMAND...: starts it in the background, sends the signal as soon as it has written RUN.h5 to
# WHO of its processes: self, all or one of a launcher's children. status: how it ended.
stops() {
  local signal=$1 who=$2 run=$3 pid
  shift 3
  touch marker
  "$@" > out 2> err &
  pid=$!
  until [ "$run" -nt marker ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
  case $who in
    self) kill -"$signal" $pid ;;
    all) kill -"$signal" $(children $pid) ;;
    one) kill -"$signal" $(children $pid | tail -1) ;;
  esac
  { wait $pid; } 2> /dev/null
  status=$?
}
# stopped: the last of stops ended as a stop should, with a checkpoint that is not the end.
stopped() {
  [ $status -eq 75 ] || fail "status $status after a signal, not 75: $(cat out err)"
  grep -q "checkpoint in $1: run again with -resume" out || fail "no word about resuming: $(cat out)"
  complete "$1" 0 || fail "$1: not a checkpoint"
  [ ! -e "$1.partial" ] || fail "left $1.partial"
}
