/* A matrix in row panels: rank r of P holds the rows [row0, row0 + rows) of WeftPanelRange(), row-major, NULL allowed
   where rows = 0. What the distributed linear algebra takes and gives, and how sums over samples get there. */
#pragma once
#include <weft/block.h>

/* WeftPanelRange - the rows of an order-d matrix that this rank of comm holds: an even contiguous split, the first
   d mod P ranks holding one more (as PetscLayout does); ranks beyond d hold none. Not collective. */
extern PetscErrorCode WeftPanelRange(MPI_Comm comm, PetscInt d, PetscInt *row0, PetscInt *rows);
/* The same for any rank of a communicator of that size. */
extern void WeftPanelRangeOf(int size, int rank, PetscInt d, PetscInt *row0, PetscInt *rows);

/* WeftPanelReduce - sums the ranks' arrays of n numbers on rank root, in place; what the others hold afterwards is not
   defined. n may pass 2^31. Collective. */
extern PetscErrorCode WeftPanelReduce(MPI_Comm comm, int root, size_t n, double values[]);

/* WeftPanelTimes - out [rows, cols] = a [rows, inner] B, or a B' where transpose; a and out are this rank's own, with
   any number of rows. B is in row panels b: [inner, cols], or [cols, inner] where transpose. The panels are broadcast
   one after another, so that a rank holds one beside its own. Collective. */
extern PetscErrorCode WeftPanelTimes(MPI_Comm comm, PetscBool transpose, size_t rows, PetscInt inner, PetscInt cols,
                                     const double a[], const double b[], double out[]);

/* Every step-th row from `first` on of a rank's block; {0, 1} is all of them. */
typedef struct {
  size_t first, step;
} WeftRows;

extern size_t WeftRowsCount(WeftRows rows, const WeftBlock *x);

/* WeftCovariance - sum over the selected rows of all ranks of (x - mean)'(x - mean) / samples: this rank's row panel
   [rows, d], of which only the entries (i, j) with j >= i are set. mean [d], replicated; x has d columns on every rank,
   in either precision. A rank holds one more panel and a few hundred rows in double; panels are summed one after
   another, in a fixed order. Collective. */
extern PetscErrorCode WeftCovariance(MPI_Comm comm, const WeftBlock *x, WeftRows rows, const double mean[],
                                     double samples, double panel[]);
