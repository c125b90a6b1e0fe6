/* A structure read from a run file is what was written, at any rank count and precision, and what it answers is the
   method's formulas, written out.   ranks: 1 2 3 4 */
#include "folder.h"
#include "structurefile.h"
#include "wefttest.h"
#include <weft/h5.h>
#include <weft/structure.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static WeftStructure Open(MPI_Comm comm, const char name[], WeftPrecision precision)
{
  WeftStructure s;

  Ok(WeftStructureOpen(comm, "-structure", FolderPath(name), precision, &s));
  return s;
}

static void ReadDouble(const char name[], const char dataset[], PetscInt64 rows, double *values)
{
  hid_t file;

  Ok(WeftH5OpenRead(PETSC_COMM_SELF, "-structure", FolderPath(name), &file));
  Ok(WeftH5ReadRows(PETSC_COMM_SELF, file, dataset, 0, rows, H5T_NATIVE_DOUBLE, values));
  H5Fclose(file);
}

/* ---- what the file says ---- */

static void CheckConnections(const WeftStructureLayer *layer)
{
  const int    p = layer->responder.group_size;
  const size_t d = layer->atoms.cols;

  assert_int_equal(layer->start[0], 0);
  for (int g = 0; g < layer->responder.groups; ++g) {
    size_t at = layer->start[g];
    for (size_t j = 0; j < d; ++j) {
      int connected = 0;
      for (int a = g * p; a < (g + 1) * p; ++a) connected |= WeftBlockGet(&layer->atoms, (size_t)a, j) != 0;
      if (!connected) continue;
      assert_true(at < layer->start[g + 1]);
      assert_int_equal(layer->input[at++], j);
    }
    assert_int_equal(at, layer->start[g + 1]);
    assert_true(layer->responder.alive[g] || layer->start[g] == layer->start[g + 1]);
  }
}

static void CheckLayer0(const WeftStructure s)
{
  const WeftStructureLayer *layer = &s->layers[0];
  const double              rounding = s->precision == WEFT_SINGLE ? 1e-7 : 0;
  double                    D_[D * P0 * G0], alive[G0], usage[G0];

  ReadDouble("one", "/layers/0/dictionary", D, D_);
  ReadDouble("one", "/layers/0/alive", G0, alive);
  ReadDouble("one", "/layers/0/usage", G0, usage);
  assert_int_equal(layer->responder.groups, G0);
  assert_int_equal(layer->responder.group_size, P0);
  for (int i = 0; i < D * P0 * G0; ++i)
    assert_near(WeftBlockGet(&layer->atoms, (size_t)(i % (P0 * G0)), (size_t)(i / (P0 * G0))), D_[i], rounding);
  for (int g = 0; g < G0; ++g) assert_true(layer->usage[g] == usage[g] && layer->responder.alive[g] == (alive[g] > 0));
  assert_true(layer->mu == 0 && layer->responder.lambda > 0 && !layer->responder.ridge);
  CheckConnections(layer);
}

static void test_holds_what_the_file_says(void **state)
{
  (void)state;
  for (int precision = 0; precision < 2; ++precision) {
    WeftStructure       s = Open(PETSC_COMM_WORLD, "two", (WeftPrecision)precision);
    WeftStructureLayer *layer = &s->layers[1];

    assert_int_equal(s->count, 2);
    assert_int_equal(s->features, D);
    CheckLayer0(s);
    assert_int_equal(layer->responder.groups, G1);
    assert_true(layer->responder.lambda == layer1_lambda && !layer->responder.alive[2] &&
                layer->usage[1] == layer1_usage[1]);
    CheckConnections(layer);
    assert_int_equal(layer->start[1], 8); /* of group 0: two of three inputs */
    Ok(WeftStructureClose(&s));
  }
}

static void RaiseLambda(hid_t file)
{
  double    lambda;
  PetscBool found;

  Ok(WeftH5GetReal(file, "/layers/0", "lambda", &lambda, &found));
  Ok(WeftH5SetReal(file, "/layers/0", "lambda", lambda * (1 + 1e-12)));
}

static void TurnWhitening(hid_t file)
{
  double W[D * D];
  hid_t  dataset = H5Dopen2(file, "/layers/0/whitening", H5P_DEFAULT);

  H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, W);
  W[D * D - 1] *= 1 + 1e-12;
  H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, W);
  H5Adelete(dataset, "crc32"); /* it is meant to be so */
  H5Dclose(dataset);
}

static void Rename(hid_t file)
{
  Ok(WeftH5SetText(file, "/", "created", "another day"));
}

static uint64_t Checksum(MPI_Comm comm, const char name[], WeftPrecision precision)
{
  WeftStructure  s = Open(comm, name, precision);
  const uint64_t sum = s->checksum;
  char           text[PETSC_MAX_PATH_LEN], wanted[PETSC_MAX_PATH_LEN];

  WeftStructureDescribe(s, sizeof(text), text);
  snprintf(wanted, sizeof(wanted), "%s %016llx", FolderPath(name), (unsigned long long)sum);
  assert_string_equal(text, wanted);
  Ok(WeftStructureClose(&s));
  return sum;
}

/* Neither ranks nor precision nor what the file says beside the numbers; but any of these. */
static void test_the_checksum_is_that_of_the_numbers(void **state)
{
  const uint64_t sum = Checksum(PETSC_COMM_WORLD, "one", WEFT_SINGLE);

  (void)state;
  assert_true(sum == Checksum(PETSC_COMM_SELF, "one", WEFT_DOUBLE));
  StructureChange("one", "named", Rename);
  assert_true(sum == Checksum(PETSC_COMM_WORLD, "named", WEFT_SINGLE));
  assert_true(sum != Checksum(PETSC_COMM_WORLD, "two", WEFT_SINGLE));
  StructureChange("one", "lambda", RaiseLambda);
  assert_true(sum != Checksum(PETSC_COMM_WORLD, "lambda", WEFT_SINGLE));
  StructureChange("one", "whitening", TurnWhitening);
  assert_true(sum != Checksum(PETSC_COMM_WORLD, "whitening", WEFT_SINGLE));
}

/* ---- what it answers ---- */

/* What one layer does to one sample, written out. */
static void NaiveLayer(const double x[], double         floor, double (*mean)(int), double (*W)(int, int),
                       double (*atom)(int, int), double lambda, int p, int G, double white[], double y[])
{
  double average = 0, deviation = 0;

  for (int j = 0; j < D; ++j) average += x[j] / D;
  for (int j = 0; j < D; ++j) deviation += (x[j] - average) * (x[j] - average) / D;
  deviation = fmax(sqrt(deviation), floor);
  for (int j = 0; j < D; ++j) {
    white[j] = 0;
    for (int i = 0; i < D; ++i) white[j] += ((x[i] - average) / deviation - mean(i)) * W(i, j);
  }
  for (int g = 0; g < G; ++g) {
    double square = 0;
    for (int a = g * p; a < (g + 1) * p; ++a) {
      double u = 0;
      for (int j = 0; j < D; ++j) u += white[j] * atom(j, a);
      square += u * u;
    }
    y[g] = fmax(0, sqrt(square) - lambda * sqrt(p));
  }
}

/* Layer 0's, as PlantedWrite() makes them, and its atoms as they were read. */
static double Mean0(int j)
{
  return 1.0 / (j + 3);
}
static double Whitening0(int i, int j)
{
  return sin((double)(i * D + j));
}
static const WeftBlock *atoms0;
static double           Atom0(int j, int a)
{
  return WeftBlockGet(atoms0, (size_t)a, (size_t)j);
}

static double Raw(PetscInt64 i, int j)
{
  return i % 50 == 7 ? 0.25 : 3 * sin(0.7 * (double)i + j * j) + 0.01 * j; /* some have no contrast */
}

/* This rank's raw samples; rank 1 has none. */
static WeftBlock Samples(PetscInt64 n, WeftPrecision precision, PetscInt64 *row0)
{
  int       rank;
  WeftBlock x;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  *row0 = rank * n;
  Ok(WeftBlockCreate(rank == 1 ? 0 : (size_t)n, D, precision, &x));
  for (size_t i = 0; i < x.rows; ++i)
    for (int j = 0; j < D; ++j) WeftBlockSet(&x, i, (size_t)j, Raw(*row0 + (PetscInt64)i, j));
  return x;
}

/* Single rounding of the samples is magnified by whitening with a matrix that is nowhere near the identity. */
static void CheckForward(PetscInt64 n, WeftPrecision precision)
{
  const double  rounding = precision == WEFT_SINGLE ? 2e-4 : 1e-10;
  WeftStructure s = Open(PETSC_COMM_WORLD, "two", precision);
  PetscInt64    row0;
  WeftBlock     x = Samples(n, precision, &row0), y[2], alone, first;
  double        raw[D], white[D], y0[G0], y1[G1], positive[2] = {0};

  atoms0 = &s->layers[0].atoms;
  Ok(WeftBlockCreate(x.rows, G0, precision, &y[0]));
  Ok(WeftBlockCreate(x.rows, G1, precision, &y[1]));
  Ok(WeftBlockCreate(x.rows, G1, precision, &alone));
  Ok(WeftBlockCreate(x.rows, G0, precision, &first));
  Ok(WeftStructureApplyAll(s, 2, WEFT_FEEDFORWARD, &x, y, NULL));
  Ok(WeftStructureApply(s, 2, WEFT_FEEDFORWARD, &x, &alone));
  Ok(WeftStructureApply(s, 1, WEFT_FEEDFORWARD, &x, &first));
  for (size_t i = 0; i < x.rows; ++i) {
    for (int j = 0; j < D; ++j) raw[j] = WeftBlockGet(&x, i, (size_t)j);
    assert_near(raw[3], Raw(row0 + (PetscInt64)i, 3), 1e-6); /* unchanged */
    NaiveLayer(raw, 0.7, Mean0, Whitening0, Atom0, s->layers[0].responder.lambda, P0, G0, white, y0);
    NaiveLayer(y0, layer1_floor, Layer1Mean, Layer1Whitening, Layer1Atom, layer1_lambda, P1, G1, white, y1);
    for (int g = 0; g < G0; ++g) assert_near(WeftBlockGet(&y[0], i, (size_t)g), y0[g], rounding);
    for (int g = 0; g < G1; ++g) assert_near(WeftBlockGet(&y[1], i, (size_t)g), y1[g], 10 * rounding);
    for (int g = 0; g < G0; ++g) positive[0] += y0[g] > 0;
    for (int g = 0; g < G1; ++g) positive[1] += y1[g] > 0;
  }
  for (int l = 0; l < 2; ++l) /* some groups answer, some do not */
    assert_true(!x.rows || (positive[l] > 0.2 * (double)x.rows && positive[l] < 0.9 * (double)x.rows * (l ? 2 : G0)));
  if (x.rows) assert_memory_equal(alone.values.v, y[1].values.v, x.rows * G1 * WeftPrecisionBytes(precision));
  if (x.rows) assert_memory_equal(first.values.v, y[0].values.v, x.rows * G0 * WeftPrecisionBytes(precision));
  Ok(WeftBlockDestroy(&alone));
  Ok(WeftBlockDestroy(&first));
  for (int l = 0; l < 2; ++l) Ok(WeftBlockDestroy(&y[l]));
  Ok(WeftBlockDestroy(&x));
  Ok(WeftStructureClose(&s));
}

static void test_feedforward_is_the_formulas(void **state)
{
  (void)state;
  for (int precision = 0; precision < 2; ++precision) {
    CheckForward(0, (WeftPrecision)precision);
    CheckForward(100, (WeftPrecision)precision);
    CheckForward(2049, (WeftPrecision)precision); /* two pieces */
  }
}

/* Exact codes of the second layer, whose input is what the first one answers feed-forward. */
static void test_exact_is_of_the_last_layer(void **state)
{
  WeftStructure   s = Open(PETSC_COMM_WORLD, "two", WEFT_DOUBLE);
  PetscInt64      row0;
  WeftBlock       x = Samples(100, WEFT_DOUBLE, &row0), forward, wanted, y;
  WeftCoder       coder;
  WeftCoderResult result;
  WeftBlock       all[2] = {{0}};

  (void)state;
  Ok(WeftBlockCreate(x.rows, G0, WEFT_DOUBLE, &forward));
  Ok(WeftBlockCreate(x.rows, G1, WEFT_DOUBLE, &wanted));
  Ok(WeftBlockCreate(x.rows, G1, WEFT_DOUBLE, &y));
  Ok(WeftResponderGetCoder(&s->layers[1].responder, &coder));
  Ok(WeftCoderSetTolerances(coder, 1e-8, 20));
  Ok(WeftStructureApply(s, 2, WEFT_EXACT, &x, &y));
  Ok(WeftStructureApply(s, 1, WEFT_FEEDFORWARD, &x, &forward));
  Ok(WeftPrepApply(s->layers[1].prep, &forward));
  Ok(WeftRespond(&s->layers[1].responder, WEFT_EXACT, &forward, &wanted, NULL));
  for (size_t i = 0; i < x.rows * G1; ++i) assert_near(y.values.d[i], wanted.values.d[i], 1e-10);
  all[1] = y;
  Ok(WeftStructureApplyAll(s, 2, WEFT_EXACT, &x, all, &result));
  assert_int_equal(result.samples, x.rows);
  assert_true(!x.rows || (result.reason == WEFT_CODER_CONVERGED_GAP && result.active_groups > 0));
  assert_true(result.max_gap <= 1e-8);
  Ok(WeftBlockDestroy(&forward));
  Ok(WeftBlockDestroy(&wanted));
  Ok(WeftBlockDestroy(&y));
  Ok(WeftBlockDestroy(&x));
  Ok(WeftStructureClose(&s));
}

/* ---- mistakes ---- */

static char said[1024]; /* what the last of them told */

static PetscErrorCode Keep(MPI_Comm comm, int line, const char *fun, const char *file, PetscErrorCode n,
                           PetscErrorType p, const char *mess, void *ctx)
{
  (void)comm, (void)line, (void)fun, (void)file, (void)ctx;
  if (p == PETSC_ERROR_INITIAL) snprintf(said, sizeof(said), "%s", mess);
  return n;
}

static void Refuses(PetscErrorCode ierr, const char words[])
{
  Ok(PetscPopErrorHandler());
  assert_int_equal(ierr, WEFT_ERR_USER);
  if (!strstr(said, words)) fail_msg("\"%s\" does not say \"%s\"", said, words);
}

static void RefusesFile(const char path[], const char words[])
{
  WeftStructure s;

  Ok(PetscPushErrorHandler(Keep, NULL));
  Refuses(WeftStructureOpen(PETSC_COMM_WORLD, "-structure", path, WEFT_SINGLE, &s), words);
}

static void OtherWidth(hid_t file)
{
  StructureLayer1(file, D - 1);
}
static void NoUsage(hid_t file)
{
  H5Ldelete(file, "/layers/0/usage", H5P_DEFAULT);
}
static void OddGroups(hid_t file)
{
  Ok(WeftH5SetInt(file, "/layers/0", "group_size", 5));
}
static void NotALambda(hid_t file)
{
  Ok(WeftH5SetReal(file, "/layers/0", "lambda", NAN));
}

static void test_files_that_are_none(void **state)
{
  (void)state;
  RefusesFile(FolderPath("nowhere"), "no such file");
  RefusesFile(FolderPath("checkpoint"), "weft learn -resume -o");
  RefusesFile(StructureChange("one", "width", OtherWidth),
              "/layers/1 has 11 inputs, the layer below it 12 outputs: damaged");
  RefusesFile(StructureChange("one", "usage", NoUsage), "/layers/0/usage is missing");
  RefusesFile(StructureChange("one", "groups", OddGroups), "12 groups of 5: damaged");
  RefusesFile(StructureChange("one", "nan", NotALambda), "/layers/0 lacks a valid lambda");
}

static void AddEta(hid_t file)
{
  double eta[G0];

  for (int g = 0; g < G0; ++g) eta[g] = 0.5 + g;
  StructureReals(file, "/layers/0/eta", G0, 0, eta);
}

/* With μ > 0 exact codes need η; feed-forward ones do not. */
static void test_a_width_penalty(void **state)
{
  WeftStructure s = Open(PETSC_COMM_WORLD, "narrow", WEFT_DOUBLE);
  PetscInt64    row0;
  WeftBlock     x = Samples(20, WEFT_DOUBLE, &row0), y;

  (void)state;
  assert_true(s->layers[0].mu > 0);
  Ok(WeftBlockCreate(x.rows, G0, WEFT_DOUBLE, &y));
  Ok(WeftStructureApply(s, 1, WEFT_FEEDFORWARD, &x, &y));
  Ok(PetscPushErrorHandler(Keep, NULL));
  Refuses(WeftStructureApply(s, 1, WEFT_EXACT, &x, &y), "lacks /layers/0/eta");
  Ok(WeftStructureClose(&s));
  StructureChange("narrow", "eta", AddEta);
  s = Open(PETSC_COMM_WORLD, "eta", WEFT_DOUBLE);
  for (int g = 0; g < G0; ++g)
    assert_near(s->layers[0].responder.ridge[g], s->layers[0].mu * sqrt(P0) / (0.5 + g), 1e-15);
  Ok(WeftStructureApply(s, 1, WEFT_EXACT, &x, &y));
  Ok(WeftStructureClose(&s));
  Ok(WeftBlockDestroy(&x));
  Ok(WeftBlockDestroy(&y));
}

/* A gap that cannot be reached in the rounds allowed. */
static void test_codes_that_miss_their_gap(void **state)
{
  WeftStructure s = Open(PETSC_COMM_WORLD, "one", WEFT_SINGLE);
  PetscInt64    row0;
  WeftBlock     x = Samples(100, WEFT_SINGLE, &row0), y;
  WeftCoder     coder;

  (void)state;
  Ok(WeftBlockCreate(x.rows, G0, WEFT_SINGLE, &y));
  Ok(WeftResponderGetCoder(&s->layers[0].responder, &coder));
  Ok(WeftCoderSetTolerances(coder, 1e-15, 1));
  Ok(PetscPushErrorHandler(Keep, NULL));
  Refuses(WeftStructureApply(s, 1, WEFT_EXACT, &x, &y), "did not reach its gap");
  Ok(PetscPushErrorHandler(Keep, NULL));
  Refuses(WeftStructureCheckWidth(s, "-data", "d.h5", D + 1),
          "-data d.h5: samples of 13 features, where the structure");
  Ok(WeftStructureCheckWidth(s, "-data", "d.h5", D));
  Ok(WeftStructureClose(&s));
  Ok(WeftBlockDestroy(&x));
  Ok(WeftBlockDestroy(&y));
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(test_holds_what_the_file_says),    cmocka_unit_test(test_the_checksum_is_that_of_the_numbers),
  cmocka_unit_test(test_feedforward_is_the_formulas), cmocka_unit_test(test_exact_is_of_the_last_layer),
  cmocka_unit_test(test_files_that_are_none),         cmocka_unit_test(test_a_width_penalty),
  cmocka_unit_test(test_codes_that_miss_their_gap)};

WEFT_TEST_MAIN_WITH_FOLDER(tests, StructureMakeFiles)
