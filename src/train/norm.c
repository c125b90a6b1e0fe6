/* Normalisation of units over a batch, by channels that units may share. */
#include "trainimpl.h"

#define REAL    float
#define NAME(x) x##Single
#include "normkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "normkernel.h"

static size_t Channel(const WeftNetworkNorm *norm, size_t unit)
{
  return norm->channel ? (size_t)norm->channel[unit] : unit;
}

/* norm(z) = factor z + offset */
typedef struct {
  double factor, offset;
} Line;

static Line UnitLine(const WeftNetwork *net, const WeftNetworkNorm *norm, size_t c, const WeftMoments *m)
{
  const double factor = WeftBlockGet(&net->parameters, 0, norm->scale + c) * m->rate;

  return (Line){factor, WeftBlockGet(&net->parameters, 0, norm->shift + c) - factor * m->mean};
}

void WeftNormSums(const WeftNetworkNorm *norm, const WeftBlock *z, size_t m, double sums[])
{
  (void)memset(sums, 0, 2 * norm->channels * sizeof(double));
  for (size_t i = 0; i < norm->units; ++i) {
    double *into = sums + 2 * Channel(norm, i);
    if (z->precision == WEFT_SINGLE)
      SumsSingle(m, z->values.s + i * z->cols, into);
    else
      SumsDouble(m, z->values.d + i * z->cols, into);
  }
}

void WeftNormApply(const WeftNetwork *net, const WeftNetworkNorm *norm, const WeftMoments moments[], PetscBool rectify,
                   const WeftBlock *z, WeftBlock *out)
{
  for (size_t i = 0; i < norm->units; ++i) {
    const size_t c = Channel(norm, i), at = i * z->cols;
    const Line   line = UnitLine(net, norm, c, &moments[c]);
    if (z->precision == WEFT_SINGLE)
      ApplySingle(z->cols, z->values.s + at, line.factor, line.offset, rectify, out->values.s + at);
    else
      ApplyDouble(z->cols, z->values.d + at, line.factor, line.offset, rectify, out->values.d + at);
  }
}

static void AddTo(WeftBlock *flat, size_t at, double value)
{
  WeftBlockSet(flat, 0, at, WeftBlockGet(flat, 0, at) + value);
}

void WeftNormGradient(const WeftNetwork *net, const WeftNetworkNorm *norm, const WeftMoments moments[],
                      PetscBool rectify, size_t m, const WeftBlock *z, WeftBlock *dout, double sums[],
                      WeftBlock *gradient)
{
  (void)memset(sums, 0, 2 * norm->channels * sizeof(double));
  for (size_t i = 0; i < norm->units; ++i) {
    const size_t c = Channel(norm, i), at = i * z->cols;
    const Line   line = UnitLine(net, norm, c, &moments[c]);
    double       unit[2];
    if (z->precision == WEFT_SINGLE)
      GradientSingle(m, z->values.s + at, line.factor, line.offset, rectify, &moments[c], dout->values.s + at, unit);
    else
      GradientDouble(m, z->values.d + at, line.factor, line.offset, rectify, &moments[c], dout->values.d + at, unit);
    sums[2 * c] += unit[0];
    sums[2 * c + 1] += unit[1];
  }
  for (size_t c = 0; c < norm->channels; ++c) {
    AddTo(gradient, norm->shift + c, sums[2 * c]);
    AddTo(gradient, norm->scale + c, sums[2 * c + 1]);
  }
}

/* How many units each channel has. */
static PetscErrorCode Shares(const WeftNetworkNorm *norm, double **units)
{
  PetscFunctionBegin;
  PetscCall(PetscCalloc1(norm->channels, units));
  for (size_t i = 0; i < norm->units; ++i) (*units)[Channel(norm, i)] += 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormMoments(const WeftNetworkNorm *norm, const double sums[], double n, double epsilon,
                               double variance[], WeftMoments moments[])
{
  double *units;

  PetscFunctionBegin;
  PetscCall(Shares(norm, &units));
  for (size_t c = 0; c < norm->channels; ++c) {
    const double count = PetscMax(n * units[c], 1), mean = sums[2 * c] / count;
    variance[c] = PetscMax(sums[2 * c + 1] / count - mean * mean, 0);
    moments[c] = (WeftMoments){mean, 1 / PetscSqrtReal(variance[c] + epsilon)};
  }
  PetscCall(PetscFree(units));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormBackward(const WeftNetwork *net, const WeftNetworkNorm *norm, const WeftMoments moments[],
                                const double sums[], double n, size_t m, const WeftBlock *z, WeftBlock *dout)
{
  double *units;

  PetscFunctionBegin;
  PetscCall(Shares(norm, &units));
  for (size_t i = 0; i < norm->units; ++i) {
    const size_t c = Channel(norm, i), at = i * z->cols;
    const double count = n * units[c], means[2] = {sums[2 * c] / count, sums[2 * c + 1] / count};
    const Line   line = UnitLine(net, norm, c, &moments[c]);
    if (z->precision == WEFT_SINGLE)
      BackwardSingle(m, z->cols, z->values.s + at, line.factor, means, &moments[c], dout->values.s + at);
    else
      BackwardDouble(m, z->cols, z->values.d + at, line.factor, means, &moments[c], dout->values.d + at);
  }
  PetscCall(PetscFree(units));
  PetscFunctionReturn(PETSC_SUCCESS);
}
