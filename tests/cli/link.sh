# -o that is a symbolic link: what it leads to is written, by whatever name one writer at a time, and the link stays. A
# folder whose new name cannot be brought to the disk is told of.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"

runs "$WEFT" synth -o data.h5 -samples 300 -test_samples 0 -size 8
learn=("$WEFT" learn -data data.h5 -weft_atoms 16 -weft_batch_size 100 -weft_layers 1)
mkdir scratch home
for n in 1 2; do
  # A dangling one, through another, each as its own folder has it.
  ln -sf ../scratch/run$n.h5 home/middle$n.h5
  ln -sf "$TMP/home/middle$n.h5" run$n.h5
  stops TERM all scratch/run$n.h5 "$MPIEXEC" -n $n "${learn[@]}" -weft_iterations 600 -weft_checkpoint_every 0 -o run$n.h5
  [ $status -eq 75 ] && complete scratch/run$n.h5 0 || fail "$n ranks: status $status: $(cat out err)"
  stops TERM all scratch/run$n.h5 "$MPIEXEC" -n $n "${learn[@]}" -weft_iterations 600 -weft_checkpoint_every 0 -o run$n.h5 -resume
  [ $status -eq 75 ] && complete scratch/run$n.h5 0 || fail "$n ranks: status $status: $(cat out err)"
  rm scratch/run$n.h5
  runs "$MPIEXEC" -n $n "${learn[@]}" -weft_iterations 2 -o run$n.h5
  [ -L run$n.h5 ] && [ -L home/middle$n.h5 ] && [ ! -L scratch/run$n.h5 ] || fail "$n ranks: a link was replaced"
  complete scratch/run$n.h5 1 || fail "$n ranks: the target is not the new one"
  refuses_alone "exists already" "$WEFT" synth -samples 10 -size 8 -o run$n.h5
done
[ "$(ls scratch home)" = "$(printf '%s\n' home: middle1.h5 middle2.h5 '' scratch: run1.h5 run2.h5)" ] || fail "left $(ls scratch home)"

# The lock is where the file is.
ln -s scratch/held.h5 held.h5
"$PYTHON" -c '
import fcntl, time
file = open("scratch/held.h5.lock", "w")
fcntl.lockf(file, fcntl.LOCK_EX)
open("held", "w").close()
time.sleep(60)' &
until [ -e held ]; do sleep 0.02; done
refuses "another run is writing it" "$MPIEXEC" -n 2 "$WEFT" synth -samples 10 -size 8 -o held.h5
kill $!

# Links that lead nowhere.
ln -s circle.h5 circle.h5
ln -s "$TMP/nowhere/run.h5" nowhere.h5
refuses_alone "Too many levels of symbolic links" "$WEFT" synth -samples 10 -size 8 -o circle.h5
refuses_alone "Too many levels of symbolic links" "${learn[@]}" -o circle.h5 -check
refuses_alone "No such file or directory" "$WEFT" synth -samples 10 -size 8 -o nowhere.h5

# The folder's flush.
flush() { # ERRNO: what synth does where it fails with that
  rm -f scratch/new.h5 log
  number=$(env LD_PRELOAD="$WEFT_FAULTS" WEFT_FAULT_PATHS=/scratch WEFT_FAULT_LOG="$TMP/log" \
    "$WEFT" synth -samples 10 -size 8 -o "$TMP/scratch/new.h5" > out 2>&1; awk '/fsync/ {print $2}' log)
  rm -f scratch/new.h5
  env LD_PRELOAD="$WEFT_FAULTS" WEFT_FAULT_PATHS=/scratch WEFT_FAULT_LOG="$TMP/log" WEFT_FAULT_CALL="$number" \
    WEFT_FAULT_ERRNO="$1" "$WEFT" synth -samples 10 -size 8 -o "$TMP/scratch/new.h5" > out 2> err
  status=$?
  grep -q 'fsync failed' log || fail "no flush of the folder failed: $(cat log)"
  "$WEFT" info scratch/new.h5 -verify > said 2>&1 || fail "damaged: $(cat said)"
}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:verify_asan_link_order=0}
for error in 5 28 122; do
  flush $error
  [ $status -eq 2 ] && grep -q '^weft: error: cannot write .*new.h5: .*; the new file is there, but' err ||
    fail "status $status, error $error of the folder: $(cat err)"
done
for error in 22 95 9; do
  flush $error
  [ $status -eq 0 ] || fail "status $status: a folder that cannot be flushed (error $error) is a mistake: $(cat err)"
done
finish
