#include "prepimpl.h"
#include <weft/spectral.h>
#include <petscblaslapack.h>
#include <math.h>

static const size_t max_reduction = (size_t)1 << 27; /* numbers in one reduction: MPI counts in 32 bits */

/* out[i] = columns [first_col, d) of row first + i, less their means, in double. */
static void CentreInDouble(const WeftBlock *x, size_t first, size_t rows, const double mean[], size_t first_col,
                           double out[])
{
  const size_t d = x->cols;

  for (size_t i = first; i < first + rows; ++i, out += d - first_col)
    if (x->precision == WEFT_SINGLE) {
      const float *row = x->values.s + i * d;
      for (size_t j = first_col; j < d; ++j) out[j - first_col] = (double)row[j] - mean[j];
    } else {
      const double *row = x->values.d + i * d;
      for (size_t j = first_col; j < d; ++j) out[j - first_col] = row[j] - mean[j];
    }
}

static void CentreInSingle(const WeftBlock *x, const double mean[], float out[])
{
  const float *s = x->values.s;

  for (size_t i = 0; i < x->rows; ++i, s += x->cols, out += x->cols)
    for (size_t j = 0; j < x->cols; ++j) out[j] = (float)((double)s[j] - mean[j]);
}

/* This rank's samples' part of the panel of rows [row0, row0 + rows): partial, packed [rows][width] with the columns
   from row0 on. Column-major it is the lower triangle of a square with a rectangle below: syrk, then gemm. */
static PetscErrorCode PartialPanel(const WeftBlock *x, const double mean[], size_t row0, size_t rows, double chunk[],
                                   double partial[])
{
  const double       unit = 1;
  const size_t       width = x->cols - row0;
  const PetscBLASInt w = (PetscBLASInt)width, r = (PetscBLASInt)rows, below = w - r;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(partial, rows * width));
  for (size_t first = 0; first < x->rows; first += WEFT_PREP_CHUNK) {
    const size_t       count = PetscMin((size_t)WEFT_PREP_CHUNK, x->rows - first);
    const PetscBLASInt k = (PetscBLASInt)count;
    CentreInDouble(x, first, count, mean, row0, chunk);
    PetscCallBLAS("BLASsyrk", BLASsyrk_("L", "N", &r, &k, &unit, chunk, &w, &unit, partial, &w));
    if (below)
      PetscCallBLAS("BLASgemm",
                    BLASgemm_("N", "T", &below, &r, &k, &unit, chunk + rows, &w, chunk, &w, &unit, partial + rows, &w));
  }
  PetscCall(PetscLogFlops((double)x->rows * (double)rows * (double)(2 * width - rows)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums the ranks' arrays on root, in place. */
static PetscErrorCode ReduceTo(MPI_Comm comm, int root, size_t n, double values[])
{
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (size_t first = 0; first < n; first += max_reduction) {
    const int count = (int)PetscMin(max_reduction, n - first);
    PetscCallMPI(
      MPI_Reduce(rank == root ? MPI_IN_PLACE : values + first, values + first, count, MPI_DOUBLE, MPI_SUM, root, comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The number of rows in every rank's panel; PetscFree() it. */
static PetscErrorCode PanelRows(MPI_Comm comm, size_t d, int **rows)
{
  int      size, mine;
  PetscInt row0, count;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(WeftPanelRange(comm, (PetscInt)d, &row0, &count));
  mine = (int)count;
  PetscCall(PetscMalloc1(size, rows));
  PetscCallMPI(MPI_Allgather(&mine, 1, MPI_INT, *rows, 1, MPI_INT, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftWhitenCovariance(MPI_Comm comm, const WeftBlock *x, const double mean[], double samples,
                                    double panel[])
{
  const size_t d = x->cols;
  size_t       row0 = 0;
  double      *chunk, *partial;
  int          rank, size, *panel_rows;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PanelRows(comm, d, &panel_rows));
  /* Rank 0's panel is the largest. */
  PetscCall(PetscMalloc2(WEFT_PREP_CHUNK * d, &chunk, (size_t)panel_rows[0] * d, &partial));
  for (int r = 0; r < size && panel_rows[r]; ++r) {
    const size_t rows = (size_t)panel_rows[r], width = d - row0;
    PetscCall(PartialPanel(x, mean, row0, rows, chunk, partial));
    PetscCall(ReduceTo(comm, r, rows * width, partial));
    for (size_t i = 0; rank == r && i < rows; ++i)
      for (size_t j = i; j < width; ++j) panel[i * d + row0 + j] = partial[i * width + j] / samples;
    row0 += rows;
  }
  PetscCall(PetscFree2(chunk, partial));
  PetscCall(PetscFree(panel_rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 1 / sqrt(s + ridge); round-off makes some zero eigenvalues negative. No variance at all: 1. */
static double InverseRoot(double s, void *ctx)
{
  const double ridge = *(const double *)ctx, base = PetscMax(s, 0) + ridge;

  return base > 0 ? 1.0 / sqrt(base) : 1.0;
}

PetscErrorCode WeftWhitenMatrix(WeftPrep prep, double panel[], double *variance)
{
  WeftSpectral  spectral;
  const double *s;
  double        ridge;

  PetscFunctionBegin;
  PetscCall(WeftSpectralCreate(prep->comm, prep->d, prep->block, &spectral));
  PetscCall(WeftSpectralDecompose(spectral, panel));
  s = WeftSpectralValues(spectral);
  *variance = 0;
  for (PetscInt i = 0; i < prep->d; ++i) *variance += PetscMax(s[i], 0) / (double)prep->d;
  ridge = prep->ridge * *variance;
  PetscCall(WeftSpectralFunction(spectral, InverseRoot, &ridge, panel));
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
  MPI_Datatype row;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(d, d, precision, full));
  Narrow(prep, full);
  PetscCallMPI(MPI_Comm_size(prep->comm, &size));
  PetscCall(PanelRows(prep->comm, d, &counts));
  PetscCall(PetscMalloc1(size, &starts));
  for (int r = 0; r < size; ++r) starts[r] = r ? starts[r - 1] + counts[r - 1] : 0;
  PetscCallMPI(MPI_Type_contiguous((int)d, precision == WEFT_SINGLE ? MPI_FLOAT : MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, full->values.v, counts, starts, row, prep->comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree(starts));
  PetscCall(PetscFree(counts));
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
      CentreInDouble(&rows, 0, count, prep->mean, 0, centred.values.d);
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_FALSE, 1, &centred, &full, 0, &rows));
  }
  PetscCall(WeftBlockDestroy(&chunk));
  PetscCall(WeftBlockDestroy(&full));
  PetscFunctionReturn(PETSC_SUCCESS);
}
