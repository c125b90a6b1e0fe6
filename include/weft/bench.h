/* Measurements that a user can run: how fast this machine does the work of learning, beside what the same machine does
   at best in the same run. Each prints a table and, where -json asks for it, one object; all ranks take part. */
#pragma once
#include <weft/options.h>

/* The options that all of them read, and those of one or several. */
extern const WeftOption WeftBenchOptions[];

/* WeftBenchCoder - the coder on problem L (groups of 1) and problem G (groups of p), from zero to target gaps:
   each sample to a certified relative gap of ten times the target, and the mean gap is held to the target by
   measurement. Reported are the gaps to the optimal objectives that the problem file has, from the codes and in
   double whatever the coder worked in, and rates beside that of the product X Dᵀ. Samples are cut over ranks;
   CPU-seconds are summed over them, and the time is the slowest one's. Collective on comm, as all of these. */
extern PetscErrorCode WeftBenchCoder(MPI_Comm comm);

/* WeftBenchDictionary - WeftDictStep() on statistics of real codes, from a dense dictionary and from a sparse one as
   late in a run, as flops beside those of the product D A of the same run; and learning from the problem's atoms with
   groups of 1, λ of problem L and nothing else in the objective: the mean objective of the test set, coded outside the
   clock, against CPU-seconds. */
extern PetscErrorCode WeftBenchDictionary(MPI_Comm comm);

/* WeftBenchIO - writing and reading a checkpoint of a layer, beside plain writes (with fsync) and reads of as many
   bytes on the same file system, each rank its contiguous part of one file. */
extern PetscErrorCode WeftBenchIO(MPI_Comm comm);

/* WeftBenchScaling - a model of an iteration's time against what is measured, and where it goes from there. Measured
   are rank 0's iteration while the others rest, part by part, the GEMM rate, and the time of small and large
   all-reduces of all ranks; from these alone the model tells an iteration of all ranks, with as many samples in all
   (strong) or for each rank (weak), and both are measured. Then the table goes on to 4,096 ranks with another network's
   -latency and -bandwidth, and to a layer of 100,000 atoms of 50,000 inputs: time by part, bytes sent, memory of a
   rank. */
extern PetscErrorCode WeftBenchScaling(MPI_Comm comm);
