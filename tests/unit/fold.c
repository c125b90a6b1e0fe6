/* Running means from the statistics of all ranks, and the gather of atoms.   ranks: 1 2 3 4 7 */
#include "wefttest.h"
#include <weft/dict.h>
#include <weft/random.h>
#include <math.h>
#include <string.h>

enum { K = 70, P = 2, G = K / P, SAMPLES = 40 }; /* k over the edge of a square that is mirrored at once */

/* Sample i and its code. */
static void Draw(int batch, int i, int d, double x[], double z[])
{
  WeftRandom rng;

  WeftRandomInit(&rng, 3, WEFT_STREAM_TEST, (uint64_t)(batch * SAMPLES + i));
  for (int j = 0; j < d; ++j) x[j] = (double)(float)WeftRandomNormal(&rng);
  memset(z, 0, K * sizeof(double));
  for (int g = 0; g < G; ++g)
    if (WeftRandomUniform(&rng) < 0.3)
      for (int a = g * P; a < (g + 1) * P; ++a) z[a] = WeftRandomNormal(&rng);
}

/* This rank's samples of a batch. */
static void Sum(int batch, int d, WeftPrecision precision, WeftStatistics *s)
{
  int       rank, size;
  double    x[16], z[K];
  WeftBlock block, code;
  WeftCodes codes;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  Ok(WeftStatisticsClear(s));
  Ok(WeftBlockCreate(SAMPLES, (size_t)d, precision, &block));
  Ok(WeftBlockCreate(1, K, WEFT_DOUBLE, &code));
  Ok(WeftCodesCreate(G, P, &codes));
  for (int i = rank; i < SAMPLES; i += size) {
    Draw(batch, i, d, x, z);
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

/* The same for all samples by plain loops, into running means [K, K] and [d, K]. */
static void Obvious(int batch, int d, double weight, double A[], double B[], double usage[], double sizes[])
{
  double x[16], z[K];

  memset(usage, 0, G * sizeof(double));
  memset(sizes, 0, G * sizeof(double));
  for (int i = 0; i < K * K; ++i) A[i] *= 1 - weight;
  for (int i = 0; i < d * K; ++i) B[i] *= 1 - weight;
  for (int i = 0; i < SAMPLES; ++i) {
    Draw(batch, i, d, x, z);
    for (int a = 0; a < K; ++a) {
      for (int b = 0; b < K; ++b) A[a * K + b] += weight * z[a] * z[b] / SAMPLES;
      for (int j = 0; j < d; ++j) B[j * K + a] += weight * x[j] * z[a] / SAMPLES;
      sizes[a / P] += z[a] * z[a] / SAMPLES;
    }
    for (int g = 0; g < G; ++g) usage[g] += z[g * P] != 0 ? 1.0 / SAMPLES : 0;
  }
  for (int g = 0; g < G; ++g) sizes[g] = sqrt(sizes[g]);
}

static void CheckMat(Mat M, const double expected[], double tol)
{
  PetscInt first, end;
  double  *local;

  Ok(MatGetOwnershipRange(M, &first, &end));
  Ok(MatDenseGetArray(M, &local));
  for (PetscInt j = first; j < end; ++j)
    for (int a = 0; a < K; ++a) assert_near(local[a * (end - first) + j - first], expected[j * K + a], tol);
  Ok(MatDenseRestoreArray(M, &local));
}

/* Every rank has the same A to the last bit, and A is symmetric so. */
static void CheckReplicated(Mat A)
{
  double *a, *first;

  Ok(PetscMalloc1(K * K, &first));
  Ok(MatDenseGetArray(A, &a));
  memcpy(first, a, K * K * sizeof(double));
  MPI_Bcast(first, K * K, MPI_DOUBLE, 0, PETSC_COMM_WORLD);
  assert_memory_equal(a, first, K * K * sizeof(double));
  for (int i = 0; i < K; ++i)
    for (int j = 0; j < i; ++j) assert_true(a[i * K + j] == a[j * K + i]);
  Ok(MatDenseRestoreArray(A, &a));
  Ok(PetscFree(first));
}

/* A fold leaves nothing behind: all bits are zero. */
static void CheckCleared(const WeftStatistics *s)
{
  const size_t bytes = WeftPrecisionBytes(s->precision);
  const char  *a = s->a, *b = s->b;

  assert_true(s->empty && s->samples == 0);
  for (size_t i = 0; i < WeftStatisticsRow(s, K) * bytes; ++i) assert_true(!a[i]);
  for (size_t i = 0; i < s->d * K * bytes; ++i) assert_true(!b[i]);
  for (int g = 0; g < G; ++g) assert_true(s->count[g] == 0);
}

/* precision: of the samples and of what travels; sums: of the sums. */
static void Compare(int d, WeftPrecision precision, WeftPrecision sums)
{
  const double   tol = precision == WEFT_SINGLE ? 2e-6 : 1e-13;
  WeftStatistics s;
  WeftDict       dict;
  Mat            A, B;
  PetscInt64     n;
  double        *a, *b, usage[G], sizes[G], usage_expected[G], sizes_expected[G];

  Ok(PetscCalloc2(K * K, &a, d * K, &b));
  Ok(WeftDictCreate(PETSC_COMM_WORLD, d, K, P, &dict));
  Ok(WeftDictCreateLike(dict, &B));
  Ok(MatCreateSeqDense(PETSC_COMM_SELF, K, K, NULL, &A));
  Ok(WeftStatisticsCreate((size_t)d, K, P, sums, &s));
  for (int batch = 0; batch < 3; ++batch) {
    const double weight = batch ? 0.3 : 1;
    Sum(batch, d, precision, &s);
    Ok(WeftStatisticsFold(PETSC_COMM_WORLD, &s, precision, 1, NULL, NULL, usage, NULL, &n)); /* counts alone */
    assert_true(n == SAMPLES);
    Obvious(batch, d, weight, a, b, usage_expected, sizes_expected);
    for (int g = 0; g < G; ++g) assert_near(usage[g], usage_expected[g], 1e-14);
    Ok(WeftStatisticsFold(PETSC_COMM_WORLD, &s, precision, weight, A, B, usage, sizes, &n));
    assert_true(n == SAMPLES);
    CheckMat(A, a, tol);
    CheckMat(B, b, tol);
    CheckReplicated(A);
    for (int g = 0; g < G; ++g) {
      assert_near(usage[g], usage_expected[g], 1e-14);
      assert_near(sizes[g], sizes_expected[g], 1e-6);
    }
  }
  CheckCleared(&s);
  Ok(WeftStatisticsDestroy(&s));
  Ok(MatDestroy(&A));
  Ok(MatDestroy(&B));
  Ok(WeftDictDestroy(&dict));
  Ok(PetscFree2(a, b));
}

static void test_means(void **state)
{
  (void)state;
  Compare(13, WEFT_SINGLE, WEFT_SINGLE);
  Compare(13, WEFT_SINGLE, WEFT_DOUBLE);
  Compare(13, WEFT_DOUBLE, WEFT_DOUBLE);
  Compare(2, WEFT_SINGLE, WEFT_SINGLE); /* at more ranks, some have no rows */
}

static void Gather(int d, WeftPrecision precision)
{
  WeftDict  dict;
  WeftBlock atoms;
  double    atom[16];

  Ok(WeftDictCreate(PETSC_COMM_WORLD, d, K, P, &dict));
  for (int a = 0; a < K; ++a) {
    for (int j = 0; j < d; ++j) atom[j] = j == a % d ? 0.6 : (j == (a + 1) % d ? -0.8 : 0); /* d > 1 */
    Ok(WeftDictSetAtom(dict, a, atom));
  }
  Ok(WeftBlockCreate(K, (size_t)d, precision, &atoms));
  Ok(WeftDictGather(dict, &atoms));
  for (int a = 0; a < K; ++a)
    for (int j = 0; j < d; ++j)
      assert_near(WeftBlockGet(&atoms, (size_t)a, (size_t)j), j == a % d ? 0.6 : (j == (a + 1) % d ? -0.8 : 0),
                  precision == WEFT_SINGLE ? 1e-7 : 1e-15);
  Ok(WeftBlockDestroy(&atoms));
  Ok(WeftDictDestroy(&dict));
}

static void test_gather(void **state)
{
  (void)state;
  Gather(13, WEFT_SINGLE);
  Gather(13, WEFT_DOUBLE);
  Gather(2, WEFT_SINGLE);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_means), cmocka_unit_test(test_gather)};
WEFT_TEST_MAIN(tests)
