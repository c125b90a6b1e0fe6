/* The neighbourhood of the inputs, found from their correlations alone: where each input lies on a square lattice, if
   the data have one. No picture shape is read; what comes out is right up to a shift, a rotation and a reflection.

   Two inputs are bound by their partial correlation, -P_ij / sqrt(P_ii P_jj) with P the inverse of the correlation
   matrix
   (+ 0.01 on its diagonal): what they share that no other input explains, which in pictures is next to nothing but for
   direct neighbours. Pairs among each other's four strongest are edges. From a cell of four edges a patch of lattice
   grows, the clearest case first; then what does not fit the typical bonds around a site is taken out and placed again.
   Inputs that lie at one place (colours) are first found as disjoint cliques, of 1 to 4, whichever size fits best. */
#pragma once
#include <weft/block.h>

typedef struct {
  PetscInt inputs;   /* d */
  PetscInt placed;   /* inputs with a place */
  PetscInt channels; /* inputs at one place, 1 to 4 */
  PetscInt rows, cols;
  int     *row, *col; /* [d] in 0 .. rows - 1, 0 .. cols - 1; -1: not placed, as inputs that do not vary */
  int     *channel;   /* [d] which of those at its place; the same for what corresponds; -1: not placed */
  double   score;     /* min(edges that are neighbours / edges, edges / neighbours) * placed / varying inputs */
} WeftLattice;

/* The score from which the inputs can be said to lie on a lattice: pictures reach 0.95 and more; chains, trees, random
   graphs, factor models and rotated pictures stay below 0.7. */
#define WEFT_LATTICE_SCORE 0.85

/* WeftLatticeFind - from this rank's samples x [rows, d], raw or contrast-normalised but not whitened; the same answer
   on every rank. Collective. Memory: up to five times d² numbers in single precision on every rank. 2 n d² / ranks
   flops for the covariance; the rest is O(d³ / ranks) for up to four inverses (ScaLAPACK) and O(d²) on every rank
   alike. Data without a lattice is no error: the score tells. */
extern PetscErrorCode WeftLatticeFind(MPI_Comm comm, const WeftBlock *x, WeftLattice *lattice);
/* WeftLatticeFromCorrelation - the same from the inputs' correlation matrix [d, d], replicated; zero rows for inputs
   that do not vary. Collective. */
extern PetscErrorCode WeftLatticeFromCorrelation(MPI_Comm comm, PetscInt d, const float correlation[],
                                                 WeftLattice *lattice);
/* WeftLatticeOccupants - who is at each place: at[(row cols + col) channels + channel], -1 nobody; PetscFree() it. Not
   collective. */
extern PetscErrorCode WeftLatticeOccupants(const WeftLattice *lattice, int **at);
extern PetscErrorCode WeftLatticeDestroy(WeftLattice *lattice); /* not collective */
