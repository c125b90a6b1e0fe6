# Preemption: a job of the low partition gives way to one of the high, with a checkpoint, and goes on after it. Slurm tells
# the ranks under srun, and of mpirun it ends the daemons; either way the job ends as if nothing had been.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/slurm.sh"

runs "$WEFT" synth -o data.h5 -samples 700 -test_samples 0 -size 8
learn=(learn -data data.h5 -weft_layers 1 -weft_atoms 64 -weft_batch_size 100 -weft_iterations 1200)
mark
submits --partition low "${learn[@]}" -weft_checkpoint_every 0.1 -o run.h5
for time in 1 2; do
  waits 60 written run.h5
  urgent=$(sbatch --parsable --partition high --nodes 2 --ntasks-per-node 2 --output urgent.txt --wrap true)
  site weft_launcher=mpirun # read when it starts again
  is_over "$urgent" COMPLETED 0 0
  waits 60 restarted "$job" $time
  mark
done
runs "$MPIEXEC" -n 4 "$WEFT" "${learn[@]}" -o here.h5
is_over "$job" COMPLETED 0 2
same here.h5 run.h5
says "stopped after a checkpoint; it queues again (1 of 20)" "$log"
says "preempted; it queues again (2 of 20)" "$log"
finish
