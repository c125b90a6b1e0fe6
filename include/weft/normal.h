/* Normal equations of a linear decoder x ~ y W + b over the samples of all ranks, by BLAS in double:

       W = argmin 1/n |X - mean - (Y - mean) W|^2 + ridge sum_g v_g |W_g|^2,   b = mean of x - (mean of y) W,

   v_g the variance of y_g: the ridge is that of outputs scaled to unit variance, so that W y does not depend on the
   outputs' units. An output that does not vary (beyond round-off) has W_g = 0.

   While samples are added each rank holds the sums of its own samples, m (m + c) doubles, and 512 samples; after
   WeftNormalReduce() only its row panels, [rows, m] and [rows, c] with the rows of WeftPanelRange(m). */
#pragma once
#include <weft/panel.h>

typedef struct _n_WeftNormal *WeftNormal;

/* WeftNormalCreate - m >= 1 outputs, c >= 1 targets. Collective. */
extern PetscErrorCode WeftNormalCreate(MPI_Comm comm, PetscInt m, PetscInt c, WeftNormal *normal);
extern PetscErrorCode WeftNormalDestroy(WeftNormal *normal); /* not collective */

/* WeftNormalAdd - the selected rows of y, m columns in all in `parts` blocks side by side, and of x, c columns; all
   with the same number of rows, in either precision. May be called any number of times, also never. Not collective. */
extern PetscErrorCode WeftNormalAdd(WeftNormal normal, int parts, const WeftBlock y[], const WeftBlock *x,
                                    WeftRows rows);

/* WeftNormalReduce - sums over ranks, about the mean of all samples; once, after the last WeftNormalAdd(). Each panel
   is summed on the rank that keeps it (reduce-scatter), in a fixed order. Collective. */
extern PetscErrorCode WeftNormalReduce(WeftNormal normal);

/* What WeftNormalReduce() leaves. The arrays are the object's; their numbers are sums over samples, not means. */
typedef struct {
  PetscInt64    samples;
  PetscInt      m, c, row0, rows; /* this rank's rows of both matrices */
  PetscInt      varying;          /* outputs that vary */
  const double *mean_y, *mean_x;  /* [m], [c], replicated */
  const double *square;           /* [m], replicated: the diagonal of yy; 0 exactly where an output does not vary */
  const double *yy, *yx;          /* [rows, m], [rows, c], both triangles */
} WeftNormalSums;

extern PetscErrorCode WeftNormalGetSums(WeftNormal normal, WeftNormalSums *sums); /* not collective */

/* WeftNormalRotate - targets x become x U: panel holds this rank's rows of U', U [c, c], in row panels. After the
   reduction. Collective. */
extern PetscErrorCode WeftNormalRotate(WeftNormal normal, const double panel[]);
/* WeftNormalMerge - adds the samples of another one of the same sizes; both after the reduction. Collective. */
extern PetscErrorCode WeftNormalMerge(WeftNormal normal, const WeftNormal other);

/* WeftNormalSolve - this rank's rows of W, [rows, c], and b [c], replicated (NULL: not wanted), by ScaLAPACK Cholesky.
   *definite: false on all ranks where the equations have no unique solution (possible at ridge 0) or hold a number that
   is not finite; W and b are then not set. Collective. */
extern PetscErrorCode WeftNormalSolve(WeftNormal normal, double ridge, double coefficients[], double intercept[],
                                      PetscBool *definite);
