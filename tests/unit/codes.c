/* Codes and the store of codes: what goes in comes out.   ranks: 1 */
#include "wefttest.h"
#include <weft/codes.h>
#include <weft/random.h>

enum { SAMPLES = 300, GROUPS = 23, P = 3, ATOMS = GROUPS * P };

/* Sample i's coefficients: i % 5 decides how many groups are active, none and all among them. */
static void Fill(WeftRandom *rng, size_t i, double z[])
{
  static const double active[] = {0.0, 0.1, 0.5, 1.0, 0.05};

  for (int g = 0; g < GROUPS; ++g) {
    const int on = WeftRandomUniform(rng) < active[i % 5];
    for (int j = 0; j < P; ++j) z[g * P + j] = on && j != g % P ? (double)(float)WeftRandomNormal(rng) : 0.0;
  }
}

static void Block(uint64_t key, WeftPrecision precision, WeftBlock *block)
{
  WeftRandom rng;
  double     z[ATOMS];

  WeftRandomInit(&rng, key, WEFT_STREAM_TEST, 8);
  Ok(WeftBlockCreate(SAMPLES, ATOMS, precision, block));
  for (size_t i = 0; i < SAMPLES; ++i) {
    Fill(&rng, i, z);
    WeftBlockSetRow(block, i, z);
  }
}

static void Codes(const WeftBlock *block, WeftCodes *codes)
{
  Ok(WeftCodesCreate(GROUPS, P, codes));
  for (size_t i = 0; i < block->rows; ++i) Ok(WeftCodesAppendDense(codes, block, i));
}

/* Is sample i of codes row `row` of the block, in the one order that there is, with no group of zeros? */
static void Same(const WeftCodes *codes, size_t i, const WeftBlock *block, size_t row)
{
  WeftBlock z;
  size_t    active = 0;

  Ok(WeftBlockCreate(1, ATOMS, block->precision, &z));
  WeftCodesToDense(codes, i, &z, 0);
  for (size_t a = 0; a < ATOMS; ++a) assert_true(WeftBlockGet(&z, 0, a) == WeftBlockGet(block, row, a));
  for (size_t g = 0; g < GROUPS; ++g) {
    double sum = 0;
    for (size_t j = 0; j < P; ++j) sum += PetscAbsReal(WeftBlockGet(block, row, g * P + j));
    active += sum > 0;
  }
  assert_int_equal(codes->start[i + 1] - codes->start[i], active);
  for (size_t e = codes->start[i] + 1; e < codes->start[i + 1]; ++e) assert_true(codes->group[e - 1] < codes->group[e]);
  Ok(WeftBlockDestroy(&z));
}

static void test_dense_round_trip(void **state)
{
  WeftBlock block;
  WeftCodes codes;

  (void)state;
  for (int precision = 0; precision < 2; ++precision) {
    Block(1, precision ? WEFT_DOUBLE : WEFT_SINGLE, &block);
    Codes(&block, &codes);
    assert_int_equal(codes.samples, SAMPLES);
    assert_int_equal(codes.start[0], 0);
    for (size_t i = 0; i < SAMPLES; ++i) Same(&codes, i, &block, i);
    Ok(WeftCodesDestroy(&codes));
    Ok(WeftBlockDestroy(&block));
  }
}

static void test_append_in_another_order(void **state)
{
  WeftBlock block;
  WeftCodes codes, shuffled;

  (void)state;
  Block(2, WEFT_DOUBLE, &block);
  Codes(&block, &codes);
  Ok(WeftCodesCreate(GROUPS, P, &shuffled));
  for (size_t i = 0; i < SAMPLES; ++i) Ok(WeftCodesAppend(&shuffled, &codes, i * 7 % SAMPLES));
  for (size_t i = 0; i < SAMPLES; ++i) Same(&shuffled, i, &block, i * 7 % SAMPLES);
  for (size_t i = 0; i < SAMPLES; ++i) Same(&codes, i, &block, i);
  Ok(WeftCodesDestroy(&codes));
  Ok(WeftCodesDestroy(&shuffled));
  Ok(WeftBlockDestroy(&block));
}

static void test_clear_starts_anew(void **state)
{
  WeftBlock first, second;
  WeftCodes codes;

  (void)state;
  Block(3, WEFT_DOUBLE, &first);
  Block(4, WEFT_DOUBLE, &second);
  Codes(&first, &codes);
  WeftCodesClear(&codes);
  assert_int_equal(codes.samples, 0);
  for (size_t i = 0; i < 40; ++i) Ok(WeftCodesAppendDense(&codes, &second, i));
  assert_int_equal(codes.samples, 40);
  for (size_t i = 0; i < 40; ++i) Same(&codes, i, &second, i);
  Ok(WeftCodesDestroy(&codes));
  Ok(WeftBlockDestroy(&first));
  Ok(WeftBlockDestroy(&second));
}

/* Stored sample i is code content[i], SAMPLES: none yet. */
static void SameStore(const WeftCodeStore *store, const WeftBlock *block, const size_t content[])
{
  WeftCodes codes;

  Ok(WeftCodesCreate(GROUPS, P, &codes));
  for (size_t i = 0; i < store->samples; ++i) Ok(WeftCodeStoreGet(store, i, &codes));
  assert_int_equal(codes.samples, store->samples);
  for (size_t i = 0; i < store->samples; ++i) {
    if (content[i] == SAMPLES)
      assert_int_equal(codes.start[i + 1], codes.start[i]);
    else
      Same(&codes, i, block, content[i]);
  }
  Ok(WeftCodesDestroy(&codes));
}

static void StoreReplaces(WeftPrecision precision)
{
  enum { STORED = 50 };
  size_t        content[STORED];
  WeftBlock     block;
  WeftCodes     codes;
  WeftCodeStore store;
  WeftRandom    rng;

  Block(5, precision, &block);
  Codes(&block, &codes);
  Ok(WeftCodeStoreCreate(STORED, GROUPS, P, precision, &store));
  for (size_t i = 0; i < STORED; ++i) content[i] = SAMPLES;
  SameStore(&store, &block, content);
  WeftRandomInit(&rng, 6, WEFT_STREAM_TEST, 8);
  for (int step = 0; step < 1000; ++step) { /* codes grow, shrink, vanish and come back */
    const size_t i = WeftRandomBelow(&rng, STORED);
    content[i] = WeftRandomBelow(&rng, SAMPLES);
    Ok(WeftCodeStorePut(&store, i, &codes, content[i]));
    if (step % 100 == 0) SameStore(&store, &block, content);
  }
  SameStore(&store, &block, content);
  Ok(WeftCodeStoreDestroy(&store));
  Ok(WeftCodesDestroy(&codes));
  Ok(WeftBlockDestroy(&block));
}

static void test_store_replaces_one_by_one(void **state)
{
  (void)state;
  StoreReplaces(WEFT_SINGLE);
  StoreReplaces(WEFT_DOUBLE);
}

static void StoreKeeps(WeftPrecision precision)
{
  unsigned char alive[GROUPS];
  size_t        content[SAMPLES];
  WeftBlock     block;
  WeftCodes     codes;
  WeftCodeStore store;

  Block(7, precision, &block);
  Codes(&block, &codes);
  Ok(WeftCodeStoreCreate(SAMPLES, GROUPS, P, precision, &store));
  for (size_t i = 0; i < SAMPLES; ++i) Ok(WeftCodeStorePut(&store, i, &codes, content[i] = i));
  for (size_t g = 0; g < GROUPS; ++g) {
    alive[g] = g % 3 != 0;
    for (size_t i = 0; i < SAMPLES && !alive[g]; ++i)
      for (size_t j = 0; j < P; ++j) WeftBlockSet(&block, i, g * P + j, 0.0);
  }
  Ok(WeftCodeStoreKeep(&store, alive));
  SameStore(&store, &block, content);
  Ok(WeftCodeStoreDestroy(&store));
  Ok(WeftCodesDestroy(&codes));
  Ok(WeftBlockDestroy(&block));
}

static void test_store_keeps_living_groups(void **state)
{
  (void)state;
  StoreKeeps(WEFT_SINGLE);
  StoreKeeps(WEFT_DOUBLE);
}

static void test_empty(void **state)
{
  WeftCodes     codes;
  WeftCodeStore store;

  (void)state;
  Ok(WeftCodesCreate(GROUPS, P, &codes));
  Ok(WeftCodeStoreCreate(0, GROUPS, P, WEFT_DOUBLE, &store));
  assert_int_equal(codes.start[codes.samples], 0);
  Ok(WeftCodeStoreDestroy(&store));
  Ok(WeftCodesDestroy(&codes));
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(test_dense_round_trip),          cmocka_unit_test(test_append_in_another_order),
  cmocka_unit_test(test_clear_starts_anew),         cmocka_unit_test(test_store_replaces_one_by_one),
  cmocka_unit_test(test_store_keeps_living_groups), cmocka_unit_test(test_empty)};
WEFT_TEST_MAIN(tests)
