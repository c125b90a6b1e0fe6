/* Contrast normalisation and whitening against a serial answer from LAPACK.   ranks: 1 2 3 4 6 */
#include "wefttest.h"
#include <weft/prep.h>
#include <weft/random.h>
#include <weft/spectral.h>
#include <petscblaslapack.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { D = 37, N = 101, BLOCK = 4 };

/* Sample i, for any i: correlated features on an offset; the second is constant, the third all but. */
static void Sample(PetscInt d, PetscInt i, double x[])
{
  WeftRandom   rng;
  double       drift = 0;
  const double contrast = i == 1 ? 0 : i == 2 ? 1e-3 : 1 + 0.1 * (double)(i % 7);

  WeftRandomInit(&rng, 5, WEFT_STREAM_TEST, (uint64_t)i);
  for (PetscInt j = 0; j < d; ++j) {
    drift = 0.8 * drift + WeftRandomNormal(&rng);
    x[j] = 3 + contrast * (drift + 0.05 * (double)j);
  }
}

typedef void (*SampleFunction)(PetscInt d, PetscInt i, double x[]);

/* This rank's share of n samples: contiguous, uneven, none on some ranks where n is small. */
static void Share(PetscInt n, PetscInt *first, PetscInt *count)
{
  int rank, size;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  *first = n * rank * rank / (size * size);
  *count = n * (rank + 1) * (rank + 1) / (size * size) - *first;
}

static void FillShare(SampleFunction sample, PetscInt d, PetscInt n, WeftPrecision precision, WeftBlock *x)
{
  PetscInt first, count;
  double  *row = malloc((size_t)d * sizeof(double));

  Share(n, &first, &count);
  Ok(WeftBlockCreate((size_t)count, (size_t)d, precision, x));
  for (PetscInt i = 0; i < count; ++i) {
    sample(d, first + i, row);
    WeftBlockSetRow(x, (size_t)i, row);
  }
  free(row);
}

/* The answer as the formulas have it, on every rank. Row-major; eigenvector k is u[k d ..]. */
typedef struct {
  PetscInt d, n;
  double  *x, *mean, *u, *s, *whitening, floor, ridge; /* x: [n][d], whitened */
} Serial;

static double Deviation(PetscInt d, double row[])
{
  double mean = 0, square = 0;

  for (PetscInt j = 0; j < d; ++j) mean += row[j] / (double)d;
  for (PetscInt j = 0; j < d; ++j) {
    row[j] -= mean;
    square += row[j] * row[j] / (double)d;
  }
  return sqrt(square);
}

static void SerialContrast(Serial *r)
{
  double *deviation = calloc((size_t)r->n, sizeof(double)), square = 0;

  for (PetscInt i = 0; i < r->n; ++i) {
    deviation[i] = Deviation(r->d, r->x + i * r->d);
    square += deviation[i] * deviation[i] / (double)r->n;
  }
  r->floor = 0.1 * sqrt(square);
  for (PetscInt i = 0; i < r->n; ++i)
    for (PetscInt j = 0; j < r->d; ++j) {
      r->x[i * r->d + j] /= PetscMax(deviation[i], r->floor);
      r->mean[j] += r->x[i * r->d + j] / (double)r->n;
    }
  for (PetscInt i = 0; i < r->n; ++i)
    for (PetscInt j = 0; j < r->d; ++j) r->x[i * r->d + j] -= r->mean[j];
  free(deviation);
}

static void SerialEigen(Serial *r)
{
  PetscBLASInt d = (PetscBLASInt)r->d, lwork = 100 * d, info;
  double      *work = malloc((size_t)lwork * sizeof(double));

  for (PetscInt i = 0; i < d; ++i)
    for (PetscInt j = 0; j < d; ++j)
      for (PetscInt k = 0; k < r->n; ++k) r->u[i * d + j] += r->x[k * d + i] * r->x[k * d + j] / (double)r->n;
  LAPACKsyev_("V", "L", &d, r->u, &d, r->s, work, &lwork, &info);
  assert_int_equal(info, 0);
  free(work);
}

/* sum_k u_k f_k u_k' at (i, j) */
static double Compose(const Serial *r, const double f[], PetscInt i, PetscInt j)
{
  double sum = 0;

  for (PetscInt k = 0; k < r->d; ++k) sum += r->u[k * r->d + i] * f[k] * r->u[k * r->d + j];
  return sum;
}

static void SerialCreate(SampleFunction sample, PetscInt d, PetscInt n, double ridge, Serial *r)
{
  double *f = calloc((size_t)d, sizeof(double)), *row = calloc((size_t)d, sizeof(double));

  *r = (Serial){.d = d, .n = n};
  r->x = calloc((size_t)(n * d), sizeof(double));
  r->mean = calloc((size_t)d, sizeof(double));
  r->u = calloc((size_t)(d * d), sizeof(double));
  r->s = calloc((size_t)d, sizeof(double));
  r->whitening = calloc((size_t)(d * d), sizeof(double));
  for (PetscInt i = 0; i < n; ++i) sample(d, i, r->x + i * d);
  SerialContrast(r);
  SerialEigen(r);
  for (PetscInt k = 0; k < d; ++k) r->ridge += ridge * r->s[k] / (double)d;
  for (PetscInt k = 0; k < d; ++k) f[k] = 1 / sqrt(r->s[k] + r->ridge);
  for (PetscInt i = 0; i < d; ++i)
    for (PetscInt j = 0; j < d; ++j) r->whitening[i * d + j] = Compose(r, f, i, j);
  for (PetscInt i = 0; i < n; ++i) {
    memcpy(row, r->x + i * d, (size_t)d * sizeof(double));
    for (PetscInt j = 0; j < d; ++j) {
      r->x[i * d + j] = 0;
      for (PetscInt k = 0; k < d; ++k) r->x[i * d + j] += row[k] * r->whitening[k * d + j];
    }
  }
  free(f);
  free(row);
}

static void SerialDestroy(Serial *r)
{
  free(r->x);
  free(r->mean);
  free(r->u);
  free(r->s);
  free(r->whitening);
}

static void CreatePrep(PetscInt d, PetscInt block, WeftPrep *prep)
{
  Ok(WeftPrepCreate(PETSC_COMM_WORLD, d, prep));
  Ok(WeftPrepSetBlock(*prep, block));
}

static void CompareRows(const WeftBlock *x, const Serial *r, double tolerance)
{
  PetscInt first, count;

  Share(r->n, &first, &count);
  assert_int_equal(x->rows, count);
  for (PetscInt i = 0; i < count; ++i)
    for (PetscInt j = 0; j < r->d; ++j)
      assert_near(WeftBlockGet(x, (size_t)i, (size_t)j), r->x[(first + i) * r->d + j], tolerance);
}

static void CompareParameters(WeftPrep prep, const Serial *r, double tolerance)
{
  WeftPrepParameters p;

  Ok(WeftPrepGetParameters(prep, &p));
  assert_int_equal(p.d, r->d);
  assert_near(p.contrast_floor, r->floor, tolerance);
  for (PetscInt j = 0; j < r->d; ++j) assert_near(p.mean[j], r->mean[j], tolerance);
  for (PetscInt i = 0; i < p.rows; ++i)
    for (PetscInt j = 0; j < r->d; ++j)
      assert_near(p.whitening[i * r->d + j], r->whitening[(p.row0 + i) * r->d + j], tolerance);
}

/* Fits n samples of d features and compares all with the serial answer. */
static void Compare(PetscInt d, PetscInt n, PetscInt block, WeftPrecision precision)
{
  Serial    serial;
  WeftPrep  prep;
  WeftBlock x;

  SerialCreate(Sample, d, n, 0.1, &serial);
  FillShare(Sample, d, n, precision, &x);
  CreatePrep(d, block, &prep);
  Ok(WeftPrepFit(prep, &x));
  CompareParameters(prep, &serial, precision == WEFT_SINGLE ? 1e-4 : 1e-10);
  CompareRows(&x, &serial, precision == WEFT_SINGLE ? 1e-4 : 1e-9);
  Ok(WeftPrepDestroy(&prep));
  Ok(WeftBlockDestroy(&x));
  SerialDestroy(&serial);
}

static void test_against_serial(void **state)
{
  int          local_rows, local_cols;
  WeftSpectral spectral;

  (void)state;
  Ok(WeftSpectralCreate(PETSC_COMM_WORLD, D, BLOCK, &spectral)); /* the grid that the fit makes */
  Ok(WeftSpectralGrid(spectral, NULL, NULL, NULL, &local_rows, &local_cols));
  Ok(WeftSpectralDestroy(&spectral));
  assert_true(local_rows > 0 && local_cols > 0);
  Compare(D, N, BLOCK, WEFT_DOUBLE);
  Compare(D, N, BLOCK, WEFT_SINGLE);
  Compare(D, N, 64, WEFT_DOUBLE);
}

/* More samples on a rank than one chunk of the covariance. */
static void test_many_samples(void **state)
{
  (void)state;
  Compare(11, 2500, 3, WEFT_DOUBLE);
  Compare(11, 2500, 3, WEFT_SINGLE);
}

static void test_fewer_samples_than_ranks(void **state)
{
  (void)state;
  Compare(D, 4, BLOCK, WEFT_DOUBLE);
  Compare(D, 4, BLOCK, WEFT_SINGLE);
}

static void test_fewer_features_than_ranks(void **state)
{
  (void)state;
  for (PetscInt d = 2; d < 6; ++d) Compare(d, N, BLOCK, WEFT_DOUBLE);
}

/* The covariance of x~ is U s/(s + ridge) U', not the identity. */
static void test_whitened_covariance(void **state)
{
  Serial    serial;
  WeftPrep  prep;
  WeftBlock x;
  double   *covariance = calloc(D * D, sizeof(double)), f[D];

  (void)state;
  SerialCreate(Sample, D, N, 0.3, &serial);
  FillShare(Sample, D, N, WEFT_DOUBLE, &x);
  CreatePrep(D, BLOCK, &prep);
  Ok(WeftPrepSetRidge(prep, 0.3));
  Ok(WeftPrepFit(prep, &x));
  for (size_t i = 0; i < x.rows; ++i)
    for (size_t j = 0; j < D; ++j)
      for (size_t k = 0; k < D; ++k) covariance[j * D + k] += x.values.d[i * D + j] * x.values.d[i * D + k] / N;
  MPI_Allreduce(MPI_IN_PLACE, covariance, D * D, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  for (int k = 0; k < D; ++k) f[k] = serial.s[k] / (serial.s[k] + serial.ridge);
  for (int j = 0; j < D; ++j)
    for (int k = 0; k < D; ++k) assert_near(covariance[j * D + k], Compose(&serial, f, j, k), 1e-9);
  Ok(WeftPrepDestroy(&prep));
  Ok(WeftBlockDestroy(&x));
  SerialDestroy(&serial);
  free(covariance);
}

/* Every sample holds the same values in another order, but for feature 3: so feature 3 is the same after contrast
   normalisation as well. */
static void Shuffled(PetscInt d, PetscInt i, double x[])
{
  const PetscInt free_ones = d - 1;

  for (PetscInt j = 0; j < free_ones; ++j) {
    const PetscInt to = (j * (i % 5 + 1) + i) % free_ones; /* a permutation where d - 1 is prime and above 5 */
    x[to < 3 ? to : to + 1] = cos((double)(j * j));
  }
  x[3] = 0.7;
}

static void test_constant_feature(void **state)
{
  const WeftPrecision precisions[] = {WEFT_DOUBLE, WEFT_SINGLE};
  WeftPrep            prep;
  WeftBlock           x;
  double              largest = 0;

  (void)state;
  for (int p = 0; p < 2; ++p) {
    FillShare(Shuffled, 18, 40, precisions[p], &x);
    CreatePrep(18, 2, &prep);
    Ok(WeftPrepFit(prep, &x));
    for (size_t i = 0; i < x.rows; ++i) {
      assert_near(WeftBlockGet(&x, i, 3), 0.0, p ? 1e-5 : 1e-12);
      for (size_t j = 0; j < 18; ++j) largest = PetscMax(largest, fabs(WeftBlockGet(&x, i, j)));
    }
    MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD);
    assert_true(largest > 0.5 && largest < 20);
    Ok(WeftPrepDestroy(&prep));
    Ok(WeftBlockDestroy(&x));
  }
}

static void test_one_sample(void **state)
{
  WeftPrepParameters parameters;
  WeftPrep           prep;
  WeftBlock          x;

  (void)state;
  FillShare(Sample, D, 1, WEFT_SINGLE, &x);
  CreatePrep(D, BLOCK, &prep);
  Ok(WeftPrepFit(prep, &x));
  for (size_t j = 0; j < x.rows * D; ++j) assert_near((double)x.values.s[j], 0.0, 1e-6);
  Ok(WeftPrepGetParameters(prep, &parameters));
  for (PetscInt i = 0; i < parameters.rows; ++i)
    for (PetscInt j = 0; j < D; ++j)
      assert_near(parameters.whitening[i * D + j], parameters.row0 + i == j ? 1.0 : 0.0, 1e-12);
  Ok(WeftPrepDestroy(&prep));
  Ok(WeftBlockDestroy(&x));
}

/* New samples get what the fitted ones got, from the object and from one restored from its parameters. */
static void test_apply_and_restore(void **state)
{
  const WeftPrecision precisions[] = {WEFT_DOUBLE, WEFT_SINGLE};
  WeftPrepParameters  parameters;
  WeftPrep            prep, restored;
  WeftBlock           fitted, x, y;

  (void)state;
  for (int p = 0; p < 2; ++p) {
    FillShare(Sample, D, N, precisions[p], &fitted);
    FillShare(Sample, D, N, precisions[p], &x);
    FillShare(Sample, D, N, precisions[p], &y);
    CreatePrep(D, BLOCK, &prep);
    Ok(WeftPrepFit(prep, &fitted));
    Ok(WeftPrepGetParameters(prep, &parameters));
    Ok(WeftPrepCreate(PETSC_COMM_WORLD, D, &restored));
    Ok(WeftPrepSetParameters(restored, &parameters));
    Ok(WeftPrepDestroy(&prep));
    Ok(WeftPrepApply(restored, &x));
    assert_memory_equal(x.values.v, fitted.values.v, x.rows * D * WeftPrecisionBytes(precisions[p]));
    Ok(WeftPrepDestroy(&restored));
    /* The same rank count gives the same bits. */
    CreatePrep(D, BLOCK, &prep);
    Ok(WeftPrepFit(prep, &y));
    assert_memory_equal(y.values.v, fitted.values.v, x.rows * D * WeftPrecisionBytes(precisions[p]));
    Ok(WeftPrepDestroy(&prep));
    Ok(WeftBlockDestroy(&fitted));
    Ok(WeftBlockDestroy(&x));
    Ok(WeftBlockDestroy(&y));
  }
}

static void Flat(PetscInt d, PetscInt i, double x[])
{
  for (PetscInt j = 0; j < d; ++j) x[j] = 0.1 + (double)i;
}

static void Alike(PetscInt d, PetscInt i, double x[])
{
  for (PetscInt j = 0; j < d; ++j) x[j] = (50.0 + (double)i) * (double)(j * j) - 3.0 * (double)i;
}

static void Broken(PetscInt d, PetscInt i, double x[])
{
  Sample(d, i, x);
  if (i == 9) x[d - 1] = (double)INFINITY;
}

static char said[256]; /* by the last error */

static PetscErrorCode Listen(MPI_Comm comm, int line, const char *fun, const char *file, PetscErrorCode n,
                             PetscErrorType p, const char *mess, void *ctx)
{
  (void)comm, (void)line, (void)fun, (void)file, (void)ctx;
  if (p == PETSC_ERROR_INITIAL) snprintf(said, sizeof(said), "%s", mess);
  return n;
}

/* The fit ends in a user's mistake on every rank, and its message has the words. */
static void ExpectUserError(SampleFunction sample, PetscInt d, PetscInt n, const char words[])
{
  const WeftPrecision precisions[] = {WEFT_DOUBLE, WEFT_SINGLE};

  for (int p = 0; p < 2; ++p) {
    WeftPrep       prep;
    WeftBlock      x;
    PetscErrorCode ierr;
    FillShare(sample, d, n, precisions[p], &x);
    CreatePrep(d, BLOCK, &prep);
    Ok(PetscPushErrorHandler(Listen, NULL));
    ierr = WeftPrepFit(prep, &x);
    Ok(PetscPopErrorHandler());
    assert_int_equal(ierr, WEFT_ERR_USER);
    assert_non_null(strstr(said, words));
    Ok(WeftPrepDestroy(&prep));
    Ok(WeftBlockDestroy(&x));
  }
}

/* Every rank, the ones without samples too, comes to the same verdict. */
static void test_what_cannot_be_whitened_is_the_users_mistake(void **state)
{
  (void)state;
  ExpectUserError(Sample, D, 0, "no samples");
  ExpectUserError(Flat, D, N, "contrast");
  ExpectUserError(Flat, D, 1, "contrast");
  ExpectUserError(Sample, 1, N, "contrast");
  ExpectUserError(Alike, D, N, "the same");
  ExpectUserError(Alike, D, 2, "the same");
  ExpectUserError(Broken, D, N, "infinite");
}

static void test_options(void **state)
{
  WeftPrepParameters parameters;
  WeftPrep           prep;
  WeftBlock          x;
  Serial             serial;

  (void)state;
  SerialCreate(Sample, D, N, 0.5, &serial);
  FillShare(Sample, D, N, WEFT_DOUBLE, &x);
  Ok(WeftPrepCreate(PETSC_COMM_WORLD, D, &prep));
  Ok(WeftPrepGetParameters(prep, &parameters));
  assert_near(parameters.ridge, 0.1, 0.0);
  Ok(PetscOptionsSetValue(NULL, "-weft_whitening_ridge", "0.5"));
  Ok(PetscOptionsSetValue(NULL, "-weft_contrast_floor", "0.2"));
  Ok(PetscOptionsSetValue(NULL, "-weft_whitening_block", "5"));
  Ok(WeftPrepSetFromOptions(prep));
  Ok(WeftPrepFit(prep, &x));
  Ok(WeftPrepGetParameters(prep, &parameters));
  assert_near(parameters.ridge, 0.5, 0.0);
  assert_near(parameters.contrast_floor, 2 * serial.floor, 1e-12);
  Ok(PetscOptionsSetValue(NULL, "-weft_whitening_ridge", "0"));
  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  assert_int_equal(WeftPrepSetFromOptions(prep), WEFT_ERR_USER);
  Ok(PetscPopErrorHandler());
  Ok(PetscOptionsClear(NULL));
  Ok(WeftPrepDestroy(&prep));
  Ok(WeftBlockDestroy(&x));
  SerialDestroy(&serial);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_serial),
                                          cmocka_unit_test(test_many_samples),
                                          cmocka_unit_test(test_fewer_samples_than_ranks),
                                          cmocka_unit_test(test_fewer_features_than_ranks),
                                          cmocka_unit_test(test_whitened_covariance),
                                          cmocka_unit_test(test_constant_feature),
                                          cmocka_unit_test(test_one_sample),
                                          cmocka_unit_test(test_apply_and_restore),
                                          cmocka_unit_test(test_what_cannot_be_whitened_is_the_users_mistake),
                                          cmocka_unit_test(test_options)};
WEFT_TEST_MAIN(tests)
