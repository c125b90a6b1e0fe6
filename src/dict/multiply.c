/* D A, where it costs less than a dense product: most of a learned D is zero. */
#include "dictimpl.h"
#include <petscblaslapack.h>

enum { WIDTH = 64 }; /* columns at a time: the product's panel stays in second-level cache */

/* Under this fraction of nonzero rows of groups the sparse product is the faster one: per multiplication it takes two
   to four times as long as BLAS, for its sums go through the cache. */
static const double sparse_below = 0.25;

/* out [WIDTH] += Σ_i v_i a_i, for four and for one row of A. */
static inline __attribute__((always_inline)) void AddFour(const double *v, size_t ld, const double *a, size_t k,
                                                          double *out)
{
  const double v0 = v[0], v1 = v[ld], v2 = v[2 * ld], v3 = v[3 * ld];

  for (size_t c = 0; c < WIDTH; ++c) out[c] += (v0 * a[c] + v1 * a[k + c]) + (v2 * a[2 * k + c] + v3 * a[3 * k + c]);
}

static inline __attribute__((always_inline)) void AddOne(double v, const double *a, double *out)
{
  for (size_t c = 0; c < WIDTH; ++c) out[c] += v * a[c];
}

/* Adds the rows of one group, n of them, times p rows of A [p, WIDTH of k] to the panel [rows, WIDTH]. */
WEFT_SIMD static void AddGroup(size_t n, size_t p, const int row[], const double *value, const double *a, size_t k,
                               double *panel)
{
  for (size_t e = 0; e < n; ++e) {
    double *out = panel + (size_t)row[e] * WIDTH;
    size_t  i = 0;
    for (; i + 4 <= p; i += 4) AddFour(value + i * n + e, n, a + i * k, k, out);
    for (; i < p; ++i) AddOne(value[i * n + e], a + i * k, out);
  }
}

/* Columns of the product from the panel's rows. */
static void Transpose(size_t rows, size_t width, const double *panel, double *columns)
{
  for (size_t first = 0; first < rows; first += 8) {
    const size_t end = PetscMin(first + 8, rows);
    for (size_t c = 0; c < width; ++c)
      for (size_t j = first; j < end; ++j) columns[c * rows + j] = panel[j * WIDTH + c];
  }
}

/* A is symmetric, so that a column's numbers are a row's. The last columns of a k that is no multiple of WIDTH come
   with some before them once more. */
static void MultiplySparse(WeftStep s, const WeftRows *d, double *product)
{
  double *panel = s->dense;

  for (size_t next = 0; next < s->k; next += WIDTH) {
    const size_t c = PetscMin(next, s->k - WIDTH);
    (void)PetscArrayzero(panel, s->rows * WIDTH);
    for (size_t g = 0; g < s->groups; ++g)
      AddGroup(WeftRowsCount(d, g), s->p, d->row + d->start[g], d->value + s->p * d->start[g],
               s->a + g * s->p * s->k + c, s->k, panel);
    Transpose(s->rows, WIDTH, panel, product + c * s->rows);
  }
}

PetscErrorCode WeftStepMultiply(WeftStep s, const WeftRows *d, double *product)
{
  const PetscBLASInt m = (PetscBLASInt)s->rows, k = (PetscBLASInt)s->k;
  const double       one = 1, zero = 0, entries = (double)d->start[s->groups];

  PetscFunctionBegin;
  if (!s->rows) PetscFunctionReturn(PETSC_SUCCESS);
  if (s->k >= WIDTH && entries < sparse_below * (double)s->rows * (double)s->groups) {
    MultiplySparse(s, d, product);
    PetscCall(PetscLogFlops(2.0 * entries * (double)s->p * (double)s->k));
  } else {
    WeftRowsToDense(d, s->groups, s->rows, s->p, s->dense);
    BLASgemm_("N", "N", &m, &k, &k, &one, s->dense, &m, s->a, &k, &zero, product, &m);
    PetscCall(PetscLogFlops(2.0 * (double)m * (double)k * (double)k));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
