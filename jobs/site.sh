# What this site's jobs need: edit it once, or leave it and name a copy, export WEFT_SITE=/path/of/my-site.sh.
# Read by submit.sh and sweep.sh before they submit, and by each job when it starts. Options of submit.sh win over it.
# Lists are bash arrays, one word an element: weft_sbatch_options=(--constraint=avx512 --exclusive)
# shellcheck shell=bash disable=SC2034  # the scripts that source this use the variables

weft_partition=          # partition, account and quality of service; empty: the site's default
weft_account=
weft_qos=

weft_modules=()          # modules that the program needs, as they were loaded to build it: (openmpi petsc hdf5/1.14)
weft_program=            # the program; empty: $WEFT, or else build/weft, or bin/weft where Weft is installed

weft_nodes=1             # nodes of a job, processes (MPI ranks) on each, and threads of BLAS in each. More ranks are
weft_ranks_per_node=4    # better than more threads: as many as a node has cores, if the data are large
weft_threads=1
weft_memory=             # memory per node as sbatch's --mem takes it, 16G; empty: the site's default. learn says what it needs

weft_time=01:00:00       # time limit. Before it a job writes a checkpoint, gives its place up and queues again
weft_warn=180            # so many seconds before: enough for one batch and a checkpoint, and a minute that Slurm may be early
weft_requeues=20         # a job starts again at most so often, be it for the limit, for a preemption or for a lost node

weft_launcher=srun       # srun or mpirun
weft_srun_options=(--mpi=pmix)  # "srun --mpi=list" shows what there is: Open MPI wants pmix, MPICH and Intel MPI pmi2
weft_mpirun_options=()
weft_sbatch_options=()   # anything else that sbatch shall be told
