/* Private to prep. */
#pragma once
#include <weft/prep.h>

struct _n_WeftPrep {
  MPI_Comm       comm;
  PetscInt       d, row0, rows;       /* this rank holds rows [row0, row0 + rows) of the whitening matrix */
  double         ridge, floor_option; /* relative */
  PetscInt       block;
  double         contrast_floor; /* absolute; valid, as the arrays are, where ready */
  double        *mean;           /* [d] */
  double        *whitening;      /* [rows][d] */
  PetscBool      ready;
  unsigned char *used; /* [d]; NULL: all */
};

/* Samples are taken that many at a time where a copy of them is needed. */
enum { WEFT_PREP_CHUNK = 512 };

/* Sums over samples, in their order. */
typedef struct {
  double samples;
  double variance; /* sum of each sample's variance over its features */
  double square;   /* sum of each sample's mean square */
} WeftContrastSums;

/* WeftContrastMeasure - of this rank's samples. Not collective. */
extern PetscErrorCode WeftContrastMeasure(const WeftBlock *x, WeftContrastSums *sums);
/* WeftContrastNormalise - x <- cn(x) in place; adds the new values, as rounded, to feature_sums [d] unless it is NULL.
   Not collective. */
extern PetscErrorCode WeftContrastNormalise(double floor, WeftBlock *x, double feature_sums[]);

/* WeftWhitenMatrix - the covariance's row panel becomes that of W. *variance: the mean eigenvalue. Collective. */
extern PetscErrorCode WeftWhitenMatrix(WeftPrep prep, double panel[], double *variance);
/* WeftWhitenApply - x <- (x - mean) W in place. Collective. */
extern PetscErrorCode WeftWhitenApply(WeftPrep prep, WeftBlock *x);
