#include <weft/cholesky.h>
#include "blockcyclic.h"
#include <math.h>

struct _n_WeftCholesky {
  WeftGrid  grid;
  double   *factor; /* this rank's part: L in the lower triangle; NULL before the first factorisation */
  PetscBool definite;
};

static const PetscBLASInt one = 1;

PetscErrorCode WeftCholeskyCreate(MPI_Comm comm, PetscInt d, PetscInt block, WeftCholesky *cholesky)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(cholesky));
  PetscCall(WeftGridCreate(comm, d, block, &(*cholesky)->grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCholeskyDestroy(WeftCholesky *cholesky)
{
  PetscFunctionBegin;
  if (!*cholesky) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*cholesky)->factor));
  PetscCall(WeftGridDestroy(&(*cholesky)->grid));
  PetscCall(PetscFree(*cholesky));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The logarithm of det L; not finite where a diagonal entry is not a positive number. */
static PetscErrorCode LogDiagonal(const WeftGrid *grid, const double l[], double *sum)
{
  PetscFunctionBegin;
  *sum = 0;
  for (PetscBLASInt j = 0; j < grid->local_cols; ++j)
    for (PetscBLASInt i = 0; i < grid->local_rows; ++i)
      if (grid->rows[i] == grid->cols[j]) *sum += log(l[(size_t)j * (size_t)grid->local_rows + (size_t)i]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 1, MPI_DOUBLE, MPI_SUM, grid->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCholeskyFactor(WeftCholesky cholesky, const double panel[], PetscBool *definite)
{
  const WeftGrid *grid = &cholesky->grid;
  PetscBLASInt    info;
  PetscBool       failed;
  double          sum;

  PetscFunctionBegin;
  if (!cholesky->factor) PetscCall(WeftGridAllocate(grid, &cholesky->factor));
  PetscCall(WeftGridFromPanels(grid, grid->n, panel, grid->descriptor, cholesky->factor));
  pdpotrf_("L", &grid->n, cholesky->factor, &one, &one, grid->descriptor, &info);
  PetscCheck(info >= 0, grid->comm, PETSC_ERR_LIB, "ScaLAPACK: pdpotrf refused its argument %d", -(int)info);
  PetscCall(WeftAnyRank(grid->comm, info ? PETSC_TRUE : PETSC_FALSE, &failed));
  /* A pivot that is not a number is not below zero, which is all that pdpotrf asks. */
  PetscCall(LogDiagonal(grid, cholesky->factor, &sum));
  *definite = cholesky->definite = !failed && isfinite(sum) ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCholeskyLogDet(WeftCholesky cholesky, double *logdet)
{
  PetscFunctionBegin;
  PetscCheck(cholesky->definite, cholesky->grid.comm, PETSC_ERR_ORDER, "no factor: see WeftCholeskyFactor()");
  PetscCall(LogDiagonal(&cholesky->grid, cholesky->factor, logdet));
  *logdet *= 2;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCholeskySolve(WeftCholesky cholesky, PetscInt m, double panel[])
{
  const WeftGrid *grid = &cholesky->grid;
  const double    unit = 1, *l = cholesky->factor;
  WeftDescriptor  descriptor;
  PetscBLASInt    height, rows;
  double         *b;

  PetscFunctionBegin;
  PetscCheck(cholesky->definite, grid->comm, PETSC_ERR_ORDER, "no factor: see WeftCholeskyFactor()");
  PetscCall(WeftGridDescribe(grid, m, &rows, descriptor));
  PetscCall(PetscBLASIntCast(m, &height));
  PetscCall(PetscMalloc1((size_t)rows * (size_t)grid->local_cols + 1, &b));
  PetscCall(WeftGridFromPanels(grid, height, panel, descriptor, b));
  /* B' = X' L L' */
  pdtrsm_("R", "L", "T", "N", &height, &grid->n, &unit, l, &one, &one, grid->descriptor, b, &one, &one, descriptor);
  pdtrsm_("R", "L", "N", "N", &height, &grid->n, &unit, l, &one, &one, grid->descriptor, b, &one, &one, descriptor);
  PetscCall(WeftGridToPanels(grid, height, b, descriptor, panel));
  PetscCall(PetscFree(b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCholeskyGrid(WeftCholesky cholesky, int *grid_rows, int *grid_cols, int *block, int *local_rows,
                                int *local_cols)
{
  const WeftGrid *grid = &cholesky->grid;

  PetscFunctionBegin;
  if (grid_rows) *grid_rows = (int)grid->grid_rows;
  if (grid_cols) *grid_cols = (int)grid->grid_cols;
  if (block) *block = (int)grid->block;
  if (local_rows) *local_rows = (int)grid->local_rows;
  if (local_cols) *local_cols = (int)grid->local_cols;
  PetscFunctionReturn(PETSC_SUCCESS);
}
