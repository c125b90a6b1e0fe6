# What submit.sh, sweep.sh and the jobs share: the site's settings, the program, the words for sbatch and the launcher.
# Source it; weft_jobs is then this folder, also where a symbolic link led here.
# shellcheck shell=bash

weft_jobs=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

weft_refuse() { echo "${0##*/}: error: $*" >&2; exit 2; }

# weft_read_site: its variables, those that it lacks as in the site file that came with Weft.
weft_read_site() {
  local site=${WEFT_SITE:-$weft_jobs/site.sh}
  [ -r "$site" ] || weft_refuse "WEFT_SITE=$site: no such file, or not readable"
  . "$weft_jobs/site.sh"
  [ "$site" = "$weft_jobs/site.sh" ] || . "$site"
  case $weft_launcher in
    srun | mpirun) ;;
    *) weft_refuse "$site: weft_launcher=$weft_launcher: srun or mpirun is wanted" ;;
  esac
  local name
  for name in weft_warn weft_requeues; do
    [[ ${!name} =~ ^(0|[1-9][0-9]{0,8})$ ]] || weft_refuse "$site: $name=${!name}: a whole number is wanted"
  done
}

# Sets weft_program, absolute: the job may run it from anywhere.
weft_find_program() {
  local candidate
  for candidate in "${WEFT:-}" "$weft_program" "$weft_jobs/../build/weft" "$weft_jobs/../../../bin/weft"; do
    [ -n "$candidate" ] || continue
    if [ -f "$candidate" ] && [ -x "$candidate" ]; then
      weft_program=$(readlink -f "$candidate")
      return 0
    fi
    case $candidate in
      "${WEFT:-}") weft_refuse "WEFT=$candidate: no such program" ;;
      "$weft_program") weft_refuse "${WEFT_SITE:-$weft_jobs/site.sh}: weft_program=$candidate: no such program" ;;
    esac
  done
  weft_refuse "no program weft: build it (cmake -B build && cmake --build build), or set weft_program in $weft_jobs/site.sh"
}

# Sites define "module" in files that only login shells read; neither they nor it are made for set -eu.
weft_load_modules() {
  [ ${#weft_modules[@]} -gt 0 ] || return 0
  local file options=$-
  set +eu
  for file in "${LMOD_PKG:-}/init/bash" "${MODULESHOME:-}/init/bash" /etc/profile.d/{lmod,modules,z00_lmod}.sh; do
    ! command -v module > /dev/null || break
    [ ! -r "$file" ] || . "$file"
  done
  command -v module > /dev/null || weft_refuse "weft_modules is set, but there is no command \"module\" here"
  module load "${weft_modules[@]}" || weft_refuse "weft_modules: could not be loaded: ${weft_modules[*]}"
  [[ $options != *e* ]] || set -e
  [[ $options != *u* ]] || set -u
}

# weft_seconds TIME: of a time limit as sbatch takes it: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S.
weft_seconds() {
  local days=0 rest=$1 a b c
  [[ $rest =~ ^([0-9]+-)?[0-9]+(:[0-9]+){0,2}$ ]] || return 1
  [[ $rest != *-* ]] || { days=${rest%%-*} rest=${rest#*-}; }
  IFS=: read -r a b c <<< "$rest"
  if [[ $1 == *-* ]] || [ -n "$c" ]; then
    echo $((10#$days * 86400 + 10#$a * 3600 + 10#${b:-0} * 60 + 10#${c:-0}))
  else
    echo $((10#$a * 60 + 10#${b:-0}))
  fi
}

# The warning before a limit: weft_warn, but a quarter of a short limit, or a job would do little but stop.
weft_warning() {
  local limit
  limit=$(weft_seconds "$weft_time") || weft_refuse "time $weft_time: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S is wanted"
  echo $((weft_warn < limit / 4 ? weft_warn : limit / 4))
}

# weft_sbatch_words: sets the array weft_sbatch to what every job of this site is submitted with. The job reads WEFT_JOBS
# and WEFT: Slurm runs a copy of job.sh, which is not where the rest is.
weft_sbatch_words() {
  weft_sbatch=(sbatch --parsable --requeue --open-mode=append --export=ALL --chdir="$PWD" --time="$weft_time"
    --nodes="$weft_nodes" --ntasks-per-node="$weft_ranks_per_node" --cpus-per-task="$weft_threads")
  [ -z "$weft_partition" ] || weft_sbatch+=(--partition="$weft_partition")
  [ -z "$weft_account" ] || weft_sbatch+=(--account="$weft_account")
  [ -z "$weft_qos" ] || weft_sbatch+=(--qos="$weft_qos")
  [ -z "$weft_memory" ] || weft_sbatch+=(--mem="$weft_memory")
  weft_sbatch+=("${weft_sbatch_options[@]}")
  export WEFT_JOBS=$weft_jobs WEFT=$weft_program
}

# Submitted from within a job, the new one must not take that one's number or memory for its own.
weft_leave_job() {
  local name
  [ -n "${SLURM_JOB_ID:-}" ] || return 0
  for name in "${!SLURM_@}"; do
    [ "$name" = SLURM_CONF ] || unset "$name"
  done
}

# weft_threads_env: as many threads as CPUs were asked for, whichever BLAS it is.
weft_threads_env() {
  local threads=${SLURM_CPUS_PER_TASK:-$weft_threads}
  export OMP_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads MKL_NUM_THREADS=$threads BLIS_NUM_THREADS=$threads
}

# weft_launch_words: sets the array weft_launch to the launcher of this job's ranks, each bound to its own cores. An
# option of the site comes later and wins; for mpirun so does a variable that is set, which others than Open MPI ignore.
weft_launch_words() {
  local threads=${SLURM_CPUS_PER_TASK:-$weft_threads}
  if [ "$weft_launcher" = srun ]; then
    weft_launch=(srun --cpus-per-task="$threads" --cpu-bind=cores "${weft_srun_options[@]}")
    return
  fi
  if [ -z "${OMPI_MCA_hwloc_base_binding_policy:-}${OMPI_MCA_rmaps_base_mapping_policy:-}" ]; then
    export OMPI_MCA_hwloc_base_binding_policy=core OMPI_MCA_rmaps_base_mapping_policy="slot:PE=$threads"
  fi
  weft_launch=(mpirun -n "${SLURM_NTASKS:?}" "${weft_mpirun_options[@]}")
}
