/* Decoder bits, their ridge and entropy against plain sums over all samples.   ranks: 1 2 3 4 */
#include "measure.h"
#include <petscblaslapack.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All samples on every rank, x along the eigenvectors of its covariance. */
typedef struct {
  Problem p;
  double *x, *y;   /* [n, d], [n, m] */
  double  s[MOST]; /* eigenvalues */
  size_t  first;   /* directions first .. d - 1 are kept */
} Plain;

/* Which samples: i = residue (mod step). */
typedef struct {
  size_t residue, step;
} Set;

static const Set even = {0, 2}, odd = {1, 2}, halves[2] = {{0, 4}, {2, 4}}, every = {0, 1};

/* mean [cols] and covariance [cols, cols] over a set, less `about` instead of the mean where it is given. */
static void Moments(const Plain *q, const double *values, size_t cols, Set set, const double about[], double mean[],
                    double cov[])
{
  double count = 0;

  memset(mean, 0, cols * sizeof(double));
  memset(cov, 0, cols * cols * sizeof(double));
  for (size_t i = set.residue; i < q->p.n; i += set.step, ++count)
    for (size_t j = 0; j < cols; ++j) mean[j] += values[i * cols + j];
  for (size_t j = 0; j < cols; ++j) mean[j] /= count;
  if (!about) about = mean;
  for (size_t i = set.residue; i < q->p.n; i += set.step)
    for (size_t j = 0; j < cols; ++j)
      for (size_t k = 0; k < cols; ++k)
        cov[j * cols + k] += (values[i * cols + j] - about[j]) * (values[i * cols + k] - about[k]) / count;
}

/* Factor of a symmetric positive definite a [n, n]; its log-determinant. */
static double Factor(size_t n, double a[])
{
  const PetscBLASInt order = (PetscBLASInt)n;
  PetscBLASInt       info;
  double             sum = 0;

  LAPACKpotrf_("L", &order, a, &order, &info);
  assert_int_equal(info, 0);
  for (size_t i = 0; i < n; ++i) sum += 2 * log2(a[i * n + i]);
  return sum;
}

static Plain PlainCreate(const Problem *p)
{
  const PetscBLASInt d = (PetscBLASInt)p->d, lwork = 64 * d;
  PetscBLASInt       info;
  Plain              q = {.p = *p};
  double             cov[MOST * 8], mean[MOST], *s = q.s, work[64 * MOST], raw[MOST];

  q.x = malloc(p->n * p->d * sizeof(double));
  q.y = malloc(p->n * p->m * sizeof(double));
  for (size_t i = 0; i < p->n; ++i) p->draw(i, q.x + i * p->d, q.y + i * p->m);
  assert_true(p->d * p->d <= MOST * 8);
  Moments(&q, q.x, p->d, every, NULL, mean, cov);
  LAPACKsyev_("V", "L", &d, cov, &d, s, work, &lwork, &info);
  assert_int_equal(info, 0);
  for (q.first = 0; s[q.first] < 1e-6 * s[p->d - 1];) ++q.first;
  for (size_t i = 0; i < p->n; ++i) {
    memcpy(raw, q.x + i * p->d, p->d * sizeof(double));
    for (size_t k = 0; k < p->d; ++k) {
      q.x[i * p->d + k] = 0;
      for (size_t j = 0; j < p->d; ++j) q.x[i * p->d + k] += cov[k * p->d + j] * raw[j];
    }
  }
  return q;
}

static void PlainDestroy(Plain *q)
{
  free(q->x);
  free(q->y);
}

/* What is left of x on a set when y decodes it with weights and means from another one: [n, d], kept directions. */
static double *Left(const Plain *q, Set fit, Set score, double ridge)
{
  const size_t       n = q->p.n, d = q->p.d, m = q->p.m;
  const PetscBLASInt order = (PetscBLASInt)m, sides = (PetscBLASInt)d;
  PetscBLASInt       info;
  double            *left = calloc(n * d, sizeof(double)), *yy = malloc(m * m * sizeof(double)),
         *w = calloc(m * d, sizeof(double)), my[MOST], mx[MOST], xx[MOST * 8], count = 0;

  Moments(q, q->x, d, fit, NULL, mx, xx);
  Moments(q, q->y, m, fit, NULL, my, yy);
  for (size_t i = fit.residue; i < n; i += fit.step) ++count;
  for (size_t i = fit.residue; i < n; i += fit.step)
    for (size_t j = 0; j < d; ++j)
      for (size_t g = 0; g < m; ++g) w[j * m + g] += (q->x[i * d + j] - mx[j]) * (q->y[i * m + g] - my[g]) / count;
  for (size_t g = 0; g < m; ++g) yy[g * m + g] *= 1 + ridge;
  Factor(m, yy);
  LAPACKpotrs_("L", &order, &sides, yy, &order, w, &order, &info);
  for (size_t i = score.residue; i < n; i += score.step)
    for (size_t j = q->first; j < d; ++j) {
      left[i * d + j] = q->x[i * d + j] - mx[j];
      for (size_t g = 0; g < m; ++g) left[i * d + j] -= w[j * m + g] * (q->y[i * m + g] - my[g]);
    }
  free(yy);
  free(w);
  return left;
}

/* Mean squares of the kept directions, and of what decoding leaves of them. */
static void PlainSquares(const Plain *q, Set fit, Set score, double ridge, double variance[], double rest[])
{
  const size_t d = q->p.d;
  double      *left = Left(q, fit, score, ridge), mean[MOST], cov[MOST * 8], zero[MOST] = {0};

  Moments(q, q->x, d, score, NULL, mean, cov);
  for (size_t j = 0; j < d; ++j) variance[j] = cov[j * d + j];
  Moments(q, left, d, score, zero, mean, cov);
  for (size_t j = 0; j < d; ++j) rest[j] = cov[j * d + j];
  free(left);
}

/* On the input with its noise, over the directions whose gain is above 0. */
static double NoisyBits(const Plain *q, Set fit, Set score, double ridge, const double gained[])
{
  double variance[MOST], rest[MOST], sum = 0;

  PlainSquares(q, fit, score, ridge, variance, rest);
  for (size_t j = q->first; j < q->p.d; ++j) {
    const double w = q->s[j] < 1 ? q->s[j] : 1;
    if (!gained || gained[j] > 0) sum -= 0.5 * log2(1 - w * (1 - rest[j] / variance[j]));
  }
  return sum;
}

static double PlainBits(const Plain *q, Set fit, Set score, double ridge, double *full)
{
  const size_t d = q->p.d;
  double      *left = Left(q, fit, score, ridge), mean[MOST], cov[MOST * 8], rest[MOST * 8], zero[MOST] = {0}, sum = 0;

  Moments(q, q->x, d, score, NULL, mean, cov);
  Moments(q, left, d, score, zero, mean, rest);
  free(left);
  for (size_t j = q->first; j < d; ++j) sum -= 0.5 * log2(rest[j * d + j] / cov[j * d + j]);
  for (size_t j = 0; j < q->first; ++j)
    for (size_t k = 0; k < d; ++k) cov[j * d + k] = cov[k * d + j] = rest[j * d + k] = rest[k * d + j] = j == k;
  if (full) *full = 0.5 * (Factor(d, cov) - Factor(d, rest));
  return sum;
}

/* The search for the ridge, as documented. */
static double PlainRidge(const Plain *q)
{
  double       ratio = 10, best = -HUGE_VAL;
  const double n[2] = {(double)((q->p.n + 3) / 4), (double)((q->p.n + 1) / 4)};

  for (int way = -1; way < 2; ++way) /* where it is, then up, then down unless it went up */
    for (int step = 0; step < 8; ++step) {
      const double tried = way < 0 ? ratio : way ? ratio / sqrt(10) : ratio * sqrt(10), m = (double)q->p.m;
      double       bits = 0;
      if (way == 1 && !step && ratio > 10) return ratio * m / (n[0] + n[1]);
      for (int h = 0; h < 2; ++h) bits += NoisyBits(q, halves[h], halves[1 - h], tried * m / n[h], NULL);
      if (bits <= best + 1e-6) break;
      best = bits;
      ratio = tried;
    }
  return ratio * (double)q->p.m / (n[0] + n[1]);
}

/* By what the halves lessen the mean squares of one another, at the ratio of the ridge. */
static void PlainGains(const Plain *q, double ridge, double gained[])
{
  const double n[2] = {(double)((q->p.n + 3) / 4), (double)((q->p.n + 1) / 4)};
  double       variance[MOST], rest[MOST];

  for (size_t j = 0; j < q->p.d; ++j) gained[j] = 0;
  for (int h = 0; h < 2; ++h) {
    PlainSquares(q, halves[h], halves[1 - h], ridge * (n[0] + n[1]) / n[h], variance, rest);
    for (size_t j = 0; j < q->p.d; ++j) gained[j] += variance[j] - rest[j];
  }
}

static double PlainEntropy(const Plain *q)
{
  const size_t m = q->p.m;
  double      *cov = malloc(m * m * sizeof(double)), mean[MOST], trace = 0, logdet;

  Moments(q, q->y, m, every, NULL, mean, cov);
  for (size_t g = 0; g < m; ++g) trace += cov[g * m + g];
  for (size_t i = 0; i < m * m; ++i) cov[i] /= 0.01 * trace / (double)m;
  for (size_t g = 0; g < m; ++g) cov[g * m + g] += 1;
  logdet = Factor(m, cov);
  free(cov);
  return logdet / 2;
}

/* So on any rank count: the same values. */
static void test_against_plain_sums(void **state)
{
  const size_t sizes[] = {400, 403, 61};

  (void)state;
  for (int t = 0; t < 3; ++t) {
    const Problem         p = {sizes[t], 9, 7, DrawMixed};
    Plain                 q = PlainCreate(&p);
    WeftInformationResult r = MeasureParts(&p, WEFT_DOUBLE, 1, 1);
    double                full, bits, gained[MOST];
    assert_int_equal(q.first, 1);
    assert_int_equal(r.directions, 8);
    assert_int_equal(r.outputs, 7);
    assert_near(r.ridge, PlainRidge(&q), 1e-9 * r.ridge);
    bits = PlainBits(&q, even, odd, r.ridge, &full);
    assert_near(r.bits_plain, bits, 1e-9 * fabs(bits));
    PlainGains(&q, r.ridge, gained);
    bits = NoisyBits(&q, even, odd, r.ridge, gained);
    assert_near(r.bits, bits, 1e-9 * fabs(bits));
    assert_near(r.bits_full, full, 1e-9 * fabs(full));
    assert_near(r.entropy_bits, PlainEntropy(&q), 1e-9 * r.entropy_bits);
    PlainDestroy(&q);
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_plain_sums)};
WEFT_TEST_MAIN(tests)
