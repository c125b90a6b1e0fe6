#!/usr/bin/env bash
# ./jobs/submit.sh [--OPTION VALUE]... learn|train|encode|bench OPTIONS of that verb...
# Submits one Slurm job. First the options are checked (weft VERB ... -check): with a mistake in them nothing is submitted.
# What a job gets is in jobs/site.sh; for this one job:
#   --nodes N   --ranks-per-node N   --threads N   --memory M   --time T   --partition P   --account A   --qos Q
#   --name NAME   --dependency D (as of sbatch)   --sbatch OPTION (any other of sbatch, with its value: --sbatch --exclusive)
#   --dry-run   prints the sbatch command and submits nothing
# The log stands beside the output: run.h5 has run-JOBID.log. Exit status 2: a mistake, in one line.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/slurm.sh"

usage() { sed -n '2,8s/^# //p' "$0"; }

name= dependency= dry_run=
read_own_options() {
  local option
  while [[ ${1:-} == -* ]]; do
    option=$1
    case $option in
      -h | -help | --help) usage; exit 0 ;;
      --dry-run) dry_run=1; shift; continue ;;
    esac
    [ $# -ge 2 ] || weft_refuse "$option: needs a value (or is none of $0 -help), and after it a verb of weft"
    case $option in
      --nodes) weft_nodes=$2 ;;
      --ranks-per-node) weft_ranks_per_node=$2 ;;
      --threads) weft_threads=$2 ;;
      --memory) weft_memory=$2 ;;
      --time) weft_time=$2 ;;
      --partition) weft_partition=$2 ;;
      --account) weft_account=$2 ;;
      --qos) weft_qos=$2 ;;
      --name) name=$2 ;;
      --dependency) dependency=$2 ;;
      --sbatch) weft_sbatch_options+=("$2") ;;
      *) weft_refuse "$option: no such option before the verb; see ${0##*/} -help. Options of weft stand after the verb" ;;
    esac
    shift 2
  done
  command=("$@")
}

# Whole numbers, before sbatch takes "2-4" or "many" in its own way.
check_numbers() {
  local name
  for name in weft_nodes weft_ranks_per_node weft_threads; do
    [[ ${!name} =~ ^[1-9][0-9]*$ ]] || weft_refuse "$name is ${!name}: a whole number of 1 or more is wanted"
  done
}

# value_of OPTION ARGUMENT...: of the last such option, with one dash or two.
value_of() {
  local option=$1 value=
  shift
  while [ $# -gt 0 ]; do
    case $1 in "-$option" | "--$option") value=${2:-} ;; esac
    shift
  done
  echo "$value"
}

# Sets log: beside what the job writes; where that is nothing, here.
find_log() {
  local output
  output=$(value_of o "${command[@]}")
  [ -n "$output" ] || output=$(value_of json "${command[@]}")
  [ -n "$output" ] || output=$PWD/${command[0]}
  output=$(realpath -m -- "$output")
  [ -d "${output%/*}" ] || weft_refuse "-o: no such folder: ${output%/*}"
  log=${output%.h5}
  log=${log%.json}
  [ -n "$name" ] || name=weft-${command[0]}-${log##*/}
}

# A status other than 0 and 2 says nothing about the options: MPI may not start where jobs are submitted.
check_options() {
  local said status=0
  [ "${command[0]}" != bench ] || return 0
  said=$(weft_load_modules; . "$weft_jobs/mpienv.sh"; weft_mpi_env 1
    timeout 120 "$weft_program" "${command[@]}" -check 2>&1) || status=$?
  case $status in
    0) ;;
    2) weft_refuse_said "$said" ;;
    *) echo "${0##*/}: note: the options could not be checked here (status $status of ${weft_program##*/} -check)" >&2 ;;
  esac
}

weft_refuse_said() {
  grep 'error: ' <<< "$1" >&2 || echo "$1" >&2
  exit 2
}

tell() {
  cat << TEXT
job $1: weft ${command[0]}, $weft_nodes x $weft_ranks_per_node ranks, at most $weft_time
  log      $2
  watch    tail -F $(printf %q "$2")     squeue -j $1
  cancel   scancel $1
TEXT
}

weft_read_site
read_own_options "$@"
case ${command[0]:-} in
  learn | train | encode | bench) ;;
  *) weft_refuse "${command[0]:-nothing given}: learn, train, encode or bench is wanted; see ${0##*/} -help" ;;
esac
check_numbers
find_log
weft_find_program
command -v sbatch > /dev/null || [ -n "$dry_run" ] || weft_refuse "no sbatch here: this is no machine where Slurm takes jobs"
check_options
warning=$(weft_warning)
weft_sbatch_words
weft_sbatch+=(--output="${log//%/%%}-%j.log" --job-name="$name")
[ -z "$dependency" ] || weft_sbatch+=(--dependency="$dependency" --kill-on-invalid-dep=yes)
case ${command[0]} in
  learn | train) weft_sbatch+=(--signal="B:USR1@$warning") ;; # the others have nothing to go on from
esac
weft_sbatch+=("$weft_jobs/job.sh" weft "${command[@]}")
if [ -n "$dry_run" ]; then
  printf '%q ' "${weft_sbatch[@]}"
  echo
  exit 0
fi
weft_leave_job
id=$("${weft_sbatch[@]}") || exit 2
id=${id%%;*} # a cluster's name may follow
tell "$id" "$log-$id.log"
