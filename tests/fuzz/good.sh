#!/usr/bin/env bash
# good.sh WEFT FOLDER: small good files of every kind into FOLDER: data, run, network, and the checkpoints learning and
# training, which are begun as GOING_ON and TRAINING in tests/cli/hostile.sh.
set -euo pipefail
weft=$1
mkdir -p "$2"
cd "$2"
small=(-weft_batch_size 50 -weft_whitening_block 8)
"$weft" synth -o data.h5 -samples 150 -test_samples 30 -size 8
"$weft" learn -data data.h5 -o run.h5 -weft_iterations 3 "${small[@]}" -weft_layers 2 -weft_depth_min_gain -1 \
  -weft_atoms 8 -weft_share 4
"$weft" train -structure run.h5 -data data.h5 -weft_train_batch_size 50 -o network.h5 -weft_train_epochs 2

# checkpoint FILE COMMAND...: of a run that goes on after the first, and is stopped.
checkpoint() {
  local file=$1 pid status=0
  shift
  "$@" -o "$file" -weft_checkpoint_every 0 &
  pid=$!
  until [ -e "$file" ] || ! kill -0 $pid 2> /dev/null; do sleep 0.01; done
  kill $pid || true
  wait $pid || status=$?
  [ $status -eq 75 ] || { echo "no checkpoint: $*" >&2; exit 1; }
}
checkpoint learning.h5 "$weft" learn -data data.h5 -weft_iterations 1000 "${small[@]}" -weft_layers 1 -weft_atoms 8
checkpoint training.h5 "$weft" train -structure run.h5 -data data.h5 -weft_train_batch_size 50 \
  -weft_train_epochs 2000

# Checksums would tell of a damage before a reader sees it.
"${PYTHON:-python3}" - ./*.h5 << 'PYTHON'
import sys

import h5py

for path in sys.argv[1:]:
    with h5py.File(path, "r+") as file:
        file.visititems(lambda _, item: item.attrs.pop("crc32", None) and None)
PYTHON
