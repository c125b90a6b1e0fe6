/* Linear readouts: closed form and optimum, the choice of the penalty, scores.   ranks: 1 2 3 4 */
#include "wefttest.h"
#include <weft/random.h>
#include <weft/readout.h>
#include <math.h>
#include <stdlib.h>

enum { N = 600, M = 7, C = 3, CONSTANT = 5 };

static WeftBlock x; /* this rank's */
static int32_t   labels[N];

/* Features of units far apart, of which one does not vary; a class is the largest of three noisy sums of them. */
static void Sample(size_t i, double f[M], int32_t *label)
{
  WeftRandom rng;
  double     best = -1e9;

  WeftRandomInit(&rng, 5, WEFT_STREAM_TEST, i);
  for (int j = 0; j < M; ++j) f[j] = WeftRandomNormal(&rng);
  for (int c = 0; c < C; ++c) {
    const double score = f[c] + 0.5 * f[c + 1] - 0.3 * c + 0.7 * WeftRandomNormal(&rng);
    if (score > best) *label = c;
    best = fmax(best, score);
  }
  for (int j = 0; j < M; ++j) f[j] = (2 + f[j]) * pow(10, j - 2);
  f[CONSTANT] = 3;
}

static WeftReadoutSettings Settings(double penalty)
{
  return (WeftReadoutSettings){.ridge = penalty, .decay = penalty, .held_out = 10};
}

/* Samples [first, first + n) spread over the ranks; the last rank has none where there are more than two. */
static WeftReadoutSamples Make(MPI_Comm comm, WeftPrecision precision, size_t n)
{
  int    rank, size;
  size_t share, first, rows;
  double f[M];

  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  if (size > 2) --size;
  share = (n + (size_t)size - 1) / (size_t)size;
  first = PetscMin((size_t)rank * share, n);
  rows = PetscMin(share, n - first);
  Ok(WeftBlockCreate(rows, M, precision, &x));
  for (size_t i = 0; i < rows; ++i) {
    Sample(first + i, f, &labels[i]);
    WeftBlockSetRow(&x, i, f);
  }
  return (WeftReadoutSamples){&x, labels, (PetscInt64)first};
}

static WeftReadout Fit(MPI_Comm comm, WeftReadoutKind kind, double penalty, WeftPrecision precision)
{
  const WeftReadoutSettings settings = Settings(penalty);
  const WeftReadoutSamples  samples = Make(comm, precision, N);
  WeftReadout               r;

  Ok(WeftReadoutFit(comm, kind, &settings, C, &samples, &r));
  Ok(WeftBlockDestroy(&x));
  return r;
}

/* Means and standard deviations of all features. */
static void Moments(double mean[M], double deviation[M])
{
  double  f[M];
  int32_t label;

  for (int j = 0; j < M; ++j) mean[j] = deviation[j] = 0;
  for (size_t i = 0; i < N; ++i) {
    Sample(i, f, &label);
    for (int j = 0; j < M; ++j) mean[j] += f[j] / N;
  }
  for (size_t i = 0; i < N; ++i) {
    Sample(i, f, &label);
    for (int j = 0; j < M; ++j) deviation[j] += (f[j] - mean[j]) * (f[j] - mean[j]) / N;
  }
  for (int j = 0; j < M; ++j) deviation[j] = sqrt(deviation[j]);
}

/* The objective over all samples, the slow way, with one weight of a standardised feature, or a bias (j = M), moved. */
static double Objective(WeftReadoutKind kind, const WeftReadout *r, int moved_c, int moved_j, double by)
{
  double mean[M], deviation[M], f[M], logits[C], sum = 0, square = 0;

  Moments(mean, deviation);
  for (size_t i = 0; i < N; ++i) {
    int32_t label;
    double  total = 0;
    Sample(i, f, &label);
    for (int c = 0; c < C; ++c) {
      logits[c] = r->bias[c];
      for (int j = 0; j < M; ++j) logits[c] += r->weights.values.d[c * M + j] * f[j];
      if (c == moved_c && moved_j == M) logits[c] += by;
      if (c == moved_c && moved_j < M && deviation[moved_j] > 0)
        logits[c] += by * (f[moved_j] - mean[moved_j]) / deviation[moved_j];
      total += exp(logits[c]);
    }
    if (kind == WEFT_READOUT_SOFTMAX) sum += (log(total) - logits[label]) / N;
    for (int c = 0; c < C && kind == WEFT_READOUT_RIDGE; ++c)
      sum += (logits[c] - (c == label)) * (logits[c] - (c == label)) / N;
  }
  for (int c = 0; c < C; ++c)
    for (int j = 0; j < M; ++j) {
      const double w = r->weights.values.d[c * M + j] * deviation[j] + (c == moved_c && j == moved_j ? by : 0);
      square += w * w;
    }
  return sum + (kind == WEFT_READOUT_SOFTMAX ? 0.5 : 1) * r->penalty * square;
}

static void CheckOptimum(WeftReadoutKind kind, double penalty, double slope)
{
  const double h = 1e-4;
  WeftReadout  r = Fit(PETSC_COMM_WORLD, kind, penalty, WEFT_DOUBLE);

  assert_near(r.penalty, penalty, 0);
  for (int c = 0; c < C; ++c) {
    assert_near(r.weights.values.d[c * M + CONSTANT], 0, 0);
    for (int j = 0; j <= M; ++j) {
      const double up = Objective(kind, &r, c, j, h), down = Objective(kind, &r, c, j, -h);
      if (j == CONSTANT) continue;
      assert_near((up - down) / (2 * h), 0, slope);
      assert_true(up + down > 2 * Objective(kind, &r, c, j, 0));
    }
  }
  if (kind == WEFT_READOUT_SOFTMAX) assert_near(r.loss, Objective(kind, &r, 0, 0, 0), 1e-12);
  Ok(WeftReadoutDestroy(&r));
}

/* No direction lowers the objective: its slope, by central differences, is that of round-off. */
static void test_ridge_is_the_optimum(void **state)
{
  (void)state;
  CheckOptimum(WEFT_READOUT_RIDGE, 0.1, 1e-9);
  CheckOptimum(WEFT_READOUT_RIDGE, 1e-4, 1e-9);
}

/* TAO ends at 1e-4 of the slope it starts with, which is below 1 here. */
static void test_softmax_is_the_optimum(void **state)
{
  (void)state;
  CheckOptimum(WEFT_READOUT_SOFTMAX, 0.1, 1e-4);
  CheckOptimum(WEFT_READOUT_SOFTMAX, 1e-3, 1e-4);
}

static void Compare(WeftReadoutKind kind, double penalty, double tolerance)
{
  WeftReadout together = Fit(PETSC_COMM_WORLD, kind, penalty, WEFT_DOUBLE);
  WeftReadout alone = Fit(PETSC_COMM_SELF, kind, penalty, WEFT_DOUBLE);
  WeftReadout single = Fit(PETSC_COMM_WORLD, kind, penalty, WEFT_SINGLE);
  double      mean[M], deviation[M];

  Moments(mean, deviation);
  assert_near(together.penalty, alone.penalty, 0);
  assert_int_equal(together.tried, alone.tried);
  for (int i = 0; i < together.tried; ++i) assert_near(together.tried_accuracy[i], alone.tried_accuracy[i], 0);
  for (int c = 0; c < C; ++c)
    for (int j = 0; j < M; ++j) {
      const double o = together.weights.values.d[c * M + j] * deviation[j];
      assert_near(o, alone.weights.values.d[c * M + j] * deviation[j], tolerance);
      assert_near(o, single.weights.values.d[c * M + j] * deviation[j], PetscMax(tolerance, 2e-5));
    }
  Ok(WeftReadoutDestroy(&together));
  Ok(WeftReadoutDestroy(&alone));
  Ok(WeftReadoutDestroy(&single));
}

/* Iterates of an optimiser part where round-off does: bound by its tolerance. */
static void test_does_not_depend_on_ranks_or_precision(void **state)
{
  (void)state;
  Compare(WEFT_READOUT_RIDGE, 0.01, 1e-10);
  Compare(WEFT_READOUT_RIDGE, -1, 1e-10);
  Compare(WEFT_READOUT_SOFTMAX, 0.01, 1e-3);
  Compare(WEFT_READOUT_SOFTMAX, -1, 1e-3);
}

/* The chosen penalty is the heaviest of those best on held-out samples, and what was tried is told. */
static void test_penalty_is_chosen_on_held_out_samples(void **state)
{
  (void)state;
  for (int kind = WEFT_READOUT_RIDGE; kind <= WEFT_READOUT_SOFTMAX; ++kind) {
    WeftReadout r = Fit(PETSC_COMM_WORLD, (WeftReadoutKind)kind, -1, WEFT_DOUBLE);
    int         best = 0;
    assert_true(r.tried > 4);
    for (int i = 0; i < r.tried; ++i) {
      if (r.tried_accuracy[i] > r.tried_accuracy[best]) best = i;
      assert_true(r.tried_accuracy[i] > 0.5 && r.tried_accuracy[i] <= 1);
    }
    assert_near(r.penalty, r.tried_penalty[best], 0);
    Ok(WeftReadoutDestroy(&r));
  }
}

/* Scores against a plain count. */
static void test_scores(void **state)
{
  WeftReadout              r = Fit(PETSC_COMM_WORLD, WEFT_READOUT_SOFTMAX, 0.01, WEFT_DOUBLE);
  const WeftReadoutSamples samples = Make(PETSC_COMM_WORLD, WEFT_DOUBLE, N);
  double                   accuracy, entropy, f[M], right = 0, expected = 0;

  (void)state;
  Ok(WeftReadoutScore(PETSC_COMM_WORLD, &r, &samples, &accuracy, &entropy));
  for (size_t i = 0; i < N; ++i) {
    double  logits[C], sum = 0;
    int32_t label;
    int     most = 0;
    Sample(i, f, &label);
    for (int c = 0; c < C; ++c) {
      logits[c] = r.bias[c];
      for (int j = 0; j < M; ++j) logits[c] += r.weights.values.d[c * M + j] * f[j];
      if (logits[c] > logits[most]) most = c;
      sum += exp(logits[c]);
    }
    right += most == label;
    expected += (log(sum) - logits[label]) / N;
  }
  assert_near(accuracy, right / N, 1e-15);
  assert_near(entropy, expected, 1e-12);
  assert_true(accuracy > 0.6);
  Ok(WeftBlockDestroy(&x));
  Ok(WeftReadoutDestroy(&r));
}

static void test_no_samples_is_the_users_mistake(void **state)
{
  const WeftReadoutSettings settings = Settings(0.1);
  const WeftReadoutSamples  samples = Make(PETSC_COMM_WORLD, WEFT_DOUBLE, 0);
  WeftReadout               r;
  PetscErrorCode            ierr;

  (void)state;
  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = WeftReadoutFit(PETSC_COMM_WORLD, WEFT_READOUT_RIDGE, &settings, C, &samples, &r);
  Ok(PetscPopErrorHandler());
  assert_int_equal(ierr, WEFT_ERR_USER);
  Ok(WeftBlockDestroy(&x));
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(test_ridge_is_the_optimum),
  cmocka_unit_test(test_softmax_is_the_optimum),
  cmocka_unit_test(test_does_not_depend_on_ranks_or_precision),
  cmocka_unit_test(test_penalty_is_chosen_on_held_out_samples),
  cmocka_unit_test(test_scores),
  cmocka_unit_test(test_no_samples_is_the_users_mistake),
};

WEFT_TEST_MAIN(tests)
