/* The network of a structure: its connections, pools and first weights, by hand.   ranks: 1 */
#include "wefttest.h"
#include <weft/train.h>
#include <math.h>

enum { P = 2, G0 = 4, D = 5, G1 = 3 };

/* Layer 0: groups of 2 atoms on 5 inputs, the second one removed. Layer 1: its inputs are the 4 groups of layer 0. */
static const double        atoms0[G0 * P][D] = {{3, 0, 4, 0, 0}, {0, 0, 2, 0, 0}, {0, 0, 0, 0, 0},  {0, 0, 0, 0, 0},
                                                {0, 1, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, -1, 1}, {0, 0, 0, 1, 1}};
static const double        atoms1[G1 * P][G0] = {{1, 0, 1, 0}, {1, 0, -1, 0}, {0, 0, 0, 5},
                                                 {0, 0, 0, 1}, {0, 7, 6, 8},  {0, 0, 1, 0}};
static const unsigned char alive0[G0] = {1, 0, 1, 1}, alive1[G1] = {1, 1, 1};

static WeftBlock Atoms(size_t rows, size_t cols, const double *values)
{
  WeftBlock block;

  Ok(WeftBlockCreate(rows, cols, WEFT_DOUBLE, &block));
  for (size_t i = 0; i < rows * cols; ++i) block.values.d[i] = values[i];
  return block;
}

static WeftTrainSettings Settings(int pool)
{
  return (WeftTrainSettings){.pool = pool,
                             .pooled = PETSC_TRUE,
                             .single = PETSC_TRUE,
                             .precision = WEFT_DOUBLE,
                             .nhidden = 1,
                             .hidden = {7},
                             .seed = 3};
}

static void Make(WeftTrainSettings settings, WeftNetwork *net)
{
  WeftBlock             a = Atoms(G0 * P, D, atoms0[0]), b = Atoms(G1 * P, G0, atoms1[0]);
  const WeftTrainSource source[] = {{&a, P, alive0, NULL}, {&b, P, alive1, NULL}};

  *net = (WeftNetwork){0};
  Ok(WeftTrainPlan(&settings, 2, source, D, 3, net));
  Ok(WeftNetworkCreate(net));
  Ok(WeftTrainStartRandom(&settings, net));
  Ok(WeftTrainStartLearned(&settings, 2, source, net));
  Ok(WeftBlockDestroy(&a));
  Ok(WeftBlockDestroy(&b));
}

static double Weight(const WeftNetwork *net, int layer, size_t connection, size_t atom)
{
  return WeftBlockGet(&net->parameters, 0, net->layer[layer].weights + connection * P + atom);
}

static void CheckConnections(const WeftNetworkLayer *l, size_t groups, const size_t start[], const int input[])
{
  assert_int_equal(l->groups, groups);
  for (size_t g = 0; g <= groups; ++g) assert_int_equal(l->start[g], start[g]);
  for (size_t c = 0; c < start[groups]; ++c) assert_int_equal(l->input[c], input[c]);
}

static void test_connections(void **state)
{
  const size_t start0[] = {0, 2, 3, 5}, start1[] = {0, 2, 3, 5};
  const int    input0[] = {0, 2, 1, 3, 4}, input1[] = {0, 1, 2, 1, 2};
  WeftNetwork  net;

  (void)state;
  Make(Settings(1), &net);
  CheckConnections(&net.layer[0], 3, start0, input0);
  CheckConnections(&net.layer[1], 3, start1, input1); /* the group that was removed is no input */
  assert_int_equal(net.layer[1].inputs, 3);
  assert_near(Weight(&net, 0, 0, 0), 0.6, 1e-15); /* atoms at norm 1 */
  assert_near(Weight(&net, 0, 1, 0), 0.8, 1e-15);
  assert_near(Weight(&net, 0, 0, 1), 0.0, 0.0);
  assert_near(Weight(&net, 0, 1, 1), 1.0, 1e-15);
  assert_near(Weight(&net, 0, 3, 0), -PetscSqrtReal(0.5), 1e-15);
  assert_near(Weight(&net, 1, 1, 1), -PetscSqrtReal(0.5), 1e-15);
  assert_near(Weight(&net, 1, 3, 0), 0.6, 1e-15);
  assert_near(Weight(&net, 1, 4, 0), 0.8, 1e-15);
  assert_int_equal(WeftNetworkRead(&net), 3 + 3 + 6); /* pools of both layers, singles of the first */
  assert_int_equal(net.hidden[0].in, 12);
  Ok(WeftNetworkDestroy(&net));
}

/* Pools of two groups in a row, of those that live; the last is of one. */
static void test_pools(void **state)
{
  const size_t pools[] = {0, 2, 3};
  WeftNetwork  net;

  (void)state;
  Make(Settings(2), &net);
  assert_int_equal(net.layer[0].pools, 2);
  for (int q = 0; q < 3; ++q) assert_int_equal(net.layer[0].pool_start[q], pools[q]);
  for (int g = 0; g < 3; ++g) assert_int_equal(net.layer[0].pool_group[g], g);
  assert_int_equal(net.layer[1].inputs, 2);
  assert_int_equal(net.layer[1].start[1], 1); /* both its inputs are one pool now */
  assert_int_equal(net.layer[1].input[0], 0);
  assert_near(Weight(&net, 1, 0, 0), PetscSqrtReal(2), 1e-15); /* and their weights add up */
  assert_near(Weight(&net, 1, 0, 1), 0, 1e-15);
  Ok(WeftNetworkDestroy(&net));
}

/* What is read: the last layer's pools alone come last; no singles. */
static void test_read(void **state)
{
  WeftTrainSettings settings = Settings(1);
  WeftNetwork       net;

  (void)state;
  settings.from_last = PETSC_TRUE;
  Make(settings, &net);
  assert_int_equal(net.read_first, 3);
  assert_int_equal(net.layer[1].pooled_at, 3);
  assert_int_equal(net.layer[0].single_at, 6);
  assert_int_equal(WeftNetworkRead(&net), 9);
  Ok(WeftNetworkDestroy(&net));
  settings.single = PETSC_FALSE;
  Make(settings, &net);
  assert_int_equal(WeftNetworkRead(&net), 3);
  Ok(WeftNetworkDestroy(&net));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_connections), cmocka_unit_test(test_pools),
                                          cmocka_unit_test(test_read)};
WEFT_TEST_MAIN(tests)
