# A warned job writes a checkpoint, queues again, as often as it may and no more, and ends as if nothing had been. One that
# the user cancels, or that is a mistake, does not come back.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/slurm.sh"

warns() { scancel --signal=USR1 --batch "$1"; }

runs "$WEFT" synth -o data.h5 -samples 700 -test_samples 0 -size 8
learn=(learn -data data.h5 -weft_layers 1 -weft_atoms 64 -weft_batch_size 100)
long=("${learn[@]}" -weft_iterations 100000 -weft_checkpoint_every 0.2)
measured=("${learn[@]}" -weft_iterations 1200)

# Twice, with a launcher each.
mark
submits "${measured[@]}" -weft_checkpoint_every 0.1 -o run.h5
for time in 1 2; do
  waits 60 written run.h5
  warns "$job"
  site weft_launcher=mpirun # read when it starts again
  waits 60 restarted "$job" $time
  mark
done
runs "$MPIEXEC" -n 4 "$WEFT" "${measured[@]}" -o here.h5
is_over "$job" COMPLETED 0 2
same here.h5 run.h5
says "stopped after a checkpoint; it queues again (1 of 20)" "$log"
says "it queues again (2 of 20)" "$log"

# The bound, after a warning that is Slurm's own: its clock for limits goes by half minutes, so of one minute with 15 s of
# warning it leaves 30 s. Then submitted once more, by hand, and cancelled: there is a checkpoint, and no new start.
site weft_requeues=1
mark
submits --time 1 "${long[@]}" -o bound.h5
waits 90 restarted "$job" 1
says "warned of the time limit" "$log"
mark
waits 60 written bound.h5
warns "$job"
is_over "$job" FAILED 75 1
says "it started again 1 times, as often as weft_requeues allows: submit it once more, with -resume" "$log"
for limit in 10 0; do # 0: none
  mark
  submits --time $limit "${long[@]}" -resume -o bound.h5
  waits 60 written bound.h5
  scancel "$job"
  waits 60 in_state "$job" CANCELLED
  says "from here it does not queue again" "$log"
  says "checkpoint in bound.h5" "$log"
done

# What cannot go on from where it was does not queue again: stopped while it measures.
submits --nodes 1 bench io -samples 200 -inputs 30 -weft_atoms 32 -repeats 300 -file bench.h5
waits 60 test -e bench.h5
warns "$job"
waits 60 over "$job"
[ "$(field "$job" Restarts)" = 0 ] || fail "bench started again"

# Any command, and of an array the task that stopped alone, though its job's number is the whole array's.
once='[ "$SLURM_ARRAY_TASK_ID" = 2 ] || exec sleep 3; [ "${SLURM_RESTART_COUNT:-0}" = 1 ] || exit 75'
array=$(WEFT_JOBS=$WEFT_SOURCE/jobs sbatch --parsable --array=1-2 --output array.txt "$WEFT_SOURCE/jobs/job.sh" sh -c "$once")
is_over "${array}_1" COMPLETED 0 0
is_over "${array}_2" COMPLETED 0 1

# A mistake that can be seen at once: one line, nothing submitted. One that comes up later: not again.
before=$(squeue -h -t all -o %A | sort -n | tail -1)
refuses_job() {
  local words=$1
  shift
  "$WEFT_SOURCE/jobs/submit.sh" "$@" > out 2> err
  [ $? -eq 2 ] || fail "not refused: $*"
  [ "$(wc -l < err)" -eq 1 ] && grep -qF -- "$words" err && [ ! -s out ] || fail "not one line with \"$words\": $(cat out err)"
}
refuses_job "did you mean -weft_atoms" "${learn[@]}" -weft_atom 3 -o new.h5
refuses_job "run.h5: exists already" "${learn[@]}" -o run.h5
refuses_job "no such folder" "${learn[@]}" -o nowhere/new.h5
refuses_job "time soon" --time soon "${learn[@]}" -o new.h5
refuses_job "weft_nodes is 2-4" --nodes 2-4 "${learn[@]}" -o new.h5
refuses_job "no such option before the verb" --nods 2 "${learn[@]}" -o new.h5
refuses_job "learn, train, encode or bench is wanted" lern -data data.h5
[ "$(squeue -h -t all -o %A | sort -n | tail -1)" = "$before" ] || fail "something was submitted: $(squeue -t all)"
runs "$WEFT_SOURCE/jobs/submit.sh" --dry-run --sbatch --exclusive "${learn[@]}" -o new.h5
grep -q '^sbatch .*--exclusive .*jobs/job.sh weft learn .* -o new.h5' out || fail "dry run: $(cat out)"

cp data.h5 gone.h5
submits --sbatch --hold "${learn[@]}" -data gone.h5 -o new.h5
rm gone.h5
scontrol release "$job"
is_over "$job" FAILED 2 0
[ "$(grep -c 'weft: error: .*gone.h5' "$log")" -eq 1 ] || fail "not one line: $(cat "$log")"
finish
