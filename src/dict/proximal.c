/* The exact proximal map of the connectivity penalty under the norm bound. */
#include "dictimpl.h"

enum { MAX_PASSES = 50, CHUNK = 64 };

/* Do the norms of a group's atoms depend on one another's multipliers? */
static PetscBool Coupled(const WeftStep s, size_t g)
{
  return s->p > 1 && s->weight[g] > 0 ? PETSC_TRUE : PETSC_FALSE;
}

/* value = (1 − w/‖t‖) t / h: what the problem of a row comes to where the h of its atoms are equal, as they nearly
   are. */
WEFT_SIMD static void Shrink(size_t n, size_t p, size_t ld, const double h[], double w, const double *t, double *value)
{
  double factor[CHUNK];

  for (size_t first = 0; first < n; first += CHUNK) {
    const size_t m = n - first < CHUNK ? n - first : CHUNK;
    for (size_t l = 0; l < m; ++l) factor[l] = 0;
    for (size_t i = 0; i < p; ++i)
      for (size_t l = 0; l < m; ++l) factor[l] += t[i * ld + first + l] * t[i * ld + first + l];
    for (size_t l = 0; l < m; ++l) factor[l] = 1 - w / PetscSqrtReal(factor[l]);
    for (size_t i = 0; i < p; ++i)
      for (size_t l = 0; l < m; ++l) value[i * ld + first + l] = factor[l] * t[i * ld + first + l] / h[i];
  }
}

/* Without a weight the rows separate into their numbers. */
WEFT_SIMD static void Divide(size_t n, double h, const double *t, double *value)
{
  const double scale = 1 / h;

  for (size_t e = 0; e < n; ++e) value[e] = scale * t[e];
}

/* The kept rows of the block's group g given ν, or a guess whose norms are near enough to go on from. */
static void SolveGroup(WeftStep s, size_t g, PetscBool guess)
{
  const size_t  local = g * s->p - s->first, n = s->kept.count[local / s->p];
  const double *t = s->t + local * s->rows, w = s->weight[g];
  double       *value = s->value + local * s->rows, *h = s->h + g * s->p;

  for (size_t i = 0; i < s->p; ++i)
    h[i] = s->stretch * s->kappa[s->first / s->width] * s->diagonal[g * s->p + i] + s->nu[g * s->p + i];
  if (!(w > 0))
    for (size_t i = 0; i < s->p; ++i) Divide(n, h[i], t + i * s->rows, value + i * s->rows);
  else if (guess)
    Shrink(n, s->p, s->rows, h, w, t, value);
  else
    WeftGroupSolveMany(n, (int)s->p, h, w, t, s->rows, value, s->rows);
}

/* The norms of the block's atoms: one reduction of as many numbers. */
static PetscErrorCode Norms(WeftStep s)
{
  PetscFunctionBegin;
  for (size_t a = 0; a < s->atoms; ++a)
    s->square[s->first + a] = WeftRowsSquare(s->kept.count[a / s->p], s->value + a * s->rows);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->square + s->first, (int)s->atoms, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fixed point for the multipliers of group g: without coupling, for p = 1 or no weight, ‖d_a‖ is proportional to
   1/(m_a + ν_a), and one step is exact. Else all of a group's norms fall as one of its ν rises, and as 1/(m + ν) if all
   do: the map's derivative has its eigenvalues in [0, 1), so that it converges from one side. Returns whether the group
   must be solved again. */
static PetscBool UpdateMultipliers(WeftStep s, size_t g)
{
  const PetscBool coupled = Coupled(s, g);
  PetscBool       again = PETSC_FALSE;

  for (size_t a = g * s->p; a < (g + 1) * s->p; ++a) {
    const double m = s->h[a] - s->nu[a], nu = PetscMax(s->h[a] * PetscSqrtReal(s->square[a]) - m, 0.0);
    s->fraction[a] = s->h[a] / (m + nu);
    s->nu[a] = nu;
    if (coupled && PetscAbsReal(1 - s->fraction[a]) > s->norm_rtol) again = PETSC_TRUE;
  }
  return again;
}

/* The last change of ν, as if there were no coupling: no norm is over 1, and those with ν > 0 are 1. What is left of
   the error is of second order in F, and zeros stay zeros. */
static void Rescale(WeftStep s)
{
  for (size_t a = 0; a < s->atoms; ++a) {
    const double fraction = s->fraction[s->first + a];
    double      *value = s->value + a * s->rows;
    if (fraction != 1)
      for (size_t e = 0; e < s->kept.count[a / s->p]; ++e) value[e] *= fraction;
  }
}

/* Rows given ν, ν by its fixed point; every rank sees the same norms and takes the same path. */
PetscErrorCode WeftStepProximal(WeftStep s)
{
  const size_t   g0 = s->first / s->p, n = s->atoms / s->p;
  PetscBool      again = PETSC_TRUE;
  unsigned char *pending;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n, &pending));
  for (size_t g = 0; g < n; ++g) pending[g] = s->dict->alive[g0 + g];
  for (size_t a = s->first; a < s->first + s->atoms; ++a) s->fraction[a] = 1;
  for (int pass = 0; pass < MAX_PASSES && again; ++pass) {
    const PetscBool guess = s->fresh && !pass ? PETSC_TRUE : PETSC_FALSE; /* ν of the last pass is better */
    for (size_t g = 0; g < n; ++g)
      if (pending[g]) SolveGroup(s, g0 + g, guess && Coupled(s, g0 + g) ? PETSC_TRUE : PETSC_FALSE);
    PetscCall(Norms(s));
    again = PETSC_FALSE;
    for (size_t g = 0; g < n; ++g) {
      if (pending[g]) pending[g] = UpdateMultipliers(s, g0 + g) || (guess && Coupled(s, g0 + g)) ? 1 : 0;
      if (pending[g]) again = PETSC_TRUE;
    }
  }
  Rescale(s);
  PetscCall(PetscFree(pending));
  PetscFunctionReturn(PETSC_SUCCESS);
}
