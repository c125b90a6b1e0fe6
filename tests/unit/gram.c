/* The Gram matrix of atoms against plain loops, sparse and dense, whole and in parts.   ranks: 1 */
#include "wefttest.h"
#include <weft/block.h>
#include <weft/coder.h>
#include <weft/random.h>
#include <string.h>

enum { K = 24, D = 37 };

/* Groups of p with common zeros: about this share of a group's inputs is not zero. */
static void MakeAtoms(int p, double density, WeftPrecision precision, WeftBlock *atoms)
{
  WeftRandom rng;

  Ok(WeftBlockCreate(K, D, precision, atoms));
  WeftRandomInit(&rng, 4, WEFT_STREAM_TEST, (uint64_t)p);
  for (size_t g = 0; g < (size_t)(K / p); ++g)
    for (size_t j = 0; j < D; ++j) {
      const PetscBool on = WeftRandomUniform(&rng) < density ? PETSC_TRUE : PETSC_FALSE;
      for (size_t a = g * (size_t)p; on && a < (g + 1) * (size_t)p; ++a)
        WeftBlockSet(atoms, a, j, WeftRandomNormal(&rng));
    }
}

static void Check(int p, double density, WeftPrecision precision)
{
  const double tol = precision == WEFT_SINGLE ? 1e-4 : 1e-12;
  const size_t cut = K / 2 / (size_t)p * (size_t)p;
  WeftBlock    atoms, gram, parts;

  MakeAtoms(p, density, precision, &atoms);
  Ok(WeftBlockCreate(K, K, precision, &gram));
  Ok(WeftBlockCreate(K, K, precision, &parts));
  for (size_t i = 0; i < K * K; ++i) WeftBlockSet(&gram, 0, i, 7); /* what stood there does not count */
  Ok(WeftBlockGram(&atoms, p, 0, K, &gram));
  Ok(WeftBlockGram(&atoms, p, 0, cut, &parts));
  Ok(WeftBlockGram(&atoms, p, cut, K - cut, &parts));
  Ok(WeftBlockGram(&atoms, p, K, 0, &parts)); /* nothing to do */
  for (size_t a = 0; a < K; ++a)
    for (size_t b = 0; b < K; ++b) {
      double sum = 0;
      for (size_t j = 0; j < D; ++j) sum += WeftBlockGet(&atoms, a, j) * WeftBlockGet(&atoms, b, j);
      assert_near(WeftBlockGet(&gram, a, b), sum, tol);
      assert_near(WeftBlockGet(&parts, a, b), sum, tol);
    }
  if (density < 0.2) /* sums over inputs, in one order whatever the cut */
    assert_memory_equal(gram.values.v, parts.values.v, K * K * WeftPrecisionBytes(precision));
  Ok(WeftBlockDestroy(&atoms));
  Ok(WeftBlockDestroy(&gram));
  Ok(WeftBlockDestroy(&parts));
}

static void test_products(void **state)
{
  const int    sizes[] = {1, 3, 4};
  const double densities[] = {0, 0.1, 0.9};

  (void)state;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      Check(sizes[i], densities[j], WEFT_SINGLE);
      Check(sizes[i], densities[j], WEFT_DOUBLE);
    }
}

/* Codes of 5 samples, with the coder's own Gram matrix or a given one. */
static void Solve(WeftCoder coder, const WeftBlock *x, double values[], size_t *n)
{
  WeftCodes       codes;
  WeftCoderResult result;

  Ok(WeftCodesCreate(K / 4, 4, &codes));
  Ok(WeftCoderSetPenalty(coder, 0.3, NULL));
  Ok(WeftCoderSolve(coder, x, NULL, &codes, &result));
  *n = codes.start[codes.samples] * 4;
  assert_true(*n > 0 && *n <= 5 * K);
  memcpy(values, codes.value, *n * sizeof(double));
  Ok(WeftCodesDestroy(&codes));
}

/* A coder given the matrix works as one that makes it, and makes it again for the next atoms. */
static void test_given(void **state)
{
  WeftCoder coder;
  WeftBlock atoms[2], gram, x;
  double    own[5 * K] = {0}, given[5 * K] = {0};
  size_t    n[2];

  (void)state;
  MakeAtoms(4, 0.9, WEFT_DOUBLE, &atoms[0]);
  MakeAtoms(4, 0.3, WEFT_DOUBLE, &atoms[1]);
  MakeAtoms(1, 0.9, WEFT_DOUBLE, &x);
  x.rows = 5;
  Ok(WeftBlockCreate(K, K, WEFT_DOUBLE, &gram));
  Ok(WeftCoderCreate(&coder));
  for (int turn = 0; turn < 4; ++turn) {
    Ok(WeftCoderSetDictionary(coder, &atoms[turn / 2], 4));
    if (turn % 2) {
      Ok(WeftBlockGram(&atoms[turn / 2], 4, 0, K, &gram));
      Ok(WeftCoderSetGram(coder, &gram));
    }
    Solve(coder, &x, turn % 2 ? given : own, &n[turn % 2]);
    if (!(turn % 2)) continue;
    assert_int_equal(n[0], n[1]);
    for (size_t i = 0; i < n[0]; ++i) assert_near(given[i], own[i], 1e-12);
  }
  Ok(WeftCoderSetDictionary(coder, &atoms[0], 4));
  Solve(coder, &x, given, &n[1]);
  Ok(WeftCoderSetDictionary(coder, &atoms[1], 4));
  Solve(coder, &x, given, &n[1]);
  assert_int_equal(n[0], n[1]);
  for (size_t i = 0; i < n[0]; ++i) assert_near(given[i], own[i], 0);
  Ok(WeftCoderDestroy(&coder));
  for (int i = 0; i < 2; ++i) Ok(WeftBlockDestroy(&atoms[i]));
  Ok(WeftBlockDestroy(&gram));
  Ok(WeftBlockDestroy(&x));
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_products), cmocka_unit_test(test_given)};
WEFT_TEST_MAIN(tests)
