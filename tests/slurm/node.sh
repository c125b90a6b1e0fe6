# A node that is lost in mid-run: the job queues again, waits for a node to be there, and goes on from its last checkpoint;
# it ends as if nothing had been. With either launcher: srun waits until Slurm notices, mpirun's job notices by itself.
. "$WEFT_SOURCE/tests/lib/cli.sh"
. "$WEFT_SOURCE/tests/lib/slurm.sh"

node_is() { sinfo -h -n n2 -p main -o %t | grep -q "^$1"; }
loses_node() {
  cluster down "$TMP/cluster" n2
  waits 60 node_is down
  waits 60 in_state "$job" PENDING
}

runs "$WEFT" synth -o data.h5 -samples 700 -test_samples 0 -size 8
learn=(learn -data data.h5 -weft_layers 1 -weft_atoms 64 -weft_batch_size 100 -weft_iterations 1200)
mark
submits "${learn[@]}" -weft_checkpoint_every 0.1 -o run.h5
waits 60 written run.h5
loses_node
site weft_launcher=mpirun # read when it starts again
cluster up "$TMP/cluster" n2
waits 60 restarted "$job" 1
mark
waits 60 written run.h5
loses_node
cluster up "$TMP/cluster" n2
runs "$MPIEXEC" -n 4 "$WEFT" "${learn[@]}" -o here.h5
is_over "$job" COMPLETED 0 2
same here.h5 run.h5
says "a node was lost (status" "$log"
says "it queues again (2 of 20)" "$log"
finish
