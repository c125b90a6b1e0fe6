# label: long
# Files made to do harm: every verb that reads them uses them or refuses them in one line, soon and in little memory.
# WEFT_HOSTILE=1 tries all variants (an hour), where by default one in so many is.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/tame.sh"
share=${WEFT_HOSTILE:-127}

runs bash "$WEFT_SOURCE/tests/fuzz/good.sh" "$WEFT" "$TMP"
small="-weft_batch_size 50 -weft_whitening_block 8"
going_on="learn -data '$TMP/data.h5' -weft_iterations 1000 $small -weft_layers 1 -weft_atoms 8"
training="train -structure '$TMP/run.h5' -data '$TMP/data.h5' -weft_train_batch_size 50 -weft_train_epochs 2000"
mkdir bad
"$PYTHON" "$WEFT_SOURCE/tests/lib/hostile.py" bad "$share" data=data.h5 run=run.h5 network=network.h5 \
  learning=learning.h5 training=training.h5 > made || fail "hostile.py: status $?"

# The verbs that read a kind of file, in turn.
number=0
while read -r kind file; do
  file=$TMP/$file
  number=$((number + 1))
  launcher=
  if ((number % 25 == 0)); then launcher="WEFT_TAME_LAUNCHED=1 tame '$file' '$MPIEXEC' -n 2"; fi
  verb="${launcher:-tame '$file'} '$WEFT'"
  data="-data '$TMP/data.h5' -o new.h5"
  few="-weft_layers 1 -weft_atoms 8 -weft_iterations 2 $small"
  once="-weft_train_epochs 1 -weft_train_batch_size 50"
  case $kind-$((number % 3)) in
    data-0) echo "$verb learn -data '$file' -o new.h5 $few" ;;
    data-1) echo "$verb encode -structure '$TMP/run.h5' -data '$file' -o new.h5" ;;
    data-2) echo "$verb train -structure '$TMP/run.h5' -data '$file' -o new.h5 $once" ;;
    run-0) echo "$verb info '$file'" ;;
    run-1) echo "$verb encode -structure '$file' $data" ;;
    run-2) echo "$verb train -structure '$file' $data $once" ;;
    network-*) echo "$verb encode -network '$file' $data" ;;
    learning-*) echo "$verb $going_on -o '$file' -resume" ;;
    summed-*) echo "$verb info '$file' -verify" ;;
    training-*) echo "$verb $training -o '$file' -resume" ;;
  esac
done < made > commands
[ "$(wc -l < commands)" -ge 100 ] || fail "only $(wc -l < commands) cases"
all_tame commands
echo "$(wc -l < commands) cases"
finish
