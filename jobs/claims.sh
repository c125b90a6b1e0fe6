#!/usr/bin/env bash
# ./jobs/claims.sh [-o DIR] [--seeds N] [--inputs DIR] [--data F.h5 ...]
# Reruns every claim of the paper on Fashion-MNIST and MNIST, or on the data files given, and makes one table and its
# pictures of what came out: DIR/claims.md, .csv, .h5, .png (DIR: weft-claims/). At most an hour on 2 cores. Stopped, it
# goes on where it was; with other options take another DIR. Without --data the two data sets are imported from the folder
# WEFT_DATA, which has fashion-mnist/ and mnist/ with their four .gz files each. Seeds: 3. --inputs: other files like those
# of inputs/claims/. WEFT is the program, ./build/weft unless set.
set -euo pipefail
. "$(dirname "$0")/../jobs/packages.sh"
. "$weft_source/jobs/mpienv.sh"

usage() { sed -n '2,8s/^# //p' "$0"; }
fail() {
  echo "claims: $*" >&2
  exit 2
}
directory=$weft_source/weft-claims
inputs=$weft_source/inputs/claims seeds=3
data=()
while [ $# -gt 0 ]; do
  case $1 in
    -o | --seeds | --inputs)
      [ $# -gt 1 ] || fail "$1: a word behind it is wanted"
      case $1 in -o) directory=$2 ;; --seeds) seeds=$2 ;; *) inputs=$2 ;; esac
      shift 2
      ;;
    --data) shift; while [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; do data+=("$1"); shift; done ;;
    -h | -help | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
case $seeds in '' | *[!0-9]* | 0) fail "--seeds $seeds: a whole number of 1 or more is wanted" ;; esac
[ -f "$inputs/information.txt" ] || fail "--inputs $inputs: has no information.txt"
weft=${WEFT:-$weft_source/build/weft}
[ -x "$weft" ] || fail "$weft: no such program; build it (./jobs/quickstart.sh does), or set WEFT"
python=$(PYTHON=${PYTHON:-} weft_python) || fail "no Python with h5py, matplotlib and numpy"
weft_mpi_env 1
mkdir -p "$directory"
export PYTHONPATH=$weft_source/postprocess${PYTHONPATH:+:$PYTHONPATH}
SECONDS=0

# A data file appears whole or not at all: one that is there is finished.
import() {
  local from=$WEFT_DATA/$1 to=$directory/$1.h5
  data+=("$to")
  [ -e "$to" ] || "$weft" import idx -images "$from/train-images-idx3-ubyte.gz" \
    -labels "$from/train-labels-idx1-ubyte.gz" -test-images "$from/t10k-images-idx3-ubyte.gz" \
    -test-labels "$from/t10k-labels-idx1-ubyte.gz" -o "$to"
}
if [ ${#data[@]} -eq 0 ]; then
  [ -n "${WEFT_DATA:-}" ] || fail "no --data, and WEFT_DATA is not set: it names the folder of the data sets"
  import fashion-mnist
  import mnist
fi
named=()
for file in "${data[@]}"; do
  [ -f "$file" ] || fail "$file: no such data file"
  name=$(basename "$file" .h5)
  named+=("$name=$file")
done

status=0
"$python" -m weftpost.claims.drive -o "$directory" --weft "$weft" --inputs "$inputs" --seeds "$seeds" \
  "${named[@]}" || status=$?
[ $status -eq 75 ] && exit 75
"$python" -m weftpost claims "$directory"
echo "claims: $SECONDS s" >&2
exit $status
