/* The statistics of codes and samples against dense products.   ranks: 1 2 3 4 */
#include "wefttest.h"
#include <weft/dict.h>
#include <weft/random.h>
#include <stdlib.h>
#include <string.h>

enum { ATOMS = 12, GROUP = 3, GROUPS = ATOMS / GROUP, SAMPLES = 23, MAX_D = 9 };

/* Sample i and its code, the same on every rank. */
static void Draw(int i, int d, double x[], double z[])
{
  WeftRandom rng;

  WeftRandomInit(&rng, 8, WEFT_STREAM_TEST, (uint64_t)i);
  for (int j = 0; j < d; ++j) x[j] = (double)(float)WeftRandomNormal(&rng);
  memset(z, 0, ATOMS * sizeof(double));
  for (int g = 0; g < GROUPS - 1; ++g) /* the last group is never active */
    for (int a = g * GROUP, on = WeftRandomUniform(&rng) < 0.5; a < (g + 1) * GROUP && on; ++a)
      z[a] = WeftRandomNormal(&rng);
}

/* Ranks take samples in turn, except that the last of several gets none. */
static int Owner(int i, int size)
{
  return size > 1 ? i % (size - 1) : 0;
}

/* Adds this rank's samples in two parts. */
static void AddSamples(WeftStatistics *s, int d, WeftPrecision precision)
{
  int    rank, size;
  double x[MAX_D], z[ATOMS];

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (int part = 0; part < 2; ++part) {
    WeftBlock block, code;
    WeftCodes codes;
    Ok(WeftBlockCreate(SAMPLES, (size_t)d, precision, &block));
    Ok(WeftBlockCreate(1, ATOMS, WEFT_DOUBLE, &code));
    Ok(WeftCodesCreate(GROUPS, GROUP, &codes));
    for (int i = 0; i < SAMPLES; ++i) {
      if (Owner(i, size) != rank || i / 12 != part) continue;
      Draw(i, d, x, z);
      WeftBlockSetRow(&block, codes.samples, x);
      WeftBlockSetRow(&code, 0, z);
      Ok(WeftCodesAppendDense(&codes, &code, 0));
    }
    block.rows = codes.samples;
    Ok(WeftStatisticsAdd(s, &block, &codes));
    Ok(WeftCodesDestroy(&codes));
    Ok(WeftBlockDestroy(&code));
    Ok(WeftBlockDestroy(&block));
  }
}

/* Means over all samples by plain loops. */
static void Obvious(int d, double A[], double B[], double usage[])
{
  double x[MAX_D], z[ATOMS];

  memset(A, 0, ATOMS * ATOMS * sizeof(double));
  memset(B, 0, MAX_D * ATOMS * sizeof(double));
  memset(usage, 0, GROUPS * sizeof(double));
  for (int i = 0; i < SAMPLES; ++i) {
    Draw(i, d, x, z);
    for (int a = 0; a < ATOMS; ++a) {
      for (int b = 0; b < ATOMS; ++b) A[a * ATOMS + b] += z[a] * z[b] / SAMPLES;
      for (int j = 0; j < d; ++j) B[j * ATOMS + a] += x[j] * z[a] / SAMPLES;
    }
    for (int g = 0; g < GROUPS; ++g) usage[g] += z[g * GROUP] != 0 ? 1.0 / SAMPLES : 0;
  }
}

/* Local rows of M against all of it. */
static void CheckMat(Mat M, const double expected[], double scale)
{
  PetscInt first, end;
  double  *local;

  Ok(MatGetOwnershipRange(M, &first, &end));
  Ok(MatDenseGetArray(M, &local));
  for (PetscInt j = first; j < end; ++j)
    for (int a = 0; a < ATOMS; ++a)
      assert_near(local[a * (end - first) + j - first], scale * expected[j * ATOMS + a], 1e-13);
  Ok(MatDenseRestoreArray(M, &local));
}

static void Zero(int d, int g, double A[], double B[])
{
  for (int i = 0; i < ATOMS * ATOMS; ++i) A[i] *= i / ATOMS / GROUP != g && i % ATOMS / GROUP != g;
  for (int i = 0; i < d * ATOMS; ++i) B[i] *= i % ATOMS / GROUP != g;
}

static void Compare(int d, WeftPrecision precision)
{
  WeftStatistics s;
  WeftDict       dict;
  Mat            A, B;
  PetscInt64     n;
  double         a[ATOMS * ATOMS], b[MAX_D * ATOMS], usage[GROUPS], expected[GROUPS];

  Ok(WeftDictCreate(PETSC_COMM_WORLD, d, ATOMS, GROUP, &dict));
  Ok(WeftDictCreateLike(dict, &B));
  Ok(MatCreateSeqDense(PETSC_COMM_SELF, ATOMS, ATOMS, NULL, &A));
  Ok(WeftStatisticsCreate((size_t)d, ATOMS, GROUP, WEFT_DOUBLE, &s));
  Obvious(d, a, b, expected);
  for (int round = 0; round < 2; ++round) { /* the second time after clearing */
    AddSamples(&s, d, precision);
    Ok(WeftStatisticsReduce(PETSC_COMM_WORLD, &s, A, B, usage, &n));
    assert_true(n == SAMPLES);
    CheckMat(A, a, 1);
    CheckMat(B, b, 1);
    for (int g = 0; g < GROUPS; ++g) assert_near(usage[g], expected[g], 1e-14);
    Ok(WeftStatisticsClear(&s));
  }
  Ok(WeftStatisticsForgetGroup(A, B, GROUP, 1));
  Zero(d, 1, a, b);
  CheckMat(A, a, 1);
  CheckMat(B, b, 1);
  Ok(WeftStatisticsReduce(PETSC_COMM_WORLD, &s, A, B, usage, &n)); /* cleared: no samples */
  assert_true(n == 0 && usage[0] == 0);
  CheckMat(A, a, 0);
  CheckMat(B, b, 0);
  Ok(WeftStatisticsDestroy(&s));
  Ok(MatDestroy(&A));
  Ok(MatDestroy(&B));
  Ok(WeftDictDestroy(&dict));
}

static void test_products(void **state)
{
  (void)state;
  Compare(MAX_D, WEFT_SINGLE);
  Compare(MAX_D, WEFT_DOUBLE);
  Compare(2, WEFT_SINGLE); /* at more ranks, some have no rows */
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_products)};
WEFT_TEST_MAIN(tests)
