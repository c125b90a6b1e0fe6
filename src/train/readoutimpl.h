/* What the files of readouts share. */
#pragma once
#include <weft/readout.h>

/* Which of the samples: the held-out ones, the others, or all. */
typedef enum { WEFT_PART_FIT, WEFT_PART_HELD, WEFT_PART_ALL } WeftReadoutPart;

/* A problem to be solved for several penalties. */
typedef struct {
  MPI_Comm                   comm;
  int                        classes;
  const WeftReadoutSamples  *samples;
  const WeftReadoutSettings *settings;
} WeftReadoutProblem;

extern PetscBool WeftReadoutIsIn(const WeftReadoutProblem *problem, WeftReadoutPart part, size_t row);

/* A way to fit. prepare: for one part of the samples, before any fit; fit: with readout->penalty, starting from what
   readout holds, *ok false where there is no solution. All collective. */
typedef struct {
  PetscErrorCode (*prepare)(const WeftReadoutProblem *, WeftReadoutPart, void **data);
  PetscErrorCode (*fit)(const WeftReadoutProblem *, void *data, WeftReadout *, PetscBool *ok);
  PetscErrorCode (*destroy)(void *data);
  const double *grid; /* of penalties, the heaviest first, ended by a negative number */
} WeftReadoutMethod;
extern const WeftReadoutMethod WeftReadoutRidge, WeftReadoutSoftmax;
/* What ends TAO, as the options say. Not collective. */
extern PetscErrorCode WeftReadoutTaoOptions(double *gttol, PetscInt64 *iterations);

/* Sums over the chosen rows of this rank: right answers, cross-entropy, samples. Not collective. */
extern PetscErrorCode WeftReadoutCount(const WeftReadoutProblem *problem, WeftReadoutPart part,
                                       const WeftReadout *readout, double sums[3]);

enum { WEFT_READOUT_ROWS = 1024 }; /* samples at a time */

/* logits [rows, classes] of samples `first` and on: x Oᵀ + b, with O [classes, features] in the samples' precision. */
extern PetscErrorCode WeftReadoutLogits(const WeftBlock *x, size_t first, const WeftBlock *o, const double bias[],
                                        WeftBlock *logits);
/* Row i of logits becomes probabilities; returns the cross-entropy of label, and the most likely class. */
extern double WeftReadoutSoften(int classes, double logits[], int label, int *most);
