/* A planted dictionary is found: its groups, their inputs, and of rare ones what the global term leaves.
   ranks: 1 3 */
#include "planted.h"
#include "wefttest.h"
#include <petscblaslapack.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_GROUP = 4 };

/* Vectors v[p][d] made orthonormal in place (Gram & Schmidt); what depends on earlier ones becomes zero. */
static void Orthonormalise(int d, int p, double v[])
{
  for (int a = 0; a < p; ++a) {
    double square = 0;
    for (int b = 0; b < a; ++b) {
      double dot = 0;
      for (int j = 0; j < d; ++j) dot += v[a * d + j] * v[b * d + j];
      for (int j = 0; j < d; ++j) v[a * d + j] -= dot * v[b * d + j];
    }
    for (int j = 0; j < d; ++j) square += v[a * d + j] * v[a * d + j];
    for (int j = 0; j < d; ++j) v[a * d + j] = square > 1e-20 ? v[a * d + j] / sqrt(square) : 0.0;
  }
}

/* Cosine of the largest principal angle between two subspaces given by orthonormal vectors. */
static double SmallestCosine(int d, int p, const double u[], const double v[])
{
  double       products[MAX_GROUP * MAX_GROUP] = {0}, singular[MAX_GROUP], work[64];
  PetscBLASInt n = p, one = 1, length = 64, info;

  for (int a = 0; a < p; ++a)
    for (int b = 0; b < p; ++b)
      for (int j = 0; j < d; ++j) products[a * p + b] += u[a * d + j] * v[b * d + j];
  LAPACKgesvd_("N", "N", &n, &n, products, &n, singular, NULL, &one, NULL, &one, work, &length, &info);
  assert_int_equal(info, 0);
  return singular[p - 1];
}

static void PlantedBasis(const Planted *planted, int g, double basis[])
{
  for (int a = 0; a < planted->group_size; ++a)
    PlantedAtom(planted, g * planted->group_size + a, basis + a * planted->d);
  Orthonormalise((int)planted->d, planted->group_size, basis);
}

static void LearnedBasis(const PlantedLayer *p, int g, double basis[])
{
  const int group_size = (int)p->layer->settings.group_size;

  for (int a = 0; a < group_size; ++a)
    WeftBlockGetRow(&p->layer->atoms, (size_t)(g * group_size + a), basis + a * p->layer->d);
  Orthonormalise((int)p->layer->d, group_size, basis);
}

/* The learned group that comes nearest to planted group g, and how near. */
static double BestMatch(const Planted *planted, const PlantedLayer *p, int g, int *who)
{
  const int d = (int)planted->d, group_size = planted->group_size;
  double *u = malloc((size_t)(d * group_size) * sizeof(double)), *v = malloc((size_t)(d * group_size) * sizeof(double));
  double  best = -1;

  PlantedBasis(planted, g, u);
  for (int h = 0; h < p->layer->codes.groups; ++h) {
    double cosine;
    LearnedBasis(p, h, v);
    cosine = SmallestCosine(d, group_size, u, v);
    if (cosine > best) *who = h;
    best = fmax(best, cosine);
  }
  free(u);
  free(v);
  return best;
}

/* Inputs on which a learned and a planted group disagree. */
static int Disagreements(const Planted *planted, const PlantedLayer *p, int g, int h)
{
  int wrong = 0;

  for (PetscInt64 j = 0; j < planted->d; ++j) {
    PetscBool connects = PETSC_FALSE;
    for (int a = h * planted->group_size; a < (h + 1) * planted->group_size; ++a)
      if (WeftBlockGet(&p->layer->atoms, (size_t)a, (size_t)j) != 0) connects = PETSC_TRUE;
    wrong += connects != PlantedConnects(planted, g, j);
  }
  return wrong;
}

typedef struct {
  int    common, rare;  /* planted groups found */
  int    disagreements; /* connections of those found that are too many or too few */
  double density;
} Found;

static Found Learn(const Planted *planted, const WeftLayerSettings *settings)
{
  PlantedLayer p;
  Found        found = {0};

  PlantedLayerCreate(PETSC_COMM_WORLD, planted, settings, &p);
  PlantedLayerLearn(&p);
  for (int g = 0; g < planted->groups; ++g) {
    int who = 0;
    if (!(BestMatch(planted, &p, g, &who) > 0.95)) continue;
    found.disagreements += Disagreements(planted, &p, g, who);
    if (g < planted->groups - planted->rare)
      ++found.common;
    else
      ++found.rare;
  }
  found.density = PlantedHistory(&p, settings->iterations - 1, WEFT_HISTORY_CONNECTION_DENSITY);
  PlantedLayerDestroy(&p);
  return found;
}

/* Mini-batches, with weights that are frozen after most of the run. */
static WeftLayerSettings Settings(int groups, int group_size, double sparsity, double width_penalty, uint64_t seed)
{
  WeftLayerSettings settings = PlantedSettings(groups * group_size, group_size, 200);

  settings.batch_size = 100;
  settings.freeze_fraction = 0.6;
  settings.sparsity = sparsity;
  settings.connectivity_penalty = 0.05;
  settings.width_penalty = width_penalty;
  settings.seed = seed;
  return settings;
}

/* Pools of two: 16 planted groups with 6 of 64 inputs each, two in a sample. Where six times as many are offered,
   99 % are found (127 of 128 in eight runs; four times as many: 95 %); required here: 44 of 48. A group that starts
   from samples of two planted groups seldom parts again, so as many groups as are planted find only a fifth. */
static void test_groups(void **state)
{
  Planted planted = {.n = 1500, .d = 64, .groups = 16, .group_size = 2, .inputs = 6, .active = 2, .noise = 0.05};
  int     found_in_all = 0;

  (void)state;
  for (planted.seed = 1; planted.seed <= 3; ++planted.seed) {
    const WeftLayerSettings settings = Settings(96, 2, 0.4, 0.1, planted.seed);
    const Found             found = Learn(&planted, &settings);
    found_in_all += found.common;
    assert_true(found.disagreements <= found.common * planted.inputs / 10);
    assert_near(found.density, 6.0 / 64, 0.15 * 6.0 / 64);
  }
  assert_true(found_in_all >= 44);
}

/* Single atoms: 98 % are found (126 of 128), with exactly the connections that were planted. Of twice as many atoms
   offered the global term leaves hardly one with others: the surplus doubles planted atoms. */
static void test_atoms(void **state)
{
  Planted planted = {.n = 1500, .d = 64, .groups = 16, .group_size = 1, .inputs = 6, .active = 2, .noise = 0.05};
  int     found_in_all = 0;

  (void)state;
  for (planted.seed = 1; planted.seed <= 3; ++planted.seed) {
    const WeftLayerSettings settings = Settings(32, 1, 0.4, 0.3, planted.seed);
    const Found             found = Learn(&planted, &settings);
    found_in_all += found.common;
    assert_int_equal(found.disagreements, 0);
    assert_near(found.density, 6.0 / 64, 0.05 * 6.0 / 64);
  }
  assert_true(found_in_all >= 44);
}

/* The global term spends groups on what many samples share: without it the rare half of the planted groups is learned
   (61 of 64 in eight runs), with it hardly one (3 of 64). */
static void test_rare_groups(void **state)
{
  Planted planted = {
    .n = 1500, .d = 64, .groups = 16, .group_size = 1, .inputs = 6, .active = 3, .rare = 8, .noise = 0.05};
  int rare_with = 0, rare_without = 0;

  (void)state;
  for (planted.seed = 1; planted.seed <= 3; ++planted.seed) {
    const WeftLayerSettings without = Settings(48, 1, 0.3, 0, planted.seed);
    const WeftLayerSettings with = Settings(48, 1, 0.3, 0.5, planted.seed);
    Found                   found = Learn(&planted, &without);
    assert_int_equal(found.common, 8);
    rare_without += found.rare;
    found = Learn(&planted, &with);
    assert_int_equal(found.common, 8);
    rare_with += found.rare;
  }
  assert_true(rare_without >= 18);
  assert_true(rare_with <= 3);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups), cmocka_unit_test(test_atoms),
                                          cmocka_unit_test(test_rare_groups)};
WEFT_TEST_MAIN(tests)
