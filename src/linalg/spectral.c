#include "blockcyclic.h"
#include <weft/random.h>
#include <limits.h>
#include <math.h>

struct _n_WeftSpectral {
  WeftGrid grid;
  double  *values;  /* ascending, replicated; NULL before the first decomposition */
  double  *vectors; /* this rank's part of U on the grid */
};

static const PetscBLASInt one = 1;

PetscErrorCode WeftSpectralCreate(MPI_Comm comm, PetscInt d, PetscInt block, WeftSpectral *spectral)
{
  PetscFunctionBegin;
  PetscCall(PetscNew(spectral));
  PetscCall(WeftGridCreate(comm, d, block, &(*spectral)->grid));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSpectralDestroy(WeftSpectral *spectral)
{
  PetscFunctionBegin;
  if (!*spectral) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree((*spectral)->values));
  PetscCall(PetscFree((*spectral)->vectors));
  PetscCall(WeftGridDestroy(&(*spectral)->grid));
  PetscCall(PetscFree(*spectral));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = U v, or U' v; v and y are replicated. */
static PetscErrorCode Times(const WeftGrid *grid, const double u[], PetscBool transpose, const double v[], double y[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(y, grid->n));
  for (PetscBLASInt j = 0; j < grid->local_cols; ++j) {
    const double *col = u + (size_t)j * (size_t)grid->local_rows;
    for (PetscBLASInt i = 0; i < grid->local_rows; ++i) {
      if (transpose)
        y[grid->cols[j]] += col[i] * v[grid->rows[i]];
      else
        y[grid->rows[i]] += col[i] * v[grid->cols[j]];
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, y, grid->n, MPI_DOUBLE, MPI_SUM, grid->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = C v from the lower triangle of C; v and y are replicated. */
static PetscErrorCode SymmetricTimes(const WeftGrid *grid, const double c[], const double v[], double y[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(y, grid->n));
  for (PetscBLASInt j = 0; j < grid->local_cols; ++j) {
    const double      *col = c + (size_t)j * (size_t)grid->local_rows;
    const PetscBLASInt gj = grid->cols[j];
    for (PetscBLASInt i = 0; i < grid->local_rows; ++i) {
      const PetscBLASInt gi = grid->rows[i];
      if (gi < gj) continue;
      y[gi] += col[i] * v[gj];
      if (gi > gj) y[gj] += col[i] * v[gi];
    }
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, y, grid->n, MPI_DOUBLE, MPI_SUM, grid->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Distance(PetscBLASInt n, const double a[], const double b[])
{
  double sum = 0;

  for (PetscBLASInt i = 0; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sqrt(sum);
}

/* What pdsyevd's own query forgets (its steps fail silently on less): pdormtr's work space, and pdlasrt's, which is
   above it on long thin grids. Both come after the first 2 n numbers. */
static PetscErrorCode WorkSize(const WeftGrid *grid, double query, PetscBLASInt *lwork)
{
  const double n = grid->n, nb = grid->block, rows = grid->local_rows, cols = grid->local_cols;
  const double rotate = PetscMax(nb * (nb - 1) / 2, (rows + cols + 2 * nb) * nb) + nb * nb;
  const double sort = PetscMax(n, rows * (nb + cols));
  const double size = PetscMax(query, 2 * n + PetscMax(rotate, sort));

  PetscFunctionBegin;
  PetscCheck(size <= (double)INT_MAX, grid->comm, PETSC_ERR_ARG_SIZ, "work space passes ScaLAPACK's 32-bit sizes");
  *lwork = (PetscBLASInt)size;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The lower triangle of c is destroyed. */
static PetscErrorCode Eigen(WeftSpectral spectral, double c[])
{
  const WeftGrid *grid = &spectral->grid;
  PetscBLASInt    lwork = -1, liwork = -1, info, int_query[2] = {0, 0}, *iwork;
  double          query[2] = {0, 0}, *work;

  PetscFunctionBegin;
  pdsyevd_("V", "L", &grid->n, c, &one, &one, grid->descriptor, spectral->values, spectral->vectors, &one, &one,
           grid->descriptor, query, &lwork, int_query, &liwork, &info);
  WeftScaLAPACKCheck(grid->comm, "pdsyevd (work space query)", info);
  PetscCall(WorkSize(grid, query[0], &lwork));
  liwork = int_query[0];
  PetscCall(PetscMalloc2(lwork, &work, liwork, &iwork));
  pdsyevd_("V", "L", &grid->n, c, &one, &one, grid->descriptor, spectral->values, spectral->vectors, &one, &one,
           grid->descriptor, work, &lwork, iwork, &liwork, &info);
  WeftScaLAPACKCheck(grid->comm, "pdsyevd", info);
  PetscCall(PetscFree2(work, iwork));
  /* pdsyevd trusts that all processes computed the same bits. */
  PetscCallMPI(MPI_Bcast(spectral->values, grid->n, MPI_DOUBLE, 0, grid->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Wrong eigenvectors with info = 0 have been seen: does U s U' v give the C v computed before, and U U' v = v? */
static PetscErrorCode CheckProbe(WeftSpectral spectral, const double v[], const double cv[])
{
  const WeftGrid    *grid = &spectral->grid;
  const double      *s = spectral->values;
  const PetscBLASInt n = grid->n;
  double            *coefficient, *product, largest, norm, lost, residual;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(n, &coefficient, n, &product));
  norm = Distance(n, v, product);
  PetscCall(Times(grid, spectral->vectors, PETSC_TRUE, v, coefficient));
  PetscCall(Times(grid, spectral->vectors, PETSC_FALSE, coefficient, product));
  lost = Distance(n, v, product) / norm;
  for (PetscBLASInt i = 0; i < n; ++i) coefficient[i] *= s[i];
  PetscCall(Times(grid, spectral->vectors, PETSC_FALSE, coefficient, product));
  largest = PetscMax(fabs(s[0]), fabs(s[n - 1]));
  residual = Distance(n, cv, product) / norm;
  PetscCall(PetscFree2(coefficient, product));
  PetscCheck(lost <= 1e-9 && residual <= 1e-9 * largest, grid->comm, PETSC_ERR_LIB,
             "pdsyevd gave wrong eigenvectors (order %d, %dx%d processes, block %d): residual %g of %g, "
             "orthogonality lost %g",
             (int)n, (int)grid->grid_rows, (int)grid->grid_cols, (int)grid->block, residual, largest, lost);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Probe(PetscBLASInt n, double v[])
{
  WeftRandom rng;

  PetscFunctionBegin;
  WeftRandomInit(&rng, 0, WEFT_STREAM_TEST, 0);
  for (PetscBLASInt i = 0; i < n; ++i) v[i] = 0.5 + WeftRandomUniform(&rng);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSpectralDecompose(WeftSpectral spectral, const double panel[])
{
  const WeftGrid    *grid = &spectral->grid;
  const PetscBLASInt n = grid->n;
  double            *c, *v, *cv, sum = 0;

  PetscFunctionBegin;
  if (!spectral->values) {
    PetscCall(PetscCalloc1(n, &spectral->values));
    PetscCall(WeftGridAllocate(grid, &spectral->vectors));
  }
  PetscCall(WeftGridAllocate(grid, &c));
  PetscCall(PetscMalloc2(n, &v, n, &cv));
  PetscCall(WeftGridFromPanels(grid, n, panel, grid->descriptor, c));
  PetscCall(Probe(n, v));
  PetscCall(SymmetricTimes(grid, c, v, cv));
  for (PetscBLASInt i = 0; i < n; ++i) sum += cv[i];
  WeftUserCheck(isfinite(sum), grid->comm,
                "a covariance has an entry that is not a finite number: are the data too large?");
  PetscCall(Eigen(spectral, c));
  PetscCall(PetscFree(c));
  PetscCall(CheckProbe(spectral, v, cv));
  PetscCall(PetscFree2(v, cv));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const double *WeftSpectralValues(WeftSpectral spectral)
{
  return spectral->values;
}

PetscErrorCode WeftSpectralVectors(WeftSpectral spectral, double panel[])
{
  const WeftGrid *grid = &spectral->grid;

  PetscFunctionBegin;
  PetscCheck(spectral->values, grid->comm, PETSC_ERR_ORDER, "call WeftSpectralDecompose() first");
  PetscCall(WeftGridToPanels(grid, grid->n, spectral->vectors, grid->descriptor, panel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSpectralFunction(WeftSpectral spectral, double (*f)(double s, void *ctx), void *ctx, double panel[])
{
  const WeftGrid    *grid = &spectral->grid;
  const size_t       rows = (size_t)grid->local_rows;
  const PetscBLASInt n = grid->n;
  const double       unit = 1, zero = 0;
  double            *scaled, *product;

  PetscFunctionBegin;
  PetscCheck(spectral->values, grid->comm, PETSC_ERR_ORDER, "call WeftSpectralDecompose() first");
  PetscCall(WeftGridAllocate(grid, &scaled));
  PetscCall(WeftGridAllocate(grid, &product));
  for (PetscBLASInt j = 0; j < grid->local_cols; ++j) {
    const double factor = f(spectral->values[grid->cols[j]], ctx);
    for (size_t i = (size_t)j * rows; i < ((size_t)j + 1) * rows; ++i) scaled[i] = factor * spectral->vectors[i];
  }
  pdgemm_("N", "T", &n, &n, &n, &unit, scaled, &one, &one, grid->descriptor, spectral->vectors, &one, &one,
          grid->descriptor, &zero, product, &one, &one, grid->descriptor);
  PetscCall(PetscFree(scaled));
  PetscCall(WeftGridToPanels(grid, n, product, grid->descriptor, panel));
  PetscCall(PetscFree(product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSpectralRotate(WeftSpectral spectral, const double panel[], double rotated[])
{
  const WeftGrid    *grid = &spectral->grid;
  const PetscBLASInt n = grid->n;
  const double       unit = 1, zero = 0, *u = spectral->vectors;
  double            *m, *product;

  PetscFunctionBegin;
  PetscCheck(spectral->values, grid->comm, PETSC_ERR_ORDER, "call WeftSpectralDecompose() first");
  PetscCall(WeftGridAllocate(grid, &m));
  PetscCall(WeftGridAllocate(grid, &product));
  PetscCall(WeftGridFromPanels(grid, n, panel, grid->descriptor, m));
  pdsymm_("L", "L", &n, &n, &unit, m, &one, &one, grid->descriptor, u, &one, &one, grid->descriptor, &zero, product,
          &one, &one, grid->descriptor);
  pdgemm_("T", "N", &n, &n, &n, &unit, u, &one, &one, grid->descriptor, product, &one, &one, grid->descriptor, &zero, m,
          &one, &one, grid->descriptor);
  PetscCall(PetscFree(product));
  PetscCall(WeftGridToPanels(grid, n, m, grid->descriptor, rotated));
  PetscCall(PetscFree(m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSpectralGrid(WeftSpectral spectral, int *grid_rows, int *grid_cols, int *block, int *local_rows,
                                int *local_cols)
{
  const WeftGrid *grid = &spectral->grid;

  PetscFunctionBegin;
  if (grid_rows) *grid_rows = (int)grid->grid_rows;
  if (grid_cols) *grid_cols = (int)grid->grid_cols;
  if (block) *block = (int)grid->block;
  if (local_rows) *local_rows = (int)grid->local_rows;
  if (local_cols) *local_cols = (int)grid->local_cols;
  PetscFunctionReturn(PETSC_SUCCESS);
}
