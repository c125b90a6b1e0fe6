/* Learning a layer: descent, independence of the rank count, edges, exact zeros, removal.   ranks: 1 2 3 4 */
#include "planted.h"
#include "wefttest.h"
#include <math.h>
#include <stdlib.h>

static const Planted common = {.n = 240, .d = 24, .groups = 6, .group_size = 4, .inputs = 8, .active = 2, .noise = 0.1};

static PetscInt64 Groups(const PlantedLayer *p)
{
  return p->layer->settings.atoms / p->layer->settings.group_size;
}

static PetscInt64 CountAlive(const PlantedLayer *p)
{
  unsigned char *alive;
  PetscInt64     sum = 0;

  Ok(WeftDictGetAlive(p->layer->dict, &alive));
  for (PetscInt64 g = 0; g < Groups(p); ++g) sum += alive[g];
  return sum;
}

/* ---- descent ---- */

/* J may rise after an event only. Returns the number of events. */
static int CheckDescent(const PlantedLayer *p, double slack)
{
  const PetscInt64 T = p->layer->settings.iterations;
  int              events = 0;

  for (PetscInt64 t = 0; t + 1 < T; ++t) {
    const double before = PlantedHistory(p, t, WEFT_HISTORY_OBJECTIVE);
    const double after = PlantedHistory(p, t + 1, WEFT_HISTORY_OBJECTIVE);
    assert_int_equal(PlantedHistory(p, t, WEFT_HISTORY_RESEEDED), 0);
    if (PlantedHistory(p, t, WEFT_HISTORY_REMOVED) > 0)
      ++events;
    else if (!(after <= before * (1 + slack)))
      fail_msg("J rises at iteration %d: %.17g to %.17g, %.2g relative", (int)t + 1, before, after, after / before - 1);
  }
  return events;
}

typedef struct {
  int           group_size;
  double        width_penalty;
  WeftPrecision precision;
  PetscInt64    iterations;
  WeftCoderType coder;
} Descent;

static int Descend(Descent c, double slack)
{
  WeftLayerSettings settings = PlantedSettings(24, c.group_size, c.iterations);
  PlantedLayer      p;
  int               events;

  settings.width_penalty = c.width_penalty;
  settings.precision = c.precision;
  PlantedLayerCreate(PETSC_COMM_WORLD, &common, &settings, &p);
  if (c.coder) Ok(WeftCoderSetType(p.layer->coder, c.coder));
  PlantedLayerLearn(&p);
  events = CheckDescent(&p, slack);
  assert_true(PlantedHistory(&p, c.iterations - 1, WEFT_HISTORY_OBJECTIVE) <
              0.99 * PlantedHistory(&p, 0, WEFT_HISTORY_OBJECTIVE));
  PlantedLayerDestroy(&p);
  return events;
}

/* The slack is that of a sum of a few hundred positive terms; the long run comes to where only rounding is left. */
static void test_objective_never_rises(void **state)
{
  const double slack = 1e-14;

  (void)state;
  Descend((Descent){1, 0, WEFT_DOUBLE, 40, NULL}, slack);
  Descend((Descent){4, 0, WEFT_DOUBLE, 200, NULL}, slack);
  Descend((Descent){1, 0.3, WEFT_DOUBLE, 40, NULL}, slack);
  Descend((Descent){4, 0.3, WEFT_DOUBLE, 40, NULL}, slack);
  /* groups go, and between their going J falls */
  assert_true(Descend((Descent){1, 0.8, WEFT_DOUBLE, 40, NULL}, slack) > 0);
  assert_true(Descend((Descent){4, 1.2, WEFT_DOUBLE, 40, NULL}, slack) > 0);
}

/* Types whose own iterations may rise. */
static void test_objective_never_rises_with_any_coder(void **state)
{
  (void)state;
  Descend((Descent){4, 0.3, WEFT_DOUBLE, 100, WEFTCODERFISTA}, 1e-14);
  Descend((Descent){4, 0.3, WEFT_DOUBLE, 100, WEFTCODERADMM}, 1e-14);
}

/* In single precision the atoms that code a batch are those of the dictionary step rounded, by 6e-8 at most relative,
   and so are residuals; J, a mean over samples, comes out better than that (measured: 7e-9). */
static void test_objective_never_rises_in_single(void **state)
{
  const double slack = 6e-8;

  (void)state;
  Descend((Descent){1, 0, WEFT_SINGLE, 40, NULL}, slack);
  Descend((Descent){4, 0, WEFT_SINGLE, 200, NULL}, slack);
  Descend((Descent){1, 0.3, WEFT_SINGLE, 40, NULL}, slack);
  Descend((Descent){4, 0.3, WEFT_SINGLE, 40, NULL}, slack);
}

/* ---- rank counts ---- */

static void CompareHistories(const PlantedLayer *a, const PlantedLayer *b, double tolerance)
{
  const int reals[] = {WEFT_HISTORY_OBJECTIVE, WEFT_HISTORY_RECONSTRUCTION, WEFT_HISTORY_LAMBDA,
                       WEFT_HISTORY_CONNECTIVITY};
  const int counts[] = {WEFT_HISTORY_ITERATION, WEFT_HISTORY_ALIVE_GROUPS, WEFT_HISTORY_RESEEDED, WEFT_HISTORY_REMOVED};

  for (PetscInt64 t = 0; t < a->layer->settings.iterations; ++t) {
    for (int i = 0; i < 4; ++i) {
      const double x = PlantedHistory(a, t, reals[i]), y = PlantedHistory(b, t, reals[i]);
      assert_near(x, y, tolerance * fabs(y));
      assert_true(PlantedHistory(a, t, counts[i]) == PlantedHistory(b, t, counts[i]));
    }
    assert_near(PlantedHistory(a, t, WEFT_HISTORY_ACTIVE_FRACTION), PlantedHistory(b, t, WEFT_HISTORY_ACTIVE_FRACTION),
                tolerance);
    assert_near(PlantedHistory(a, t, WEFT_HISTORY_CONNECTION_DENSITY),
                PlantedHistory(b, t, WEFT_HISTORY_CONNECTION_DENSITY), tolerance);
  }
}

/* The coder's atoms and the final usage, which every rank holds. */
static void CompareResults(const PlantedLayer *a, const PlantedLayer *b, double tolerance)
{
  const WeftBlock *x = &a->layer->atoms, *y = &b->layer->atoms;

  for (size_t k = 0; k < x->rows; ++k)
    for (size_t j = 0; j < x->cols; ++j) assert_near(WeftBlockGet(x, k, j), WeftBlockGet(y, k, j), tolerance);
  for (PetscInt64 g = 0; g < Groups(a); ++g) assert_near(a->layer->usage[g], b->layer->usage[g], tolerance);
  assert_near(a->layer->final_activity, b->layer->final_activity, tolerance);
}

/* The same run on all ranks together and on each rank alone. */
static void CompareRanks(const Planted *planted, const WeftLayerSettings *settings, double tolerance)
{
  PlantedLayer together, alone;

  PlantedLayerCreate(PETSC_COMM_WORLD, planted, settings, &together);
  PlantedLayerCreate(PETSC_COMM_SELF, planted, settings, &alone);
  PlantedLayerLearn(&together);
  PlantedLayerLearn(&alone);
  CompareHistories(&together, &alone, tolerance);
  CompareResults(&together, &alone, 1e3 * tolerance); /* errors of D enter J squared */
  PlantedLayerDestroy(&together);
  PlantedLayerDestroy(&alone);
}

static WeftLayerSettings WithFeedback(WeftLayerSettings settings)
{
  settings.freeze_fraction = 0.6;
  settings.target_activity = 0.1;
  settings.target_density = 0.2;
  settings.width_penalty = 0.1;
  return settings;
}

static void test_full_batch_does_not_depend_on_ranks(void **state)
{
  const WeftLayerSettings frozen = PlantedSettings(32, 4, 10), feedback = WithFeedback(frozen);

  (void)state;
  CompareRanks(&common, &frozen, 1e-10);
  CompareRanks(&common, &feedback, 1e-10);
}

/* Round-off grows with the iterations: bound 1e-8, measured 1e-12. */
static void test_mini_batches_do_not_depend_on_ranks(void **state)
{
  WeftLayerSettings settings = WithFeedback(PlantedSettings(32, 4, 20));

  (void)state;
  settings.batch_size = 50; /* does not divide 240 */
  CompareRanks(&common, &settings, 1e-8);
}

/* ---- edges ---- */

static void CheckEdge(Planted planted, PetscInt64 batch_size, PetscInt64 iterations)
{
  WeftLayerSettings settings = PlantedSettings(32, 4, iterations);
  PlantedLayer      p;

  settings.batch_size = batch_size;
  CompareRanks(&planted, &settings, 1e-10);
  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &p);
  PlantedLayerLearn(&p);
  for (PetscInt64 t = 0; t < iterations; ++t) {
    assert_true(PlantedHistory(&p, t, WEFT_HISTORY_MAX_GAP) <= 1e-3);
    assert_true(isfinite(PlantedHistory(&p, t, WEFT_HISTORY_OBJECTIVE)));
  }
  if (!batch_size) CheckDescent(&p, 1e-14);
  PlantedLayerDestroy(&p);
}

/* Sums in single are for mini-batches of thousands in a run in single precision, and for no other. */
static void test_precision_of_sums(void **state)
{
  (void)state;
  assert_true(WeftLayerSums(WEFT_SINGLE, 1000, 60000, 1) == WEFT_SINGLE);
  assert_true(WeftLayerSums(WEFT_DOUBLE, 1000, 60000, 1) == WEFT_DOUBLE);
  assert_true(WeftLayerSums(WEFT_SINGLE, 0, 60000, 1) == WEFT_DOUBLE);
  assert_true(WeftLayerSums(WEFT_SINGLE, 500, 500, 1) == WEFT_DOUBLE);
  assert_true(WeftLayerSums(WEFT_SINGLE, 1000000, 2000000, 1) == WEFT_DOUBLE);
  assert_true(WeftLayerSums(WEFT_SINGLE, 1000000, 2000000, 100) == WEFT_SINGLE);
}

static void test_fewer_samples_than_ranks(void **state)
{
  Planted planted = common;

  (void)state;
  planted.n = 2;
  CheckEdge(planted, 0, 12);
  CheckEdge(planted, 1, 12);
}

static void test_one_sample(void **state)
{
  Planted planted = common;

  (void)state;
  planted.n = 1;
  CheckEdge(planted, 0, 12);
}

static void test_fewer_inputs_than_ranks(void **state)
{
  const Planted planted = {.n = 40, .d = 2, .groups = 1, .group_size = 4, .inputs = 2, .active = 1, .noise = 0.1};

  (void)state;
  CheckEdge(planted, 0, 10);
  CheckEdge(planted, 7, 10);
}

static void test_more_atoms_than_samples(void **state)
{
  Planted planted = common;

  (void)state;
  planted.n = 10;
  CheckEdge(planted, 0, 12);
  CheckEdge(planted, 3, 12);
}

/* Every third sample, and with one sample a batch whole batches of zeros. */
static void test_zero_samples(void **state)
{
  Planted planted = common;

  (void)state;
  planted.n = 30;
  planted.zero_every = 3;
  CheckEdge(planted, 0, 12);
  CheckEdge(planted, 8, 12);
  CheckEdge(planted, 1, 30);
}

static void test_nothing_but_zeros_is_the_users_mistake(void **state)
{
  const WeftLayerHooks    quiet = {.every = 1e9, .quiet = PETSC_TRUE};
  const WeftLayerSettings settings = PlantedSettings(8, 4, 3);
  Planted                 planted = common;
  PlantedLayer            p;
  PetscBool               stopped;
  PetscErrorCode          ierr;

  (void)state;
  planted.zero_every = 1;
  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &p);
  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = WeftLayerLearn(p.layer, &quiet, &stopped);
  Ok(PetscPopErrorHandler());
  assert_int_equal(ierr, WEFT_ERR_USER);
  PlantedLayerDestroy(&p);
}

static void test_iterations_from_epochs(void **state)
{
  WeftLayerSettings settings = PlantedSettings(8, 4, 1);
  PlantedLayer      p;

  (void)state;
  settings.batch_size = 50; /* five batches an epoch */
  settings.epochs = 1.6;
  PlantedLayerCreate(PETSC_COMM_WORLD, &common, &settings, &p);
  assert_int_equal(p.layer->settings.iterations, 8);
  PlantedLayerDestroy(&p);
}

/* ---- zeros ---- */

/* ‖D_jg‖ of the coder's atoms. */
static double Connection(const PlantedLayer *p, size_t g, size_t j)
{
  const size_t group_size = (size_t)p->layer->settings.group_size;
  double       square = 0;

  for (size_t a = g * group_size; a < (g + 1) * group_size; ++a)
    square += WeftBlockGet(&p->layer->atoms, a, j) * WeftBlockGet(&p->layer->atoms, a, j);
  return sqrt(square);
}

/* A connection is there or it is not: what is cut is zero and not small, and the density that the history reports is
   the count of the others. */
static void CheckZeros(const PlantedLayer *p)
{
  const PetscInt64 last = p->layer->settings.iterations - 1, inputs = p->layer->d;
  PetscInt64       count = 0;

  for (PetscInt64 g = 0; g < Groups(p); ++g)
    for (PetscInt64 j = 0; j < inputs; ++j) {
      const double c = Connection(p, (size_t)g, (size_t)j);
      assert_true(c == 0 || c > 1e-9);
      count += c > 0;
    }
  assert_true(count > 0 && count < inputs * CountAlive(p));
  assert_int_equal(PlantedHistory(p, last, WEFT_HISTORY_REMOVED), 0); /* removals come after the density is taken */
  assert_near(PlantedHistory(p, last, WEFT_HISTORY_CONNECTION_DENSITY),
              (double)count / (double)(inputs * CountAlive(p)), 1e-15);
}

static void test_cut_connections_are_zero(void **state)
{
  const PetscInt64 batch_sizes[] = {0, 50};

  (void)state;
  for (int group_size = 1; group_size <= 4; group_size *= 2)
    for (int b = 0; b < 2; ++b) {
      WeftLayerSettings settings = WithFeedback(PlantedSettings(32, group_size, 30));
      PlantedLayer      p;
      settings.batch_size = batch_sizes[b];
      PlantedLayerCreate(PETSC_COMM_WORLD, &common, &settings, &p);
      PlantedLayerLearn(&p);
      CheckZeros(&p);
      PlantedLayerDestroy(&p);
    }
}

/* ---- removal ---- */

/* A removed group leaves nothing behind: no atoms, no usage, no stored code. */
static void CheckRemoved(const PlantedLayer *p)
{
  unsigned char *alive;
  WeftCodes      codes;

  Ok(WeftDictGetAlive(p->layer->dict, &alive));
  for (PetscInt64 g = 0; g < Groups(p); ++g)
    for (PetscInt64 j = 0; !alive[g] && j < p->layer->d; ++j)
      assert_true(Connection(p, (size_t)g, (size_t)j) == 0 && p->layer->usage[g] == 0);
  Ok(WeftCodesCreate((int)Groups(p), (int)p->layer->settings.group_size, &codes));
  for (size_t i = 0; i < p->x.rows; ++i) Ok(WeftCodeStoreGet(&p->layer->codes, i, &codes));
  for (size_t e = 0; e < codes.start[codes.samples]; ++e) assert_true(alive[codes.group[e]]);
  Ok(WeftCodesDestroy(&codes));
}

/* Numbers of the history against those of the layer. */
static void CheckCounts(const PlantedLayer *p)
{
  const PetscInt64 alive = CountAlive(p);
  PetscInt64       removed = 0;
  double           usage = 0;

  for (PetscInt64 t = 0; t < p->layer->settings.iterations; ++t) {
    removed += (PetscInt64)PlantedHistory(p, t, WEFT_HISTORY_REMOVED);
    assert_int_equal(PlantedHistory(p, t, WEFT_HISTORY_ALIVE_GROUPS), Groups(p) - removed);
    assert_true(PlantedHistory(p, t, WEFT_HISTORY_ACTIVE_FRACTION) <= 1);
  }
  assert_int_equal(alive, Groups(p) - removed);
  for (PetscInt64 g = 0; g < Groups(p); ++g) usage += p->layer->usage[g];
  assert_near(usage, p->layer->final_activity * (double)alive, 1e-12 * usage);
}

static PetscInt64 AliveAfter(double width_penalty, double connectivity_penalty, PetscInt64 batch_size)
{
  WeftLayerSettings settings = PlantedSettings(48, 2, 60);
  PlantedLayer      p;
  PetscInt64        alive;

  settings.width_penalty = width_penalty;
  settings.connectivity_penalty = connectivity_penalty;
  settings.batch_size = batch_size;
  PlantedLayerCreate(PETSC_COMM_WORLD, &common, &settings, &p);
  PlantedLayerLearn(&p);
  CheckRemoved(&p);
  CheckCounts(&p);
  alive = CountAlive(&p);
  PlantedLayerDestroy(&p);
  return alive;
}

/* The heavier the global term, the fewer groups are left; at its heaviest none, which is no error. Without the
   connectivity term nothing but the removal itself takes a group's atoms away. */
static void test_width_penalty_removes_groups(void **state)
{
  const PetscInt64 batch_sizes[] = {0, 60};

  (void)state;
  for (int b = 0; b < 2; ++b) {
    const PetscInt64 light = AliveAfter(0, 0.1, batch_sizes[b]), heavy = AliveAfter(0.8, 0.1, batch_sizes[b]);
    assert_true(light > 12 && heavy > 0 && 4 * heavy < 3 * light);
    assert_int_equal(AliveAfter(20, 0.1, batch_sizes[b]), 0);
    assert_int_equal(AliveAfter(20, 0, batch_sizes[b]), 0);
  }
}

/* ---- a given start ---- */

static void test_starts_where_it_is_told(void **state)
{
  WeftLayerSettings settings = PlantedSettings(24, 4, 1);
  PlantedLayer      p;
  WeftBlock         atoms;
  double            atom[24];

  (void)state;
  Ok(WeftBlockCreate(24, 24, WEFT_SINGLE, &atoms));
  for (size_t a = 0; a < 24; ++a) {
    PlantedAtom(&common, (int)a, atom);
    for (size_t j = 0; j < 24; ++j) WeftBlockSet(&atoms, a, j, 3 * atom[j]);
  }
  PlantedLayerCreate(PETSC_COMM_WORLD, &common, &settings, &p);
  Ok(WeftLayerSetStart(p.layer, &atoms, 0.125));
  Ok((*p.layer->learner->start)(p.layer));
  for (size_t a = 0; a < 24; ++a) {
    PlantedAtom(&common, (int)a, atom);
    for (size_t j = 0; j < 24; ++j) assert_true(fabs(WeftBlockGet(&p.layer->atoms, a, j) - atom[j]) < 1e-6);
  }
  PlantedLayerLearn(&p);
  assert_true(PlantedHistory(&p, 0, WEFT_HISTORY_LAMBDA) == 0.125);
  PlantedLayerDestroy(&p);
  Ok(WeftBlockDestroy(&atoms));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_objective_never_rises),
                                          cmocka_unit_test(test_objective_never_rises_with_any_coder),
                                          cmocka_unit_test(test_objective_never_rises_in_single),
                                          cmocka_unit_test(test_full_batch_does_not_depend_on_ranks),
                                          cmocka_unit_test(test_mini_batches_do_not_depend_on_ranks),
                                          cmocka_unit_test(test_precision_of_sums),
                                          cmocka_unit_test(test_fewer_samples_than_ranks),
                                          cmocka_unit_test(test_one_sample),
                                          cmocka_unit_test(test_fewer_inputs_than_ranks),
                                          cmocka_unit_test(test_more_atoms_than_samples),
                                          cmocka_unit_test(test_zero_samples),
                                          cmocka_unit_test(test_nothing_but_zeros_is_the_users_mistake),
                                          cmocka_unit_test(test_iterations_from_epochs),
                                          cmocka_unit_test(test_cut_connections_are_zero),
                                          cmocka_unit_test(test_width_penalty_removes_groups),
                                          cmocka_unit_test(test_starts_where_it_is_told)};
WEFT_TEST_MAIN(tests)
