#!/usr/bin/env bash
# ./jobs/sweep.sh GRID.yaml -data data.h5 -o DIR [--dry-run] [--local] [...]
# Learns, and with a train: section trains, at every point of a grid. Under Slurm as one array job, and a job that makes
# the table and the report when all have ended; else, or with --local, here. Run again, it does what is missing or failed.
#   --dry-run      show the points and the commands; nothing is submitted or written
#   --local        run here, though there is a Slurm
#   --parallel N   points at a time, here (default: as many as there are cores)
#   --ranks R      MPI ranks of a point (default 1: many points at a time beat many ranks)
#   --per-task K   points side by side in one array task (default 1)
#   --at-once N    array tasks that may run at a time (default: as many as Slurm lets)
#   --memory M     of an array task, as sbatch --mem takes it (default: the site file's, or Slurm's per CPU)
#   --time T       time limit of an array task (default: the site file's); at the limit it goes on where it was
#   --most N       refuse a grid of more points (default 1000)
# ./jobs/sweep.sh --status DIR   how many points are done, and why some failed
# Exit status: 0 done or submitted, 1 points failed, 2 a mistake in the grid, 75 interrupted: run it again.
# The grid: inputs/README.md; the site's partition, modules and launcher: jobs/site.sh.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/slurm.sh"
. "$weft_jobs/packages.sh"
. "$weft_jobs/mpienv.sh"

usage() { sed -n '2,17s/^# \?//p' "$0"; }
case " $* " in
  '  ') usage >&2; exit 2 ;;
  *' -h '* | *' -help '* | *' --help '*) usage; exit 0 ;;
esac
weft_read_site
weft_find_program
weft_load_modules
python=$(PYTHON=${PYTHON:-} weft_python yaml) || weft_refuse "no Python with yaml, h5py, matplotlib and numpy"
weft_mpi_env 1
export WEFT=$weft_program WEFT_JOBS=$weft_jobs WEFT_SWEEP=$0
export PYTHONPATH=$weft_jobs:$weft_jobs/../postprocess${PYTHONPATH:+:$PYTHONPATH}
exec "$python" -m weftsweep "$@"
