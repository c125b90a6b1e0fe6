/* Prototypes and the layer of their copies, on a lattice of known places.   ranks: 1 */
#include "wefttest.h"
#include <weft/random.h>
#include <weft/share.h>
#include <math.h>
#include <stdlib.h>

enum { ROWS = 9, COLS = 7, SITES = ROWS * COLS, P = 2, GROUPS = 10, WINDOW = 3 };

/* Input j lies at place 17 j mod 63: a shuffle. */
static void MakeLattice(int channels, WeftLattice *l)
{
  const int d = SITES * channels;

  *l = (WeftLattice){.inputs = d, .placed = d, .channels = channels, .rows = ROWS, .cols = COLS, .score = 1};
  Ok(PetscMalloc3(d, &l->row, d, &l->col, d, &l->channel));
  for (int j = 0; j < d; ++j) {
    const int place = 17 * (j / channels) % SITES;
    l->row[j] = place / COLS;
    l->col[j] = place % COLS;
    l->channel[j] = j % channels;
  }
}

/* Number (i, j, c) of atom a of one of two patterns; some are not connected. */
static double Pattern(int which, int a, int i, int j, int c)
{
  return (i + j + which) % 3 == 1 && c == 0 ? 0
                                            : sin(1.0 + 5 * which + 3 * a + 2 * i + 7 * j + 0.5 * c + i * j * which);
}

/* Group g is pattern g % 2 around a place away from the border. */
static void MakeAtoms(const WeftLattice *l, WeftBlock *atoms)
{
  Ok(WeftBlockCreate(GROUPS * P, (size_t)l->inputs, WEFT_DOUBLE, atoms));
  for (int g = 0; g < GROUPS; ++g)
    for (int a = 0; a < P; ++a)
      for (int j = 0; j < (int)l->inputs; ++j) {
        const int i0 = l->row[j] - (2 + g * 5 % (ROWS - 4)), j0 = l->col[j] - (2 + g * 3 % (COLS - 4));
        if (abs(i0) <= 1 && abs(j0) <= 1)
          WeftBlockSet(atoms, (size_t)(g * P + a), (size_t)j, Pattern(g % 2, a, i0 + 1, j0 + 1, l->channel[j]));
      }
}

static const WeftShareSettings settings = {6, WINDOW, 2};

static void FindShared(int channels, WeftShared *shared)
{
  WeftLattice   l;
  WeftBlock     atoms;
  unsigned char alive[GROUPS];
  double        usage[GROUPS];

  for (int g = 0; g < GROUPS; ++g) {
    alive[g] = g != 0; /* a removed group is no prototype */
    usage[g] = 0.1 + 0.01 * g;
  }
  MakeLattice(channels, &l);
  MakeAtoms(&l, &atoms);
  Ok(WeftSharedFind(&l, &atoms, P, alive, usage, &settings, shared));
  Ok(WeftBlockDestroy(&atoms));
  Ok(WeftLatticeDestroy(&l));
}

static void test_two_patterns_are_two_prototypes(void **state)
{
  (void)state;
  for (int channels = 1; channels <= 2; ++channels) {
    WeftShared s;
    FindShared(channels, &s);
    assert_int_equal(s.settings.prototypes, 2);
    assert_int_equal((s.group[0] + s.group[1]) % 2, 1);
    assert_true(s.group[0] != 0 && s.group[1] != 0);
    assert_true(fabs(s.coverage - 1) <= 1e-12);
    for (int k = 0; k < 2; ++k)
      for (int q = 0; q < P * 9 * channels; ++q) {
        const int a = q / (9 * channels), at = q / channels % 9;
        assert_true(
          fabs(s.atoms[k * P * 9 * channels + q] - Pattern(s.group[k] % 2, a, at / 3, at % 3, q % channels)) <= 1e-15);
      }
    Ok(WeftSharedDestroy(&s));
  }
}

/* What is not moved copies is covered in part: one prototype of two patterns. */
static void test_coverage_is_a_part(void **state)
{
  WeftShareSettings one = settings;
  WeftLattice       l;
  WeftBlock         atoms;
  WeftShared        s;

  (void)state;
  one.prototypes = 1;
  MakeLattice(1, &l);
  MakeAtoms(&l, &atoms);
  Ok(WeftSharedFind(&l, &atoms, P, NULL, NULL, &one, &s));
  assert_int_equal(s.settings.prototypes, 1);
  assert_true(s.coverage > 0.4 && s.coverage < 0.95);
  Ok(WeftSharedDestroy(&s));
  Ok(WeftBlockDestroy(&atoms));
  Ok(WeftLatticeDestroy(&l));
}

static WeftBlock Samples(PetscInt d, WeftPrecision precision)
{
  WeftBlock  x;
  WeftRandom rng;

  Ok(WeftBlockCreate(7, (size_t)d, precision, &x));
  WeftRandomInit(&rng, 5, WEFT_STREAM_TEST, 0);
  for (size_t i = 0; i < 7; ++i)
    for (size_t j = 0; j < (size_t)d; ++j) WeftBlockSet(&x, i, j, WeftRandomNormal(&rng));
  return x;
}

/* The responses by the layer written out. */
static void Naive(const WeftShared *s, double lambda, const WeftBlock *x, size_t i, double y[])
{
  const size_t     window = WeftSharedWindow(s);
  WeftSharedCopies c;

  Ok(WeftSharedWriteOut(s, &c));
  for (size_t o = 0; o < c.pools; ++o) {
    double sum = 0;
    for (size_t e = c.pool_start[o]; e < c.pool_start[o + 1]; ++e) {
      const size_t g = (size_t)c.pool_group[e];
      double       square = 0;
      for (size_t a = 0; a < P; ++a) {
        double u = 0;
        for (size_t l = c.start[g]; l < c.start[g + 1]; ++l) {
          const size_t k = (size_t)c.row[l] / window, q = (size_t)c.row[l] % window;
          if (l > c.start[g]) assert_true(c.input[l] > c.input[l - 1]);
          u += s->atoms[(k * P + a) * window + q] * WeftBlockGet(x, i, (size_t)c.input[l]);
        }
        square += u * u;
      }
      sum += pow(fmax(sqrt(square) - lambda * sqrt(P), 0), 2);
    }
    y[o] = sqrt(sum);
  }
  Ok(PetscFree(c.start));
  Ok(PetscFree(c.input));
  Ok(PetscFree(c.row));
  Ok(PetscFree(c.pool_start));
  Ok(PetscFree(c.pool_group));
}

static void test_responses_are_those_of_the_copies(void **state)
{
  (void)state;
  for (int channels = 1; channels <= 2; ++channels)
    for (int precision = 0; precision < 2; ++precision) {
      WeftShared  s;
      WeftLattice out;
      WeftBlock   x, y;
      double      expected[5 * 4 * 2] = {0};
      int         active = 0;
      FindShared(channels, &s);
      Ok(WeftSharedOutputs(&s, &out));
      assert_int_equal(out.inputs, 5 * 4 * 2);
      x = Samples(s.input.inputs, precision ? WEFT_DOUBLE : WEFT_SINGLE);
      Ok(WeftBlockCreate(x.rows, (size_t)out.inputs, x.precision, &y));
      Ok(WeftSharedRespond(&s, 1.5, &x, &y));
      for (size_t i = 0; i < x.rows; ++i) {
        Naive(&s, 1.5, &x, i, expected);
        for (size_t o = 0; o < y.cols; ++o) {
          assert_true(fabs(WeftBlockGet(&y, i, o) - expected[o]) <= (precision ? 1e-12 : 1e-5));
          active += expected[o] > 0;
        }
      }
      assert_true(active > 0 && active < (int)(x.rows * y.cols));
      Ok(WeftBlockDestroy(&x));
      Ok(WeftBlockDestroy(&y));
      Ok(WeftLatticeDestroy(&out));
      Ok(WeftSharedDestroy(&s));
    }
}

/* A pattern that moves by the pool's step moves the answers by one place. */
static void test_answers_move_with_the_input(void **state)
{
  WeftShared  s;
  WeftLattice out;
  WeftBlock   x, y;

  (void)state;
  FindShared(1, &s);
  Ok(WeftSharedOutputs(&s, &out));
  Ok(WeftBlockCreate(2, SITES, WEFT_DOUBLE, &x));
  Ok(WeftBlockCreate(2, (size_t)out.inputs, WEFT_DOUBLE, &y));
  for (size_t j = 0; j < SITES; ++j)
    for (int i = 0; i < 2; ++i) WeftBlockSet(&x, (size_t)i, j, s.input.row[j] == 3 + 2 * i && s.input.col[j] == 2);
  Ok(WeftSharedRespond(&s, 0.01, &x, &y));
  for (size_t o = 0; o + 4 * 2 < y.cols; ++o)
    assert_true(fabs(WeftBlockGet(&y, 0, o) - WeftBlockGet(&y, 1, o + 4 * 2)) <= 1e-14);
  assert_true(WeftBlockGet(&y, 0, (1 * 4 + 1) * 2) > 0.1);
  Ok(WeftBlockDestroy(&x));
  Ok(WeftBlockDestroy(&y));
  Ok(WeftLatticeDestroy(&out));
  Ok(WeftSharedDestroy(&s));
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(test_two_patterns_are_two_prototypes), cmocka_unit_test(test_coverage_is_a_part),
  cmocka_unit_test(test_responses_are_those_of_the_copies), cmocka_unit_test(test_answers_move_with_the_input)};
WEFT_TEST_MAIN(tests)
