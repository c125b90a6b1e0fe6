# The messages of weft learn, counted beneath the program as a profiler does, against the formulas of weft/cost.h.
. "$WEFT_SOURCE/tests/lib/cli.sh"

runs "$WEFT" synth -o data.h5 -samples 300 -test_samples 0 -size 9
small=(-data data.h5 -weft_atoms 48 -weft_batch_size 100 -weft_layers 1)

# sum FUNCTION FILE...: its bytes over all ranks in the first file less those in the second.
sum() { awk -v f="$1" '$2 == f { b = FNR == NR ? $5 : -$5; n += b } END { printf "%d", n }' "$2" "$3"; }

# Four iterations more: start, end and file take the same either time.
for n in 2 3 4; do
  for t in 4 8; do
    runs "$MPIEXEC" -n $n env LD_PRELOAD="$WEFT_TRAFFIC" "$WEFT" learn "${small[@]}" -weft_iterations $t -o run$n-$t.h5
    grep '^traffic: ' err > traffic$t || fail "$n ranks: nothing was counted: $(cat err)"
  done
  b=$(sum MPI_Reduce_scatter traffic8 traffic4)
  [ "$b" -eq $((4 * n * 81 * 48 * 4)) ] || fail "$n ranks: B takes $b bytes"
  atoms_and_gram=$(sum MPI_Allgatherv traffic8 traffic4)
  [ "$atoms_and_gram" -eq $((4 * (81 * 48 + 48 * 48) * 4)) ] || fail "$n ranks: atoms and gram take $atoms_and_gram bytes"
  a=$(sum MPI_Allreduce traffic8 traffic4)
  [ "$a" -gt $((4 * n * 48 * 49 / 2 * 4)) ] || fail "$n ranks: all-reduces of $a bytes do not hold A"
done
finish
