# jobs/sweep.sh here, without Slurm: mistakes are one line and write nothing; a failed point does not stop the others; again,
# it does only what is missing; stopped by a signal and run again, it ends with the same files as one that was not stopped.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"

export PYTHON
sweep() { "$WEFT_SOURCE/jobs/sweep.sh" "$@" --local; }
# refuses_sweep WORDS ARGUMENTS...: one line that holds WORDS, status 2, nothing written.
refuses_sweep() {
  local words=$1 status
  shift
  sweep "$@" > out 2> err
  status=$?
  [ $status -eq 2 ] && [ "$(wc -l < err)" -eq 1 ] || fail "$*: status $status: $(cat err)"
  grep -q "error: " err && grep -qF -- "$words" err || fail "does not say \"$words\": $(cat err)"
  [ ! -s out ] && [ ! -e new ] || fail "$*: printed or wrote something"
}
state() { "$PYTHON" -c "import json, sys; s = json.load(open(sys.argv[1] + '/status.json')); print(s['state'], s['attempt'])" "$1"; }

runs "$WEFT" synth -o data.h5 -samples 400 -test_samples 100 -size 8
cat > grid.yaml << 'YAML'
learn:
  weft_layers: 1
  weft_atoms: 16
  weft_batch_size: 100
  weft_iterations: 4
  weft_sparsity: {linear: [0.2, 0.5], points: 2}
  weft_group_size: [2, 4]
train: {weft_train_epochs: 1, weft_train_hidden: 8}
YAML

# A run file that is none: the options do not tell, so that only the point itself can fail.
mkdir -p "first/points/sparsity=0.5,group_size=2"
echo garbage > "first/points/sparsity=0.5,group_size=2/run.h5"
sweep grid.yaml -data data.h5 -o first > out 2> err
[ $? -eq 1 ] || fail "a failed point: $(cat out err)"
for words in 'done     3' 'failed   1' 'failed: sparsity=0.5,group_size=2: learn: ' '4 points: '; do
  grep -qF "$words" out || fail "no \"$words\": $(cat out)"
done
[ -s first/sweep.csv ] && [ -s first/sweep.h5 ] && [ -s first/sweep.html ] || fail "no table or report: $(ls first)"
[ "$(wc -l < first/sweep.csv)" -eq 5 ] || fail "not one row a point: $(cat first/sweep.csv)"
rm "first/points/sparsity=0.5,group_size=2/run.h5"
runs sweep grid.yaml -data data.h5 -o first
[ "$(state first/points/sparsity=0.5,group_size=2)" = "done 2" ] || fail "the failed one was not run again"
[ "$(state first/points/sparsity=0.2,group_size=2)" = "done 1" ] || fail "a finished one was run again"
runs "$WEFT_SOURCE/jobs/sweep.sh" --status first
[ "$(cat out)" = "done     4" ] || fail "status: $(cat out)"

# As the manifest has it, by hand: the same file.
runs "$WEFT" learn -data data.h5 -o hand.h5 -weft_layers 1 -weft_atoms 16 -weft_batch_size 100 -weft_iterations 4 \
  -weft_sparsity 0.2 -weft_group_size 4
runs "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" hand.h5 first/points/sparsity=0.2,group_size=4/run.h5

# Stopped and run again, against the same that nobody stopped: two points, one of two ranks each.
cat > long.yaml << 'YAML'
learn: {weft_layers: 1, weft_atoms: 16, weft_batch_size: 100, weft_iterations: 20000, weft_checkpoint_every: 0.2,
        weft_sparsity: [0.2, 0.5]}
YAML
runs sweep long.yaml -data data.h5 -o whole --ranks 2 --parallel 1
begun() { [ "$(find part/points -name run.h5 -newer marker 2> /dev/null | wc -l)" -eq 2 ]; }
for signal in USR1 TERM INT; do
  touch marker
  "$WEFT_SOURCE/jobs/sweep.sh" long.yaml -data data.h5 -o part --ranks 2 --parallel 2 --local > out 2> err &
  pid=$!
  until begun || ! kill -0 $pid; do sleep 0.05; done
  kill -$signal $pid
  wait $pid
  [ $? -eq 75 ] || fail "$signal: not 75: $(cat out err)"
  grep -q 'stopped  2' out && grep -q 'run it again' out || fail "$signal: $(cat out)"
  for point in part/points/*; do complete "$point/run.h5" 0 || fail "$signal: $point: no checkpoint"; done
done
runs sweep long.yaml -data data.h5 -o part --ranks 2
for point in part/points/*; do
  runs "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" "$point/run.h5" "whole/points/${point##*/}/run.h5"
done

# Mistakes.
refuses_sweep 'is there with other settings (-weft_iterations was 4 and is 5); take another folder' \
  <(sed 's/iterations: 4/iterations: 5/' grid.yaml) -data data.h5 -o first
refuses_sweep 'did you mean weft_sparsity?' <(echo 'learn: {weft_sparsty: 1}') -data data.h5 -o new
refuses_sweep 'group_size=3: weft learn refuses: -weft_atoms 16 is not a multiple of -weft_group_size 3' \
  <(echo 'learn: {weft_atoms: 16, weft_group_size: [2, 3]}') -data data.h5 -o new
refuses_sweep 'train_rule=hebb: weft train refuses: -weft_train_rule hebb' \
  <(echo '{learn: {weft_atoms: 16}, train: {weft_train_rule: [ridge, hebb]}}') -data data.h5 -o new
refuses_sweep 'is empty' <(echo 'learn: {weft_sparsity: {linear: [2, 1], points: 3}}') -data data.h5 -o new
refuses_sweep '1000000 points' <(echo 'learn: {seed: {linear: [1, 1000000], points: 1000000}}') -data data.h5 -o new
refuses_sweep 'nothing.h5: no such file' grid.yaml -data nothing.h5 -o new
refuses_sweep 'unrecognized arguments: --mots 3' grid.yaml -data data.h5 -o new --mots 3
WEFT=$TMP/nowhere refuses_sweep 'no such program' grid.yaml -data data.h5 -o new
runs sweep grid.yaml -data data.h5 -o new --dry-run
[ ! -e new ] && grep -q '4 points, 4 to run' out || fail "dry run: $(cat out)"
cp "$WEFT_SOURCE/inputs/sweeps/first.yaml" .
runs sweep first.yaml -data data.h5 -o new --dry-run
grep -q '24 points, 24 to run' out || fail "the example: $(cat out)"
finish
