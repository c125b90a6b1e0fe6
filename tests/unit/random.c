/* Random numbers: the moments are right and the key alone decides the value.   ranks: 1 */
#include "wefttest.h"
#include <weft/random.h>

static void test_moments(void **state)
{
  WeftRandom rng;
  double     mean = 0, square = 0, uniform = 0;
  const int  n = 200000;

  (void)state;
  WeftRandomInit(&rng, 1, WEFT_STREAM_TEST, 0);
  for (int i = 0; i < n; ++i) {
    const double x = WeftRandomNormal(&rng);
    mean += x / n;
    square += x * x / n;
    uniform += WeftRandomUniform(&rng) / n;
  }
  assert_near(mean, 0.0, 0.01);
  assert_near(square, 1.0, 0.02);
  assert_near(uniform, 0.5, 0.005);
}

static void test_key_decides(void **state)
{
  WeftRandom a, b;

  (void)state;
  WeftRandomInit(&a, 7, WEFT_STREAM_TEST, 3);
  WeftRandomInit(&b, 7, WEFT_STREAM_TEST, 3);
  assert_true(WeftRandomBits(&a) == WeftRandomBits(&b));
  WeftRandomInit(&b, 7, WEFT_STREAM_TEST, 4);
  assert_true(WeftRandomBits(&a) != WeftRandomBits(&b));
  for (int i = 0; i < 1000; ++i) assert_true(WeftRandomBelow(&a, 7) < 7);
}

/* Of 3/4 of all numbers, the remainder alone would make the first third twice as likely as each other. */
static void test_large_bound(void **state)
{
  const uint64_t third = (uint64_t)1 << 62;
  WeftRandom     rng;
  int            low = 0;

  (void)state;
  WeftRandomInit(&rng, 1, WEFT_STREAM_TEST, 0);
  for (int i = 0; i < 30000; ++i) low += WeftRandomBelow(&rng, 3 * third) < third;
  assert_true(abs(low - 10000) < 400); /* five standard deviations */
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_moments), cmocka_unit_test(test_key_decides),
                                          cmocka_unit_test(test_large_bound)};
WEFT_TEST_MAIN(tests)
