/* Pooled responses: those of a plain double loop, in both precisions; what holds for exact ones; dead groups, groups of
   one, no samples; and of a layer just learned, on all ranks.   ranks: 1 2 3 4 */
#include "planted.h"
#include "wefttest.h"
#include <weft/response.h>
#include <math.h>
#include <string.h>

enum { ROWS = 1100, D = 23, GROUPS = 7 }; /* more than one piece of either kind */

typedef struct {
  int           p;
  WeftPrecision precision;
  WeftBlock     x, atoms, y;
  unsigned char alive[GROUPS];
} Case;

/* Any numbers; atoms of norm near 1, samples of norm near 5. */
static void CaseCreate(size_t rows, int p, WeftPrecision precision, Case *c)
{
  *c = (Case){.p = p, .precision = precision};
  Ok(WeftBlockCreate(rows, D, precision, &c->x));
  Ok(WeftBlockCreate((size_t)(GROUPS * p), D, precision, &c->atoms));
  Ok(WeftBlockCreate(rows, GROUPS, precision, &c->y));
  for (size_t i = 0; i < rows * D; ++i)
    WeftBlockSet(&c->x, i / D, i % D, 1.5 * sin(1.7 * (double)i + (double)(i % 11)));
  for (size_t i = 0; i < c->atoms.rows * D; ++i)
    WeftBlockSet(&c->atoms, i / D, i % D, 0.3 * cos(2.3 * (double)i + (double)(i % 7)));
  for (int g = 0; g < GROUPS; ++g) c->alive[g] = g != 2;
  if (rows)
    memset(c->y.values.v, 0x7f, rows * GROUPS * WeftPrecisionBytes(precision)); /* what stood there does not show */
}

static void CaseDestroy(Case *c)
{
  Ok(WeftBlockDestroy(&c->x));
  Ok(WeftBlockDestroy(&c->atoms));
  Ok(WeftBlockDestroy(&c->y));
}

static double NaiveForward(const Case *c, size_t i, int g, double lambda)
{
  double square = 0;

  if (!c->alive[g]) return 0;
  for (int a = g * c->p; a < (g + 1) * c->p; ++a) {
    double u = 0;
    for (size_t j = 0; j < D; ++j) u += WeftBlockGet(&c->x, i, j) * WeftBlockGet(&c->atoms, (size_t)a, j);
    square += u * u;
  }
  return fmax(0, sqrt(square) - lambda * sqrt((double)c->p));
}

static void CheckForward(size_t rows, int p, WeftPrecision precision, double lambda)
{
  const double    rounding = precision == WEFT_SINGLE ? 1e-5 : 1e-13;
  size_t          zeros = 0;
  Case            c;
  WeftResponder   r;
  WeftCoderResult result;

  CaseCreate(rows, p, precision, &c);
  Ok(WeftResponderCreate(&c.atoms, p, lambda, c.alive, NULL, &r));
  Ok(WeftRespond(&r, WEFT_FEEDFORWARD, &c.x, &c.y, &result));
  assert_int_equal(result.samples, rows);
  for (size_t i = 0; i < rows; ++i)
    for (int g = 0; g < GROUPS; ++g) {
      assert_near(WeftBlockGet(&c.y, i, (size_t)g), NaiveForward(&c, i, g, lambda), rounding);
      zeros += c.alive[g] && WeftBlockGet(&c.y, i, (size_t)g) == 0;
      assert_true(c.alive[g] || WeftBlockGet(&c.y, i, (size_t)g) == 0);
    }
  if (rows > 1 && lambda > 0) assert_in_range(zeros, rows / 10, 5 * rows); /* some are under the threshold, not all */
  Ok(WeftResponderDestroy(&r));
  CaseDestroy(&c);
}

static void test_feedforward_is_that_of_a_plain_loop(void **state)
{
  const size_t rows[] = {0, 1, 255, 256, 257, ROWS};

  (void)state;
  for (int n = 0; n < 6; ++n)
    for (int precision = 0; precision < 2; ++precision)
      for (int p = 1; p <= 5; p += 2) {
        CheckForward(rows[n], p, (WeftPrecision)precision, 1.1);
        CheckForward(rows[n], p, (WeftPrecision)precision, 0);
      }
}

/* A sample's value that is not a number must not look like a silent group. */
static void test_what_is_not_a_number_shows(void **state)
{
  Case          c;
  WeftResponder r;

  (void)state;
  CaseCreate(3, 2, WEFT_SINGLE, &c);
  WeftBlockSet(&c.x, 1, 4, NAN);
  Ok(WeftResponderCreate(&c.atoms, 2, 1.1, NULL, NULL, &r));
  Ok(WeftRespond(&r, WEFT_FEEDFORWARD, &c.x, &c.y, NULL));
  for (size_t g = 0; g < GROUPS; ++g) {
    assert_true(isnan(WeftBlockGet(&c.y, 1, g)));
    assert_false(isnan(WeftBlockGet(&c.y, 0, g)) || isnan(WeftBlockGet(&c.y, 2, g)));
  }
  Ok(WeftResponderDestroy(&r));
  CaseDestroy(&c);
}

/* P of the sample's code, whose group norms are y, is within the certified gap of the least: as y alone does not say
   what the code is, the same codes are asked of a coder of our own. */
static void CheckExact(size_t rows, int p, WeftPrecision precision, const double ridge[])
{
  const double    lambda = 0.6;
  Case            c;
  WeftResponder   r;
  WeftCoder       coder;
  WeftCodes       codes;
  WeftCoderResult result, whole;
  WeftBlock       z;

  CaseCreate(rows, p, precision, &c);
  Ok(WeftResponderCreate(&c.atoms, p, lambda, NULL, ridge, &r));
  Ok(WeftResponderGetCoder(&r, &coder));
  Ok(WeftCoderSetTolerances(coder, 1e-4, 20));
  Ok(WeftRespond(&r, WEFT_EXACT, &c.x, &c.y, &result));
  Ok(WeftCoderCreate(&coder));
  Ok(WeftCoderSetTolerances(coder, 1e-4, 20));
  Ok(WeftCoderSetDictionary(coder, &c.atoms, p));
  Ok(WeftCoderSetPenalty(coder, lambda, ridge));
  Ok(WeftCodesCreate(GROUPS, p, &codes));
  Ok(WeftCoderSolve(coder, &c.x, NULL, &codes, &whole));
  Ok(WeftBlockCreate(1, c.atoms.rows, WEFT_DOUBLE, &z));
  for (size_t i = 0; i < rows; ++i) {
    memset(z.values.v, 0, c.atoms.rows * sizeof(double));
    WeftCodesToDense(&codes, i, &z, 0);
    for (int g = 0; g < GROUPS; ++g) {
      double square = 0;
      for (int a = g * p; a < (g + 1) * p; ++a) square += z.values.d[a] * z.values.d[a];
      assert_near(WeftBlockGet(&c.y, i, (size_t)g), sqrt(square), precision == WEFT_SINGLE ? 1e-4 : 1e-10);
    }
  }
  assert_int_equal(result.samples, rows);
  assert_int_equal(result.reason, rows ? WEFT_CODER_CONVERGED_GAP : 0);
  assert_int_equal(result.active_groups, whole.active_groups);
  assert_near(result.objective, whole.objective, 1e-4 * whole.objective);
  assert_true(result.max_gap <= 1e-4 && (!rows || result.sum_gap > 0));
  Ok(WeftBlockDestroy(&z));
  Ok(WeftCodesDestroy(&codes));
  Ok(WeftCoderDestroy(&coder));
  Ok(WeftResponderDestroy(&r));
  CaseDestroy(&c);
}

static void test_exact_is_the_norm_of_the_code(void **state)
{
  const double ridge[GROUPS] = {0.5, 0, 2, 0.1, 0, 0, 1};

  (void)state;
  for (int precision = 0; precision < 2; ++precision)
    for (int p = 1; p <= 3; p += 2) {
      CheckExact(0, p, (WeftPrecision)precision, NULL);
      CheckExact(ROWS, p, (WeftPrecision)precision, NULL);
      CheckExact(ROWS, p, (WeftPrecision)precision, ridge);
    }
}

/* One sample, one atom of norm 1: z = soft(u), so both kinds are u - λ; a group that is not alive is silent in both. */
static void test_a_known_answer(void **state)
{
  const unsigned char dead[] = {0};
  WeftBlock           x, atom, y;
  WeftResponder       r;

  (void)state;
  Ok(WeftBlockCreate(1, 2, WEFT_DOUBLE, &x));
  Ok(WeftBlockCreate(1, 2, WEFT_DOUBLE, &atom));
  Ok(WeftBlockCreate(1, 1, WEFT_DOUBLE, &y));
  WeftBlockSet(&x, 0, 0, -3);
  WeftBlockSet(&x, 0, 1, 5);
  WeftBlockSet(&atom, 0, 0, 1);
  for (int kind = 0; kind < 2; ++kind)
    for (int alive = 0; alive < 2; ++alive) {
      Ok(WeftResponderCreate(&atom, 1, 0.5, alive ? NULL : dead, NULL, &r));
      Ok(WeftRespond(&r, kind ? WEFT_EXACT : WEFT_FEEDFORWARD, &x, &y, NULL));
      assert_near(WeftBlockGet(&y, 0, 0), alive ? 2.5 : 0, kind ? 1e-3 : 1e-15);
      Ok(WeftResponderDestroy(&r));
    }
  Ok(WeftBlockDestroy(&x));
  Ok(WeftBlockDestroy(&atom));
  Ok(WeftBlockDestroy(&y));
}

/* Each rank its samples of a layer with a removed group and μ > 0: exact responses are the norms of the layer's codes
   with its final dictionary, and a removed group is silent. */
static void test_of_a_layer(void **state)
{
  const Planted     planted = {.n = 90, .d = 12, .groups = 4, .group_size = 2, .inputs = 5, .active = 1, .noise = 0.1};
  WeftLayerSettings settings = PlantedSettings(24, 2, 20);
  WeftResponder     r;
  PlantedLayer      p;
  WeftBlock         y;
  WeftCoderResult   result;
  WeftCoder         coder;
  double            usage[12] = {0};

  (void)state;
  settings.width_penalty = 0.2;
  settings.sparsity = 0.7;
  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &p);
  Ok(WeftCoderSetTolerances(p.layer->coder, 1e-9, 20)); /* so that no group is active by a hair */
  PlantedLayerLearn(&p);
  Ok(WeftResponderFromLayer(p.layer, &r));
  assert_true(r.ridge != NULL);
  Ok(WeftResponderGetCoder(&r, &coder));
  Ok(WeftCoderSetTolerances(coder, 1e-9, 20));
  Ok(WeftBlockCreate(p.x.rows, 12, WEFT_DOUBLE, &y));
  Ok(WeftRespond(&r, WEFT_EXACT, &p.x, &y, &result));
  for (size_t i = 0; i < y.rows; ++i)
    for (size_t g = 0; g < 12; ++g) usage[g] += WeftBlockGet(&y, i, g) > 0 ? 1.0 / 90 : 0;
  MPI_Allreduce(MPI_IN_PLACE, usage, 12, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  for (int g = 0; g < 12; ++g) {
    assert_near(usage[g], p.layer->usage[g], 1e-12);
    assert_true(r.alive[g] || usage[g] == 0);
  }
  assert_in_range(WeftDictCountAlive(p.layer->dict), 1, 11);
  Ok(WeftBlockDestroy(&y));
  Ok(WeftResponderDestroy(&r));
  PlantedLayerDestroy(&p);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_feedforward_is_that_of_a_plain_loop),
                                          cmocka_unit_test(test_what_is_not_a_number_shows),
                                          cmocka_unit_test(test_exact_is_the_norm_of_the_code),
                                          cmocka_unit_test(test_a_known_answer), cmocka_unit_test(test_of_a_layer)};

WEFT_TEST_MAIN(tests)
