#!/usr/bin/env bash
# tests/faults/kills.sh [-n 200] [--seed S]
# Kills small runs of weft learn and weft train at 2 to 4 ranks, one rank, all or the launcher, by KILL, TERM, USR1 or ABRT,
# half of them while a checkpoint is being written. After each: the newest checkpoint loads and goes on at another rank
# count to the end of the run that was never killed, and at most one temporary file is left, which the next start clears.
# Prints a table; status 1 if anything was lost. WEFT and MPIEXEC say where the program and mpiexec are (ctest does).
set -u
WEFT_SOURCE=${WEFT_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
WEFT=${WEFT:-$WEFT_SOURCE/build/weft}
MPIEXEC=${MPIEXEC:-mpiexec}
most=200
RANDOM=1
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
  case $1 in
    -n) most=$2 ;;
    --seed) RANDOM=$2 ;;
    *) sed -n '2s/^# //p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"

lost() { fail "kill $kill ($verb, $n ranks, $signal to $who$where): $*"; nothing_lost=0; }
# pick NAME WORD...: sets the variable to one of the words; not in a subshell, where RANDOM would not move on.
pick() { local name=$1; shift; shift $((RANDOM % $#)); printf -v "$name" %s "$1"; }

# The result of the interrupted run against that of the other: the objective of every layer, or the loss of every epoch, to
# the accuracy that another order of sums leaves.
same() {
  "$PYTHON" - "$verb" "$1" "$2" << 'PY'
import sys

import h5py
import numpy as np

verb, *names = sys.argv[1:]
column = {"learn": "history/0/objective", "train": "history/train_loss"}[verb]
a, b = (h5py.File(name)[column][:] for name in names)
sys.exit(0 if a.shape == b.shape and np.allclose(a, b, rtol=1e-10, atol=0) else f"{column}: {a} {b}")
PY
}

# command N OPTION...: the verb at that many ranks, in its folder, with whatever stands there.
command() {
  launch=()
  [ "$1" -eq 1 ] || launch=("$MPIEXEC" -n "$1")
  "${launch[@]}" "$WEFT" "${run[@]}" -resume -o to/run.h5 "${@:2}" < /dev/null
}

# Waits for a random moment of the run: inside a write, as its temporary file shows, or anywhere.
wait_for_moment() {
  local pid=$1 wanted=$((RANDOM % 4)) seen=0
  if [ $((RANDOM % 4)) -eq 0 ]; then
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    return
  fi
  while kill -0 "$pid" 2> /dev/null; do
    [ ! -e to/run.h5.partial ] || seen=$((seen + 1))
    [ $seen -le $((wanted * 3)) ] || return
  done
}

# end_of_launcher LAUNCHER RANK...: within a minute. Open MPI's may wait for ever at its own end (PMIx_server_finalize) when
# all ranks are gone, and is then killed; ranks that are not gone while it lives hang.
end_of_launcher() {
  local launcher=$1 rank
  shift
  for _ in {1..600}; do
    kill -0 "$launcher" 2> /dev/null || return
    [ "$(awk '/^State:/ {print $2}' "/proc/$launcher/status" 2> /dev/null)" != Z ] || return
    sleep 0.1
  done
  for rank in "$@"; do ! kill -0 "$rank" 2> /dev/null || lost "rank $rank hangs"; done
  kill -KILL "$launcher"
}

strike() {
  local pid=$1 all victims
  all=$(children "$pid" | xargs)
  case $who in
    one) pick victims $all $pid ;;
    all) victims=${all:-$pid} ;;
    launcher) victims=$pid ;;
  esac
  where=
  [ ! -e to/run.h5.partial ] || where=", inside a write"
  kill -"$signal" $victims 2> /dev/null && struck=$((struck + 1))
  end_of_launcher "$pid" $all
  # A launcher that is killed leaves its ranks behind for a moment: they are ended, as a scheduler does.
  { wait "$pid"; } 2> /dev/null
  status=$?
  kill -KILL $all 2> /dev/null
  for child in $all; do while kill -0 "$child" 2> /dev/null; do sleep 0.01; done; done
}

one() {
  local others left
  nothing_lost=1
  pick verb learn train
  pick n 2 2 2 3 4
  pick signal KILL KILL KILL TERM USR1 ABRT
  pick who one all launcher
  read -ra run <<< "${options[$verb]}"
  rm -rf to
  mkdir to
  command "$n" -weft_checkpoint_every 0 > out 2> err &
  wait_for_moment $!
  strike $!
  [ -z "$where" ] || inside=$((inside + 1))
  left=$(ls to | grep -vcx 'run.h5')
  [ "$left" -eq 0 ] || with_file=$((with_file + 1))
  ls to | grep -qvx -e run.h5 -e run.h5.partial -e run.h5.lock && lost "left $(ls to)"
  if [ -e to/run.h5 ]; then
    kept=$((kept + 1))
    # weft info reads run files; that a network file loads, going on from it shows.
    [ "$verb" = train ] || "$WEFT" info to/run.h5 > out 2> err || lost "does not load: $(cat err)"
  fi
  pick others 1 1 1 3
  [ "$others" -ne "$n" ] || others=1
  command "$others" > out 2> err || lost "does not go on: $(cat err)"
  same "$verb.h5" to/run.h5 2> why || lost "another result: $(cat why)"
  [ "$(ls to)" = run.h5 ] || lost "left after the next start: $(ls to)"
  survived=$((survived + nothing_lost))
}

runs "$WEFT" synth -o data.h5 -samples 400 -test_samples 0 -size 8
runs "$WEFT" learn -data data.h5 -o structure.h5 -weft_layers 1 -weft_atoms 16 -weft_batch_size 0 -weft_iterations 6 -weft_sparsity 0.1
declare -A options=(
  [learn]="learn -data data.h5 -weft_layers 1 -weft_atoms 32 -weft_batch_size 0 -weft_iterations 12 -weft_sparsity 0.2 -weft_precision double"
  [train]="train -data data.h5 -structure structure.h5 -weft_train_epochs 8 -weft_train_batch_size 100 -weft_precision double")
for verb in learn train; do
  read -ra run <<< "${options[$verb]}"
  runs "$WEFT" "${run[@]}" -o $verb.h5
done
[ "$failures" -eq 0 ] || exit 1
struck=0 inside=0 kept=0 with_file=0 survived=0
for kill in $(seq "$most"); do one; done
echo "kills  reached a process  inside a write  checkpoint there  temporary file left  nothing lost"
printf '%5d %18d %15d %17d %20d %13d\n' "$most" $struck $inside $kept $with_file $survived
finish
