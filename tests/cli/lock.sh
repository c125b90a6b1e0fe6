# One run at a time writes a file: a second is refused, with word on the first, and one that was killed is no obstacle.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/stops.sh"

runs "$WEFT" synth -o data.h5 -samples 300 -test_samples 0 -size 8
runs "$WEFT" learn -data data.h5 -o structure.h5 -weft_atoms 16 -weft_iterations 6 -weft_layers 1
learn=(learn -data data.h5 -weft_atoms 16 -weft_batch_size 100 -weft_iterations 100000 -weft_layers 1
  -weft_checkpoint_every 0)
train=(train -data data.h5 -structure structure.h5 -weft_train_epochs 100000 -weft_checkpoint_every 0)

# second FILE COMMAND...: refused as long as COMMAND runs elsewhere.
second() {
  local file=$1
  shift
  timeout 60 "$@" -o "$file" > second.out 2> second.err
  [ $? -eq 2 ] || fail "not refused: $*: $(cat second.out second.err)"
  [ "$(grep -c '^weft: error: ' second.err)" -eq 1 ] || fail "not one line: $(cat second.err)"
  grep -qE -- "-o $file: another run is writing it \(host [^,]+, process [0-9]+, since 2[0-9T:-]+Z\); wait" second.err ||
    fail "does not say who: $(cat second.err)"
}

for verb in learn train; do
  declare -n options=$verb
  for n in 1 2; do
    file=$verb$n.h5
    "$MPIEXEC" -n $n "$WEFT" "${options[@]}" -o "$file" > out 2> err &
    pid=$!
    until [ -e "$file" ] || ! kill -0 $pid 2> /dev/null; do sleep 0.02; done
    second "$file" "$WEFT" "${options[@]}"
    second "$file" "$MPIEXEC" -n 2 "$WEFT" "${options[@]}" -resume
    grep -qF "process $(sed 's/.*process \([0-9]*\),.*/\1/' "$file.lock")," second.err || fail "another: $(cat second.err)"
    kill -0 $pid 2> /dev/null || fail "the first run ended: $(cat out err)"

    # Killed, it leaves its file behind, and no lock: the next run goes on, and clears it.
    kill -KILL $(children $pid)
    { wait $pid; } 2> /dev/null
    [ -e "$file.lock" ] || fail "no $file.lock to be cleared"
    touch marker
    stops TERM all "$file" "$MPIEXEC" -n $n "$WEFT" "${options[@]}" -o "$file" -resume
    stopped "$file"
    [ ! -e "$file.lock" ] || fail "left $file.lock"
  done
done

# Neither a run that is refused nor one that only checks leaves one.
refuses_alone "-weft_atoms" "$WEFT" "${learn[@]}" -resume -o learn1.h5 -weft_atoms 32
runs "$WEFT" "${learn[@]}" -check -o checked.h5
ls ./*.lock > /dev/null 2>&1 && fail "left $(ls ./*.lock)"
finish
