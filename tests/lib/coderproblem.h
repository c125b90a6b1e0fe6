/* Random problems for the coder, a slow and obvious solver of them, and what a coder reports evaluated anew, all in
   double from x, D and z: no Gram matrix, no code of the library but its random numbers and plain structs. */
#pragma once
#include <weft/coder.h>

typedef enum { RIDGE_NONE, RIDGE_ALL, RIDGE_MIXED } RidgeKind; /* mixed: every other group has r_g = 0 */

typedef struct {
  size_t  n, d, k;
  int     p, groups;
  double *x, *atoms, *ridge; /* [n, d], [k, d], [groups]; x and atoms are floats in value, so that both precisions solve
                                the same problem */
  double lambda, t;          /* λ and λ√p */
} CoderProblem;

/* What a code is worth. */
typedef struct {
  double primal, reconstruction;
  double gap;  /* as include/weft/coder.h defines it at λ > 0 */
  double kkt;  /* as it defines it at λ = 0 */
  double dual; /* another lower bound of the objective */
} CoderValue;

/* n samples: half sparse combinations of the atoms with noise, half noise. Key: what is random. */
extern void ProblemCreate(uint64_t key, size_t n, size_t d, int groups, int p, CoderProblem *problem);
extern void ProblemDestroy(CoderProblem *problem);
/* λ = fraction of the smallest λ for which every code is zero; ridge of about the atoms' squared length. */
extern void ProblemSetPenalty(CoderProblem *problem, double fraction, RidgeKind kind);

/* A copy as the coder takes it. */
extern void ProblemBlock(const double values[], size_t rows, size_t cols, WeftPrecision precision, WeftBlock *block);
/* Sample i of codes as k dense coefficients. */
extern void ProblemCode(const WeftCodes *codes, size_t i, double z[]);
/* Dense codes [n, k] as codes. */
extern void ProblemCodes(const CoderProblem *problem, const double z[], WeftCodes *codes);

extern CoderValue ProblemEvaluate(const CoderProblem *problem, size_t i, const double z[]);
/* Cyclic proximal gradient steps with their residual until P − dual <= 1e-12 P, or for as long as bearable. */
extern void ProblemSolve(const CoderProblem *problem, size_t i, double z[]);
/* ‖D (a − b)‖² */
extern double ProblemFitDistance(const CoderProblem *problem, const double a[], const double b[]);
extern double ProblemSquare(const CoderProblem *problem, size_t i); /* ‖x_i‖² */
