/* The dictionary step's problem on one rank, solved slowly by another method than the library's, and certified. */
#pragma once

/* min over D of  F(D) = ½ tr(D A Dᵀ) − tr(BᵀD) + Σ_j Σ_g w_g ‖D_jg‖,  ‖d_a‖ <= 1. Rows are contiguous everywhere. */
typedef struct {
  int     d, k, p;
  double *a; /* [k, k] */
  double *b; /* [d, k] */
  double *w; /* [k / p] */
} SlowDict;

extern void   SlowDictCreate(int d, int k, int p, SlowDict *s); /* zeros */
extern void   SlowDictDestroy(SlowDict *s);
extern double SlowDictValue(const SlowDict *s, const double D[]);
/* gradient [d, k] of the smooth part. */
extern void SlowDictGradient(const SlowDict *s, const double D[], double gradient[]);
/* F(D) − min F is at most this, for any feasible D. */
extern double SlowDictGap(const SlowDict *s, const double D[]);
/* Norm of row j of D restricted to group g, and of atom a. */
extern double SlowDictRowNorm(const SlowDict *s, const double D[], int j, int g);
extern double SlowDictAtomNorm(const SlowDict *s, const double D[], int a);
/* A feasible D with exact zeros, whose gap is at most rtol |F| unless the iterations run out. Returns the gap. */
extern double SlowDictSolve(const SlowDict *s, double rtol, int max_iterations, double D[]);
