#include "prepimpl.h"
#include <weft/spectral.h>
#include <math.h>

/* out = the rows of x less their means, in x's precision. */
static void CentreInDouble(const WeftBlock *x, const double mean[], double out[])
{
  const double *d = x->values.d;

  for (size_t i = 0; i < x->rows; ++i, d += x->cols, out += x->cols)
    for (size_t j = 0; j < x->cols; ++j) out[j] = d[j] - mean[j];
}

static void CentreInSingle(const WeftBlock *x, const double mean[], float out[])
{
  const float *s = x->values.s;

  for (size_t i = 0; i < x->rows; ++i, s += x->cols, out += x->cols)
    for (size_t j = 0; j < x->cols; ++j) out[j] = (float)((double)s[j] - mean[j]);
}

/* 1 / sqrt(s + ridge); round-off makes some zero eigenvalues negative. No variance at all: 1. */
static double InverseRoot(double s, void *ctx)
{
  const double ridge = *(const double *)ctx, base = PetscMax(s, 0) + ridge;

  return base > 0 ? 1.0 / sqrt(base) : 1.0;
}

/* Zeros in the panel's rows and columns of features that are not used; how many are used. */
static PetscInt LeaveOut(const WeftPrep prep, double panel[])
{
  PetscInt count = 0;

  for (PetscInt j = 0; j < prep->d; ++j) {
    count += !prep->used || prep->used[j];
    if (!prep->used || prep->used[j]) continue;
    for (PetscInt i = 0; i < prep->rows; ++i) panel[(size_t)i * (size_t)prep->d + (size_t)j] = 0;
    if (j >= prep->row0 && j < prep->row0 + prep->rows)
      for (PetscInt i = 0; i < prep->d; ++i) panel[(size_t)(j - prep->row0) * (size_t)prep->d + (size_t)i] = 0;
  }
  return count;
}

PetscErrorCode WeftWhitenMatrix(WeftPrep prep, double panel[], double *variance)
{
  const PetscInt used = LeaveOut(prep, panel);
  WeftSpectral   spectral;
  const double  *s;
  double         ridge;

  PetscFunctionBegin;
  PetscCall(WeftSpectralCreate(prep->comm, prep->d, prep->block, &spectral));
  PetscCall(WeftSpectralDecompose(spectral, panel));
  s = WeftSpectralValues(spectral);
  *variance = 0;
  for (PetscInt i = 0; i < prep->d; ++i) *variance += PetscMax(s[i], 0) / (double)PetscMax(used, 1);
  ridge = prep->ridge * *variance;
  PetscCall(WeftSpectralFunction(spectral, InverseRoot, &ridge, panel));
  LeaveOut(prep, panel);
  PetscCall(WeftSpectralDestroy(&spectral));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's panel in x's precision, as the start of `rows` within full (its place in the whole). */
static void Narrow(const WeftPrep prep, WeftBlock *full)
{
  const size_t n = (size_t)prep->rows * (size_t)prep->d, start = (size_t)prep->row0 * (size_t)prep->d;

  if (full->precision == WEFT_SINGLE)
    for (size_t i = 0; i < n; ++i) full->values.s[start + i] = (float)prep->whitening[i];
  else
    for (size_t i = 0; i < n; ++i) full->values.d[start + i] = prep->whitening[i];
}

/* All of W on every rank, [d][d]. Counted in rows, so that its numbers may pass 2^31. */
static PetscErrorCode GatherWhitening(WeftPrep prep, WeftPrecision precision, WeftBlock *full)
{
  const size_t d = (size_t)prep->d;
  int          size, *counts, *starts;
  PetscInt     first, rows;
  MPI_Datatype row;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(d, d, precision, full));
  Narrow(prep, full);
  PetscCallMPI(MPI_Comm_size(prep->comm, &size));
  PetscCall(PetscMalloc2(size, &counts, size, &starts));
  for (int r = 0; r < size; ++r) {
    WeftPanelRangeOf(size, r, prep->d, &first, &rows);
    starts[r] = (int)first;
    counts[r] = (int)rows;
  }
  PetscCallMPI(MPI_Type_contiguous((int)d, precision == WEFT_SINGLE ? MPI_FLOAT : MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, full->values.v, counts, starts, row, prep->comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftWhitenApply(WeftPrep prep, WeftBlock *x)
{
  WeftBlock full, chunk;

  PetscFunctionBegin;
  PetscCall(GatherWhitening(prep, x->precision, &full));
  PetscCall(WeftBlockCreate(WEFT_PREP_CHUNK, x->cols, x->precision, &chunk));
  for (size_t first = 0; first < x->rows; first += WEFT_PREP_CHUNK) {
    const size_t    count = PetscMin((size_t)WEFT_PREP_CHUNK, x->rows - first);
    WeftBlock       rows = WeftBlockRows(x, first, count);
    const WeftBlock centred = WeftBlockRows(&chunk, 0, count);
    if (x->precision == WEFT_SINGLE)
      CentreInSingle(&rows, prep->mean, centred.values.s);
    else
      CentreInDouble(&rows, prep->mean, centred.values.d);
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_FALSE, 1, &centred, &full, 0, &rows));
  }
  PetscCall(WeftBlockDestroy(&chunk));
  PetscCall(WeftBlockDestroy(&full));
  PetscFunctionReturn(PETSC_SUCCESS);
}
