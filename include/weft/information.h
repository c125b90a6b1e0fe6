/* How much of the input X a layer's outputs Y keep: what a linear decoder gets back of it (after Barber & Agakov 2003),
   and the entropy of the outputs.

   X [n, d] is the preprocessed input, rotated to the eigenvectors of its covariance; those with an eigenvalue below
   1e-6 of the largest are dropped. X^ = Y W + b is ridge regression on the samples of even global index, scored on
   those of odd index, with covariances taken over the latter:

       bits_plain = -1/2 sum_j log2(1 - R2_j),   1 - R2_j = E[(x_j - x^_j)^2] / var x_j      (diagonal form)
       bits       = -1/2 sum_j log2(1 - w_j R2_j),   w_j = min(eigenvalue j, 1), over the directions worth decoding
       bits_full  = 1/2 log2 det Cov(X) - 1/2 log2 det E[(X - X^)(X - X^)']                  (log-det form)
       entropy    = 1/2 log2 det(I + Cov(Y) / (0.01 v)),   v = mean variance of the outputs that vary, all samples

   bits is what decides. Whitening with a ridge r gives direction j of X the variance s_j / (s_j + r): it takes X for
   what is left of X + N, with N the noise of variance r that makes that 1, and bits is the information on X + N. So a
   direction counts as far as it stands out of the noise, where in bits_plain one of next to no variance (a pixel that
   is hardly ever on) counts as much as any. It is worth decoding where the samples of the fit say so: where the halves
   below, decoding one another, get R2_j > 0; any other is left alone by the decoder and counts 0.

   Where X is Gaussian bits_full bounds I(X;Y) from below; otherwise bits_full <= I(X;Y) + (h_Gauss(X) - h(X)), whose
   last term depends on X alone, so that differences and rankings on the same X stand. R2_j may be below 0 on the odd
   samples, where decoding a direction does harm; it counts as it is, so bits may be below 0 too: outputs that tell
   nothing come out near 0, on either side, and nothing is clipped by what is scored.

   The ridge (that of normal.h: for outputs scaled to unit variance) is t m / n with m varying outputs and n samples of
   the fit: best where the coefficients are random and t is the ratio of noise to signal (Dobriban & Wager 2018); but at
   least 1e-4, as if outputs were known to 1 % of their standard deviation. t is found on the samples of the fit alone:
   the two halves of them (global index 0 and 2 modulo 4) decode one another, and t goes from 10 up or down in factors
   of sqrt(10) as long as their bits grow. So outputs given twice change nothing (above the least ridge), an output that
   does not vary has no part, and more outputs than samples do no harm. */
#pragma once
#include <weft/block.h>

typedef struct _n_WeftInformation *WeftInformation;

typedef struct {
  double   bits, bits_plain, entropy_bits;
  double   bits_full;  /* not a number where the odd samples are not more than the directions kept */
  double   ridge;      /* as used for the bits */
  PetscInt outputs;    /* that vary on the samples of the fit */
  PetscInt directions; /* eigenvectors kept */
} WeftInformationResult;

/* WeftInformationCreate - finds the eigenvectors of Cov(X) once. Collective.
   x: this rank's preprocessed samples, rows row0 .. of all, in either precision, 0 rows allowed; used, not copied: it
   must stay, unchanged, as long as the object is used. Memory beside x: about 11 d^2 doubles over all ranks together
   while the eigenvectors are found, 2 d^2 after, and 512 samples on each. n d^2 multiplications over all ranks. */
extern PetscErrorCode WeftInformationCreate(MPI_Comm comm, const WeftBlock *x, PetscInt64 row0,
                                            WeftInformation *information);
extern PetscErrorCode WeftInformationDestroy(WeftInformation *information); /* not collective */

/* WeftInformationMeasure - of the outputs in `parts` blocks side by side (the pooled responses of several layers), m
   columns in all, each with the rows of x. The same numbers on every rank, and to round-off for every rank count.
   While samples are added a rank holds the sums of its own, m (m + d) doubles, and sends them once; then its share of
   them, three times. n m (m + d) multiplications over all ranks. Where there are not two samples of either parity, or X
   does not vary, nothing can be held out: 0 bits. Collective. */
extern PetscErrorCode WeftInformationMeasure(WeftInformation information, int parts, const WeftBlock y[],
                                             WeftInformationResult *result);
