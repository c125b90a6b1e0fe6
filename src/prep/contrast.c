#include "prepimpl.h"
#include <math.h>

enum { LANES = 8 }; /* independent partial sums: a loop the compiler may vectorise without changing their order */

static double Sum(size_t n, const double v[])
{
  double lane[LANES] = {0}, sum = 0;
  size_t j = 0;

  for (; j + LANES <= n; j += LANES)
    for (size_t l = 0; l < LANES; ++l) lane[l] += v[j + l];
  for (; j < n; ++j) sum += v[j];
  for (size_t l = 0; l < LANES; ++l) sum += lane[l];
  return sum;
}

static double SumOfSquares(size_t n, const double v[], double centre)
{
  double lane[LANES] = {0}, sum = 0;
  size_t j = 0;

  for (; j + LANES <= n; j += LANES)
    for (size_t l = 0; l < LANES; ++l) lane[l] += (v[j + l] - centre) * (v[j + l] - centre);
  for (; j < n; ++j) sum += (v[j] - centre) * (v[j] - centre);
  for (size_t l = 0; l < LANES; ++l) sum += lane[l];
  return sum;
}

/* Row i in double: in place where it is so already, else widened into buffer. */
static const double *RowInDouble(const WeftBlock *x, size_t i, double buffer[])
{
  const float *row;

  if (x->precision == WEFT_DOUBLE) return x->values.d + i * x->cols;
  row = x->values.s + i * x->cols;
  for (size_t j = 0; j < x->cols; ++j) buffer[j] = (double)row[j];
  return buffer;
}

/* A row's mean and variance. */
static void Moments(size_t d, const double row[], double *mean, double *variance)
{
  *mean = Sum(d, row) / (double)d;
  *variance = SumOfSquares(d, row, *mean) / (double)d;
}

PetscErrorCode WeftContrastMeasure(const WeftBlock *x, WeftContrastSums *sums)
{
  double *buffer, mean, variance;

  PetscFunctionBegin;
  *sums = (WeftContrastSums){.samples = (double)x->rows};
  PetscCall(PetscMalloc1(x->cols, &buffer));
  for (size_t i = 0; i < x->rows; ++i) {
    Moments(x->cols, RowInDouble(x, i, buffer), &mean, &variance);
    sums->variance += variance;
    sums->square += mean * mean + variance;
  }
  PetscCall(PetscFree(buffer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* row <- (values - mean) scale, and the sums of what was stored. */
static void StoreSingle(size_t d, const double values[], double mean, double scale, float row[], double sums[])
{
  for (size_t j = 0; j < d; ++j) row[j] = (float)((values[j] - mean) * scale);
  if (sums)
    for (size_t j = 0; j < d; ++j) sums[j] += (double)row[j];
}

/* values may be row. */
static void StoreDouble(size_t d, const double values[], double mean, double scale, double row[], double sums[])
{
  for (size_t j = 0; j < d; ++j) row[j] = (values[j] - mean) * scale;
  if (sums)
    for (size_t j = 0; j < d; ++j) sums[j] += row[j];
}

PetscErrorCode WeftContrastNormalise(double floor, WeftBlock *x, double feature_sums[])
{
  const size_t d = x->cols;
  double      *buffer, mean, variance;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(d, &buffer));
  for (size_t i = 0; i < x->rows; ++i) {
    const double *values = RowInDouble(x, i, buffer);
    double        scale;
    Moments(d, values, &mean, &variance);
    scale = 1.0 / PetscMax(sqrt(variance), floor);
    if (x->precision == WEFT_SINGLE)
      StoreSingle(d, values, mean, scale, x->values.s + i * d, feature_sums);
    else
      StoreDouble(d, values, mean, scale, x->values.d + i * d, feature_sums);
  }
  PetscCall(PetscFree(buffer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
