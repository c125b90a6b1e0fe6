/* Dictionaries to start from: what they connect to, what they are made of, and the sparsity that an unlearned one is
   given.   ranks: 1 2 3 4 */
#include "planted.h"
#include "wefttest.h"
#include <weft/prep.h>
#include <math.h>
#include <stdlib.h>

enum { D = 24, GROUPS = 8, P = 4, SUPPORT = 6 };

static const Planted planted = {.n = 300, .d = D, .groups = 6, .group_size = 4, .inputs = 8, .active = 2, .noise = 0.1};

/* A layer on preprocessed samples. */
typedef struct {
  PlantedLayer of;
  WeftPrep     prep;
} Started;

static WeftLayerSettings Settings(WeftStart start, PetscInt64 iterations)
{
  WeftLayerSettings settings = PlantedSettings(GROUPS * P, P, iterations);

  settings.start = start;
  settings.freeze_fraction = 0.6;
  settings.target_activity = 0.2;
  settings.target_density = (double)SUPPORT / D;
  return settings;
}

static void Create(MPI_Comm comm, const WeftLayerSettings *settings, Started *s)
{
  PetscInt64 row0;

  s->of.comm = comm;
  PlantedShare(comm, &planted, settings->precision, &row0, &s->of.x);
  Ok(WeftPrepCreate(comm, D, &s->prep));
  Ok(WeftPrepFit(s->prep, &s->of.x));
  Ok(WeftLayerCreate(comm, settings, planted.n, row0, &s->of.x, &s->of.layer));
  Ok(WeftLayerSetPrep(s->of.layer, s->prep));
}

static void Learn(MPI_Comm comm, WeftStart start, PetscInt64 iterations, Started *s)
{
  const WeftLayerSettings settings = Settings(start, iterations);

  Create(comm, &settings, s);
  PlantedLayerLearn(&s->of);
}

static void Destroy(Started *s)
{
  PlantedLayerDestroy(&s->of);
  Ok(WeftPrepDestroy(&s->prep));
}

static double Atom(const Started *s, int a, int j)
{
  return WeftBlockGet(&s->of.layer->atoms, (size_t)a, (size_t)j);
}

/* ‖D_gᵀx_i‖ of a sample of this rank. */
static double Correlation(const Started *s, size_t i, int g)
{
  double square = 0;

  for (int a = g * P; a < (g + 1) * P; ++a) {
    double sum = 0;
    for (int j = 0; j < D; ++j) sum += Atom(s, a, j) * WeftBlockGet(&s->of.x, i, (size_t)j);
    square += sum * sum;
  }
  return sqrt(square);
}

static PetscBool Alive(const Started *s, int g)
{
  unsigned char *alive;

  Ok(WeftDictGetAlive(s->of.layer->dict, &alive));
  return alive[g] ? PETSC_TRUE : PETSC_FALSE;
}

/* The covariance of all contrast-normalised samples, the slow way. */
static void Covariance(const Started *s, double c[D][D])
{
  WeftPrepParameters q;
  double             x[D];

  Ok(WeftPrepGetParameters(s->prep, &q));
  for (int i = 0; i < D * D; ++i) c[i / D][i % D] = 0;
  for (PetscInt64 i = 0; i < planted.n; ++i) {
    double mean = 0, square = 0;
    PlantedSample(&planted, i, x);
    for (int j = 0; j < D; ++j) mean += x[j] / D;
    for (int j = 0; j < D; ++j) square += (x[j] - mean) * (x[j] - mean) / D;
    for (int j = 0; j < D; ++j) x[j] = (x[j] - mean) / fmax(sqrt(square), q.contrast_floor) - q.mean[j];
    for (int j = 0; j < D; ++j)
      for (int k = 0; k < D; ++k) c[j][k] += x[j] * x[k] / (double)planted.n;
  }
}

static void CheckNorms(const Started *s)
{
  for (int a = 0; a < GROUPS * P; ++a) {
    double square = 0;
    for (int j = 0; j < D; ++j) square += Atom(s, a, j) * Atom(s, a, j);
    assert_near(square, Alive(s, a / P) ? 1 : 0, 1e-12);
  }
}

/* Which inputs group g connects to; every atom of it to the same. Returns how many. */
static int Support(const Started *s, int g, PetscBool in[D])
{
  int count = 0;

  for (int j = 0; j < D; ++j) {
    in[j] = Atom(s, g * P, j) != 0 ? PETSC_TRUE : PETSC_FALSE;
    for (int a = g * P; a < (g + 1) * P; ++a) assert_true((Atom(s, a, j) != 0) == in[j]);
    count += in[j] ? 1 : 0;
  }
  return count;
}

static void test_dense(void **state)
{
  Started   s;
  PetscBool in[D];

  (void)state;
  Learn(PETSC_COMM_WORLD, WEFT_START_DENSE, 0, &s);
  CheckNorms(&s);
  for (int g = 0; g < GROUPS; ++g) assert_int_equal(Support(&s, g, in), D);
  Destroy(&s);
}

static void test_sparse(void **state)
{
  Started   s;
  PetscBool in[D], first[D];
  int       other = 0, used[D] = {0}, all = 0;

  (void)state;
  Learn(PETSC_COMM_WORLD, WEFT_START_SPARSE, 0, &s);
  CheckNorms(&s);
  assert_int_equal(Support(&s, 0, first), SUPPORT);
  for (int g = 0; g < GROUPS; ++g) {
    assert_int_equal(Support(&s, g, in), SUPPORT);
    for (int j = 0; j < D; ++j) {
      other += in[j] != first[j];
      if (in[j]) used[j] = PETSC_TRUE;
    }
  }
  for (int j = 0; j < D; ++j) all += used[j];
  assert_true(other > 0 && all > D / 2);
  Destroy(&s);
}

/* Is the support that of the m inputs most correlated with this one? All of them are nearer than all others. */
static PetscBool AreNearest(double c[D][D], int centre, const PetscBool in[D])
{
  double least = 2, most = -1;

  for (int j = 0; j < D; ++j) {
    const double r = fabs(c[centre][j]) / sqrt(c[j][j] * c[centre][centre]);
    if (in[j])
      least = fmin(least, r);
    else
      most = fmax(most, r);
  }
  return in[centre] && least >= most * (1 - 1e-9) ? PETSC_TRUE : PETSC_FALSE;
}

static void test_local(void **state)
{
  Started   s;
  PetscBool in[D];
  double    c[D][D];

  (void)state;
  Learn(PETSC_COMM_WORLD, WEFT_START_LOCAL, 0, &s);
  CheckNorms(&s);
  Covariance(&s, c);
  for (int g = 0; g < GROUPS; ++g) {
    int centres = 0;
    assert_int_equal(Support(&s, g, in), SUPPORT);
    for (int j = 0; j < D; ++j) centres += AreNearest(c, j, in) ? 1 : 0;
    assert_true(centres > 0);
  }
  Destroy(&s);
}

/* C v = s v, s falling from atom to atom; per-sample centring leaves rank D - 1, so that many whole groups. */
static void test_principal(void **state)
{
  Started s;
  double  c[D][D], last = 1e9;

  (void)state;
  Learn(PETSC_COMM_WORLD, WEFT_START_PRINCIPAL, 0, &s);
  CheckNorms(&s);
  Covariance(&s, c);
  for (int g = 0; g < GROUPS; ++g) assert_int_equal(Alive(&s, g), g < (D - 1) / P);
  for (int a = 0; a < (D - 1) / P * P; ++a) {
    double value = 0, y[D];
    for (int i = 0; i < D; ++i) {
      y[i] = 0;
      for (int j = 0; j < D; ++j) y[i] += c[i][j] * Atom(&s, a, j);
      value += y[i] * Atom(&s, a, i);
    }
    for (int i = 0; i < D; ++i) assert_near(y[i], value * Atom(&s, a, i), 1e-9);
    assert_true(value <= last * (1 + 1e-9));
    last = value;
  }
  Destroy(&s);
}

/* Without iterations the codes of the whole batch meet the target, within the 1 % at which the search rests; exact
   codes, as what small groups an approximate one holds depends on where it came from. */
static void test_unlearned_codes_meet_the_target(void **state)
{
  (void)state;
  for (int start = WEFT_START_EXEMPLARS; start <= WEFT_START_PRINCIPAL; ++start) {
    const WeftLayerSettings settings = Settings((WeftStart)start, 0);
    Started                 s;
    Create(PETSC_COMM_WORLD, &settings, &s);
    Ok(WeftCoderSetTolerances(s.of.layer->coder, 1e-9, 20));
    PlantedLayerLearn(&s.of);
    assert_near(s.of.layer->final_activity, 0.2, 0.011 * 0.2);
    Destroy(&s);
  }
}

/* λ stays as it starts where there is no target, or where the weights are absolute from the first batch. */
static void test_sparsity_stays_where_asked(void **state)
{
  (void)state;
  for (int i = 0; i < 2; ++i) {
    WeftLayerSettings settings = Settings(WEFT_START_DENSE, 0);
    Started           s;
    if (i)
      settings.target_activity = 0;
    else
      settings.freeze_fraction = 0;
    Create(PETSC_COMM_WORLD, &settings, &s);
    PlantedLayerLearn(&s.of);
    assert_near(s.of.layer->weights.lambda, 0.3 * s.of.layer->weights.lambda_max, 1e-14);
    Destroy(&s);
  }
}

/* λ_max and η by plain sums: with ‖D_gᵀx‖ of each sample and group, less than λ √p of it is not coded. */
static void test_weights_of_the_start(void **state)
{
  WeftLayerSettings settings = Settings(WEFT_START_DENSE, 0);
  const double      n = (double)planted.n;
  double            sums[1 + GROUPS] = {0}, mean = 0;
  Started           s;
  WeftWeights      *w;

  (void)state;
  settings.target_activity = 0;
  Create(PETSC_COMM_WORLD, &settings, &s);
  PlantedLayerLearn(&s.of);
  w = &s.of.layer->weights;
  for (size_t i = 0; i < s.of.x.rows; ++i) {
    double most = 0;
    for (int g = 0; g < GROUPS; ++g) {
      const double norm = Correlation(&s, i, g), coded = PetscMax(norm - w->lambda * sqrt(P), 0);
      most = PetscMax(most, norm);
      sums[1 + g] += coded * coded;
    }
    sums[0] += most;
  }
  MPI_Allreduce(MPI_IN_PLACE, sums, 1 + GROUPS, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  assert_near(w->lambda_max, sums[0] / n / sqrt(P), 1e-12 * w->lambda_max);
  for (int g = 0; g < GROUPS; ++g) mean += sqrt(sums[1 + g] / n) / GROUPS;
  assert_true(mean > 0);
  for (int g = 0; g < GROUPS; ++g) assert_near(w->eta[g], PetscMax(sqrt(sums[1 + g] / n), 1e-3 * mean), 1e-12 * mean);
  Destroy(&s);
}

static void test_does_not_depend_on_ranks(void **state)
{
  (void)state;
  for (int start = WEFT_START_EXEMPLARS; start <= WEFT_START_PRINCIPAL; ++start)
    for (int iterations = 0; iterations < 4; iterations += 3) {
      Started together, alone;
      Learn(PETSC_COMM_WORLD, (WeftStart)start, iterations, &together);
      Learn(PETSC_COMM_SELF, (WeftStart)start, iterations, &alone);
      assert_near(together.of.layer->weights.lambda, alone.of.layer->weights.lambda, 1e-8);
      for (int a = 0; a < GROUPS * P; ++a)
        for (int j = 0; j < D; ++j) assert_near(Atom(&together, a, j), Atom(&alone, a, j), 1e-7);
      for (int g = 0; g < GROUPS; ++g) assert_near(together.of.layer->usage[g], alone.of.layer->usage[g], 1e-12);
      Destroy(&together);
      Destroy(&alone);
    }
}

/* Under fixed weights J falls from each of them. */
static void test_learning_goes_on_from_it(void **state)
{
  (void)state;
  for (int start = WEFT_START_DENSE; start <= WEFT_START_PRINCIPAL; ++start) {
    WeftLayerSettings settings = Settings((WeftStart)start, 20);
    Started           s;
    settings.freeze_fraction = 0;
    Create(PETSC_COMM_WORLD, &settings, &s);
    PlantedLayerLearn(&s.of);
    assert_true(PlantedHistory(&s.of, 19, WEFT_HISTORY_OBJECTIVE) <
                0.97 * PlantedHistory(&s.of, 0, WEFT_HISTORY_OBJECTIVE));
    Destroy(&s);
  }
}

static void test_no_density_is_the_users_mistake(void **state)
{
  const WeftLayerHooks quiet = {.every = 1e9, .quiet = PETSC_TRUE};
  WeftLayerSettings    settings = Settings(WEFT_START_LOCAL, 3);
  Started              s;
  PetscBool            stopped;
  PetscErrorCode       ierr;

  (void)state;
  settings.target_density = 0;
  Create(PETSC_COMM_WORLD, &settings, &s);
  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = WeftLayerLearn(s.of.layer, &quiet, &stopped);
  Ok(PetscPopErrorHandler());
  assert_int_equal(ierr, WEFT_ERR_USER);
  Destroy(&s);
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(test_dense),
  cmocka_unit_test(test_sparse),
  cmocka_unit_test(test_local),
  cmocka_unit_test(test_principal),
  cmocka_unit_test(test_unlearned_codes_meet_the_target),
  cmocka_unit_test(test_sparsity_stays_where_asked),
  cmocka_unit_test(test_weights_of_the_start),
  cmocka_unit_test(test_does_not_depend_on_ranks),
  cmocka_unit_test(test_learning_goes_on_from_it),
  cmocka_unit_test(test_no_density_is_the_users_mistake),
};

WEFT_TEST_MAIN(tests)
