/* Private to stack: the input's side of the information measure, and the decoder. */
#pragma once
#include <weft/information.h>
#include <weft/normal.h>

enum { WEFT_INFORMATION_BLOCK = 64 }; /* ScaLAPACK's block size */

/* Samples by global index: 0 and 2 modulo 4, which choose the ridge and together fit, and those that score. */
typedef enum { WEFT_HALF_0, WEFT_HALF_1, WEFT_ODD, WEFT_INFORMATION_SETS } WeftInformationSet;

struct _n_WeftInformation {
  MPI_Comm         comm;
  const WeftBlock *x;
  WeftBlock        view;
  PetscInt         d, row0, panel_rows; /* this rank's rows of what is [d, d] */
  WeftRows         rows[WEFT_INFORMATION_SETS];
  PetscInt64       samples[WEFT_INFORMATION_SETS];  /* of all ranks */
  double          *variance[WEFT_INFORMATION_SETS]; /* [d] each: along the eigenvectors, over that set */
  double          *values;                          /* [d] eigenvalues of Cov(X), ascending */
  PetscInt         first;                           /* eigenvectors first .. d - 1 are kept */
  double          *vectors;                         /* [panel_rows, d]: rows of U' */
  double          *covariance; /* [panel_rows, d]: rows of U' Cov U over the odd samples, entries j >= i */
};

/* A decoder's weights, its row panel [rows, d], and how it did on some samples. */
typedef struct {
  PetscInt rows;
  double   ridge;
  double  *weights, *product; /* [rows, d] */
  double  *bias, *residual;   /* [d] */
  double  *gained;            /* [d] by what the halves' decoding lessens the mean squares of one another */
} WeftDecoder;

/* WeftInformationFull - the log-det form on the odd samples, whose sums these are; not a number where there are too few
   of them. Collective. */
extern PetscErrorCode WeftInformationFull(WeftInformation info, const WeftNormalSums *odd, const WeftDecoder *decoder,
                                          double *bits);
