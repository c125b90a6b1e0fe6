/* Preprocessing of samples: contrast normalisation of each sample, centring and ZCA whitening of the features (Bell &
   Sejnowski 1997), learned from the samples of all ranks:

       x~ = (cn(x) - mean) W,   cn(x) = (x - mean of x) / max(standard deviation of x, floor),
       W  = U diag(s + ridge s-bar)^(-1/2) U',

   where U diag(s) U' is the covariance of cn(x) and s-bar the mean of its eigenvalues. W keeps to input coordinates, so
   that feature j of x~ belongs to feature j of x. */
#pragma once
#include <weft/block.h>
#include <weft/options.h>

typedef struct _n_WeftPrep *WeftPrep;

extern const WeftOption WeftPrepOptions[];

/* WeftPrepCreate - for samples of d >= 1 features on the ranks of comm; holds the options' defaults. Collective. */
extern PetscErrorCode WeftPrepCreate(MPI_Comm comm, PetscInt d, WeftPrep *prep);
extern PetscErrorCode WeftPrepDestroy(WeftPrep *prep); /* not collective */

/* Takes -weft_whitening_ridge, -weft_contrast_floor and -weft_whitening_block. Collective. A value out of range is a
   user's mistake. The three below do the same from a program, with the same value on every rank; not collective. */
extern PetscErrorCode WeftPrepSetFromOptions(WeftPrep prep);
/* ridge > 0: a fraction of the mean eigenvalue. Per-sample centring makes the covariance singular, so 0 will not do. */
extern PetscErrorCode WeftPrepSetRidge(WeftPrep prep, double ridge);
/* floor > 0: a fraction of the root mean square over samples of their standard deviation. */
extern PetscErrorCode WeftPrepSetContrastFloor(WeftPrep prep, double floor);
extern PetscErrorCode WeftPrepSetBlock(WeftPrep prep, PetscInt block); /* ScaLAPACK's block size */

/* WeftPrepSetUsed - before WeftPrepFit(): features j with used[j] = 0 have no part in the whitening and become 0. used
   [d] is copied, the same on every rank. Not collective. */
extern PetscErrorCode WeftPrepSetUsed(WeftPrep prep, const unsigned char used[]);

/* WeftPrepFit - learns floor, mean and W from the samples of all ranks and turns x, this rank's samples (rows, d
   columns, either precision, the same on all ranks; 0 rows allowed), into x~ in place. Collective. All sums are in
   double and in a fixed order, so the same rank count gives the same bits. Memory beside x: about 8 d^2 doubles over
   all ranks together, d^2 numbers of x's precision on each, and 512 samples. A feature that does not vary becomes 0. A
   single sample becomes 0 (W is then the identity). Errors, all the user's: no sample on any rank; a value that is not
   finite; no sample has any contrast (always so for d = 1); more than one sample, but all the same up to brightness and
   contrast. x is then partly changed. */
extern PetscErrorCode WeftPrepFit(WeftPrep prep, WeftBlock *x);

/* WeftPrepApply - x~ of new samples in place, with what WeftPrepFit() learned or WeftPrepSetParameters() restored.
   Collective: W is gathered once a call, so pass many samples at a time. The answer for a sample does not depend on the
   others beyond round-off. */
extern PetscErrorCode WeftPrepApply(WeftPrep prep, WeftBlock *x);

/* WeftPrepCentre - cn(x) - mean in place: all but the whitening. Not collective. */
extern PetscErrorCode WeftPrepCentre(WeftPrep prep, WeftBlock *x);

/* What a run file stores. */
typedef struct {
  PetscInt      d;
  PetscInt      row0, rows;     /* this rank's rows of W: WeftPanelRange() of panel.h */
  const double *mean;           /* [d], replicated */
  const double *whitening;      /* [rows][d]: rows row0 .. row0 + rows - 1 of W */
  double        contrast_floor; /* in the units of x */
  double        ridge;          /* relative, as given */
} WeftPrepParameters;

/* The arrays are the object's, valid until it is fitted, restored or destroyed; d, row0 and rows hold from the start,
   the rest after WeftPrepFit() or WeftPrepSetParameters(). Not collective. */
extern PetscErrorCode WeftPrepGetParameters(WeftPrep prep, WeftPrepParameters *parameters);
/* Restores them, e.g. from a file at another rank count; copies the arrays. d, row0 and rows must be those of
   WeftPrepGetParameters(). Not collective. */
extern PetscErrorCode WeftPrepSetParameters(WeftPrep prep, const WeftPrepParameters *parameters);
