/* Functions of a distributed symmetric matrix by its eigendecomposition (ScaLAPACK).

   A matrix of order d is given and returned in row panels (panel.h). Inside, it is 2-D block-cyclic on a
   process grid that uses every rank and is as near square as their number allows (1x1, 1x2, 1x3, 2x2, 1x5, 2x3, ...).
   No rank ever holds more than its share of a d x d matrix. */
#pragma once
#include <weft/panel.h>

typedef struct _n_WeftSpectral *WeftSpectral;

/* WeftSpectralCreate - makes the process grid for matrices of order d >= 1. Collective on comm.
   block: the ScaLAPACK block size wanted (64 is good); made smaller where some process would get no part of the matrix.
   Errors: a matrix whose local part passes ScaLAPACK's 32-bit sizes is a user's mistake (more ranks mend it). */
extern PetscErrorCode WeftSpectralCreate(MPI_Comm comm, PetscInt d, PetscInt block, WeftSpectral *spectral);
/* Frees the grid as well. Collective. */
extern PetscErrorCode WeftSpectralDestroy(WeftSpectral *spectral);

/* WeftSpectralDecompose - C = U diag(s) U' by pdsyevd (divide and conquer; Tisseur & Dongarra 1999). Collective.
   panel: this rank's rows of C; only entries (i, j) with j >= i are read, so one triangle is enough.
   The answer is checked on a probe vector v: C v against U s U' v, and U U' v against v. A failure of either, or an
   entry that is not a number, is an error of the library, raised by all ranks. */
extern PetscErrorCode WeftSpectralDecompose(WeftSpectral spectral, const double panel[]);

/* The d eigenvalues, ascending, the same bits on every rank. Owned by the object; valid until the next decomposition.
   Not collective; after WeftSpectralDecompose(). */
extern const double *WeftSpectralValues(WeftSpectral spectral);

/* WeftSpectralVectors - this rank's rows of U', that is, the eigenvectors row0 .. row0 + rows - 1, one a row, in the
   order of the eigenvalues; panel is the caller's. Collective; after WeftSpectralDecompose(). */
extern PetscErrorCode WeftSpectralVectors(WeftSpectral spectral, double panel[]);

/* WeftSpectralFunction - this rank's rows of U diag(f(s)) U'; panel is the caller's, all its entries are written and
   the matrix is symmetric to round-off. f must give the same value on every rank. Collective; after
   WeftSpectralDecompose(). */
extern PetscErrorCode WeftSpectralFunction(WeftSpectral spectral, double (*f)(double s, void *ctx), void *ctx,
                                           double panel[]);

/* WeftSpectralRotate - this rank's rows of U' M U for a symmetric M of the same order, in row panels, of which only
   entries (i, j) with j >= i are read; rotated may be panel. Collective; after WeftSpectralDecompose(). */
extern PetscErrorCode WeftSpectralRotate(WeftSpectral spectral, const double panel[], double rotated[]);

/* The shape of the process grid, the block size in use, and this rank's part (local rows x local columns). Any pointer
   may be NULL. Not collective. */
extern PetscErrorCode WeftSpectralGrid(WeftSpectral spectral, int *grid_rows, int *grid_cols, int *block,
                                       int *local_rows, int *local_cols);
