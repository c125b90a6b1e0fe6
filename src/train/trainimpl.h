/* What the files of src/train share. Activations are blocks [units, ld]: a row is a unit, a column a sample of this
   rank's part of the batch; the columns past the part's m samples, which fill up whole vectors, hold finite numbers
   that nothing depends on, and in gradients zeros. */
#pragma once
#include <weft/train.h>

enum { WEFT_TRAIN_LANES = 16 }; /* ld is a multiple of it */

/* ---- shared layers (sharedplan.c). Not collective. ---- */

/* The layer of the copies of prototypes; its pools are what they pool. */
extern PetscErrorCode WeftTrainPlanShared(const WeftShared *shared, WeftNetworkLayer *layer);
/* Weights from the prototypes' atoms, each scaled to norm 1. */
extern PetscErrorCode WeftTrainStartShared(const WeftShared *shared, WeftNetwork *network,
                                           const WeftNetworkLayer *layer);

/* ---- masked layers (masked.c). Not collective. ---- */

/* The connections of a group. */
typedef struct {
  size_t     count, p;
  const int *input, *row;
} WeftConnections;

/* h = W u; gw += dh u' at the connections; du += W' dh. w, gw: [rows, p]. */
extern void WeftMaskedForward(const WeftNetworkLayer *layer, const WeftBlock *w, const WeftBlock *u, WeftBlock *h);
extern PetscErrorCode WeftMaskedWeights(const WeftNetworkLayer *layer, const WeftBlock *u, const WeftBlock *dh,
                                        WeftBlock *gw);
extern void WeftMaskedInputs(const WeftNetworkLayer *layer, const WeftBlock *w, const WeftBlock *dh, WeftBlock *du);
/* y: pooled h. Backward: h becomes its gradient, from dy (which is used up) and ds, the singles' part or NULL. Atoms
   of a group in no pool get that part alone. */
extern PetscErrorCode WeftPoolForward(const WeftNetworkLayer *layer, double epsilon, const WeftBlock *h, WeftBlock *y);
extern PetscErrorCode WeftPoolBackward(const WeftNetworkLayer *layer, const WeftBlock *y, WeftBlock *dy, WeftBlock *h,
                                       const WeftBlock *ds);

/* ---- normalisation (norm.c) ---- */

/* What a channel is normalised by. */
typedef struct {
  double mean, rate; /* rate: 1 / sqrt(variance + ε) */
} WeftMoments;

/* sums [channels][2] of z and z² over the first m columns; not collective. */
extern void WeftNormSums(const WeftNetworkNorm *norm, const WeftBlock *z, size_t m, double sums[]);
/* From the sums over all ranks and the samples n of the batch. */
extern PetscErrorCode WeftNormMoments(const WeftNetworkNorm *norm, const double sums[], double n, double epsilon,
                                      double variance[], WeftMoments moments[]);
/* out = scale (z − mean) rate + shift, rectified or not. */
extern void WeftNormApply(const WeftNetwork *net, const WeftNetworkNorm *norm, const WeftMoments moments[],
                          PetscBool rectify, const WeftBlock *z, WeftBlock *out);
/* dout becomes zero where the unit was rectified away; sums [channels][2] of it and of it times (z − mean) rate over
   the first m columns: the gradients of shift and scale, added to the flat gradient too. Not collective. */
extern void WeftNormGradient(const WeftNetwork *net, const WeftNetworkNorm *norm, const WeftMoments moments[],
                             PetscBool rectify, size_t m, const WeftBlock *z, WeftBlock *dout, double sums[],
                             WeftBlock *gradient);
/* dout becomes dz, from the sums over all ranks and the samples n of the batch; 0 from column m on. */
extern PetscErrorCode WeftNormBackward(const WeftNetwork *net, const WeftNetworkNorm *norm, const WeftMoments moments[],
                                       const double sums[], double n, size_t m, const WeftBlock *z, WeftBlock *dout);

/* ---- dropout (dropout.c) ---- */

/* The samples' keys of a pass, and which dense layer: with them a unit's fate is the same on any rank count. */
typedef struct {
  double          rate;   /* 0: nothing is dropped */
  const uint32_t *sample; /* [ld] */
  uint32_t        level;
} WeftDropout;
/* out = in, dropped and scaled; may be in. Not collective. */
extern void WeftDropoutApply(const WeftDropout *dropout, const WeftBlock *in, WeftBlock *out);
/* The keys of samples with these global numbers in this step. */
extern void WeftDropoutKeys(uint64_t seed, PetscInt64 step, size_t m, const size_t row[], PetscInt64 row0,
                            uint32_t keys[]);

/* ---- loss (loss.c) ---- */

/* Softmax cross-entropy of logits [classes, ld] with smoothed labels, summed over the first m columns; logits become
   the gradient of that sum where gradient is true. Not collective. */
extern PetscErrorCode WeftLoss(WeftBlock *logits, size_t m, const int32_t labels[], double smoothing,
                               PetscBool gradient, WeftScore *score);

/* ---- optimiser (optimiser.c). Not collective. ---- */

/* The learning rate of step `step`, counted from 0, of so many. */
extern double WeftTrainRate(const WeftTrainSettings *settings, PetscInt64 step, PetscInt64 steps, PetscInt64 per_epoch);
typedef struct {
  PetscInt64 step;
  double     rate, scale; /* scale: of the gradient */
} WeftOptimiserStep;
/* m, v: running moments of the gradient, of the parameters' shape; sgd uses m alone. False: a parameter or a moment is
   no finite number any more. */
extern PetscBool WeftOptimiserUpdate(const WeftTrainSettings *settings, WeftNetwork *net, const WeftBlock *gradient,
                                     const WeftOptimiserStep *step, WeftBlock *m, WeftBlock *v);
/* average += part (values − average) */
extern void WeftOptimiserAverage(const WeftBlock *values, double part, WeftBlock *average);

/* ---- what a rule asks of its trainer (trainer.c) ---- */

/* A user's mistake that names the step, the next one to be counted, unless what is named is finite. All ranks hold the
   same, and so no message is needed. */
extern PetscErrorCode WeftTrainerCheckFinite(WeftTrainer trainer, PetscBool finite, const char what[]);

/* A figure that the file holds below /readout, of so many numbers in double; lives as long as the trainer. */
extern PetscErrorCode WeftTrainerAddFigure(WeftTrainer trainer, const char name[], const char description[],
                                           size_t cols, WeftBlock **values);
/* A piece of state that a checkpoint holds, zeros; its block lives as long as the trainer. */
extern PetscErrorCode WeftTrainerAddState(WeftTrainer trainer, const char name[], const char description[], size_t cols,
                                          WeftBlock **values);
