/* Cholesky factor of a distributed symmetric positive definite matrix (ScaLAPACK), on the block-cyclic grid and with
   the row panels of spectral.h: no rank ever holds more than its share of the matrix. */
#pragma once
#include <weft/panel.h>

typedef struct _n_WeftCholesky *WeftCholesky;

/* WeftCholeskyCreate - makes the process grid for matrices of order d >= 1. Collective on comm. block and errors as
   WeftSpectralCreate(). */
extern PetscErrorCode WeftCholeskyCreate(MPI_Comm comm, PetscInt d, PetscInt block, WeftCholesky *cholesky);
/* Frees the grid as well. Collective. */
extern PetscErrorCode WeftCholeskyDestroy(WeftCholesky *cholesky);

/* WeftCholeskyFactor - C = L L' by pdpotrf. Collective.
   panel: this rank's rows of C; only entries (i, j) with j >= i are read, so one triangle is enough.
   *definite: false, the same on every rank, where C is not positive definite or has an entry that is not a number;
   there is no factor then. */
extern PetscErrorCode WeftCholeskyFactor(WeftCholesky cholesky, const double panel[], PetscBool *definite);

/* WeftCholeskyLogDet - the natural logarithm of det C, the same bits on every rank. Collective; needs a factor. */
extern PetscErrorCode WeftCholeskyLogDet(WeftCholesky cholesky, double *logdet);

/* WeftCholeskySolve - B <- C^(-1) B for m right-hand sides: panel holds this rank's rows of B, [rows, m]. Collective;
   needs a factor. As pdpotrs, but from the right on B', because B's row panels are column panels of B' and
   so nothing is turned. m rows panels beyond 32-bit sizes are a user's mistake (more ranks mend it). */
extern PetscErrorCode WeftCholeskySolve(WeftCholesky cholesky, PetscInt m, double panel[]);

/* As WeftSpectralGrid(). Not collective. */
extern PetscErrorCode WeftCholeskyGrid(WeftCholesky cholesky, int *grid_rows, int *grid_cols, int *block,
                                       int *local_rows, int *local_cols);
