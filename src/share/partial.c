#include "shareimpl.h"
#include "partialimpl.h"
#include <weft/cholesky.h>
#include <math.h>

static const double ridge = 0.01; /* of a variance: what is shared below that is noise */

/* This rank's rows of the inverse of C + ridge, C [n, n] replicated. */
static PetscErrorCode InvertPanel(MPI_Comm comm, int n, const float *C, PetscInt row0, PetscInt rows, double panel[])
{
  WeftCholesky cholesky;
  PetscBool    definite;

  PetscFunctionBegin;
  for (PetscInt i = 0; i < rows; ++i)
    for (PetscInt j = 0; j < n; ++j)
      panel[(size_t)i * (size_t)n + (size_t)j] = (double)C[(size_t)(row0 + i) * (size_t)n + (size_t)j] +
                                                 (i + row0 == j ? ridge : 0);
  PetscCall(WeftCholeskyCreate(comm, n, 64, &cholesky));
  PetscCall(WeftCholeskyFactor(cholesky, panel, &definite));
  PetscCheck(definite, comm, PETSC_ERR_LIB, "a correlation matrix with %g on its diagonal is not positive definite",
             ridge);
  for (PetscInt i = 0; i < rows; ++i)
    for (PetscInt j = 0; j < n; ++j) panel[(size_t)i * (size_t)n + (size_t)j] = i + row0 == j;
  PetscCall(WeftCholeskySolve(cholesky, n, panel));
  PetscCall(WeftCholeskyDestroy(&cholesky));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every rank's rows of an [n, n] matrix to all, in place: a row at a time of the one who has it would be n messages. */
static PetscErrorCode GatherRows(MPI_Comm comm, int n, float *M)
{
  MPI_Datatype row;
  int          size, *counts, *starts;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc2(size, &counts, size, &starts));
  for (int r = 0; r < size; ++r) {
    PetscInt row0, rows;
    WeftPanelRangeOf(size, r, n, &row0, &rows);
    counts[r] = (int)rows;
    starts[r] = (int)row0;
  }
  PetscCallMPI(MPI_Type_contiguous(n, MPI_FLOAT, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, M, counts, starts, row, comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPartialCorrelations(MPI_Comm comm, int n, const float *C, float *partial)
{
  PetscInt row0, rows;
  double  *panel, *diagonal;

  PetscFunctionBegin;
  PetscCall(WeftPanelRange(comm, n, &row0, &rows));
  PetscCall(PetscMalloc1((size_t)rows * (size_t)n, &panel));
  PetscCall(PetscCalloc1((size_t)n, &diagonal));
  PetscCall(InvertPanel(comm, n, C, row0, rows, panel));
  for (PetscInt i = 0; i < rows; ++i) diagonal[row0 + i] = panel[(size_t)i * (size_t)n + (size_t)(row0 + i)];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, diagonal, n, MPI_DOUBLE, MPI_SUM, comm)); /* all but one are zero */
  for (PetscInt i = 0; i < rows; ++i)
    for (PetscInt j = 0; j < n; ++j)
      partial[(size_t)(row0 + i) * (size_t)n + (size_t)j] = i + row0 == j
                                                              ? 0
                                                              : (float)(-panel[(size_t)i * (size_t)n + (size_t)j] /
                                                                        sqrt(diagonal[row0 + i] * diagonal[j]));
  PetscCall(GatherRows(comm, n, partial));
  for (int i = 0; i < n; ++i) /* symmetric to the bit, as ties are broken by order */
    for (int j = 0; j < i; ++j) partial[(size_t)i * (size_t)n + (size_t)j] = partial[(size_t)j * (size_t)n + (size_t)i];
  PetscCall(PetscFree(panel));
  PetscCall(PetscFree(diagonal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Upper triangle of the covariance's panel as correlations into this rank's rows of C. */
static void ToCorrelations(PetscInt d, PetscInt row0, PetscInt rows, const double panel[], const double variance[],
                           double least, float *C)
{
  for (PetscInt i = 0; i < rows; ++i)
    for (PetscInt j = row0 + i; j < d; ++j) {
      const PetscBool varies = variance[row0 + i] > least && variance[j] > least ? PETSC_TRUE : PETSC_FALSE;
      C[(size_t)(row0 + i) * (size_t)d + (size_t)j] = varies ? (float)(panel[(size_t)i * (size_t)d + (size_t)j] /
                                                                       sqrt(variance[row0 + i] * variance[j]))
                                                             : 0;
    }
}

/* Means of the columns over all ranks. */
static PetscErrorCode Means(MPI_Comm comm, const WeftBlock *x, double mean[], double *samples)
{
  const size_t d = x->cols;
  double      *sums, *row;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(d + 1, &sums, d, &row));
  for (size_t i = 0; i < x->rows; ++i) {
    WeftBlockGetRow(x, i, row);
    for (size_t j = 0; j < d; ++j) sums[j] += row[j];
  }
  sums[d] = (double)x->rows;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)d + 1, MPI_DOUBLE, MPI_SUM, comm));
  *samples = sums[d];
  for (size_t j = 0; j < d; ++j) mean[j] = sums[j] / PetscMax(sums[d], 1);
  PetscCall(PetscFree2(sums, row));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCorrelations(MPI_Comm comm, const WeftBlock *x, float *C)
{
  const double   least = 1e-3; /* of the mean variance: an input below it does not vary */
  const PetscInt d = (PetscInt)x->cols;
  PetscInt       row0, rows;
  double        *panel, *mean, *variance, samples = 0, all = 0;

  PetscFunctionBegin;
  PetscCall(WeftPanelRange(comm, d, &row0, &rows));
  PetscCall(PetscMalloc2((size_t)rows * (size_t)d, &panel, d, &mean));
  PetscCall(PetscCalloc1(d, &variance));
  PetscCall(Means(comm, x, mean, &samples));
  PetscCall(WeftCovariance(comm, x, (WeftRows){0, 1}, mean, PetscMax(samples, 1), panel));
  for (PetscInt i = 0; i < rows; ++i) variance[row0 + i] = panel[(size_t)i * (size_t)d + (size_t)(row0 + i)];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, variance, (int)d, MPI_DOUBLE, MPI_SUM, comm)); /* all but one are zero */
  for (PetscInt j = 0; j < d; ++j) all += variance[j];
  ToCorrelations(d, row0, rows, panel, variance, least * all / (double)d, C);
  PetscCall(GatherRows(comm, (int)d, C));
  for (PetscInt i = 0; i < d; ++i)
    for (PetscInt j = 0; j < i; ++j) C[(size_t)i * (size_t)d + (size_t)j] = C[(size_t)j * (size_t)d + (size_t)i];
  PetscCall(PetscFree2(panel, mean));
  PetscCall(PetscFree(variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}
