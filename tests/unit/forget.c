/* What batches of unequal sizes weigh in the running means.   ranks: 1 3 */
#include "wefttest.h"
#include <weft/data.h>
#include <weft/stack.h>
#include <math.h>

/* One input and one atom, 1, which its bound holds there: every code is known, z = x - λ, and the running A is the mean
   of z² that the weights make. */
enum { BATCH = 8, ITERATIONS = 40 };
static const double lambda = 0.5;

static double Sample(PetscInt64 i)
{
  const double s = sin(1.0 + 2.0 * (double)i);

  return 2 + 3 * s * s;
}

static double Square(PetscInt64 i)
{
  return (Sample(i) - lambda) * (Sample(i) - lambda);
}

typedef struct {
  PetscInt64  n;
  WeftBlock   x, atom;
  WeftLayer   layer;
  WeftBatches all; /* as one rank has them that holds every sample */
  PetscInt64  seen;
  double      mean;           /* of z², what A has to be */
  double      least, longest; /* of the batches so far */
} Case;

static void CaseCreate(PetscInt64 n, PetscInt64 batch, Case *c)
{
  const WeftLayerSettings settings = {.atoms = 1,
                                      .group_size = 1,
                                      .batch_size = batch,
                                      .iterations = ITERATIONS,
                                      .freeze_fraction = 1,
                                      .precision = WEFT_DOUBLE,
                                      .seed = 5};
  PetscInt64              row0, rows;
  int                     rank, size;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  WeftDataRange(n, rank, size, &row0, &rows);
  *c = (Case){.n = n, .least = INFINITY};
  Ok(WeftBlockCreate((size_t)rows, 1, WEFT_DOUBLE, &c->x));
  Ok(WeftBlockCreate(1, 1, WEFT_DOUBLE, &c->atom));
  for (PetscInt64 i = 0; i < rows; ++i) WeftBlockSet(&c->x, (size_t)i, 0, Sample(row0 + i));
  WeftBlockSet(&c->atom, 0, 0, 1);
  Ok(WeftLayerCreate(PETSC_COMM_WORLD, &settings, n, row0, &c->x, &c->layer));
  Ok(WeftLayerSetStart(c->layer, &c->atom, lambda));
  Ok((*c->layer->learner->start)(c->layer));
  Ok(WeftBatchesCreate(n, 0, n, batch, settings.seed, &c->all));
}

static void CaseDestroy(Case *c)
{
  Ok(WeftBatchesDestroy(&c->all));
  Ok(WeftLayerDestroy(&c->layer));
  Ok(WeftBlockDestroy(&c->atom));
  Ok(WeftBlockDestroy(&c->x));
}

/* Batch t, of m samples of M so far, weighs 3 m/M, and no more than 1. */
static void Expect(Case *c)
{
  size_t        count;
  const size_t *index;
  double        sum = 0, weight;

  Ok(WeftBatchesGet(&c->all, c->layer->iteration, &count, &index));
  for (size_t i = 0; i < count; ++i) sum += Square((PetscInt64)index[i]);
  c->seen += (PetscInt64)count;
  weight = fmin(1, 3 * (double)count / (double)c->seen);
  c->mean += weight * (sum / (double)count - c->mean);
  c->least = fmin(c->least, (double)count);
  c->longest = fmax(c->longest, (double)count);
}

static double RunningMean(const Case *c)
{
  const double *a;
  double        value;

  Ok(MatDenseGetArrayRead(c->layer->A, &a));
  value = a[0];
  Ok(MatDenseRestoreArrayRead(c->layer->A, &a));
  return value;
}

static void Iterate(Case *c)
{
  double entry[WEFT_HISTORY_FIELDS];

  Expect(c);
  Ok((*c->layer->learner->iterate)(c->layer, entry));
  ++c->layer->iteration;
  assert_near(WeftBlockGet(&c->layer->atoms, 0, 0), 1, 1e-14);
}

/* Sizes that differ: 21 samples in batches of at most 8 come in batches of 5 to 8. */
static void test_short_batch_weighs_less(void **state)
{
  Case c;

  (void)state;
  CaseCreate(21, BATCH, &c);
  for (int t = 0; t < ITERATIONS; ++t) {
    Iterate(&c);
    assert_near(RunningMean(&c), c.mean, 1e-10 * c.mean);
  }
  assert_true(c.least < 0.8 * c.longest);
  CaseDestroy(&c);
}

/* A layer that goes on, as after a checkpoint, knows how many samples came before. */
static void test_weight_needs_no_memory(void **state)
{
  Case   c;
  double last;

  (void)state;
  CaseCreate(21, BATCH, &c);
  for (int t = 0; t < 10; ++t) Iterate(&c);
  last = RunningMean(&c);
  c.layer->batches.epoch = -1; /* nothing held, as when it is read */
  Iterate(&c);
  assert_near(RunningMean(&c), c.mean, 1e-10 * c.mean);
  assert_true(fabs(RunningMean(&c) - last) > 1e-6);
  CaseDestroy(&c);
}

/* The full batch is the whole, every time. */
static void test_full_batch_is_the_whole(void **state)
{
  Case   c;
  double whole = 0;

  (void)state;
  CaseCreate(21, 0, &c);
  for (PetscInt64 i = 0; i < 21; ++i) whole += Square(i) / 21;
  for (int t = 0; t < 8; ++t) {
    Iterate(&c);
    assert_near(RunningMean(&c), whole, 1e-12 * whole);
  }
  CaseDestroy(&c);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_short_batch_weighs_less),
                                          cmocka_unit_test(test_weight_needs_no_memory),
                                          cmocka_unit_test(test_full_batch_is_the_whole)};
WEFT_TEST_MAIN(tests)
