/* The group problem's kernel against bisection, and at its corners.   ranks: 1 */
#include "wefttest.h"
#include <weft/group.h>
#include <weft/random.h>
#include <stdlib.h>

enum { PROBLEMS = 150, MAX_P = 7, STRIDE = PROBLEMS + 9 }; /* more than one chunk, and a part of one */

typedef struct {
  int    p;
  double h[MAX_P], t, b[MAX_P * STRIDE];
} Problems;

/* (Σ b²/(h s + t)²)^(1/2) − 1, which falls with s. */
static double Secular(const Problems *problems, size_t j, double s)
{
  double sum = 0;

  for (int i = 0; i < problems->p; ++i) {
    const double w = problems->b[i * STRIDE + (int)j] / (problems->h[i] * s + problems->t);
    sum += w * w;
  }
  return sqrt(sum) - 1.0;
}

static void Bisection(const Problems *problems, size_t j, double z[])
{
  double low = 0, high = 1, s;

  while (Secular(problems, j, high) > 0 && high < 1e200) high *= 2;
  for (int step = 0; step < 2000 && low < high; ++step) {
    s = 0.5 * (low + high);
    if (s <= low || s >= high) break;
    if (Secular(problems, j, s) > 0)
      low = s;
    else
      high = s;
  }
  s = Secular(problems, j, 0.0) > 0 ? 0.5 * (low + high) : 0.0;
  for (int i = 0; i < problems->p; ++i)
    z[i] = problems->b[i * STRIDE + (int)j] * s / (problems->h[i] * s + problems->t);
}

static void Solve(const Problems *problems, double z[])
{
  WeftGroupSolveMany(PROBLEMS, problems->p, problems->h, problems->t, problems->b, STRIDE, z, STRIDE);
}

/* What rounding may be: relative to z where that is large, to the pull of the threshold where z is just above zero. */
static double Scale(const Problems *problems, size_t j, const double z[])
{
  double norm = 0, square = 0, bend = 0;

  for (int i = 0; i < problems->p; ++i) {
    const double b = problems->b[i * STRIDE + (int)j];
    norm += z[i] * z[i];
    square += b * b;
    bend += b * b * problems->h[i];
  }
  return sqrt(norm) + problems->t * square / bend;
}

static void Compare(const Problems *problems, double tolerance)
{
  static double z[MAX_P * STRIDE];
  double        expected[MAX_P];

  Solve(problems, z);
  for (size_t j = 0; j < PROBLEMS; ++j) {
    PetscBool zero = PETSC_TRUE;
    Bisection(problems, j, expected);
    for (int i = 0; i < problems->p; ++i) {
      assert_near(z[(size_t)i * STRIDE + j], expected[i], tolerance * Scale(problems, j, expected));
      if (expected[i] != 0) zero = PETSC_FALSE;
    }
    for (int i = 0; i < problems->p && zero; ++i) assert_true(z[(size_t)i * STRIDE + j] == 0);
  }
}

/* Curvatures over six decades; b from far below to far above the threshold. */
static void Random(uint64_t key, int p, Problems *problems)
{
  WeftRandom rng;

  WeftRandomInit(&rng, key, WEFT_STREAM_TEST, 5);
  problems->p = p;
  problems->t = exp(2 * WeftRandomNormal(&rng));
  for (int i = 0; i < p; ++i) problems->h[i] = pow(10.0, 6 * WeftRandomUniform(&rng) - 3);
  for (size_t j = 0; j < PROBLEMS; ++j) {
    const double size = problems->t * pow(10.0, 4 * WeftRandomUniform(&rng) - 1);
    for (int i = 0; i < p; ++i) problems->b[(size_t)i * STRIDE + j] = size * WeftRandomNormal(&rng);
  }
}

static const int sizes[] = {1, 2, 3, 4, 7};

static void test_against_bisection(void **state)
{
  Problems problems;

  (void)state;
  for (int s = 0; s < 5; ++s)
    for (uint64_t key = 0; key < 20; ++key) {
      Random(key, sizes[s], &problems);
      Compare(&problems, 1e-13);
    }
}

static void test_equal_curvatures(void **state)
{
  Problems problems;

  (void)state;
  for (int s = 0; s < 5; ++s) {
    Random(77, sizes[s], &problems);
    for (int i = 0; i < problems.p; ++i) problems.h[i] = 0.7;
    Compare(&problems, 1e-14);
  }
}

/* A root exists while the flat components alone stay below the threshold. */
static void test_flat_components(void **state)
{
  Problems problems;

  (void)state;
  for (int s = 1; s < 5; ++s)
    for (uint64_t key = 0; key < 10; ++key) {
      Random(key, sizes[s], &problems);
      problems.h[0] = problems.h[problems.p / 2] = 0;
      for (size_t j = 0; j < PROBLEMS; ++j) {
        problems.b[j] = 0.6 * problems.t * sin((double)j);
        problems.b[(size_t)(problems.p / 2) * STRIDE + j] = j % 3 ? 0.6 * problems.t * cos(3.0 * (double)j) : 0.0;
      }
      if (problems.p == 2) continue; /* both flat: no root where b is long */
      Compare(&problems, 1e-10);
    }
}

static void test_flat_with_nothing_to_gain(void **state)
{
  Problems problems;
  double   z[MAX_P * STRIDE];

  (void)state;
  Random(3, 4, &problems);
  for (int i = 0; i < 4; ++i) problems.h[i] = 0;
  for (size_t j = 0; j < 4 * STRIDE; ++j) problems.b[j] = 0;
  for (int sharp = 0; sharp < 2; ++sharp) {
    if (!sharp) problems.t = 0;
    Solve(&problems, z);
    for (int i = 0; i < 4; ++i)
      for (size_t j = 0; j < PROBLEMS; ++j) assert_true(z[(size_t)i * STRIDE + j] == 0);
    problems.t = 1;
  }
}

/* At ‖b‖ = t the solution is zero; a hair above, it is the hair. */
static void test_at_the_threshold(void **state)
{
  Problems problems;
  double   z[MAX_P * STRIDE];

  (void)state;
  Random(9, 3, &problems);
  problems.t = 3;
  for (int i = 0; i < 3; ++i) problems.h[i] = 2;
  for (size_t j = 0; j < PROBLEMS; ++j) {
    const double grow = j % 2 ? 1.0 : 1.0 + 1e-9;
    problems.b[j] = 1 * grow;
    problems.b[STRIDE + j] = -2 * grow;
    problems.b[2 * STRIDE + j] = 2 * grow;
  }
  Solve(&problems, z);
  for (size_t j = 0; j < PROBLEMS; ++j) {
    assert_near(z[j], j % 2 ? 0.0 : 0.5e-9, 1e-15);
    assert_near(z[STRIDE + j], j % 2 ? 0.0 : -1e-9, 2e-15);
    if (j % 2) assert_true(z[j] == 0 && z[STRIDE + j] == 0 && z[2 * STRIDE + j] == 0);
  }
}

static void test_without_threshold(void **state)
{
  Problems problems;
  double   z[MAX_P * STRIDE];

  (void)state;
  Random(4, 7, &problems);
  problems.t = 0;
  problems.h[2] = 0;
  Solve(&problems, z);
  for (int i = 0; i < 7; ++i)
    for (size_t j = 0; j < PROBLEMS; ++j) {
      const double b = problems.b[(size_t)i * STRIDE + j];
      assert_near(z[(size_t)i * STRIDE + j], i == 2 ? 0.0 : b / problems.h[i],
                  i == 2 ? 0.0 : 1e-15 * fabs(b / problems.h[i]));
    }
}

static void test_in_place_and_beyond_the_rows(void **state)
{
  Problems problems, in_place;
  double   z[MAX_P * STRIDE];

  (void)state;
  Random(12, 4, &problems);
  for (size_t j = 0; j < MAX_P * STRIDE; ++j) z[j] = 5;
  in_place = problems;
  Solve(&problems, z);
  WeftGroupSolveMany(PROBLEMS, 4, in_place.h, in_place.t, in_place.b, STRIDE, in_place.b, STRIDE);
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < PROBLEMS; ++j) assert_true(in_place.b[i * STRIDE + j] == z[i * STRIDE + j]);
    for (size_t j = PROBLEMS; j < STRIDE; ++j) assert_true(z[i * STRIDE + j] == 5);
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_bisection),
                                          cmocka_unit_test(test_equal_curvatures),
                                          cmocka_unit_test(test_flat_components),
                                          cmocka_unit_test(test_flat_with_nothing_to_gain),
                                          cmocka_unit_test(test_at_the_threshold),
                                          cmocka_unit_test(test_without_threshold),
                                          cmocka_unit_test(test_in_place_and_beyond_the_rows)};
WEFT_TEST_MAIN(tests)
