/* The decoder and its score, in the coordinates of the input's eigenvectors. */
#include "informationimpl.h"
#include <weft/cholesky.h>
#include <float.h>
#include <math.h>

static const double noise_floor = 0.01; /* σ² of the entropy */
static const double first_ratio = 10;   /* t, from which the search starts */
static const int    max_steps = 8;      /* of the search, either way */
static const double gain = 1e-6;        /* bits worth a step: far above round-off, which must not decide */
static const double least_ridge = 1e-4; /* else what it leaves of a copy, its square, drowns in round-off */

/* The sums of one set of samples, with the targets turned to the eigenvectors. */
static PetscErrorCode Sum(WeftInformation info, WeftInformationSet set, int parts, const WeftBlock y[],
                          WeftNormal *normal)
{
  PetscInt m = 0;

  PetscFunctionBegin;
  for (int p = 0; p < parts; ++p) m += (PetscInt)y[p].cols;
  PetscCall(WeftNormalCreate(info->comm, m, info->d, normal));
  PetscCall(WeftNormalAdd(*normal, parts, y, info->x, info->rows[set]));
  PetscCall(WeftNormalReduce(*normal));
  PetscCall(WeftNormalRotate(*normal, info->vectors));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DecoderCreate(WeftInformation info, PetscInt m, WeftDecoder *decoder)
{
  PetscInt row0;

  PetscFunctionBegin;
  *decoder = (WeftDecoder){0};
  PetscCall(WeftPanelRange(info->comm, m, &row0, &decoder->rows));
  PetscCall(PetscMalloc2((size_t)decoder->rows * (size_t)info->d + 1, &decoder->weights,
                         (size_t)decoder->rows * (size_t)info->d + 1, &decoder->product));
  PetscCall(PetscMalloc3(info->d, &decoder->bias, info->d, &decoder->residual, info->d, &decoder->gained));
  for (PetscInt j = 0; j < info->d; ++j) decoder->gained[j] = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DecoderDestroy(WeftDecoder *decoder)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(decoder->weights, decoder->product));
  PetscCall(PetscFree3(decoder->bias, decoder->residual, decoder->gained));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* decoder->weights from the samples of `from`. */
static PetscErrorCode Fit(WeftNormal from, double ratio, WeftDecoder *decoder)
{
  WeftNormalSums s;
  PetscBool      definite;

  PetscFunctionBegin;
  PetscCall(WeftNormalGetSums(from, &s));
  decoder->ridge = PetscMax(ratio * (double)s.varying / (double)s.samples, least_ridge);
  PetscCall(WeftNormalSolve(from, decoder->ridge, decoder->weights, NULL, &definite));
  WeftUserCheck(definite, PETSC_COMM_SELF, "information: an output or the input is not a finite number");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the decoder fitted on other samples leaves of these: product = yy W - yx, bias = the mean of what is left, and
   residual = its mean square, by direction:
   sum (x - y W)² = xx + sum_i W_i ((yy W)_i - 2 yx_i) with sums about the means of these samples. */
static PetscErrorCode Residual(WeftInformation info, WeftInformationSet set, WeftNormal from, WeftNormal on,
                               WeftDecoder *decoder)
{
  const size_t   d = (size_t)info->d, rows = (size_t)decoder->rows;
  WeftNormalSums f, s;
  double        *sums;

  PetscFunctionBegin;
  PetscCall(WeftNormalGetSums(from, &f));
  PetscCall(WeftNormalGetSums(on, &s));
  PetscCall(WeftPanelTimes(info->comm, PETSC_FALSE, rows, s.m, s.c, s.yy, decoder->weights, decoder->product));
  PetscCall(PetscCalloc1(2 * d, &sums));
  for (size_t i = 0; i < rows; ++i) {
    const double apart = s.mean_y[(size_t)s.row0 + i] - f.mean_y[(size_t)s.row0 + i], *w = decoder->weights + i * d,
                 *yx = s.yx + i * d;
    double *product = decoder->product + i * d;
    for (size_t j = 0; j < d; ++j) {
      product[j] -= yx[j];
      sums[j] += w[j] * (product[j] - yx[j]);
      sums[d + j] += w[j] * apart;
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)(2 * d), MPI_DOUBLE, MPI_SUM, info->comm));
  for (size_t j = 0; j < d; ++j) {
    decoder->bias[j] = s.mean_x[j] - f.mean_x[j] - sums[d + j];
    decoder->residual[j] = info->variance[set][j] + sums[j] / (double)s.samples + decoder->bias[j] * decoder->bias[j];
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The diagonal form. A direction that does not vary on these samples has nothing to tell. plain: every direction
   counts, and in full. */
static PetscErrorCode Bits(WeftInformation info, WeftInformationSet set, const WeftDecoder *decoder, PetscBool plain,
                           double *bits)
{
  PetscFunctionBegin;
  *bits = 0;
  for (PetscInt j = info->first; j < info->d; ++j) {
    const double variance = info->variance[set][j], weight = plain ? 1 : PetscMin(info->values[j], 1);
    if (!(variance > DBL_EPSILON * info->values[j]) || (!plain && !(decoder->gained[j] > 0))) continue;
    *bits -= 0.5 * log2(1 - weight + weight * PetscMax(decoder->residual[j] / variance, DBL_EPSILON));
  }
  PetscCallMPI(MPI_Bcast(bits, 1, MPI_DOUBLE, 0, info->comm)); /* what follows is decided by it */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The bits that each half of the samples of the fit gets back of the other. */
static PetscErrorCode CrossValidate(WeftInformation info, WeftNormal halves[2], double ratio, WeftDecoder *decoder,
                                    double *bits)
{
  double half;

  PetscFunctionBegin;
  *bits = 0;
  for (int h = 0; h < 2; ++h) {
    PetscCall(Fit(halves[h], ratio, decoder));
    PetscCall(Residual(info, (WeftInformationSet)(1 - h), halves[h], halves[1 - h], decoder));
    PetscCall(Bits(info, (WeftInformationSet)(1 - h), decoder, PETSC_FALSE, &half));
    *bits += half;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Which directions are worth decoding at the ratio chosen. */
static PetscErrorCode FindGains(WeftInformation info, WeftNormal halves[2], double ratio, WeftDecoder *decoder)
{
  double *gained = decoder->gained;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(gained, info->d));
  for (int h = 0; h < 2; ++h) {
    PetscCall(Fit(halves[h], ratio, decoder));
    PetscCall(Residual(info, (WeftInformationSet)(1 - h), halves[h], halves[1 - h], decoder));
    for (PetscInt j = 0; j < info->d; ++j) gained[j] += info->variance[1 - h][j] - decoder->residual[j];
  }
  PetscCallMPI(MPI_Bcast(gained, (int)info->d, MPI_DOUBLE, 0, info->comm)); /* their signs decide */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ChooseRatio(WeftInformation info, WeftNormal halves[2], WeftDecoder *decoder, double *ratio)
{
  const double factors[] = {sqrt(10), 1 / sqrt(10)};
  double       best, bits;
  PetscBool    moved = PETSC_FALSE;

  PetscFunctionBegin;
  *ratio = first_ratio;
  if (info->samples[WEFT_HALF_0] < 2 || info->samples[WEFT_HALF_1] < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(CrossValidate(info, halves, *ratio, decoder, &best));
  for (int way = 0; way < 2 && !moved; ++way)
    for (int step = 0; step < max_steps; ++step) {
      PetscCall(CrossValidate(info, halves, *ratio * factors[way], decoder, &bits));
      if (!(bits > best + gain)) break;
      best = bits;
      *ratio *= factors[way];
      moved = PETSC_TRUE;
    }
  PetscCall(FindGains(info, halves, *ratio, decoder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ½ log2 det(I + Cov(y) / (σ² v)) of all samples. */
static PetscErrorCode Entropy(WeftInformation info, WeftNormal all, double *entropy)
{
  WeftNormalSums s;
  WeftCholesky   cholesky;
  PetscBool      definite;
  double        *matrix, trace = 0, logdet;

  PetscFunctionBegin;
  *entropy = 0;
  PetscCall(WeftNormalGetSums(all, &s));
  if (!s.varying) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt i = 0; i < s.m; ++i) trace += s.square[i];
  PetscCall(PetscMalloc1((size_t)s.rows * (size_t)s.m + 1, &matrix));
  for (size_t i = 0; i < (size_t)s.rows; ++i)
    for (size_t j = 0, m = (size_t)s.m; j < m; ++j)
      matrix[i * m + j] = s.yy[i * m + j] * (double)s.varying / (noise_floor * trace) +
                          (j == (size_t)s.row0 + i ? 1 : 0);
  PetscCall(WeftCholeskyCreate(info->comm, s.m, WEFT_INFORMATION_BLOCK, &cholesky));
  PetscCall(WeftCholeskyFactor(cholesky, matrix, &definite));
  WeftUserCheck(definite, info->comm, "information: an output is not a finite number");
  PetscCall(WeftCholeskyLogDet(cholesky, &logdet));
  *entropy = logdet / (2 * log(2));
  PetscCall(WeftCholeskyDestroy(&cholesky));
  PetscCall(PetscFree(matrix));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Decodes the samples of odd index by those of even index, which `even` gets from the two halves. */
static PetscErrorCode Decode(WeftInformation info, WeftNormal halves[2], WeftNormal odd, WeftDecoder *decoder,
                             WeftInformationResult *result)
{
  WeftNormalSums s, o;
  double         ratio;

  PetscFunctionBegin;
  PetscCall(ChooseRatio(info, halves, decoder, &ratio));
  PetscCall(WeftNormalMerge(halves[0], halves[1]));
  PetscCall(WeftNormalGetSums(halves[0], &s));
  PetscCall(WeftNormalGetSums(odd, &o));
  result->outputs = s.varying;
  result->directions = info->d - info->first;
  if (s.samples < 2 || o.samples < 2) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Fit(halves[0], ratio, decoder));
  result->ridge = decoder->ridge;
  PetscCall(Residual(info, WEFT_ODD, halves[0], odd, decoder));
  PetscCall(Bits(info, WEFT_ODD, decoder, PETSC_FALSE, &result->bits));
  PetscCall(Bits(info, WEFT_ODD, decoder, PETSC_TRUE, &result->bits_plain));
  PetscCall(WeftInformationFull(info, &o, decoder, &result->bits_full));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftInformationMeasure(WeftInformation info, int parts, const WeftBlock y[],
                                      WeftInformationResult *result)
{
  WeftNormal     sums[WEFT_INFORMATION_SETS];
  WeftNormalSums s;
  WeftDecoder    decoder;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_INFORMATION));
  *result = (WeftInformationResult){.bits_full = (double)NAN};
  for (int set = 0; set < WEFT_INFORMATION_SETS; ++set)
    PetscCall(Sum(info, (WeftInformationSet)set, parts, y, &sums[set]));
  PetscCall(WeftNormalGetSums(sums[WEFT_ODD], &s));
  PetscCall(DecoderCreate(info, s.m, &decoder));
  PetscCall(Decode(info, sums, sums[WEFT_ODD], &decoder, result));
  PetscCall(DecoderDestroy(&decoder));
  PetscCall(WeftNormalMerge(sums[WEFT_HALF_0], sums[WEFT_ODD]));
  PetscCall(Entropy(info, sums[WEFT_HALF_0], &result->entropy_bits));
  for (int set = 0; set < WEFT_INFORMATION_SETS; ++set) PetscCall(WeftNormalDestroy(&sums[set]));
  PetscCall(WeftEventEnd(WEFT_EVENT_INFORMATION));
  PetscFunctionReturn(PETSC_SUCCESS);
}
