# One run at a time writes a file: a second is refused, with word on the first, and one that was killed is no obstacle.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"
export WEFT_LOCK_PATIENCE=1

runs "$WEFT" synth -o data.h5 -samples 300 -test_samples 0 -size 8
runs "$WEFT" learn -data data.h5 -o structure.h5 -weft_atoms 16 -weft_iterations 6 -weft_layers 1
learn=(learn -data data.h5 -weft_atoms 16 -weft_batch_size 100 -weft_iterations 100000 -weft_layers 1
  -weft_checkpoint_every 0)
train=(train -data data.h5 -structure structure.h5 -weft_train_epochs 100000 -weft_checkpoint_every 0)

# second OPTION FILE COMMAND...: refused as long as COMMAND runs elsewhere.
second() {
  local to=$1 file=$2
  shift 2
  timeout 60 "$@" "$to" "$file" > second.out 2> second.err
  [ $? -eq 2 ] || fail "not refused: $*: $(cat second.out second.err)"
  [ "$(grep -c '^weft: error: ' second.err)" -eq 1 ] || fail "not one line: $(cat second.err)"
  grep -qE -- "$to $file: another run is writing it \(host [^,]+, process [0-9]+, since 2[0-9T:-]+Z\); wait" second.err ||
    fail "does not say who: $(cat second.err)"
}

for verb in learn train; do
  declare -n options=$verb
  for n in 1 2; do
    file=$verb$n.h5
    "$MPIEXEC" -n $n "$WEFT" "${options[@]}" -o "$file" > out 2> err &
    pid=$!
    until [ -e "$file" ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
    second -o "$file" "$WEFT" "${options[@]}"
    second -o "$file" "$MPIEXEC" -n 2 "$WEFT" "${options[@]}" -resume
    grep -qF "process $(sed 's/.*process \([0-9]*\),.*/\1/' "$file.lock")," second.err || fail "another: $(cat second.err)"
    kill -0 $pid 2> /dev/null || fail "the first run ended: $(cat out err)"

    # Killed, it leaves its file behind, and no lock: the next run goes on, and clears it.
    kill -KILL $(children $pid)
    { wait $pid; } 2> /dev/null
    [ -e "$file.lock" ] || fail "no $file.lock to be cleared"
    touch marker
    stops TERM all "$file" "$MPIEXEC" -n $n "$WEFT" "${options[@]}" -o "$file" -resume
    stopped "$file"
    [ ! -e "$file.lock" ] || fail "left $file.lock"
  done
done

# holds FILE...: another process, holder, that has the locks of them, and says of itself what a run does.
holds() {
  "$PYTHON" -c '
import fcntl, os, sys, time
held = [open(path + ".lock", "w") for path in sys.argv[1:]]
for file in held:
    fcntl.lockf(file, fcntl.LOCK_EX)
    file.write(f"host {os.uname().nodename}, process {os.getpid()}, since 2026-01-01T00:00:00Z")
    file.flush()
open("held", "w").close()
time.sleep(600)' "$@" &
  holder=$!
  until [ -e held ] || ! kill -0 $holder; do sleep 0.02; done
  rm held
}
ends() { kill $holder && { wait $holder; } 2> /dev/null; }

# So with the verbs that write a file once.
holds synth.h5 import.h5 encode.h5 bench.h5 codes.h5
second -o synth.h5 "$WEFT" synth -samples 10 -size 8
second -o import.h5 "$MPIEXEC" -n 2 "$WEFT" import hdf5 -file data.h5 -x /train/x -y /train/y
for n in 1 2; do second -o encode.h5 "$MPIEXEC" -n $n "$WEFT" encode -structure structure.h5 -data data.h5; done
second -file bench.h5 "$MPIEXEC" -n 2 "$WEFT" bench io -repeats 1 -samples 200
second -codes codes.h5 "$WEFT" bench coder -repeats 1 -samples 200
runs "$WEFT" encode -structure structure.h5 -data data.h5 -o encode.h5 -check

# The holder's host may be down and its file server not know: on another host, the message says what to do then.
echo -n "host elsewhere, process 1, since 2026-01-01T00:00:00Z" > synth.h5.lock
second -o synth.h5 "$WEFT" synth -samples 10 -size 8
grep -q 'if that host is down, its file server may still hold the lock: remove synth.h5.lock$' second.err ||
  fail "no word on a host that is down: $(cat second.err)"
second -o bench.h5 "$WEFT" synth -samples 10 -size 8
grep -q 'that host is down' second.err && fail "takes this host for another: $(cat second.err)"
ends
ls {synth,import,encode,bench,codes}.h5* | grep -v 'h5\.lock$' && fail "wrote into what is another's"
rm -f ./*.lock

# Another user in the same folder, who may write in it, sees the lock too; where that user may not write the lock file, it
# is not passed over, held or left behind.
other=(env HOME=/ TMPDIR="$TMP/both/tmp" setpriv --reuid=65534 --regid=65534 --clear-groups)
both() { # WORDS: the other user is refused, with them
  timeout 60 "${other[@]}" "$WEFT" synth -samples 10 -size 8 -o both/run.h5 > second.out 2> second.err
  [ $? -eq 2 ] && grep -q -- "$1" second.err || fail "does not say \"$1\": $(cat second.out second.err)"
  [ ! -e both/run.h5 ] && [ ! -e both/run.h5.partial ] || fail "written by the other user: $(ls -l both)"
}
if [ "$(id -u)" -eq 0 ] && chmod 755 . && mkdir -m 777 both both/tmp && "${other[@]}" "$WEFT" -version > second.out 2>&1; then
  "$WEFT" synth -samples 400000 -o both/run.h5 > out 2> err &
  pid=$!
  until [ -s both/run.h5.lock ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
  kill -STOP $pid
  rm -f both/run.h5.partial
  both "another run is writing it (host [^,]*, process $pid, since"
  [ "$(stat -c %a both/run.h5.lock)" = 666 ] || fail "the lock is for one user: $(ls -l both)"
  chmod 644 both/run.h5.lock
  both "another run is writing it (host [^,]*, process $pid, since"
  chmod 600 both/run.h5.lock
  both "run.h5.lock is of another user's run (not known which) and cannot be taken over"
  chmod 644 both/run.h5.lock
  { kill -KILL $pid; wait $pid; } 2> /dev/null
  both "run.h5.lock is of another user's run (host [^,]*, process $pid, since .*) and cannot be taken over: remove it if"
  chmod 666 both/run.h5.lock
  runs "${other[@]}" "$WEFT" synth -samples 10 -size 8 -o both/run.h5
  [ ! -e both/run.h5.lock ] || fail "left $(ls both)"
else
  echo "not as root: nothing about another user was tried: $(cat second.out)"
fi

# Two at once: one writes it, and the other, which waits for the first, finds it there.
export WEFT_LOCK_PATIENCE=60
"$WEFT" synth -samples 15000 -o both.h5 > one.out 2> one.err &
"$MPIEXEC" -n 2 "$WEFT" synth -samples 15000 -o both.h5 > two.out 2> two.err
status=$?
wait $!
[ $((status + $?)) -eq 2 ] || fail "not one of two wrote it: $(cat one.err two.err)"
runs "$WEFT" info both.h5 -verify

# Neither a run that is refused nor one that only checks leaves one.
refuses_alone "-weft_atoms" "$WEFT" "${learn[@]}" -resume -o learn1.h5 -weft_atoms 32
runs "$WEFT" "${learn[@]}" -check -o checked.h5
ls ./*.lock > /dev/null 2>&1 && fail "left $(ls ./*.lock)"
finish
