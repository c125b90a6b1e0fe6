# For tests of writes that fail for want of room; source it after cli.sh. Leaves part.h5, a checkpoint, its copy kept.h5 and
# its size in KiB; "${learn[@]}" is the run that made it, which lasts long enough to write many.
same() { "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" "$@" || fail "differ: $*"; }

# fails WORDS FILE COMMAND...: as a user's mistake, without a partial file.
fails() {
  local words=$1 file=$2 status
  shift 2
  timeout 60 "$@" > out 2> err
  status=$?
  [ $status -eq 2 ] || fail "status $status, not 2: $*: $(cat err)"
  [ "$(grep -c '^weft: error: ' err)" -eq 1 ] || fail "not one line of error: $*: $(cat err)"
  grep '^weft: error: ' err | grep -qF -- "$words" || fail "does not say \"$words\": $*: $(cat err)"
  [ ! -e "$file.partial" ] || fail "left $file.partial"
}
# stops FILE COMMAND...: ended by a signal as soon as FILE is there.
stops() {
  local file=$1 pid
  shift
  "$@" > out 2> err &
  pid=$!
  until [ -e "$file" ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
  kill $pid
  wait $pid
  [ $? -eq 75 ] || fail "not stopped: $(cat out err)"
}

runs "$WEFT" synth -o data.h5 -samples 700 -test_samples 0 -size 8
learn=("$WEFT" learn -data data.h5 -weft_layers 1 -weft_atoms 128 -weft_batch_size 100 -weft_iterations 1500)
stops part.h5 "${learn[@]}" -o part.h5 -weft_checkpoint_every 0
cp part.h5 kept.h5
size=$(($(stat -c %s part.h5) / 1024))
