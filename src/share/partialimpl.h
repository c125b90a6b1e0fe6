/* Correlations of the inputs, whole on every rank. Collective. */
#pragma once
#include <weft/panel.h>

/* C [d, d]: correlations of the columns of x, the samples of all ranks; rows and columns of inputs whose variance is
   below 0.001 of the mean variance are zero. */
extern PetscErrorCode WeftCorrelations(MPI_Comm comm, const WeftBlock *x, float *C);
/* partial [n, n], zero diagonal, of the correlation matrix C [n, n], the same on every rank. */
extern PetscErrorCode WeftPartialCorrelations(MPI_Comm comm, int n, const float *C, float *partial);
