/* Softmax cross-entropy with smoothed labels. */
#include "trainimpl.h"
#include <math.h>

/* Of one sample, its logits in z, in double; z becomes the gradient. */
static void Sample(size_t classes, double z[], int32_t label, double smoothing, WeftScore *score)
{
  size_t best = 0;
  double sum = 0, mean = 0, most;

  for (size_t c = 1; c < classes; ++c)
    if (z[c] > z[best]) best = c;
  most = z[best];
  for (size_t c = 0; c < classes; ++c) {
    sum += exp(z[c] - most);
    mean += (z[c] - most) / (double)classes;
  }
  score->loss += log(sum) - (1 - smoothing) * (z[label] - most) - smoothing * mean;
  score->correct += best == (size_t)label;
  score->samples += 1;
  for (size_t c = 0; c < classes; ++c) z[c] = exp(z[c] - most) / sum - smoothing / (double)classes;
  z[label] -= 1 - smoothing;
}

PetscErrorCode WeftLoss(WeftBlock *logits, size_t m, const int32_t labels[], double smoothing, PetscBool gradient,
                        WeftScore *score)
{
  const size_t classes = logits->rows;
  double      *z;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(classes, &z));
  for (size_t i = 0; i < logits->cols; ++i) {
    for (size_t c = 0; c < classes; ++c) z[c] = i < m ? WeftBlockGet(logits, c, i) : 0;
    if (i < m) Sample(classes, z, labels[i], smoothing, score);
    for (size_t c = 0; gradient && c < classes; ++c) WeftBlockSet(logits, c, i, z[c]);
  }
  PetscCall(PetscFree(z));
  PetscFunctionReturn(PETSC_SUCCESS);
}
