/* Linear readouts of frozen features f: what a linear decision makes of them, logits = O f + b, the largest is the
   answer. Two ways to fit O and b, with a penalty on the weights of features that are scaled to unit variance (so that
   the features' units do not matter, and a feature that does not vary has weight 0):

     ridge     1/n Σ |onehot(label) - logits|² + penalty |O|²        closed form: normal.h
     softmax   1/n Σ cross-entropy(label, logits) + penalty/2 |O|²   TAO, the gradient data parallel over ranks

   A penalty that is not given is the one of a grid with most right answers on samples held out of the training set,
   every so many-th; the readout is then fitted to all of it. */
#pragma once
#include <weft/options.h>
#include <weft/structure.h>

typedef enum { WEFT_READOUT_RIDGE, WEFT_READOUT_SOFTMAX } WeftReadoutKind;

typedef struct {
  double     ridge, decay; /* penalties; negative: chosen on held-out samples */
  PetscInt64 held_out;     /* every so many-th sample is held out, by global index; 0: none */
} WeftReadoutSettings;

extern const WeftOption WeftReadoutOptions[];
/* Not collective beyond that all ranks hold the same options. */
extern PetscErrorCode WeftReadoutSettingsFromOptions(WeftReadoutSettings *settings);

/* This rank's labelled samples: rows [row0, row0 + x->rows) of all, features in either precision, the same on all
   ranks. Labels are below the number of classes. The caller's. */
typedef struct {
  const WeftBlock *x;
  const int32_t   *labels; /* [x->rows] */
  PetscInt64       row0;
} WeftReadoutSamples;

enum { WEFT_READOUT_MAX_TRIED = 16 };

/* The same on every rank. */
typedef struct {
  int       classes;
  WeftBlock weights; /* O [classes, features], in double */
  double   *bias;    /* [classes] */
  double    penalty;
  /* what was tried: fraction of right answers on the held-out samples; none where none are */
  int       tried;
  double    tried_penalty[WEFT_READOUT_MAX_TRIED], tried_accuracy[WEFT_READOUT_MAX_TRIED];
  double    loss;       /* the objective at the end, over all training samples */
  int       iterations; /* of TAO, in the last fit */
  PetscBool stopped;    /* a signal asked to stop: there is no readout */
} WeftReadout;

/* WeftReadoutFit - *readout is the caller's to destroy. Signals are looked at before each penalty that is tried, and in
   each iteration of TAO. A user's mistake: no samples; a feature that is not finite; all
   penalties fail. Memory beside the samples: ridge, m² doubles for m features and as much over all ranks together;
   softmax, some 20 (m + 1) classes numbers and 1024 logits. Collective. */
extern PetscErrorCode WeftReadoutFit(MPI_Comm comm, WeftReadoutKind kind, const WeftReadoutSettings *settings,
                                     int classes, const WeftReadoutSamples *samples, WeftReadout *readout);
extern PetscErrorCode WeftReadoutDestroy(WeftReadout *readout); /* not collective */

/* ---- features ---- */

/* Layers first .. count - 1 of a structure. */
typedef struct {
  int first, count;
} WeftReadoutLayers;

/* How many features these layers give: their groups, the removed ones too. Not collective. */
extern size_t WeftReadoutWidth(const WeftStructure structure, WeftReadoutLayers layers);
/* WeftReadoutFeatures - their feed-forward responses to raw samples x [n, d], side by side: [n, width], the caller's to
   destroy; both in the structure's precision. Collective, any rank may have no rows. */
extern PetscErrorCode WeftReadoutFeatures(WeftStructure structure, WeftReadoutLayers layers, const WeftBlock *x,
                                          WeftBlock *features);

/* ---- what it is worth ---- */

/* Right answers and mean cross-entropy on samples of all ranks; NaN where there are none. Collective. */
extern PetscErrorCode WeftReadoutScore(MPI_Comm comm, const WeftReadout *readout, const WeftReadoutSamples *samples,
                                       double *accuracy, double *cross_entropy);
