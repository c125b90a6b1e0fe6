# A data file that is damaged, or that the system cannot read, is told of before anything is made of it: never other
# numbers with status 0.
. "$WEFT_SOURCE/tests/lib/cli.sh"
same() { "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" "$@" > /dev/null; }

runs "$WEFT" synth -o data.h5 -samples 200 -test_samples 40 -size 8
learn=("$WEFT" learn -data data.h5 -weft_atoms 8 -weft_iterations 2 -weft_layers 1 -weft_batch_size 50)
runs "${learn[@]}" -o run.h5
train=(-structure run.h5 -weft_train_epochs 1 -weft_train_batch_size 50 -o new.h5)

# One bit, in every split of the samples and labels, for each verb that reads it.
"$PYTHON" "$WEFT_SOURCE/tests/lib/flipbits.py" datasets data.h5 > places
while read -r offset dataset <&3; do
  "$PYTHON" "$WEFT_SOURCE/tests/lib/flipbits.py" flip data.h5 flipped.h5 "$offset"
  for n in 1 3; do
    run=("$MPIEXEC" -n $n "$WEFT")
    what="flipped.h5: $dataset is not what its checksum says"
    refuses "$what" "${run[@]}" train -data flipped.h5 "${train[@]}"
    case $dataset in
      /train/x) refuses "$what" "${run[@]}" learn -data flipped.h5 -o new.h5 -weft_iterations 2 ;;
    esac
    case $dataset in
      */x) refuses "$what" "${run[@]}" encode -data flipped.h5 -structure run.h5 -o new.h5 ;;
    esac
    [ ! -e new.h5 ] || fail "$dataset: new.h5 is there"
  done
done 3< places
[ "$(grep -c '/[xy]$' places)" -eq 4 ] || fail "not four datasets: $(cat places)"

# Every call on the data file, in turn.
[ -e "$WEFT_FAULTS" ] || skip "no $WEFT_FAULTS"
refused=0
for call in {1..40}; do
  rm -f new.h5
  timeout 60 env WEFT_FAULT_PATHS=/data.h5 WEFT_FAULT_CALL="$call" WEFT_FAULT_ERRNO=5 LD_PRELOAD="$WEFT_FAULTS" \
    "${learn[@]}" -o new.h5 > out 2> err
  status=$?
  case $status in
    0) same run.h5 new.h5 || fail "call $call: another result with status 0" ;;
    2) refused=$((refused + 1))
       grep -q 'data.h5.*Input/output error' err || fail "call $call: $(cat err)" ;;
    *) fail "call $call: status $status: $(cat err)" ;;
  esac
done
[ $refused -ge 10 ] || fail "only $refused calls failed"
finish
