# Open MPI refuses to run as root, and to start more ranks than there are cores. On a laptop, in a container and in a
# test both are meant. Source this; then `weft_mpi_env RANKS` sets what RANKS ranks need here, and nothing else.
# shellcheck shell=bash

weft_mpi_env() {
  local cores
  if [ "$(id -u)" -eq 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  # It counts cores, not hardware threads, and a container may allow fewer than the machine has.
  cores=$(lscpu -p=CORE,SOCKET 2> /dev/null | grep -v '^#' | sort -u | wc -l)
  [ "$(nproc)" -ge "$cores" ] || cores=$(nproc)
  if [ "$1" -gt "$cores" ]; then
    export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
    export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none # Open MPI 5
  fi
  # A bare root file system has no /etc/hosts: the many questions for "localhost" at each start then go to a name server,
  # and where one is not answered the start waits 5 seconds.
  grep -qsw localhost /etc/hosts || export RES_OPTIONS=${RES_OPTIONS:-timeout:1 attempts:1}
}
