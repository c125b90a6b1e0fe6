/* What an iteration hands to MPI, counted, against WeftLayerTraffic().   ranks: 1 2 3 4
   library: traffic */
#include "wefttest.h"
#include "traffic/traffic.h"
#include <weft/cost.h>
#include <weft/random.h>
#include <string.h>

enum { SAMPLES = 60, D = 13, K = 128, P = 4, BLOCK = 64, ITERATIONS = 6 }; /* no other message has BLOCK doubles */

static void MakeSamples(WeftPrecision precision, PetscInt64 *row0, WeftBlock *x)
{
  int    rank, size;
  double row[D];

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  *row0 = SAMPLES * rank / size;
  Ok(WeftBlockCreate((size_t)(SAMPLES * (rank + 1) / size - *row0), D, precision, x));
  for (size_t i = 0; i < x->rows; ++i) {
    WeftRandom rng;
    WeftRandomInit(&rng, 11, WEFT_STREAM_TEST, (uint64_t)*row0 + i);
    for (int j = 0; j < D; ++j) row[j] = WeftRandomNormal(&rng);
    WeftBlockSetRow(x, i, row);
  }
}

/* Of the calls on comm so far: how many of a length (of any: 0), and their bytes summed over ranks. */
static double Count(size_t bytes, double *sum)
{
  const TrafficCall *calls;
  const int          n = TrafficCalls(&calls);
  double             found = 0;

  *sum = 0;
  for (int i = 0; i < n; ++i) {
    if (bytes && calls[i].bytes != (double)bytes) continue;
    found += 1;
    *sum += calls[i].bytes;
  }
  return found;
}

static double MeanOverRanks(double value)
{
  int size;

  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  return value / size;
}

static void Iterate(WeftLayer l, WeftLayerShape *shape)
{
  double      entry[WEFT_HISTORY_FIELDS], bytes, calls;
  WeftTraffic parts[WEFT_TRAFFIC_PARTS], sum;

  shape->relative = l->iteration < WeftLayerFreezeIteration(l) ? PETSC_TRUE : PETSC_FALSE;
  TrafficStart(l->comm);
  Ok((*l->learner->iterate)(l, entry));
  ++l->iteration;
  shape->norms = (int)Count(8 * BLOCK, &bytes);
  shape->inner = (int)Count(32, &bytes);
  assert_true(shape->inner >= 1 && shape->norms >= shape->inner * K / BLOCK);
  calls = Count(0, &bytes);
  WeftLayerTraffic(shape, parts, &sum);
  bytes += 2 * 8; /* of the loop around it: the time and the signals */
  calls += 2;
  assert_true(entry[WEFT_HISTORY_RESEEDED] == 0);
  assert_near(calls, sum.calls, 0);
  assert_near(MeanOverRanks(bytes), sum.payload, 1e-9 * sum.payload);
}

static void Learn(WeftPrecision precision)
{
  const WeftLayerSettings settings = {.atoms = K,
                                      .group_size = P,
                                      .batch_size = 20,
                                      .iterations = ITERATIONS,
                                      .freeze_fraction = 0.5,
                                      .sparsity = 0.3,
                                      .connectivity_penalty = 0.1,
                                      .precision = precision,
                                      .seed = 1};
  WeftLayer               l;
  WeftLayerShape          shape;
  PetscInt64              row0;
  WeftBlock               x;
  MPI_Comm                comm;
  int                     size;

  MakeSamples(precision, &row0, &x);
  MPI_Comm_dup(PETSC_COMM_WORLD, &comm); /* PETSc's own messages go over one that it makes */
  MPI_Comm_size(comm, &size);
  Ok(WeftLayerCreate(comm, &settings, SAMPLES, row0, &x, &l));
  WeftLayerShapeFromSettings(&settings, SAMPLES, D, size, &shape);
  Ok((*l->learner->start)(l));
  for (int t = 0; t < ITERATIONS; ++t) Iterate(l, &shape);
  TrafficStart(MPI_COMM_SELF);
  Ok(WeftLayerDestroy(&l));
  Ok(WeftBlockDestroy(&x));
  MPI_Comm_free(&comm);
}

static void test_iteration(void **state)
{
  (void)state;
  Learn(WEFT_SINGLE);
  Learn(WEFT_DOUBLE);
}

/* The least that the collectives must send, from the definitions, at a shape worked out by hand. */
static void test_sent(void **state)
{
  const WeftLayerShape shape = {.n = 100, .d = 10, .k = 4, .p = 2, .batch = 10, .ranks = 4, .precision = WEFT_SINGLE};
  WeftTraffic          t[WEFT_TRAFFIC_PARTS];

  (void)state;
  WeftLayerTraffic(&shape, t, NULL);
  assert_near(t[WEFT_TRAFFIC_A].sent, 2 * 12 * 4 * 0.75, 1e-12);
  assert_near(t[WEFT_TRAFFIC_B].sent, 40 * 4 * 0.75, 1e-12);
  assert_near(t[WEFT_TRAFFIC_ATOMS].sent, 40 * 4 * 0.75, 1e-12);
  assert_near(t[WEFT_TRAFFIC_ATOMS].payload, 40, 1e-12);
  assert_near(t[WEFT_TRAFFIC_GRAM].sent, 16 * 4 * 0.75, 1e-12);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_iteration), cmocka_unit_test(test_sent)};
WEFT_TEST_MAIN(tests)
