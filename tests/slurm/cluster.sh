#!/usr/bin/env bash
# ./tests/slurm/cluster.sh start|stop|env DIR, or down|up DIR n1|n2
# A private Slurm cluster of two nodes, n1 and n2, of two CPUs each, on this one machine, as root, from the packages
# slurm-wlm and munge. It needs no systemd, no cgroups and nothing in /etc, and several can run at once. By hand:
#   ./tests/slurm/cluster.sh start /tmp/cluster           # about 2 seconds; all that it writes is in /tmp/cluster
#   eval "$(./tests/slurm/cluster.sh env /tmp/cluster)"   # sinfo, sbatch, squeue, ./jobs/submit.sh now mean this cluster
#   ./tests/slurm/cluster.sh stop /tmp/cluster            # ends the daemons and what still runs there
# down kills a node as a power cut would, up starts it again. Partitions: main; high, whose jobs preempt those of low.
# start DIR --for PID: the cluster ends with that process, too. Exit status 77: no Slurm here, or not root.
set -euo pipefail

usage() { sed -n '2,10s/^# //p' "$0"; }
die() { echo "cluster.sh: $*" >&2; exit 2; }
no_cluster() { echo "cluster.sh: $*" >&2; exit 77; }

can_run() {
  local command
  [ "$(id -u)" -eq 0 ] || no_cluster "a cluster on one machine needs root: its nodes are namespaces"
  for command in munged slurmctld slurmd sinfo unshare setsid; do
    command -v "$command" > /dev/null || no_cluster "no $command here (Debian: apt-get install slurm-wlm munge)"
  done
  [ -n "$(ls /sys/fs/cgroup 2> /dev/null)" ] || no_cluster "no /sys/fs/cgroup here: slurmd wants it, unused"
  unshare --uts --mount --pid --fork true 2> /dev/null || no_cluster "no namespaces may be made here (unshare)"
}

# A port that nobody listens on, below those that the system hands out itself.
free_port() {
  local port
  while :; do
    port=$((10000 + (RANDOM << 15 | RANDOM) % 20000))
    if ! (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then break; fi
  done
  echo "$port"
}

# cred_expire is also how long a job that is requeued must wait; SlurmdTimeout how long a node may be silent.
write_conf() {
  cat > slurm.conf << TEXT
ClusterName=weft
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$(free_port)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$PWD/munge/socket,cred_expire=5
StateSaveLocation=$PWD/state
SlurmdSpoolDir=$PWD/spool-%n
TmpFS=$PWD/tmp-%n
SlurmctldPidFile=$PWD/slurmctld.pid
SlurmdPidFile=$PWD/slurmd-%n.pid
SlurmctldLogFile=$PWD/slurmctld.log
SlurmdLogFile=$PWD/slurmd-%n.log
JobCompType=jobcomp/filetxt
JobCompLoc=$PWD/jobs.log
TaskProlog=$PWD/prolog.sh
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=pmix
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,sched_min_interval=100000,bf_interval=1,batch_sched_delay=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
MaxArraySize=10001
ReturnToService=2
SlurmdTimeout=3
MessageTimeout=3
BatchStartTimeout=5
KillWait=3
SlurmdParameters=config_overrides
DefMemPerCPU=400
NodeName=n1 NodeHostname=n1 NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2 RealMemory=2000
NodeName=n2 NodeHostname=n2 NodeAddr=127.0.0.1 Port=$(free_port) CPUs=2 RealMemory=2000
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=UNLIMITED PreemptMode=OFF PriorityTier=5
PartitionName=low Nodes=n[1-2] MaxTime=UNLIMITED PriorityTier=1 GraceTime=10
PartitionName=high Nodes=n[1-2] MaxTime=UNLIMITED PriorityTier=10 PreemptMode=OFF
TEXT
  # Nodes share /tmp here, and clusters too: what MPI keeps there goes to the node's own /dev/shm.
  printf '#!/bin/sh\necho export TMPDIR=/dev/shm\n' > prolog.sh
  chmod +x prolog.sh
  printf '# The site file of this cluster: see jobs/site.sh\nweft_ranks_per_node=2\n' > site.sh
}

# background NAME COMMAND...: a session of its own, so that no signal to the caller's group reaches it.
background() {
  local name=$1
  shift
  setsid "$@" > "$name.out" 2>&1 < /dev/null &
  echo $! > "$name.pid"
}

start_munge() {
  mkdir -m 755 -p munge
  (umask 077 && head -c 128 /dev/urandom > munge/key)
  background munged munged --foreground --force --key-file "$PWD/munge/key" --socket "$PWD/munge/socket" \
    --pid-file "$PWD/munge/pid" --log-file "$PWD/munge/log" --seed-file "$PWD/munge/seed"
}

# A node has its own name, processes and shared memory, and a disk that is empty when it starts. Its first process waits
# for slurmd and for all that slurmd leaves to it; when it is killed, so is everything in the node.
start_node() {
  rm -rf "spool-$1" "tmp-$1"
  mkdir "spool-$1" "tmp-$1"
  background "$1" env SLURM_CONF="$PWD/slurm.conf" unshare --uts --mount --pid --fork --mount-proc --kill-child \
    bash -c 'hostname "$1" && mount -t tmpfs -o mode=1777 tmpfs /dev/shm && slurmd -D -N "$1" & wait' slurmd "$1"
}

# One that is dead but not yet waited for is not running.
running() { grep -qs '^State:[[:space:]][^ZX]' "/proc/$1/status"; }

# ends NAME: the process that NAME.pid tells, and it alone.
ends() {
  local pid
  [ -e "$1.pid" ] || return 0
  pid=$(cat "$1.pid")
  rm -f "$1.pid"
  kill -KILL "$pid" 2> /dev/null || true
  while running "$pid"; do sleep 0.02; done
}

stop_all() {
  local name
  for name in n1 n2 slurmctld munged guard; do ends $name; done
}

# waits_for SECONDS COMMAND...
waits_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" 2> /dev/null; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}
nodes_idle() { [ "$(sinfo -h -p main -t idle -o %D)" = 2 ]; }

try_start() {
  rm -rf state
  mkdir -p state
  write_conf
  start_munge
  waits_for 10 test -S munge/socket || return 1
  background slurmctld env SLURM_CONF="$PWD/slurm.conf" slurmctld -D
  start_node n1
  start_node n2
  SLURM_CONF=$PWD/slurm.conf waits_for 20 nodes_idle
}

# Ends the cluster when process PID is gone, however it went.
guard() {
  background guard bash -c 'while kill -0 "$1" 2> /dev/null; do sleep 0.5; done; exec "$2" stop "$3"' guard "$1" "$self" "$PWD"
}

start() {
  local try
  can_run
  for try in 1 2 3; do # another cluster may have been quicker to take a port
    if try_start; then
      [ -z "$1" ] || guard "$1"
      return 0
    fi
    stop_all
  done
  tail -n 5 ./*.out ./*.log munge/log >&2 || true
  die "the cluster did not start, see $PWD"
}

# More ranks than cores: they must give way to one another. Open MPI takes the loop for the network between the nodes.
print_env() {
  cat << TEXT
export SLURM_CONF='$PWD/slurm.conf' WEFT_SITE='$PWD/site.sh'
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
TEXT
}

case ${1:-} in
  -h | -help | --help) usage; exit 0 ;;
esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
verb=$1
self=$(cd "$(dirname "$0")" && pwd)/cluster.sh
if [ "$verb" = start ]; then
  [ ! -e "$2/slurm.conf" ] || die "$2 holds a cluster already: stop it and remove it, or name another folder"
  mkdir -p "$2"
fi
cd "$2"
case $PWD in *[!A-Za-z0-9/._-]*) die "$PWD: Slurm's configuration takes no such path: letters, digits, . _ - alone" ;; esac
[ ${#PWD} -le 80 ] || die "$PWD: too long a path for a socket: 80 characters at most"
node=${3:-}
case $verb in
  down | up) [ "$node" = n1 ] || [ "$node" = n2 ] || die "$verb DIR n1|n2" ;;
esac
case $verb in
  start)
    [ -z "$node" ] || { [ "$node" = --for ] && [ $# -eq 4 ]; } || die "start DIR [--for PID]"
    start "${4:-}"
    ;;
  stop) stop_all ;;
  env) print_env ;;
  down) ends "$node" ;;
  up) start_node "$node" ;;
  *) usage >&2; exit 2 ;;
esac
