/* How long the steps of a block may be. */
#include "dictimpl.h"

enum { POWER_ITERATIONS = 12 };

/* Atoms that no sample uses still get a step, so that the floor keeps the metric finite. */
static void FloorDiagonal(WeftStep s)
{
  double most = 0;

  for (size_t a = 0; a < s->k; ++a) most = PetscMax(most, s->a[a * s->k + a]);
  for (size_t a = 0; a < s->k; ++a) s->diagonal[a] = PetscMax(s->a[a * s->k + a], most > 0 ? 1e-6 * most : 1.0);
}

/* w = M v, M [n, n] symmetric; returns ‖w‖. */
WEFT_SIMD static double Multiply(size_t n, const double *m, const double *v, double *w)
{
  double sum = 0;

  for (size_t j = 0; j < n; ++j) w[j] = 0;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) w[j] += v[i] * m[i * n + j];
  for (size_t j = 0; j < n; ++j) sum += w[j] * w[j];
  return PetscSqrtReal(sum);
}

/* Largest eigenvalue of the block's A scaled to unit diagonal, by power iteration, halved: a proximal gradient step
   lowers F if its metric is over A/2, and that half converges about twice as fast. Power iteration gives a lower bound,
   so it is inflated, and the monotone test catches what is left. m [n, n], v, w [n]: scratch. */
static double Kappa(const WeftStep s, size_t first, size_t n, double *m, double *v, double *w)
{
  double norm = 0;

  for (size_t i = 0; i < n; ++i) {
    v[i] = 1.0 + 0.5 * PetscSinReal((double)i); /* any fixed start without symmetry */
    norm += v[i] * v[i];
    for (size_t j = 0; j < n; ++j)
      m[i * n + j] = s->a[(first + i) * s->k + first + j] /
                     PetscSqrtReal(s->diagonal[first + i] * s->diagonal[first + j]);
  }
  norm = PetscSqrtReal(norm);
  for (int it = 0; it < POWER_ITERATIONS && norm > 0; ++it) {
    for (size_t i = 0; i < n; ++i) v[i] /= norm;
    norm = Multiply(n, m, v, w);
    PetscCallAbort(PETSC_COMM_SELF, PetscArraycpy(v, w, n));
  }
  return 0.5 * PetscMax(1.1 * norm, 1.1);
}

/* The ranks share the blocks out. */
PetscErrorCode WeftStepMetric(WeftStep s)
{
  const size_t w = s->width;
  int          rank, size;
  double      *scratch;

  PetscFunctionBegin;
  FloorDiagonal(s);
  PetscCallMPI(MPI_Comm_rank(s->dict->comm, &rank));
  PetscCallMPI(MPI_Comm_size(s->dict->comm, &size));
  PetscCall(PetscMalloc1(w * w + 2 * w, &scratch));
  for (size_t b = 0; b < s->blocks; ++b) {
    const size_t first = b * w;
    s->kappa[b] = 0;
    if (b % (size_t)size == (size_t)rank)
      s->kappa[b] = Kappa(s, first, PetscMin(w, s->k - first), scratch, scratch + w * w, scratch + w * w + w);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->kappa, (int)s->blocks, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  PetscCall(PetscFree(scratch));
  PetscFunctionReturn(PETSC_SUCCESS);
}
