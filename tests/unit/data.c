/* The data set: every rank reads its rows, in every type, at any rank count, fewer samples than ranks included; what
   cannot be read is a user's mistake that names it.   ranks: 1 2 3 4 */
#include "wefttest.h"
#include <weft/data.h>
#include <weft/output.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int  rank, size;
static char path[256], message[1024];

/* ---- files to read ------------------------------------------------------------------------------------------------
 */
static WeftOutput Begin(void)
{
  WeftOutput output;

  if (!rank) unlink(path);
  MPI_Barrier(MPI_COMM_WORLD);
  Ok(WeftOutputCreate(PETSC_COMM_WORLD, path, 0, &output));
  return output;
}

static void End(WeftOutput output)
{
  Ok(WeftOutputCommit(&output));
}

static double Expected(PetscInt64 row, PetscInt64 col)
{
  return (double)((row * 31 + col * 7) % 256);
}

/* Rows of Expected() times a factor, of any file type, written a row at a time by rank 0. */
static void AddRows(WeftOutput output, const char name[], hid_t type, PetscInt64 rows, PetscInt64 cols, double factor)
{
  double values[64];

  Ok(WeftH5CreateRows(WeftOutputFile(output), name, type, rows, cols, (WeftH5Note){0}));
  for (PetscInt64 i = 0; i < rows; ++i) {
    for (PetscInt64 j = 0; j < cols; ++j) values[j] = factor * Expected(i, j);
    Ok(WeftH5WriteRows(PETSC_COMM_WORLD, WeftOutputFile(output), name, i, rank ? 0 : 1, H5T_NATIVE_DOUBLE, values));
  }
}

static void AddLabels(WeftOutput output, const char name[], PetscInt64 n, int32_t odd_one)
{
  int32_t labels[64];

  for (PetscInt64 i = 0; i < n; ++i) labels[i] = (int32_t)(i % 4);
  labels[n / 2] = odd_one;
  Ok(WeftH5WriteSmall(PETSC_COMM_WORLD, WeftOutputFile(output), name, H5T_STD_I32LE, H5T_NATIVE_INT32, n, 0, labels,
                      (WeftH5Note){0}));
}

static WeftData Open(void)
{
  WeftData data;

  Ok(WeftDataOpen(PETSC_COMM_WORLD, "-data", path, &data));
  return data;
}

/* ---- mistakes -----------------------------------------------------------------------------------------------------
 */
static PetscErrorCode Capture(MPI_Comm comm, int line, const char *fun, const char *file, PetscErrorCode n,
                              PetscErrorType p, const char *text, void *ctx)
{
  (void)comm, (void)line, (void)fun, (void)file, (void)ctx;
  if (p == PETSC_ERROR_INITIAL) snprintf(message, sizeof(message), "%s", text);
  return n;
}

/* The call is a user's mistake on every rank, and its message holds the words. */
#define assert_refused(call, words)                                                                                    \
  do {                                                                                                                 \
    message[0] = 0;                                                                                                    \
    Ok(PetscPushErrorHandler(Capture, NULL));                                                                          \
    const PetscErrorCode code_ = (call);                                                                               \
    Ok(PetscPopErrorHandler());                                                                                        \
    assert_int_equal(code_, WEFT_ERR_USER);                                                                            \
    if (!strstr(message, words) || !strstr(message, path)) fail_msg("\"%s\" does not say \"%s\"", message, words);     \
  } while (0)

static void assert_open_refused(const char words[])
{
  WeftData data;

  assert_refused(WeftDataOpen(PETSC_COMM_WORLD, "-data", path, &data), words);
}

/* ---- tests --------------------------------------------------------------------------------------------------------
 */
static void test_range(void **state)
{
  (void)state;
  for (PetscInt64 n = 0; n < 23; ++n) {
    PetscInt64 next = 0, row0, rows;

    for (int r = 0; r < 7; ++r) {
      WeftDataRange(n, r, 7, &row0, &rows);
      assert_true(row0 == next && (rows == n / 7 || rows == n / 7 + 1));
      next += rows;
    }
    assert_true(next == n);
  }
}

static void CheckRows(WeftData data, WeftSplit split, WeftPrecision precision, double factor)
{
  const double tolerance = precision == WEFT_SINGLE ? 1e-6 : 1e-15;
  PetscInt64   row0, rows;
  WeftBlock    x;

  WeftDataRange(WeftDataGetInfo(data)->samples[split], rank, size, &row0, &rows);
  Ok(WeftDataReadRows(data, split, row0, rows, precision, &x));
  assert_true(x.rows == (size_t)rows && x.cols == 5 && x.precision == precision);
  for (size_t i = 0; i < x.rows; ++i)
    for (size_t j = 0; j < x.cols; ++j) {
      const double wanted = factor * Expected(row0 + (PetscInt64)i, (PetscInt64)j);
      assert_near(WeftBlockGet(&x, i, j), wanted, tolerance * fabs(wanted));
    }
  Ok(WeftBlockDestroy(&x));
}

/* 41 training samples; 2 test samples, so that some ranks of 3 and 4 have none. */
static void test_types(void **state)
{
  const struct {
    hid_t  type;
    double written, scale, read; /* factors; scale 0: no attribute */
  } cases[] = {{H5T_STD_U8LE, 1, 0, 1.0 / 255},   {H5T_STD_U8LE, 1, 0.25, 0.25},     {H5T_IEEE_F32LE, 0.375, 0, 0.375},
               {H5T_IEEE_F32BE, 0.375, 0, 0.375}, {H5T_IEEE_F64LE, 0.375, 0, 0.375}, {H5T_STD_I16LE, -3, 0, -3},
               {H5T_STD_I16LE, -3, 2, -6},        {H5T_IEEE_F32LE, 0.375, 2, 0.375}};

  (void)state;
  for (size_t t = 0; t < sizeof(cases) / sizeof(cases[0]); ++t) {
    WeftOutput output = Begin();
    WeftData   data;

    AddRows(output, "/train/x", cases[t].type, 41, 5, cases[t].written);
    AddRows(output, "/test/x", cases[t].type, 2, 5, cases[t].written);
    if (cases[t].scale > 0) {
      Ok(WeftH5SetReal(WeftOutputFile(output), "/train/x", "scale", cases[t].scale));
      Ok(WeftH5SetReal(WeftOutputFile(output), "/test/x", "scale", cases[t].scale));
    }
    End(output);
    data = Open();
    for (int split = 0; split < WEFT_NUM_SPLITS; ++split) {
      CheckRows(data, (WeftSplit)split, WEFT_SINGLE, cases[t].read);
      CheckRows(data, (WeftSplit)split, WEFT_DOUBLE, cases[t].read);
    }
    Ok(WeftDataClose(&data));
  }
}

/* Longer than what is converted at a time. */
static void test_long(void **state)
{
  const PetscInt64 n = 3, d = 3000000;
  WeftOutput       output = Begin();
  double          *row;
  WeftData         data;
  WeftBlock        x;

  (void)state;
  Ok(PetscMalloc1((size_t)d, &row));
  Ok(WeftH5CreateRows(WeftOutputFile(output), "/train/x", H5T_IEEE_F64LE, n, d, (WeftH5Note){0}));
  for (PetscInt64 i = 0; i < n; ++i) {
    for (PetscInt64 j = 0; j < d; ++j) row[j] = (double)(i * d + j);
    Ok(WeftH5WriteRows(PETSC_COMM_WORLD, WeftOutputFile(output), "/train/x", i, rank ? 0 : 1, H5T_NATIVE_DOUBLE, row));
  }
  End(output);
  Ok(PetscFree(row));
  data = Open();
  Ok(WeftDataReadRows(data, WEFT_TRAIN, rank ? 1 : 0, rank ? 1 : 3, WEFT_SINGLE, &x));
  for (size_t i = 0; i < x.rows * x.cols; ++i)
    if (x.values.s[i] != (float)(i + (rank ? (size_t)d : 0))) fail_msg("number %zu is %g", i, (double)x.values.s[i]);
  Ok(WeftBlockDestroy(&x));
  Ok(WeftDataClose(&data));
}

static void test_info(void **state)
{
  WeftOutput          output = Begin();
  const WeftDataInfo *info;
  WeftData            data;

  (void)state;
  AddRows(output, "/train/x", H5T_STD_U8LE, 9, 12, 1);
  AddLabels(output, "/train/y", 9, 3);
  Ok(WeftH5SetInts(WeftOutputFile(output), "/", "shape", 3, (PetscInt64[]){2, 2, 3}));
  Ok(WeftH5SetText(WeftOutputFile(output), "/", "pixel_order", "planes"));
  Ok(WeftH5SetText(WeftOutputFile(output), "/", "source", "a test"));
  Ok(WeftH5SetInt(WeftOutputFile(output), "/", "weft_schema", 1));
  End(output);
  data = Open();
  info = WeftDataGetInfo(data);
  assert_true(info->samples[WEFT_TRAIN] == 9 && info->samples[WEFT_TEST] == 0 && info->features == 12);
  assert_true(info->labelled[WEFT_TRAIN] && !info->labelled[WEFT_TEST] && info->classes == 4);
  assert_true(info->shape[0] == 2 && info->shape[1] == 2 && info->shape[2] == 3);
  assert_string_equal(info->pixel_order, "planes");
  assert_string_equal(info->source, "a test");
  Ok(WeftDataClose(&data));
}

static void test_labels(void **state)
{
  const PetscInt64 n[] = {37, 2};
  WeftOutput       output = Begin();
  WeftData         data;
  int32_t          labels[64];
  PetscInt64       row0, rows;

  (void)state;
  AddRows(output, "/train/x", H5T_IEEE_F32LE, n[0], 3, 1);
  AddRows(output, "/test/x", H5T_IEEE_F32LE, n[1], 3, 1);
  AddLabels(output, "/train/y", n[0], 6);
  AddLabels(output, "/test/y", n[1], 7);
  End(output);
  data = Open();
  assert_true(WeftDataGetInfo(data)->classes == 7);
  WeftDataRange(n[0], rank, size, &row0, &rows);
  Ok(WeftDataReadLabels(data, WEFT_TRAIN, row0, rows, labels));
  for (PetscInt64 i = 0; i < rows; ++i) assert_int_equal(labels[i], row0 + i == 18 ? 6 : (row0 + i) % 4);
  WeftDataRange(n[1], rank, size, &row0, &rows);
  assert_refused(WeftDataReadLabels(data, WEFT_TEST, row0, rows, labels), "/test/y: sample 1 has label 7");
  Ok(WeftDataClose(&data));
}

/* The first one over all ranks is named, and what is finite in double may be too large for single precision. */
static void test_not_finite(void **state)
{
  WeftOutput output = Begin();
  double     values[12][5] = {{0}};
  WeftData   data;
  WeftBlock  x;
  PetscInt64 row0, rows;

  (void)state;
  values[11][0] = values[10][1] = NAN;
  values[8][3] = -INFINITY;
  values[8][4] = NAN;
  values[6][2] = 1e300;
  Ok(WeftH5WriteSmall(PETSC_COMM_WORLD, WeftOutputFile(output), "/train/x", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 12, 5,
                      values, (WeftH5Note){0}));
  End(output);
  data = Open();
  WeftDataRange(12, rank, size, &row0, &rows);
  assert_refused(WeftDataReadRows(data, WEFT_TRAIN, row0, rows, WEFT_DOUBLE, &x), "/train/x: sample 8, feature 3 ");
  assert_refused(WeftDataReadRows(data, WEFT_TRAIN, row0, rows, WEFT_SINGLE, &x), "/train/x: sample 6, feature 2 ");
  Ok(WeftDataReadRows(data, WEFT_TRAIN, 0, rank ? 0 : 8, WEFT_DOUBLE, &x));
  Ok(WeftBlockDestroy(&x));
  assert_refused(WeftDataReadRows(data, WEFT_TEST, 0, 0, WEFT_DOUBLE, &x), "has no /test/x");
  assert_refused(WeftDataReadLabels(data, WEFT_TRAIN, 0, 0, NULL), "has no /train/y");
  Ok(WeftDataClose(&data));
}

/* A good file but for one thing, which the message names. */
static void test_mistakes(void **state)
{
  WeftOutput output;

  (void)state;
  if (!rank) unlink(path);
  MPI_Barrier(MPI_COMM_WORLD);
  assert_open_refused("No such file");
  output = Begin();
  AddRows(output, "/test/x", H5T_IEEE_F32LE, 4, 3, 1);
  End(output);
  assert_open_refused("has no /train/x");
  output = Begin();
  AddRows(output, "/train/x", H5T_IEEE_F32LE, 4, 3, 1);
  Ok(WeftH5SetInt(WeftOutputFile(output), "/", "weft_schema", 2));
  End(output);
  assert_open_refused("weft_schema");
  output = Begin();
  AddRows(output, "/train/x", H5T_IEEE_F32LE, 4, 0, 1);
  End(output);
  assert_open_refused("/train/x has 1 dimension");
  output = Begin();
  Ok(WeftH5CreateRows(WeftOutputFile(output), "/train/x", H5T_IEEE_F32LE, 0, 3, (WeftH5Note){0}));
  End(output);
  assert_open_refused("/train/x has no samples");
  output = Begin();
  Ok(WeftH5WriteText(PETSC_COMM_WORLD, WeftOutputFile(output), "/train/x", "a text", (WeftH5Note){0}));
  End(output);
  assert_open_refused("/train/x holds neither");
}

static void test_contradictions(void **state)
{
  WeftOutput output;

  (void)state;
  output = Begin();
  AddRows(output, "/train/x", H5T_IEEE_F32LE, 4, 3, 1);
  AddRows(output, "/test/x", H5T_IEEE_F32LE, 4, 2, 1);
  End(output);
  assert_open_refused("/test/x has 2 features, /train/x has 3");
  output = Begin();
  AddRows(output, "/train/x", H5T_IEEE_F32LE, 4, 3, 1);
  AddLabels(output, "/train/y", 5, 1);
  End(output);
  assert_open_refused("/train/y has 5 x 1 labels for 4 samples");
  output = Begin();
  AddRows(output, "/train/x", H5T_IEEE_F32LE, 4, 3, 1);
  AddLabels(output, "/train/y", 4, -2);
  End(output);
  assert_open_refused("/train/y: sample 2 has label -2");
  output = Begin();
  AddRows(output, "/train/x", H5T_IEEE_F32LE, 4, 3, 1);
  Ok(WeftH5SetInts(WeftOutputFile(output), "/", "shape", 3, (PetscInt64[]){2, 2, 1}));
  End(output);
  assert_open_refused("the shape 2,2,1 does not make up its 3 features");
  output = Begin();
  AddRows(output, "/train/x", H5T_STD_U8LE, 4, 3, 1);
  Ok(WeftH5SetReal(WeftOutputFile(output), "/train/x", "scale", NAN));
  End(output);
  assert_open_refused("/train/x: attribute scale");
}

/* The first and the last test: a folder that all ranks share. */
static void make_folder(void **state)
{
  char folder[] = "/tmp/weft-data-XXXXXX";

  (void)state;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (!rank) assert_non_null(mkdtemp(folder));
  MPI_Bcast(folder, sizeof(folder), MPI_CHAR, 0, MPI_COMM_WORLD);
  snprintf(path, sizeof(path), "%s/data.h5", folder);
}

static void remove_folder(void **state)
{
  (void)state;
  MPI_Barrier(MPI_COMM_WORLD);
  if (rank) return;
  unlink(path);
  *strrchr(path, '/') = 0;
  assert_int_equal(rmdir(path), 0);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(make_folder),         cmocka_unit_test(test_range),
                                          cmocka_unit_test(test_types),          cmocka_unit_test(test_long),
                                          cmocka_unit_test(test_info),           cmocka_unit_test(test_labels),
                                          cmocka_unit_test(test_not_finite),     cmocka_unit_test(test_mistakes),
                                          cmocka_unit_test(test_contradictions), cmocka_unit_test(remove_folder)};
WEFT_TEST_MAIN(tests)
