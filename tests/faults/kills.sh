#!/usr/bin/env bash
# tests/faults/kills.sh [-n 200] [--seed S] [-kill "VERB RANKS SIGNAL WHO WRITE"]
# Kills small runs of weft learn (1 and 2 layers) and weft train at 2 to 4 ranks, one rank, all or the launcher, by KILL,
# TERM, USR1 or ABRT, most of them while a checkpoint is being written. Each must end with the status that the README says.
# After each: the checkpoint that was there, or a newer one, is there and loads, the next start goes on from it (its
# recorded times are those of the run before) at another rank count to the end of the run that was never killed, and at
# most its temporary files are left, which the next start clears. -kill: this one each time, as a line of failure names it:
# learn1, learn2 or train; one, all or launcher; inside that write (the first is a trial at the start), or at "any" time.
# Prints a table; status 1 if anything was lost. WEFT and MPIEXEC say where the program and mpiexec are (ctest does).
set -u
WEFT_SOURCE=${WEFT_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
WEFT=${WEFT:-$WEFT_SOURCE/build/weft}
MPIEXEC=${MPIEXEC:-mpiexec}
most=200
given=
RANDOM=1
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
  case $1 in
    -n) most=$2 ;;
    --seed) RANDOM=$2 ;;
    -kill) given=$2 ;;
    *) sed -n '2s/^# //p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
. "$WEFT_SOURCE/tests/lib/cli.sh"

lost() { fail "kill $kill ($verb $n $signal $who $write$where): $*"; nothing_lost=0; }
# pick NAME WORD...: sets the variable to one of the words; not in a subshell, where RANDOM would not move on.
pick() { local name=$1; shift; shift $((RANDOM % $#)); printf -v "$name" %s "$1"; }

# begin N OPTION...: becomes the verb at that many ranks, in its folder, with whatever stands there. In a subshell, whose
# process is then the launcher's: a function in the background is otherwise a shell, and the launcher its only child.
begin() {
  local launch=()
  [ "$1" -eq 1 ] || launch=("$MPIEXEC" -n "$1")
  exec "${launch[@]}" "$WEFT" "${run[@]}" -resume -o to/run.h5 "${@:2}" < /dev/null
}

# ranks_of LAUNCHER: its processes so far. A look at every process would take longer than a write.
ranks_of() { cat /proc/"$1"/task/*/children 2> /dev/null | xargs; }
doze() { read -rt 0.001 -u "$nap"; } # no process of its own
exec {nap}<> <(:)

# Waits until the launcher has begun n ranks, and then for the moment: as the temporary file of a checkpoint is there for
# the $write-th time (the first time as a trial at the start), or any time of the first second.
wait_for_moment() {
  local launcher=$1 seen=0 before= now
  if [ "$write" = any ]; then
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    all=$(ranks_of "$launcher")
    return
  fi
  until all=$(ranks_of "$launcher"); [ "$(wc -w <<< "$all")" -eq "$n" ]; do
    kill -0 "$launcher" 2> /dev/null || return
    doze
  done
  while kill -0 "$launcher" 2> /dev/null; do
    now=
    [ ! -e to/run.h5.partial ] || now=1
    [ -z "$now" ] || [ -n "$before" ] || seen=$((seen + 1))
    [ $seen -lt "$write" ] || return
    before=$now
    doze
  done
}

# end_of_launcher LAUNCHER RANK...: within a minute. Open MPI's may wait for ever at its own end (PMIx_server_finalize) when
# all ranks are gone, and is then killed, and its status says nothing; ranks that are not gone while it lives hang.
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
  stuck=1
}

# strike LAUNCHER: before.h5 is the checkpoint that is there at that moment; once it is renamed into its place nothing is
# written to it any more.
strike() {
  local launcher=$1 victims child
  stuck=0
  case $who in
    one) pick victims ${all:-$launcher} ;;
    all) victims=${all:-$launcher} ;;
    launcher) victims=$launcher ;;
  esac
  ln to/run.h5 before.h5 2> /dev/null
  where=
  [ ! -e to/run.h5.partial ] || where=", inside a write"
  # shellcheck disable=SC2086
  kill -"$signal" $victims 2> /dev/null && struck=$((struck + 1))
  end_of_launcher "$launcher" $all
  # A launcher that is killed leaves its ranks behind for a moment: they are ended, as a scheduler does.
  { wait "$launcher"; } 2> /dev/null
  status=$?
  [ $stuck -eq 0 ] || status=1
  kill -KILL $all 2> /dev/null
  for child in $all; do while kill -0 "$child" 2> /dev/null; do sleep 0.01; done; done
}

choose() {
  if [ -n "$given" ]; then
    read -r verb n signal who write _ <<< "$given"
    return
  fi
  pick verb learn1 learn2 learn2 train train
  pick n 2 2 2 3 4
  pick signal KILL KILL KILL TERM USR1 ABRT
  pick who one all launcher
  pick write any $(seq 2 "${writes[$verb]}") $(seq 2 "${writes[$verb]}")
}

one() {
  local others left
  nothing_lost=1
  choose
  read -ra run <<< "${options[$verb]}"
  [ -e "$verb.h5" ] || runs "$WEFT" "${run[@]}" -o "$verb.h5"
  rm -rf to before.h5 after.h5
  mkdir to
  (begin "$n" -weft_checkpoint_every 0) > first.out 2> first.err &
  wait_for_moment $!
  strike $!
  [ -z "$where" ] || inside=$((inside + 1))
  left=$(ls to | grep -vcx 'run.h5')
  [ "$left" -eq 0 ] || with_file=$((with_file + 1))
  # Open MPI's shared file pointer tries a lock, in a file of its own, whenever a file is opened.
  ls to | grep -qvx -e run.h5 -e run.h5.partial -e run.h5.lock -e 'run.h5.partial.locktest.[0-9]*' && lost "left $(ls to)"
  if [ -e to/run.h5 ]; then
    cp to/run.h5 after.h5
    # weft info reads run files; that a network file loads, going on from it shows.
    [ "$verb" = train ] || "$WEFT" info to/run.h5 > out 2> err || lost "does not load: $(cat err)"
  fi
  pick others 1 1 1 3
  [ "$others" -ne "$n" ] || others=1
  (begin "$others") > out 2> err || lost "does not go on: $(cat err)"
  "$PYTHON" "$WEFT_SOURCE/tests/faults/killed.py" $status "$signal" "$who" before.h5 after.h5 to/run.h5 "$verb.h5" \
    first.out out > found 2> why || lost "status $status: $(tail -1 why)"
  case $(< found) in
    checkpoint*) kept=$((kept + 1)) ;;&
    *learned) learned=$((learned + 1)) ;;
  esac
  [ "$(ls to)" = run.h5 ] || lost "left after the next start: $(ls to)"
  survived=$((survived + nothing_lost))
}

runs "$WEFT" synth -o data.h5 -samples 1600 -test_samples 0 -size 8
runs "$WEFT" learn -data data.h5 -o structure.h5 -weft_layers 1 -weft_atoms 16 -weft_batch_size 0 -weft_iterations 6 -weft_sparsity 0.1
learn="learn -data data.h5 -weft_atoms 32 -weft_batch_size 0 -weft_iterations 8 -weft_sparsity 0.2 -weft_precision double"
declare -A options=(
  [learn1]="$learn -weft_layers 1"
  [learn2]="$learn -weft_layers 2 -weft_depth_min_gain -1e6"
  [train]="train -data data.h5 -structure structure.h5 -weft_train_epochs 8 -weft_train_batch_size 100 -weft_precision double")
declare -A writes=([learn1]=7 [learn2]=15 [train]=14)
[ "$failures" -eq 0 ] || exit 1
struck=0 inside=0 kept=0 learned=0 with_file=0 survived=0
for kill in $(seq "$most"); do one; done
echo "kills  reached a process  inside a write  checkpoint to go on from  with a learned layer  temporary file left  nothing lost"
printf '%5d %18d %15d %25d %21d %20d %13d\n' "$most" $struck $inside $kept $learned $with_file $survived
finish
