#!/usr/bin/env bash
# ./jobs/quickstart.sh [DIR]
# From a bare Debian 12 to a first picture: installs the packages, builds in build/, draws synthetic images, learns
# from them on 2 ranks and makes pictures of it, in DIR (default: weft-quickstart/). Deletes nothing. Run again,
# it keeps what is complete and does the rest.
set -euo pipefail
. "$(dirname "$0")/../jobs/packages.sh"
. "$weft_source/jobs/mpienv.sh"

usage() { sed -n '2,5s/^# //p' "$0"; }
case ${1:-} in
  -h | -help | --help) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
esac
[ $# -le 1 ] || { usage >&2; exit 2; }
directory=${1:-$weft_source/weft-quickstart}
build=$weft_source/build
ranks=2

step() { printf '\n== %s\n' "$*"; }

step "Packages"
weft_prepare "$weft_packages"
python=$(weft_python)
SECONDS=0

step "Build, in $build"
# Where cmocka is missing, which only the tests need, the program builds all the same.
weft_configure "$build" -DBUILD_TESTING="$(pkg-config --exists cmocka && echo ON || echo OFF)"
cmake --build "$build" --target weft --parallel "$(nproc)"

mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
data=$directory/quickstart-images.h5
run=$directory/quickstart-run.h5
weft_mpi_env $ranks

step "Synthetic images"
# A data file appears whole or not at all: one that is there is finished.
if [ -e "$data" ]; then
  echo "$data is kept"
else
  mpiexec -n $ranks "$build/weft" synth -o "$data"
fi

step "Learn on $ranks ranks"
# -resume keeps a complete run, goes on from a checkpoint, and starts where there is neither.
mpiexec -n $ranks "$build/weft" learn -data "$data" -o "$run" -resume

step "Pictures"
export PYTHONPATH=$weft_source/postprocess
"$python" -m weftpost all "$run"
"$python" -m weftpost report "$run"

as_root=
[ "$(id -u)" -ne 0 ] || as_root=". jobs/mpienv.sh && weft_mpi_env $ranks        # Open MPI wants to be told that root is meant
  "
cat << TEXT

== Done, in $SECONDS s after the packages. Look at
  ${run%.h5}-report.html   all of it on one page, for a browser
  ${run%.h5}-atoms.png     what the units look for, group by group, most used first
  ${run%.h5}-fields.png    which inputs each group connects to
  ${run%.h5}-history.png   how the learning went
Run again, this keeps both files; to learn anew, name another folder: ./jobs/quickstart.sh DIR

== Next, with your own data, in $weft_source
  $as_root./build/weft import hdf5 -file YOURS.h5 -x /PATH/OF/SAMPLES -o data.h5     # or idx, cifar10: weft import -help
  mpiexec -n $ranks ./build/weft learn -data data.h5 -o run.h5
  PYTHONPATH=postprocess $python -m weftpost report run.h5
TEXT
