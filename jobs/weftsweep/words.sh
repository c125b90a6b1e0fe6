#!/usr/bin/env bash
# What the sweep driver asks of the site's settings. Words are printed with a zero byte after each.
#   words.sh sbatch TIME MEMORY RANKS            sbatch and its options for one task of so many ranks; empty: the site's
#   words.sh launch RANKS POINTS                 what stands before weft, for one of so many points side by side
#   words.sh task RANKS PYTHON DIR FILE POINTS   as an array task: starts the runner of its points
set -euo pipefail
. "${WEFT_JOBS:?is set by sweep.sh}/slurm.sh"

sbatch_words() {
  weft_time=${1:-$weft_time} weft_memory=${2:-$weft_memory}
  weft_nodes=1 weft_ranks_per_node=$3 weft_program=$WEFT
  local warning word
  warning=$(weft_warning)
  weft_sbatch_words
  for word in "${weft_sbatch[@]}" --signal="B:USR1@$warning"; do
    [ "$word" = --output= ] || printf '%s\0' "$word" # the log's name is the driver's affair
  done
}

# A step of its own within the task: --exact leaves the other CPUs, --mem=0 the memory to the others. mpirun does not know
# of other runs, and would bind all to the first cores.
launch_words() {
  if [ "$weft_launcher" = mpirun ] && [ "$2" -gt 1 ]; then export OMPI_MCA_hwloc_base_binding_policy=none; fi
  SLURM_NTASKS=$1 weft_launch_words
  [ "$weft_launcher" = mpirun ] || weft_launch+=(--nodes=1 --ntasks="$1" --exact --mem=0)
}

json() { "$python" -c 'import json, sys; print(json.dumps(sys.argv[1:]))' "$@"; }

mode=$1
shift
weft_read_site
case $mode in
  sbatch) sbatch_words "$@" ;;
  launch)
    launch_words "$@"
    printf '%s\0' "${weft_launch[@]}"
    ;;
  task)
    python=$2
    launch_words "$1" "$5"
    WEFT_LAUNCHER_WORDS=$(json "${weft_launch[@]}")
    export WEFT_LAUNCHER_WORDS PYTHONPATH=$weft_jobs${PYTHONPATH:+:$PYTHONPATH}
    exec "$python" -m weftsweep.point "$3" --tasks "$4"
    ;;
esac
