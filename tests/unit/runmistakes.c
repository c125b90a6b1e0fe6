/* A run file that is damaged, foreign or of another run is the user's mistake: on every rank, whatever is wrong with
   it, and never a fault.   ranks: 1 2 3 */
#include "folder.h"
#include "planted.h"
#include "wefttest.h"
#include <weft/h5.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const Planted planted = {.n = 20, .d = 6, .groups = 2, .group_size = 2, .inputs = 4, .active = 1, .noise = 0.1};

static WeftLayerSettings Settings(void)
{
  WeftLayerSettings settings = PlantedSettings(8, 2, 6);

  settings.batch_size = 7;
  return settings;
}

/* A checkpoint at the end of a run. */
static int MakeGood(void **state)
{
  const WeftLayerSettings settings = Settings();
  PlantedLayer            p;

  if (FolderMake(state)) return 1;
  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &p);
  PlantedLayerLearn(&p);
  PlantedWrite(FolderPath("good"), &p, PETSC_FALSE);
  PlantedLayerDestroy(&p);
  return 0;
}

/* All that -resume does with a file, into a layer of these samples and settings. */
static PetscErrorCode ReadAll(const char path[], const Planted *samples, const WeftLayerSettings *settings)
{
  PlantedLayer   p;
  WeftPrep       prep;
  WeftRunState   found;
  PetscErrorCode ierr;

  PlantedLayerCreate(PETSC_COMM_WORLD, samples, settings, &p);
  Ok(WeftPrepCreate(PETSC_COMM_WORLD, (PetscInt)samples->d, &prep));
  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = WeftRunFileInspect(PETSC_COMM_WORLD, "-o", path, &found);
  if (!ierr) ierr = WeftRunFileReadPrep(PETSC_COMM_WORLD, path, 0, prep);
  if (!ierr) ierr = WeftRunFileReadLayer(path, 0, p.layer);
  Ok(PetscPopErrorHandler());
  Ok(WeftPrepDestroy(&prep));
  PlantedLayerDestroy(&p);
  return ierr;
}

/* What is done to a copy of the good file, which rank 0 has open; with is the object concerned. */
typedef void (*Damage)(hid_t file, const char with[]);

/* The good file's bytes; every rank may call. */
static char *GoodBytes(size_t *length)
{
  FILE *file = fopen(FolderPath("good"), "rb");
  char *bytes;

  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  *length = (size_t)ftell(file);
  rewind(file);
  bytes = malloc(*length);
  assert_int_equal(fread(bytes, 1, *length, file), *length);
  fclose(file);
  return bytes;
}

static int IsFirstRank(void)
{
  int rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  return !rank;
}

/* Writes the first bytes of the good file under a new name, by rank 0. Files are not used again: one whose reading
   failed is still open. */
static const char *WriteBytes(const char bytes[], size_t length)
{
  static int  number;
  static char name[32];

  snprintf(name, sizeof(name), "case%d", number++);
  if (IsFirstRank()) {
    FILE *file = fopen(FolderPath(name), "wb");
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  return FolderPath(name);
}

static void ExpectRefusal(Damage damage, const char with[])
{
  const WeftLayerSettings settings = Settings();
  size_t                  length;
  char                   *bytes = GoodBytes(&length);
  const char             *path = WriteBytes(bytes, length);

  if (IsFirstRank()) {
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    (*damage)(file, with);
    assert_true(H5Fclose(file) >= 0);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  if (ReadAll(path, &planted, &settings) != WEFT_ERR_USER) fail_msg("%s was not refused", with);
  free(bytes);
}

/* ---- damages ---- */

static void Delete(hid_t file, const char path[])
{
  assert_true(H5Ldelete(file, path, H5P_DEFAULT) >= 0);
}

/* The dataset anew with other dimensions, holding zeros. */
static void Reshape(hid_t file, const char path[], int ndims, const hsize_t dims[], hid_t type)
{
  hid_t space, dataset;

  Delete(file, path);
  space = H5Screate_simple(ndims, dims, NULL);
  dataset = H5Dcreate2(file, path, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  assert_true(dataset >= 0);
  H5Dclose(dataset);
  H5Sclose(space);
}

static int Shape(hid_t file, const char path[], hsize_t dims[])
{
  hid_t dataset = H5Dopen2(file, path, H5P_DEFAULT), space = H5Dget_space(dataset);
  int   ndims = H5Sget_simple_extent_dims(space, dims, NULL);

  assert_true(ndims > 0);
  H5Sclose(space);
  H5Dclose(dataset);
  return ndims;
}

static void OneRowMore(hid_t file, const char path[])
{
  hsize_t   dims[8];
  const int ndims = Shape(file, path, dims);

  ++dims[0];
  Reshape(file, path, ndims, dims, H5T_NATIVE_DOUBLE);
}

static void OneDimensionMore(hid_t file, const char path[])
{
  hsize_t   dims[8];
  const int ndims = Shape(file, path, dims);

  dims[ndims] = 1;
  Reshape(file, path, ndims + 1, dims, H5T_NATIVE_DOUBLE);
}

static void Scalar(hid_t file, const char path[])
{
  hid_t space, dataset;

  Delete(file, path);
  space = H5Screate(H5S_SCALAR);
  dataset = H5Dcreate2(file, path, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dclose(dataset);
  H5Sclose(space);
}

static void Words(hid_t file, const char path[])
{
  hsize_t   dims[8];
  const int ndims = Shape(file, path, dims);

  Reshape(file, path, ndims, dims, H5T_C_S1);
}

static void Group(hid_t file, const char path[])
{
  Delete(file, path);
  H5Gclose(H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

/* The first entry becomes 1000. */
static void TooMuch(hid_t file, const char path[])
{
  hsize_t dims[8];
  hid_t   dataset;
  size_t  n = 1;
  double *values;

  for (int i = Shape(file, path, dims); i > 0; --i) n *= dims[i - 1];
  values = calloc(n, sizeof(double));
  dataset = H5Dopen2(file, path, H5P_DEFAULT);
  assert_true(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  values[0] = 1000;
  assert_true(H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  H5Dclose(dataset);
  free(values);
}

static void DeleteStateAttribute(hid_t file, const char name[])
{
  assert_true(H5Adelete_by_name(file, "/state", name, H5P_DEFAULT) >= 0);
}

static void DeleteRootAttribute(hid_t file, const char name[])
{
  assert_true(H5Adelete_by_name(file, "/", name, H5P_DEFAULT) >= 0);
}

static void ThousandAtRoot(hid_t file, const char name[])
{
  Ok(WeftH5SetInt(file, "/", name, 1000));
}

static void TextAtRoot(hid_t file, const char name[])
{
  Ok(WeftH5SetText(file, "/", name, "1"));
}

static void ThousandInState(hid_t file, const char name[])
{
  Ok(WeftH5SetInt(file, "/state", name, 1000));
}

/* ---- tests ---- */

static const char *const datasets[] = {"/layers/0/mean",
                                       "/layers/0/whitening",
                                       "/layers/0/alive",
                                       "/layers/0/usage",
                                       "/layers/0/gamma",
                                       "/state/dictionary",
                                       "/state/A",
                                       "/state/B",
                                       "/state/eta",
                                       "/state/idle",
                                       "/state/codes/active",
                                       "/state/codes/group",
                                       "/state/codes/value",
                                       "/history/0/objective",
                                       "/history/0/removed"};
enum { DATASETS = sizeof(datasets) / sizeof(datasets[0]) };

static void test_the_good_file_is_good(void **state)
{
  const WeftLayerSettings settings = Settings();

  (void)state;
  Ok(ReadAll(FolderPath("good"), &planted, &settings));
}

static void test_damaged_datasets(void **state)
{
  const Damage damages[] = {Delete, OneRowMore, OneDimensionMore, Scalar, Words, Group};

  (void)state;
  for (int i = 0; i < DATASETS; ++i)
    for (size_t j = 0; j < sizeof(damages) / sizeof(damages[0]); ++j) ExpectRefusal(damages[j], datasets[i]);
  ExpectRefusal(Delete, "/layers/0/dictionary"); /* read by others than -resume, but no run file is without */
  ExpectRefusal(Delete, "/layers/0");
  ExpectRefusal(Delete, "/layers");
  ExpectRefusal(Delete, "/state");
  ExpectRefusal(Delete, "/state/codes");
  ExpectRefusal(Delete, "/history");
  ExpectRefusal(TooMuch, "/state/codes/active");
  ExpectRefusal(TooMuch, "/state/codes/group");
}

static void test_damaged_attributes(void **state)
{
  const char *const in_state[] = {"samples",    "features",  "atoms",  "group_size", "batch_size",
                                  "iterations", "precision", "seed",   "lambda",     "mu_max",
                                  "eta_floor",  "iteration", "reseeds"};

  (void)state;
  for (size_t i = 0; i < sizeof(in_state) / sizeof(in_state[0]); ++i) ExpectRefusal(DeleteStateAttribute, in_state[i]);
  ExpectRefusal(ThousandInState, "iteration");
  ExpectRefusal(ThousandInState, "lambda"); /* a whole number where a real one is wanted */
  ExpectRefusal(DeleteRootAttribute, "weft_schema");
  ExpectRefusal(TextAtRoot, "weft_schema");
  ExpectRefusal(ThousandAtRoot, "weft_schema");
  ExpectRefusal(DeleteRootAttribute, "complete");
}

static void test_cut_short(void **state)
{
  const WeftLayerSettings settings = Settings();
  size_t                  length;
  char                   *bytes = GoodBytes(&length);
  const size_t            lengths[] = {0, 1, 8, 100, 1000, length / 4, length / 2, length - 512, length - 1};

  (void)state;
  for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); ++i)
    assert_int_equal(ReadAll(WriteBytes(bytes, lengths[i]), &planted, &settings), WEFT_ERR_USER);
  memset(bytes, 'x', length);
  assert_int_equal(ReadAll(WriteBytes(bytes, length), &planted, &settings), WEFT_ERR_USER);
  free(bytes);
}

/* A few bytes changed anywhere: numbers change unnoticed, all else is refused; nothing is a fault. */
static void test_damaged_bytes(void **state)
{
  const WeftLayerSettings settings = Settings();
  size_t                  length;
  char                   *bytes = GoodBytes(&length);

  (void)state;
  for (size_t at = 0; at + 8 < length; at += 1009) {
    PetscErrorCode ierr;
    for (size_t i = at; i < at + 8; ++i) bytes[i] ^= 0x55;
    ierr = ReadAll(WriteBytes(bytes, length), &planted, &settings);
    assert_true(!ierr || ierr == WEFT_ERR_USER);
    for (size_t i = at; i < at + 8; ++i) bytes[i] ^= 0x55;
  }
  free(bytes);
}

static void ExpectOtherRun(const Planted *samples, const WeftLayerSettings *settings)
{
  assert_int_equal(ReadAll(FolderPath("good"), samples, settings), WEFT_ERR_USER);
}

static void test_other_runs(void **state)
{
  WeftLayerSettings settings[6];
  Planted           samples = planted;

  (void)state;
  for (int i = 0; i < 6; ++i) settings[i] = Settings();
  settings[0].atoms = 10;
  settings[1].group_size = 4;
  settings[2].batch_size = 8;
  settings[3].iterations = 7;
  settings[4].precision = WEFT_SINGLE;
  settings[5].seed = 2;
  for (int i = 0; i < 6; ++i) ExpectOtherRun(&planted, &settings[i]);
  settings[0] = Settings();
  samples.n = 21;
  ExpectOtherRun(&samples, settings);
  samples = planted;
  samples.d = 7;
  ExpectOtherRun(&samples, settings);
}

/* Error code of comparing these options with the file's. */
static PetscErrorCode CheckOptions(const char options[])
{
  static const char *const free[] = {"-data", "-o", NULL};
  PetscErrorCode           ierr;

  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = WeftRunFileCheckOptions(PETSC_COMM_WORLD, FolderPath("good"), options, free);
  Ok(PetscPopErrorHandler());
  return ierr;
}

static void test_other_options(void **state)
{
  (void)state;
  Ok(CheckOptions(PLANTED_OPTIONS));
  Ok(CheckOptions("weft_atoms: 24\nweft_sparsity: 5e-1\n"));
  Ok(CheckOptions("o: x\nweft_sparsity: 0.5\nweft_atoms: 24\ndata: c.h5"));
  assert_int_equal(CheckOptions("weft_atoms: 24\nweft_sparsity: 0.51\n"), WEFT_ERR_USER);
  assert_int_equal(CheckOptions("weft_atoms: 24\n"), WEFT_ERR_USER);
  assert_int_equal(CheckOptions("weft_sparsity: 0.5\n"), WEFT_ERR_USER);
  assert_int_equal(CheckOptions("weft_atoms: 24\nweft_sparsity: 0.5\nweft_epochs: 3\n"), WEFT_ERR_USER);
  assert_int_equal(CheckOptions("weft_atoms: twenty\nweft_sparsity: 0.5\n"), WEFT_ERR_USER);
  assert_int_equal(CheckOptions(""), WEFT_ERR_USER);
}

static void test_other_data(void **state)
{
  PetscErrorCode ierr;

  (void)state;
  Ok(WeftRunFileCheckData(PETSC_COMM_WORLD, FolderPath("good"), "a.h5", PLANTED_CHECKSUM));
  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = WeftRunFileCheckData(PETSC_COMM_WORLD, FolderPath("good"), "a.h5", PLANTED_CHECKSUM + 1);
  Ok(PetscPopErrorHandler());
  assert_int_equal(ierr, WEFT_ERR_USER);
}

/* The checksum does not depend on how samples are spread, but on every value and place. */
static void test_checksum(void **state)
{
  const WeftPrecision precisions[] = {WEFT_DOUBLE, WEFT_SINGLE};

  (void)state;
  for (int i = 0; i < 2; ++i) {
    WeftBlock x;
    uint64_t  whole;
    Ok(WeftBlockCreate(5, 3, precisions[i], &x));
    for (size_t j = 0; j < 15; ++j) WeftBlockSet(&x, j / 3, j % 3, (double)j + 0.5);
    whole = WeftBlockChecksum(&x, 7);
    for (size_t cut = 0; cut <= 5; ++cut) {
      const WeftBlock head = WeftBlockRows(&x, 0, cut), tail = WeftBlockRows(&x, cut, 5 - cut);
      assert_true(WeftBlockChecksum(&head, 7) + WeftBlockChecksum(&tail, 7 + cut) == whole);
    }
    assert_true(WeftBlockChecksum(&x, 8) != whole);
    for (size_t j = 0; j < 15; ++j) {
      WeftBlockSet(&x, j / 3, j % 3, (double)j + 0.25);
      assert_true(WeftBlockChecksum(&x, 7) != whole);
      WeftBlockSet(&x, j / 3, j % 3, (double)j + 0.5);
    }
    Ok(WeftBlockDestroy(&x));
  }
}

static void test_missing_file_is_no_mistake(void **state)
{
  WeftRunState found;

  (void)state;
  Ok(WeftRunFileInspect(PETSC_COMM_WORLD, "-o", FolderPath("missing"), &found));
  assert_int_equal(found, WEFT_RUN_MISSING);
  Ok(WeftRunFileInspect(PETSC_COMM_WORLD, "-o", FolderPath("good"), &found));
  assert_int_equal(found, WEFT_RUN_CHECKPOINT);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_good_file_is_good),
                                          cmocka_unit_test(test_damaged_datasets),
                                          cmocka_unit_test(test_damaged_attributes),
                                          cmocka_unit_test(test_cut_short),
                                          cmocka_unit_test(test_damaged_bytes),
                                          cmocka_unit_test(test_other_runs),
                                          cmocka_unit_test(test_other_options),
                                          cmocka_unit_test(test_other_data),
                                          cmocka_unit_test(test_checksum),
                                          cmocka_unit_test(test_missing_file_is_no_mistake)};

WEFT_TEST_MAIN_WITH_FOLDER(tests, MakeGood)
