#include "rows.h"
#include <petscblaslapack.h>

size_t WeftRowsCount(WeftRows rows, const WeftBlock *x)
{
  return x->rows > rows.first ? (x->rows - rows.first - 1) / rows.step + 1 : 0;
}

void WeftRowsCentre(const WeftBlock *x, WeftRows rows, size_t from, size_t count, const double mean[], size_t first_col,
                    size_t ld, double out[])
{
  const size_t d = x->cols;

  for (size_t i = from; i < from + count; ++i, out += ld) {
    const size_t at = (rows.first + i * rows.step) * d;
    if (x->precision == WEFT_SINGLE)
      for (size_t j = first_col; j < d; ++j) out[j - first_col] = (double)x->values.s[at + j] - mean[j];
    else
      for (size_t j = first_col; j < d; ++j) out[j - first_col] = x->values.d[at + j] - mean[j];
  }
}

/* This rank's samples' part of the panel of rows [row0, row0 + height): partial, packed [height][width] with the
   columns from row0 on. Column-major it is the lower triangle of a square with a rectangle below: syrk, then gemm. */
static PetscErrorCode PartialPanel(const WeftBlock *x, WeftRows rows, const double mean[], size_t row0, size_t height,
                                   double chunk[], double partial[])
{
  const double       unit = 1;
  const size_t       width = x->cols - row0, samples = WeftRowsCount(rows, x);
  const PetscBLASInt w = (PetscBLASInt)width, r = (PetscBLASInt)height, below = w - r;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(partial, height * width));
  for (size_t first = 0; first < samples; first += WEFT_ROWS_CHUNK) {
    const size_t       count = PetscMin((size_t)WEFT_ROWS_CHUNK, samples - first);
    const PetscBLASInt k = (PetscBLASInt)count;
    WeftRowsCentre(x, rows, first, count, mean, row0, width, chunk);
    PetscCallBLAS("BLASsyrk", BLASsyrk_("L", "N", &r, &k, &unit, chunk, &w, &unit, partial, &w));
    if (below)
      PetscCallBLAS("BLASgemm", BLASgemm_("N", "T", &below, &r, &k, &unit, chunk + height, &w, chunk, &w, &unit,
                                          partial + height, &w));
  }
  PetscCall(PetscLogFlops((double)samples * (double)height * (double)(2 * width - height)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCovariance(MPI_Comm comm, const WeftBlock *x, WeftRows rows, const double mean[], double samples,
                              double panel[])
{
  const size_t d = x->cols;
  PetscInt     first, count;
  double      *chunk, *partial;
  int          rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  WeftPanelRangeOf(size, 0, (PetscInt)d, &first, &count); /* rank 0's panel is the largest */
  PetscCall(PetscMalloc2(WEFT_ROWS_CHUNK * d, &chunk, (size_t)count * d, &partial));
  for (int r = 0; r < size; ++r) {
    WeftPanelRangeOf(size, r, (PetscInt)d, &first, &count);
    const size_t row0 = (size_t)first, height = (size_t)count, width = d - row0;
    if (!height) break;
    PetscCall(PartialPanel(x, rows, mean, row0, height, chunk, partial));
    PetscCall(WeftPanelReduce(comm, r, height * width, partial));
    for (size_t i = 0; rank == r && i < height; ++i)
      for (size_t j = i; j < width; ++j) panel[i * d + row0 + j] = partial[i * width + j] / samples;
  }
  PetscCall(PetscFree2(chunk, partial));
  PetscFunctionReturn(PETSC_SUCCESS);
}
