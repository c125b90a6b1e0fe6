/* Decoder bits and entropy where the value is known, and what may not change them.   ranks: 1 2 3 4 */
#include "measure.h"
#include <weft/random.h>
#include <math.h>

static void Same(const WeftInformationResult *a, const WeftInformationResult *b, double tol)
{
  assert_near(a->bits, b->bits, tol * fabs(b->bits));
  assert_near(a->bits_plain, b->bits_plain, tol * fabs(b->bits_plain));
  assert_near(a->bits_full, b->bits_full, tol * fabs(b->bits_full));
  assert_int_equal(a->directions, b->directions);
}

static void test_parts_are_one_block(void **state)
{
  const Problem p = {403, 9, 7, DrawMixed};

  (void)state;
  for (int precision = 0; precision < 2; ++precision) {
    const WeftInformationResult one = MeasureParts(&p, (WeftPrecision)precision, 1, 1);
    for (int parts = 2; parts <= 3; ++parts) {
      const WeftInformationResult r = MeasureParts(&p, (WeftPrecision)precision, parts, 1);
      Same(&r, &one, 1e-12);
      assert_near(r.entropy_bits, one.entropy_bits, 1e-12 * one.entropy_bits);
    }
  }
}

/* All outputs given twice or four times. */
static void test_repeated_outputs_add_nothing(void **state)
{
  const Problem               p = {403, 9, 7, DrawMixed};
  const WeftInformationResult one = MeasureParts(&p, WEFT_DOUBLE, 1, 1);

  (void)state;
  for (int times = 2; times <= 4; times += 2) {
    const WeftInformationResult r = MeasureParts(&p, WEFT_DOUBLE, 1, times);
    Same(&r, &one, 1e-8);
    assert_int_equal(r.outputs, 7 * times);
  }
}

/* The same with outputs between that do not vary: dead groups. */
static void DrawDead(size_t i, double x[], double y[])
{
  double mixed[7];

  DrawMixed(i, x, mixed);
  for (size_t g = 0; g < 14; ++g) y[g] = g % 2 ? mixed[g / 2] : g % 4 ? 0 : 0.1;
}

static void test_dead_outputs_have_no_part(void **state)
{
  const WeftInformationResult one = Measure(403, 9, 7, DrawMixed), r = Measure(403, 9, 14, DrawDead);

  (void)state;
  Same(&r, &one, 1e-10);
  assert_near(r.entropy_bits, one.entropy_bits, 1e-10 * one.entropy_bits);
  assert_near(r.ridge, one.ridge, 1e-10 * one.ridge);
  assert_int_equal(r.outputs, 7);
}

static void DrawAllDead(size_t i, double x[], double y[])
{
  DrawMixed(i, x, y);
  for (size_t g = 0; g < 7; ++g) y[g] = 0.3;
}

static void test_nothing_but_dead_outputs(void **state)
{
  const WeftInformationResult r = Measure(4000, 9, 7, DrawAllDead);

  (void)state;
  assert_int_equal(r.outputs, 0);
  assert_near(r.bits, 0, 0.01);
  assert_near(r.bits_full, 0, 0.01);
  assert_true(r.entropy_bits == 0);
}

/* ---- where the value is known ---- */

enum { KNOWN = 40001 };

static const double variances[] = {9, 4, 1, 0.25}, noises[] = {0.3, 1, 2};

/* y_j = x_j + noise for three of four independent inputs, which are s_j times z_j of variance 1. */
static void Channel(size_t i, const double z[], double x[], double y[])
{
  for (size_t j = 0; j < 4; ++j) x[j] = sqrt(variances[j]) * z[j];
  for (size_t j = 0; j < 3; ++j) y[j] = x[j] + sqrt(noises[j]) * Normal(i, 10 + j);
}

static double ChannelBits(void)
{
  double bits = 0;

  for (int j = 0; j < 3; ++j) bits += 0.5 * log2(1 + variances[j] / noises[j]);
  return bits;
}

static void DrawGaussian(size_t i, double x[], double y[])
{
  double z[4];

  for (size_t j = 0; j < 4; ++j) z[j] = Normal(i, j);
  Channel(i, z, x, y);
}

static double Uniform(size_t i, size_t which)
{
  WeftRandom rng;

  WeftRandomInit(&rng, 100 + which, WEFT_STREAM_TEST, i);
  return WeftRandomUniform(&rng) - 0.5;
}

static void DrawUniform(size_t i, double x[], double y[])
{
  double z[4];

  for (size_t j = 0; j < 4; ++j) z[j] = sqrt(12) * Uniform(i, j);
  Channel(i, z, x, y);
}

static void DrawLaplace(size_t i, double x[], double y[])
{
  double z[4];

  for (size_t j = 0; j < 4; ++j) {
    const double u = Uniform(i, j);
    z[j] = copysign(log(1 - 2 * fabs(u)) / sqrt(2), u);
  }
  Channel(i, z, x, y);
}

/* Both forms have the mutual information of a Gaussian channel, and by covariance alone that of any. */
static void test_independent_channels(void **state)
{
  const Draw draws[] = {DrawGaussian, DrawUniform, DrawLaplace};

  (void)state;
  for (int t = 0; t < 3; ++t) {
    const WeftInformationResult r = Measure(KNOWN, 4, 3, draws[t]);
    assert_near(r.bits_plain, ChannelBits(), 0.03);
    assert_near(r.bits_full, ChannelBits(), 0.03);
    assert_int_equal(r.directions, 4);
  }
}

/* x whitened with a ridge has variance w_j = s_j / (s_j + r); y tells x but for noise of its own. */
static const double whitened[4] = {0.9, 0.5, 0.02, 0.7};

static void DrawWhitened(size_t i, double x[], double y[])
{
  for (size_t j = 0; j < 4; ++j) x[j] = sqrt(whitened[j]) * Normal(i, j);
  for (size_t j = 0; j < 3; ++j) y[j] = x[j] + sqrt(whitened[j] * noises[j]) * Normal(i, 10 + j);
}

/* The information on x and the noise that makes its variances 1: R² = 1 / (1 + noise) of x, and w R² of x + N. */
static void test_bits_are_on_the_input_with_its_noise(void **state)
{
  const WeftInformationResult r = Measure(KNOWN, 4, 3, DrawWhitened);
  double                      expected = 0, plain = 0;

  (void)state;
  for (int j = 0; j < 3; ++j) {
    expected -= 0.5 * log2(1 - whitened[j] / (1 + noises[j]));
    plain -= 0.5 * log2(1 - 1 / (1 + noises[j]));
  }
  assert_near(r.bits, expected, 0.03);
  assert_near(r.bits_plain, plain, 0.03);
}

/* Ten directions that some outputs tell well, so that a small ridge is best, and 30 that decoding then does harm to. */
static void DrawHarmed(size_t i, double x[], double y[])
{
  for (size_t j = 0; j < 40; ++j) x[j] = (j < 10 ? 9 : 1.5) * Normal(i, j);
  for (size_t g = 0; g < 60; ++g) y[g] = g < 10 ? x[g] + 0.1 * Normal(i, 100 + g) : Normal(i, 100 + g);
}

/* Variances above 1 all count in full, so bits and bits_plain differ by what is left alone. */
static void test_a_direction_may_be_left_alone(void **state)
{
  const WeftInformationResult r = Measure(800, 40, 60, DrawHarmed);

  (void)state;
  assert_true(r.bits > r.bits_plain + 0.5);
}

static void DrawSum(size_t i, double x[], double y[])
{
  x[0] = 2 * Normal(i, 0);
  x[1] = Normal(i, 1);
  y[0] = x[0] + x[1] + Normal(i, 2);
}

/* y = x0 + x1 + noise of variance 1 with variances 4 and 1: I = ½ log2 6, R² = 2/3 and 1/6. */
static void test_one_output_of_two_inputs(void **state)
{
  const WeftInformationResult r = Measure(KNOWN, 2, 1, DrawSum);

  (void)state;
  assert_near(r.bits_full, 0.5 * log2(6), 0.03);
  assert_near(r.bits_plain, 0.5 * log2(3) + 0.5 * log2(1.2), 0.03);
}

static void DrawIdentity(size_t i, double x[], double y[])
{
  for (size_t j = 0; j < 4; ++j) y[j] = x[j] = sqrt(variances[j]) * Normal(i, j);
}

/* The ridge alone is between input and output: what is left is r / (1 + r) of each direction. */
static void test_the_ridge_bounds_a_copy(void **state)
{
  const WeftInformationResult r = Measure(KNOWN, 4, 4, DrawIdentity);

  (void)state;
  assert_true(r.ridge == 1e-4);
  assert_near(r.bits_plain, 4 * log2((1 + r.ridge) / r.ridge), 0.1);
}

static void DrawUnrelated(size_t i, double x[], double y[])
{
  for (size_t j = 0; j < 6; ++j) x[j] = Normal(i, j) * (1 + (double)j);
  for (size_t g = 0; g < 100; ++g) y[g] = Normal(i, 50 + g);
}

/* With few outputs, and with nearly as many, or more, than samples to fit. */
static void test_unrelated_outputs_tell_nothing(void **state)
{
  const size_t samples[] = {4000, 4000, 240, 190}, outputs[] = {5, 100, 100, 100};

  (void)state;
  for (int t = 0; t < 4; ++t) {
    const WeftInformationResult r = Measure(samples[t], 6, outputs[t], DrawUnrelated);
    assert_near(r.bits, 0, t < 2 ? 0.02 : 0.3);
    assert_near(r.bits_plain, 0, t < 2 ? 0.02 : 0.3);
    assert_near(r.bits_full, 0, t < 2 ? 0.02 : 0.3);
  }
}

/* One output tells of x0, 99 do not, and there are fewer samples than outputs. */
static void DrawNeedle(size_t i, double x[], double y[])
{
  DrawUnrelated(i, x, y);
  for (size_t g = 0; g < 20; ++g) y[g] = x[5] + 0.1 * y[g];
}

static void test_more_outputs_than_samples(void **state)
{
  const WeftInformationResult r = Measure(150, 6, 100, DrawNeedle);

  (void)state;
  assert_true(r.bits > 1);
}

static void test_entropy_of_independent_outputs(void **state)
{
  const WeftInformationResult r = Measure(KNOWN, 4, 3, DrawGaussian);
  double                      expected = 0, mean = 0;

  (void)state;
  for (int j = 0; j < 3; ++j) mean += (variances[j] + noises[j]) / 3;
  for (int j = 0; j < 3; ++j) expected += 0.5 * log2(1 + (variances[j] + noises[j]) / (0.01 * mean));
  assert_near(r.entropy_bits, expected, 0.03);
}

static void test_few_samples(void **state)
{
  (void)state;
  for (size_t n = 0; n < 12; ++n) {
    const WeftInformationResult r = Measure(n, 9, 7, DrawMixed);
    assert_true(isfinite(r.bits) && isfinite(r.entropy_bits));
    if (n < 4) assert_true(r.bits == 0);
    assert_true(isnan(r.bits_full) || n < 2);
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_parts_are_one_block),
                                          cmocka_unit_test(test_bits_are_on_the_input_with_its_noise),
                                          cmocka_unit_test(test_a_direction_may_be_left_alone),
                                          cmocka_unit_test(test_repeated_outputs_add_nothing),
                                          cmocka_unit_test(test_dead_outputs_have_no_part),
                                          cmocka_unit_test(test_nothing_but_dead_outputs),
                                          cmocka_unit_test(test_independent_channels),
                                          cmocka_unit_test(test_one_output_of_two_inputs),
                                          cmocka_unit_test(test_the_ridge_bounds_a_copy),
                                          cmocka_unit_test(test_unrelated_outputs_tell_nothing),
                                          cmocka_unit_test(test_more_outputs_than_samples),
                                          cmocka_unit_test(test_entropy_of_independent_outputs),
                                          cmocka_unit_test(test_few_samples)};
WEFT_TEST_MAIN(tests)
