# A sweep of 8 points as an array job: several tasks share a node, one fails and is not tried again, some are preempted and
# go on to the same result, the table is made after all; the sweep once more runs the failed one alone.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/slurm.sh"
site weft_partition=low weft_memory=300

sweeps() { # sets array and collect
  runs "$WEFT_SOURCE/jobs/sweep.sh" grid.yaml -data data.h5 -o all "$@"
  array=$(sed -n 's/^job \([0-9]*\): [0-9]* tasks.*/\1/p' out)
  collect=$(sed -n 's/^job \([0-9]*\): table and report.*/\1/p' out)
  [ -n "$array" ] && [ -n "$collect" ] || { fail "nothing was submitted: $(cat out err)"; exit 1; }
}
status_of() { # POINT FIELD
  "$PYTHON" -c 'import json, sys; print(json.load(open(f"all/points/{sys.argv[1]}/status.json"))[sys.argv[2]])' "$@"
}
running() { [ "$(squeue -h -t R -r -j "$array" | wc -l)" -eq "$1" ]; }
checkpoints() { [ "$(find all/points -name run.h5 -newer grid.yaml -size +4k | wc -l)" -ge "$1" ]; }
attempts() { for i in 1 2 3 4 5 6 7 8; do echo "0.$i $(status_of sparsity=0.$i attempt)"; done; }
task_exit() { scontrol -o show job "${array}_$1" | grep -o ' ExitCode=[0-9:]*'; }

runs "$WEFT" synth -o data.h5 -samples 400 -test_samples 0 -size 8
cat > grid.yaml << 'YAML'
learn: {weft_layers: 1, weft_atoms: 16, weft_batch_size: 100, weft_iterations: 60000, weft_checkpoint_every: 0.3,
        weft_sparsity: {linear: [0.1, 0.8], points: 8}}
YAML
# A run file that is none: -check does not see it, the point does.
mkdir -p all/points/sparsity=0.3
echo garbage > all/points/sparsity=0.3/run.h5

runs "$WEFT_SOURCE/jobs/sweep.sh" grid.yaml -data data.h5 -o all --dry-run
says '--array=0-7 ' out
[ -z "$(squeue -h)" ] && [ ! -e all/sweep.json ] || fail "a dry run did something"
sweeps
waits 30 running 4 # two to a node
[[ $(field "$collect" Dependency) == afterany:$array* ]] || fail "the table waits for: $(field "$collect" Dependency)"
"$WEFT_SOURCE/jobs/sweep.sh" grid.yaml -data data.h5 -o all > out 2> err
[ $? -eq 2 ] && says "job $array of this sweep is in the queue" err

# One is warned of its time limit; what runs on n1 is preempted. All come back by themselves.
waits 30 checkpoints 3
read -r warned id < <(squeue -h -t R -r -j "$array" -w n2 -o '%K %A' | grep -v '^2 ' | tail -1)
# Once: where other tasks of the array wait, scancel takes the signal for not given, and gives it again and again.
timeout 2 scancel --signal=USR1 --batch "$id" || [ $? -eq 124 ] || fail "no warning to task $warned"
sbatch -Q -p high -w n1 --exclusive -t 1 -o high.log --wrap 'sleep 1'
waits 180 over "$collect"
[ "$(field "$collect" JobState)" = COMPLETED ] || fail "the collecting job: $(cat all/jobs/collect-*.log)"
requeued=$(grep -l 'it queues again' all/jobs/"${array}"_*.log | sed 's/.*_\([0-9]*\)\.log/\1/')
[ "$(wc -w <<< "$requeued")" -ge 2 ] || fail "none were preempted: $requeued"
says 'stopped after a checkpoint; it queues again' "all/jobs/${array}_$warned.log"
for task in $requeued; do
  name=sparsity=0.$((task + 1))
  [ "$(status_of "$name" state)" = done ] && [ "$(status_of "$name" attempt)" -ge 2 ] || fail "$name: $(cat all/points/$name/status.json)"
  runs "$WEFT" learn -data data.h5 -weft_layers 1 -weft_atoms 16 -weft_batch_size 100 -weft_iterations 60000 \
    -weft_checkpoint_every 0.3 -weft_sparsity "${name#*=}" -o whole.h5
  same whole.h5 "all/points/$name/run.h5"
  rm whole.h5
done

# The failed one: told, not tried again, and in the table.
[ "$(task_exit 2)" = ' ExitCode=2:0' ] || fail "the failed task: $(task_exit 2)"
[ "$(status_of sparsity=0.3 state) $(status_of sparsity=0.3 attempt)" = "failed 1" ] || fail "it was not left alone"
runs "$WEFT_SOURCE/jobs/sweep.sh" --status all
says 'done     7' out
says 'failed: sparsity=0.3: learn: weft: error: ' out
[ "$(wc -l < all/sweep.csv)" -eq 9 ] && grep -q '^sparsity=0.3,failed' all/sweep.csv || fail "the table: $(cat all/sweep.csv)"
[ -s all/sweep.h5 ] && [ -s all/sweep.html ] || fail "no table or report: $(ls all)"

rm all/points/sparsity=0.3/run.h5
before=$(attempts)
sweeps --per-task 3
says '"2": [' all/jobs/0002.json
[ "$(field "$array" ArrayTaskId)" = 2 ] || fail "more than the failed one: $(field "$array" ArrayTaskId)"
waits 60 over "$collect"
runs "$WEFT_SOURCE/jobs/sweep.sh" --status all
[ "$(cat out)" = 'done     8' ] || fail "in the end: $(cat out)"
[ "$(attempts)" = "${before/0.3 1/0.3 2}" ] || fail "a finished point was run again: $before, now $(attempts)"
! grep -q failed all/sweep.csv || fail "the table is the old one"
finish
