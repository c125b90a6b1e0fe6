/* Small networks with everything that a network may have, and labelled samples for them. */
#pragma once
#include <weft/train.h>

typedef struct {
  const char *name;
  int         layers, hidden;
  PetscBool   single, from_last; /* units read */
  PetscBool   tied, pools, channels;
  double      threshold, dropout;
  PetscBool   dense; /* all connections */
} SmallNet;

/* The network, its parameters drawn at random. */
extern PetscErrorCode SmallNetCreate(const SmallNet *what, WeftPrecision precision, WeftNetwork *network);
/* The rows of n samples that rank `rank` of `size` has. */
extern PetscErrorCode SmallNetSamples(const WeftNetwork *network, PetscInt64 n, int rank, int size,
                                      WeftSamples *samples);
extern PetscErrorCode SmallNetSamplesDestroy(WeftSamples *samples);
