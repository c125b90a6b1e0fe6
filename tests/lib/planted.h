/* Samples whose structure is known: groups of atoms that connect to few inputs each, few groups in a sample. Sample i
   is a function of i alone, so that no result has reason to depend on the rank count. */
#pragma once
#include <weft/runfile.h>

typedef struct {
  PetscInt64 n, d;
  int        groups, group_size; /* planted */
  int        inputs;             /* that each planted group connects to; supports of neighbours overlap */
  int        active;             /* groups drawn for a sample, any of them as likely */
  int        rare;               /* the last so many groups are left out nine times in ten */
  double     noise;              /* standard deviation, per input */
  int        zero_every;         /* samples 0, zero_every, ... are all zeros; 0: none */
  uint64_t   seed;               /* another one, other atoms and samples */
} Planted;

/* Planted atom a, of norm 1. */
extern void PlantedAtom(const Planted *planted, int a, double atom[]);
/* Does planted group g connect to input j? */
extern PetscBool PlantedConnects(const Planted *planted, int g, PetscInt64 j);
extern void      PlantedSample(const Planted *planted, PetscInt64 i, double x[]);
/* This rank's even share of the samples, on the ranks of comm; *row0: its first. */
extern void PlantedShare(MPI_Comm comm, const Planted *planted, WeftPrecision precision, PetscInt64 *row0,
                         WeftBlock *x);

/* A layer on such samples. */
typedef struct {
  MPI_Comm  comm;
  WeftBlock x;
  WeftLayer layer;
} PlantedLayer;

/* Settings with weights that are frozen from the start and no feedback, on the full batch in double precision. */
extern WeftLayerSettings PlantedSettings(int atoms, int group_size, PetscInt64 iterations);
extern void              PlantedLayerCreate(MPI_Comm comm, const Planted *planted, const WeftLayerSettings *settings,
                                            PlantedLayer *p);
extern void              PlantedLayerDestroy(PlantedLayer *p);
/* To the last iteration, quietly. */
extern void PlantedLayerLearn(PlantedLayer *p);
/* Field f of the history at iteration t. */
extern double PlantedHistory(const PlantedLayer *p, PetscInt64 t, int f);

/* What a written file says of its options and data. */
#define PLANTED_OPTIONS "weft_atoms: 24\nweft_sparsity: 0.50\ndata: \"a b.h5\"\n"
enum { PLANTED_CHECKSUM = 12345 };

/* Writes the layer's run file, with preprocessing whose numbers depend on their place alone: mean_j = 1/(j + 3),
   W_ij = sin(i d + j), contrast floor 0.7, ridge 0.3. */
extern void PlantedWrite(const char path[], const PlantedLayer *p, PetscBool complete);
