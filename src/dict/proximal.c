/* The exact proximal map of the connectivity penalty under the norm bound. */
#include "dictimpl.h"

enum { MAX_PASSES = 50 };

/* − gradient at D + β (D − D_old); products are linear, so that this needs none. */
WEFT_SIMD static void MinusGradient(size_t n, double beta, const double *product, const double *old, const double *b,
                                    double *t)
{
  for (size_t j = 0; j < n; ++j) t[j] = b[j] - (product[j] + beta * (product[j] - old[j]));
}

/* T of group g, of which the rows over the threshold are kept: whether a row is zero does not depend on ν. */
static void FormGroup(WeftStep s, double beta, size_t g)
{
  const size_t  n = s->rows * s->p, first = g * n;
  const double *m = s->diagonal + g * s->p;
  WeftRows      t = {s->d_new.start, s->d_new.row, s->t};

  MinusGradient(n, beta, s->product + first, beta > 0 ? s->product_old + first : s->product + first, s->b + first,
                s->tile);
  WeftRowsAdd(&s->d, g, s->rows, s->p, s->kappa * (1 + beta), m, s->tile);
  if (beta > 0) WeftRowsAdd(&s->d_old, g, s->rows, s->p, -s->kappa * beta, m, s->tile);
  WeftRowsSet(&t, g, s->rows, s->p, s->tile, s->weight[g]);
}

/* The rows of group g given ν. */
static void SolveGroup(WeftStep s, size_t g)
{
  const size_t n = WeftRowsCount(&s->d_new, g), first = s->p * s->d_new.start[g];

  for (size_t a = g * s->p; a < (g + 1) * s->p; ++a) s->h[a] = s->kappa * s->diagonal[a] + s->nu[a];
  WeftGroupSolveMany(n, (int)s->p, s->h + g * s->p, s->weight[g], s->t + first, n, s->d_new.value + first, n);
}

WEFT_SIMD static double Square(size_t n, const double *x)
{
  double part[8] = {0};
  size_t i = 0;

  for (; i + 8 <= n; i += 8)
    for (size_t l = 0; l < 8; ++l) part[l] += x[i + l] * x[i + l];
  for (; i < n; ++i) part[0] += x[i] * x[i];
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

/* The norms of all atoms of d_new: one reduction of k numbers. */
static PetscErrorCode Norms(WeftStep s)
{
  PetscFunctionBegin;
  for (size_t g = 0; g < s->groups; ++g) {
    const size_t  n = WeftRowsCount(&s->d_new, g);
    const double *value = s->d_new.value + s->p * s->d_new.start[g];
    for (size_t i = 0; i < s->p; ++i) s->square[g * s->p + i] = Square(n, value + i * n);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->square, (int)s->k, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fixed point for the multipliers of group g: without coupling ‖d_a‖ is proportional to 1/(m_a + ν_a). All of a group's
   norms fall as one of its ν rises, and as 1/(m + ν) if all do: the map's derivative has its eigenvalues in [0, 1), so
   that it converges from one side. Returns whether the group must be solved again. */
static PetscBool UpdateMultipliers(WeftStep s, size_t g)
{
  PetscBool again = PETSC_FALSE;

  for (size_t a = g * s->p; a < (g + 1) * s->p; ++a) {
    const double m = s->kappa * s->diagonal[a], nu = PetscMax(s->h[a] * PetscSqrtReal(s->square[a]) - m, 0.0);
    s->fraction[a] = s->h[a] / (m + nu);
    s->nu[a] = nu;
    if (PetscAbsReal(1 - s->fraction[a]) > s->norm_rtol) again = PETSC_TRUE;
  }
  return again;
}

/* The last change of ν, as if there were no coupling: no norm is over 1, and those with ν > 0 are 1. What is left of
   the error is of second order in F, and zeros stay zeros. */
static void Rescale(WeftStep s)
{
  for (size_t g = 0; g < s->groups; ++g) {
    const size_t n = WeftRowsCount(&s->d_new, g);
    double      *value = s->d_new.value + s->p * s->d_new.start[g];
    for (size_t i = 0; i < s->p; ++i)
      for (size_t e = 0; e < n; ++e) value[i * n + e] *= s->fraction[g * s->p + i];
  }
}

/* Rows given ν, ν by its fixed point; every rank sees the same norms and takes the same path. */
PetscErrorCode WeftStepProximal(WeftStep s, double beta)
{
  const unsigned char *alive = s->dict->alive;
  PetscBool            again = PETSC_TRUE;
  unsigned char       *pending;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(s->groups, &pending));
  for (size_t g = 0; g < s->groups; ++g) {
    pending[g] = alive[g];
    s->d_new.start[g + 1] = s->d_new.start[g];
    if (alive[g]) FormGroup(s, beta, g);
  }
  for (int pass = 0; pass < MAX_PASSES && again; ++pass) {
    for (size_t g = 0; g < s->groups; ++g)
      if (pending[g]) SolveGroup(s, g);
    PetscCall(Norms(s));
    again = PETSC_FALSE;
    for (size_t g = 0; g < s->groups; ++g) {
      if (pending[g]) pending[g] = UpdateMultipliers(s, g) ? 1 : 0;
      if (pending[g]) again = PETSC_TRUE;
    }
  }
  Rescale(s);
  PetscCall(PetscFree(pending));
  PetscFunctionReturn(PETSC_SUCCESS);
}
