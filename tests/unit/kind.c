/* Networks to compare a learned one with: what they connect, how large they are.   ranks: 1 2 */
#include "wefttest.h"
#include <weft/kind.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 40, CLASSES = 3, P = 2, FIRST = 12, SECOND = 6, DEAD = 5 };

static WeftBlock     first, second;
static unsigned char alive_first[FIRST], alive_second[SECOND];

static WeftTrainSource source[2] = {{&first, P, alive_first, NULL}, {&second, P, alive_second, NULL}};

/* Group g has `count` inputs from g on; one group is gone. */
static void MakeAtoms(size_t inputs, size_t groups, size_t count, WeftBlock *atoms, unsigned char alive[])
{
  Ok(WeftBlockCreate(groups * P, inputs, WEFT_SINGLE, atoms));
  for (size_t g = 0; g < groups; ++g) {
    alive[g] = g != DEAD;
    for (size_t a = g * P; a < (g + 1) * P && alive[g]; ++a)
      for (size_t i = 0; i < count; ++i) WeftBlockSet(atoms, a, (g + i) % inputs, 1.0 + (double)a);
  }
}

static int Setup(void **state)
{
  (void)state;
  MakeAtoms(INPUTS, FIRST, 7, &first, alive_first);
  MakeAtoms(FIRST, SECOND, 3, &second, alive_second);
  return 0;
}

static int Teardown(void **state)
{
  (void)state;
  Ok(WeftBlockDestroy(&first));
  Ok(WeftBlockDestroy(&second));
  return 0;
}

static WeftTrainSettings Settings(int pool, uint64_t seed)
{
  WeftTrainSettings s = {.pooled = PETSC_TRUE, .single = PETSC_TRUE, .pool = pool, .seed = seed};

  s.precision = WEFT_SINGLE;
  s.nhidden = 1;
  s.hidden[0] = 9;
  return s;
}

static WeftNetwork Build(WeftKind kind, WeftMatch match, int nlayers, int pool, uint64_t seed)
{
  const WeftKindSettings  k = {kind, match};
  const WeftTrainSettings s = Settings(pool, seed);
  WeftNetwork             net;

  Ok(WeftKindBuild(&k, &s, nlayers, source, INPUTS, CLASSES, &net));
  return net;
}

static size_t Parameters(WeftKind kind, WeftMatch match, int nlayers, int pool)
{
  WeftNetwork  net = Build(kind, match, nlayers, pool, 1);
  const size_t count = net.parameters.cols;

  Ok(WeftNetworkDestroy(&net));
  return count;
}

static void test_learned_starts_at_the_atoms(void **state)
{
  WeftNetwork net = Build(WEFT_KIND_LEARNED, WEFT_MATCH_WIDTH, 2, 1, 1);

  (void)state;
  assert_int_equal(net.nlayers, 2);
  assert_int_equal(net.layer[0].groups, FIRST - 1);
  assert_int_equal(net.layer[1].groups, SECOND - 1);
  for (size_t i = 0; i < 7 * (FIRST - 1) * P; ++i) /* seven equal numbers of norm 1 */
    assert_near(WeftBlockGet(&net.parameters, 0, net.layer[0].weights + i), 1 / PetscSqrtReal(7.0), 1e-6);
  Ok(WeftNetworkDestroy(&net));
}

/* The same connections, other weights, which are a matter of the seed. */
static void test_random_weights(void **state)
{
  WeftNetwork  learned = Build(WEFT_KIND_LEARNED, WEFT_MATCH_WIDTH, 2, 1, 1);
  WeftNetwork  one = Build(WEFT_KIND_LEARNED_RANDOM_WEIGHTS, WEFT_MATCH_WIDTH, 2, 1, 1);
  WeftNetwork  two = Build(WEFT_KIND_LEARNED_RANDOM_WEIGHTS, WEFT_MATCH_WIDTH, 2, 1, 2);
  const size_t count = WeftNetworkConnections(&learned.layer[0]), at = learned.layer[0].weights;

  (void)state;
  assert_int_equal(count, WeftNetworkConnections(&one.layer[0]));
  assert_memory_equal(learned.layer[0].input, one.layer[0].input, count * sizeof(int));
  assert_true(WeftBlockGet(&one.parameters, 0, at) != WeftBlockGet(&learned.parameters, 0, at));
  assert_true(WeftBlockGet(&one.parameters, 0, at) != WeftBlockGet(&two.parameters, 0, at));
  Ok(WeftNetworkDestroy(&learned));
  Ok(WeftNetworkDestroy(&one));
  Ok(WeftNetworkDestroy(&two));
}

/* As many connections a group, each input once, none favoured, and others with another seed. */
static void CheckMask(const WeftNetworkLayer *learned, const WeftNetworkLayer *random, const WeftNetworkLayer *other)
{
  const size_t bytes = WeftNetworkConnections(learned) * sizeof(int);

  assert_memory_equal(learned->start, random->start, (learned->groups + 1) * sizeof(size_t));
  for (size_t g = 0; g < random->groups; ++g)
    for (size_t c = random->start[g]; c < random->start[g + 1]; ++c) {
      assert_in_range(random->input[c], 0, random->inputs - 1);
      if (c > random->start[g]) assert_true(random->input[c] > random->input[c - 1]);
    }
  assert_true(memcmp(learned->input, random->input, bytes) != 0);
  assert_true(memcmp(other->input, random->input, bytes) != 0);
}

static void test_random_mask(void **state)
{
  WeftNetwork learned = Build(WEFT_KIND_LEARNED, WEFT_MATCH_WIDTH, 2, 1, 1);
  WeftNetwork random = Build(WEFT_KIND_RANDOM_MASK, WEFT_MATCH_WIDTH, 2, 1, 1);
  WeftNetwork other = Build(WEFT_KIND_RANDOM_MASK, WEFT_MATCH_PARAMETERS, 2, 1, 2);

  (void)state;
  assert_int_equal(random.parameters.cols, learned.parameters.cols);
  for (int i = 0; i < 2; ++i) CheckMask(&learned.layer[i], &random.layer[i], &other.layer[i]);
  Ok(WeftNetworkDestroy(&learned));
  Ok(WeftNetworkDestroy(&random));
  Ok(WeftNetworkDestroy(&other));
}

static void test_dense_has_all_connections(void **state)
{
  (void)state;
  for (int pool = 1; pool <= 2; ++pool) {
    WeftNetwork net = Build(WEFT_KIND_DENSE, WEFT_MATCH_WIDTH, 2, pool, 1);
    size_t      inputs = INPUTS;
    for (int i = 0; i < 2; ++i) {
      const WeftNetworkLayer *l = &net.layer[i];
      assert_int_equal(l->groups, (i ? SECOND : FIRST) - 1);
      assert_int_equal(l->pools, (l->groups + (size_t)pool - 1) / (size_t)pool);
      assert_int_equal(l->inputs, inputs);
      for (size_t c = 0; c < l->groups * inputs; ++c) assert_int_equal(l->input[c], (int)(c % inputs));
      inputs = l->pools;
    }
    Ok(WeftNetworkDestroy(&net));
  }
}

static void test_mlp_has_as_many_units(void **state)
{
  WeftNetwork net = Build(WEFT_KIND_MLP, WEFT_MATCH_WIDTH, 2, 1, 1);

  (void)state;
  assert_int_equal(net.nlayers, 0);
  assert_int_equal(net.nhidden, 3);
  assert_int_equal(net.hidden[0].in, INPUTS);
  assert_int_equal(net.hidden[0].out, (FIRST - 1) * P);
  assert_int_equal(net.hidden[1].out, (SECOND - 1) * P);
  assert_int_equal(net.hidden[2].out, 9);
  Ok(WeftNetworkDestroy(&net));
}

/* No more than the learned network, but as near as a whole group more or less in each layer allows. */
static void test_parameters_match(void **state)
{
  (void)state;
  for (int kind = WEFT_KIND_DENSE; kind <= WEFT_KIND_MLP; ++kind)
    for (int nlayers = 1; nlayers <= 2; ++nlayers)
      for (int pool = 1; pool <= 2; ++pool) {
        const size_t learned = Parameters(WEFT_KIND_LEARNED, WEFT_MATCH_WIDTH, nlayers, pool);
        const size_t matched = Parameters((WeftKind)kind, WEFT_MATCH_PARAMETERS, nlayers, pool);
        const size_t wide = Parameters((WeftKind)kind, WEFT_MATCH_WIDTH, nlayers, pool);
        const size_t group = (INPUTS + FIRST + 9 + 20) * P * (size_t)nlayers;
        assert_true(matched <= learned && learned < wide);
        assert_true(matched + group > learned);
      }
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test_setup_teardown(test_learned_starts_at_the_atoms, Setup, Teardown),
  cmocka_unit_test_setup_teardown(test_random_weights, Setup, Teardown),
  cmocka_unit_test_setup_teardown(test_random_mask, Setup, Teardown),
  cmocka_unit_test_setup_teardown(test_dense_has_all_connections, Setup, Teardown),
  cmocka_unit_test_setup_teardown(test_mlp_has_as_many_units, Setup, Teardown),
  cmocka_unit_test_setup_teardown(test_parameters_match, Setup, Teardown),
};

WEFT_TEST_MAIN(tests)
