#!/usr/bin/env bash
# The body of every job: job.sh COMMAND... under Slurm, from submit.sh or sweep.sh. "weft VERB OPTIONS..." runs on all ranks
# of the job; any other command as it is, on the first node. What stops a job - the warning before the time limit, a
# preemption - is passed on to the command as SIGUSR1. A command that then ends with status 75 has a checkpoint: the job
# queues again and goes on from it, weft_requeues times at most. A mistake (2) and a fault are passed on, and never queue
# again, but for a fault that came of a lost node.
set -uo pipefail
. "${WEFT_JOBS:?is set by submit.sh and sweep.sh, which submit this script}/slurm.sh"

# A task of an array goes by the array's number and its own: the SLURM_JOB_ID of one of them means the whole array.
id=$SLURM_JOB_ID
[ -z "${SLURM_ARRAY_JOB_ID:-}" ] || id=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
say() { echo "job $id: $*" >&2; }

# Can the command go on from a checkpoint? weft encode and weft bench start anew.
resumes() { [ "${1##*/}" != weft ] || [ "$2" = learn ] || [ "$2" = train ]; }

# Sets the array command: with the launcher before weft, and -resume after it where the job starts again.
make_command() {
  command=("$@")
  [ "$1" = weft ] || return 0
  weft_launch_words
  command=("${weft_launch[@]}" "$WEFT" "${@:2}")
  [ "${SLURM_RESTART_COUNT:-0}" -eq 0 ] || ! resumes "$@" || command+=(-resume)
}

# srun kills its tasks on SIGTERM, and mpirun gives them a few seconds: SIGUSR1 passes through both. The signals that come
# while the command ends are no reason to start another end.
child= asked=
on_signal() {
  say "$1: the program is asked to stop"
  asked=$1
  [ -z "$child" ] || kill -USR1 "$child" 2> /dev/null || true
}

# Runs the command; status: its own. A signal interrupts bash's wait, and then wait may not tell the status: so it waits for
# a second at a time, which a signal ends, and for the command when it is over.
run() {
  # Asked before there is a command - loading modules takes a while - it is not begun: a launcher that has just started
  # may lose the signal.
  if [ -n "$asked" ]; then
    status=75
    return
  fi
  "${command[@]}" &
  child=$!
  [ -z "$asked" ] || kill -USR1 "$child" 2> /dev/null
  while kill -0 "$child" 2> /dev/null; do
    sleep 1 &
    wait $!
  done
  wait "$child"
  status=$?
  # A signal that came before the program listened for it has ended it all the same: what it had written is the checkpoint.
  if [ -n "$asked" ] && [ $status -eq $((128 + $(kill -l USR1))) ]; then status=75; fi
}

# Is it Slurm that ended the job, and not its time? Then the user cancels it, and it must not come back, or Slurm queues it
# again by itself. A job that is over has the rest of its time still in the queue's list.
ended_by_slurm() {
  local state left
  read -r state left < <(squeue -h -j "$id" -o '%T %L')
  [ "${state:-}" != RUNNING ] && [[ "${left:-}" =~ [1-9]|UNLIMITED && "$left" != -* ]]
}
out_of_time() {
  local state
  state=$(squeue -h -j "$id" -o %T)
  [ -n "$state" ] && [ "$state" != RUNNING ]
}

# Preemption ends the daemons that mpirun has on the nodes: its status is then a fault's.
preempted() { scontrol show job "$id" | grep -q 'PreemptTime=[0-9]'; }

# Do all nodes of the job still start something?
nodes_answer() {
  local nodes=${SLURM_JOB_NUM_NODES:-1}
  [ "$nodes" -eq 1 ] || timeout 120 srun --overlap --mpi=none -N "$nodes" -n "$nodes" --ntasks-per-node=1 true 2> /dev/null
}

# requeue REASON: this script then ends, or Slurm ends it.
requeue() {
  local count=${SLURM_RESTART_COUNT:-0}
  if [ "$count" -ge "$weft_requeues" ]; then
    say "$1; it started again $count times, as often as weft_requeues allows: submit it once more, with -resume"
  elif scontrol requeue "$id"; then
    say "$1; it queues again ($((count + 1)) of $weft_requeues)"
  else
    say "$1; Slurm does not queue it again (above): submit it once more, with -resume"
  fi
}

# after COMMAND...: what comes after a status other than 0 and 2.
after() {
  if ended_by_slurm; then
    say "ended by Slurm, with status $status: from here it does not queue again"
  elif resumes "$@" && [ $status -eq 75 ]; then
    requeue "stopped after a checkpoint"
  elif preempted; then
    requeue "preempted"
  elif resumes "$@" && out_of_time; then
    requeue "out of time"
  elif [ $status -eq 75 ]; then
    say "stopped, and $1 $2 does not go on from where it was: submit it again, with more time"
  elif ! out_of_time && ! nodes_answer; then
    requeue "a node was lost (status $status)"
  fi
}

trap 'on_signal "warned of the time limit"' USR1
trap 'on_signal "Slurm ends it"' TERM
weft_read_site
weft_load_modules
weft_threads_env
. "$weft_jobs/mpienv.sh"
weft_mpi_env "${SLURM_NTASKS_PER_NODE:-1}"
make_command "$@"
run
[ $status -eq 0 ] || [ $status -eq 2 ] || after "$@"
exit $status
