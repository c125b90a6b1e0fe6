# The same seed and rank count give the same bits, whatever the surroundings; 1 to 8 ranks the same numbers within the
# bounds that include/weft/stack.h and train.h tell.
. "$WEFT_SOURCE/tests/lib/cli.sh"

export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none
same() { "$PYTHON" "$WEFT_SOURCE/tests/lib/samerun.py" "$@" || fail "not the same bits: $*"; }
close() { "$PYTHON" "$WEFT_SOURCE/tests/lib/closerun.py" "$@" || fail "too far apart"; }
# on N COMMAND...
on() { if [ "$1" -eq 1 ]; then runs "${@:2}"; else runs "$MPIEXEC" -n "$@"; fi; }
# twice N NAME VERB...: NAMEN.h5 and, in a longer environment, under another name and with checkpoints on the way, another.
twice() {
  local n=$1 name=$2 often=()
  shift 2
  [ "$1" = encode ] || often=(-weft_checkpoint_every 0.05)
  on "$n" "$WEFT" "$@" -o "$name$n.h5"
  rm -f again/*
  JUNK=$(printf '%3000s' x) on "$n" "$WEFT" "$@" "${often[@]}" -o again/another-name.h5
  same "$name$n.h5" again/another-name.h5
}

# Of 900 samples many are silent in layer 0 and so equal in layer 1, where groups end in ties: chance would decide them.
runs "$WEFT" synth -o data.h5 -samples 900 -test_samples 100 -size 12
small=(-data data.h5 -weft_layers 2 -weft_depth_min_gain -1e6 -weft_atoms 96 -weft_batch_size 150 -weft_iterations 18)
learn() { learn=(learn "${small[@]}" -weft_precision "$1"); }
train() { train=(train -data data.h5 -structure "learn-$1-1.h5" -weft_train_epochs 1 -weft_train_batch_size 100 -weft_precision "$1"); }
mkdir again

for n in 1 3; do
  for precision in double single; do
    learn $precision
    train $precision
    twice $n learn-$precision- "${learn[@]}"
    twice $n train-$precision- "${train[@]}"
  done
  twice $n shared "${learn[@]}" -weft_share 4
  twice $n features encode -structure learn-single-1.h5 -data data.h5
  twice $n exact encode -structure learn-single-1.h5 -data data.h5 -codes_kind exact -layer 0
  twice $n logits encode -network train-single-1.h5 -data data.h5
done
same features1.h5 features3.h5

for n in 2 4 5 6 7 8; do
  for precision in double single; do
    learn $precision
    train $precision
    on $n "$WEFT" "${learn[@]}" -o learn-$precision-$n.h5
    on $n "$WEFT" "${train[@]}" -o train-$precision-$n.h5
  done
done
# In double what is decided is the same: groups, connections, active ones, layers kept. In single a count may differ.
decided=()
for layer in 0 1; do
  for name in history/$layer/{active_fraction,alive_groups,reseeded,removed,connection_density} layers/$layer/{alive,connectivity/pattern}; do
    decided+=("$name=0")
  done
done
learned=(information/kept=0 history/0/objective=1e-12 history/1/objective=1e-7 layers/0/dictionary=1e-9 layers/1/dictionary=1e-6 information/bits=1e-9)
close "${decided[@]}" "${learned[@]}" learn-double-[1-8].h5
close information/kept=0 history/0/objective=1e-4 history/1/objective=5e-2 layers/0/dictionary=2e-2 information/bits=1e-2 learn-single-[1-8].h5
close history/train_accuracy=0 history/test_accuracy=0 history=1e-12 weights=1e-10 train-double-[1-8].h5
close history/train_loss=1e-5 history/test_loss=1e-4 weights=1e-2 train-single-[1-8].h5
finish
