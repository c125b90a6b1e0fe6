/* A checkpoint holds the whole state: read at any rank count it is the same to the bit, and a run that goes on from it
   equals one that was never stopped.   ranks: 1 2 3 4 */
#include "folder.h"
#include "planted.h"
#include "wefttest.h"
#include <weft/h5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 90, D = 12 };

static const Planted planted = {.n = N, .d = D, .groups = 4, .group_size = 2, .inputs = 5, .active = 1, .noise = 0.1};
/* Feedback, re-seeding until the freeze and removal after it; more groups than the samples have use for. */
static WeftLayerSettings Settings(PetscInt64 batch_size, PetscInt64 iterations)
{
  WeftLayerSettings settings = PlantedSettings(24, 2, iterations);

  settings.batch_size = batch_size;
  settings.freeze_fraction = 0.6;
  settings.target_activity = 0.05;
  settings.target_density = 0.3;
  settings.width_penalty = 0.2;
  settings.sparsity = 0.7;
  return settings;
}

/* ---- the state as one list of numbers, alike on all ranks ---- */

typedef struct {
  size_t  length, capacity;
  double *values;
} Numbers;

static void Append(Numbers *numbers, size_t n, const double values[])
{
  if (numbers->length + n > numbers->capacity) {
    numbers->capacity = 2 * (numbers->length + n);
    numbers->values = realloc(numbers->values, numbers->capacity * sizeof(double));
  }
  for (size_t i = 0; i < n; ++i) numbers->values[numbers->length++] = values[i] + 0.0; /* no -0 */
}

static void AppendOne(Numbers *numbers, double value)
{
  Append(numbers, 1, &value);
}

/* [nrows, ncols] of which each rank has some rows, zeros elsewhere. */
static void AppendShared(Numbers *numbers, MPI_Comm comm, size_t n, double values[])
{
  MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_DOUBLE, MPI_SUM, comm);
  Append(numbers, n, values);
  free(values);
}

static void AppendMat(Numbers *numbers, MPI_Comm comm, Mat M)
{
  PetscInt      nrows, ncols, first, end, lda;
  const double *local;
  double       *all;

  Ok(MatGetSize(M, &nrows, &ncols));
  Ok(MatGetOwnershipRange(M, &first, &end));
  Ok(MatDenseGetLDA(M, &lda));
  all = calloc((size_t)(nrows * ncols), sizeof(double));
  Ok(MatDenseGetArrayRead(M, &local));
  for (PetscInt j = first; j < end; ++j)
    for (PetscInt a = 0; a < ncols; ++a) all[j * ncols + a] = local[a * lda + j - first];
  Ok(MatDenseRestoreArrayRead(M, &local));
  AppendShared(numbers, comm, (size_t)(nrows * ncols), all);
}

static void AppendCodes(Numbers *numbers, const PlantedLayer *p)
{
  const WeftCodeStore *store = &p->layer->codes;
  const size_t         k = (size_t)p->layer->settings.atoms;
  double              *all = calloc((size_t)N * k, sizeof(double));
  WeftCodes            codes;
  WeftBlock            z;

  Ok(WeftCodesCreate(store->groups, store->group_size, &codes));
  for (size_t i = 0; i < store->samples; ++i) Ok(WeftCodeStoreGet(store, i, &codes));
  z = (WeftBlock){.rows = N, .cols = k, .precision = WEFT_DOUBLE, .values.d = all};
  for (size_t i = 0; i < store->samples; ++i) WeftCodesToDense(&codes, i, &z, (size_t)p->layer->batches.row0 + i);
  Ok(WeftCodesDestroy(&codes));
  AppendShared(numbers, p->comm, (size_t)N * k, all);
}

static void AppendWeights(Numbers *numbers, const WeftLayer l)
{
  const WeftWeights *w = &l->weights;
  const double       some[] = {w->lambda_max, w->mu_max, w->lambda, w->mu, w->connectivity, w->eta_floor};

  Append(numbers, 6, some);
  Append(numbers, (size_t)l->codes.groups, w->gamma);
  Append(numbers, (size_t)l->codes.groups, w->eta);
}

/* Times are left out: they are no state that a run could equal. */
static Numbers State(const PlantedLayer *p)
{
  const WeftLayer l = p->layer;
  Numbers         numbers = {0};
  unsigned char  *alive;
  Mat             D_;

  Ok(WeftDictGetMat(l->dict, &D_));
  Ok(WeftDictGetAlive(l->dict, &alive));
  AppendMat(&numbers, p->comm, D_);
  AppendMat(&numbers, p->comm, l->B);
  AppendMat(&numbers, PETSC_COMM_SELF, l->A);
  AppendCodes(&numbers, p);
  AppendWeights(&numbers, l);
  for (int g = 0; g < l->codes.groups; ++g) {
    const double some[] = {alive[g], l->usage[g], l->idle[g]};
    Append(&numbers, 3, some);
  }
  for (size_t t = 0; t < l->history.length; ++t)
    for (int f = 0; f < WEFT_HISTORY_FIELDS; ++f)
      if (f != WEFT_HISTORY_SECONDS) AppendOne(&numbers, l->history.values[t * WEFT_HISTORY_FIELDS + (size_t)f]);
  AppendOne(&numbers, (double)l->iteration);
  AppendOne(&numbers, (double)l->reseeds);
  return numbers;
}

static void CompareStates(const PlantedLayer *a, const PlantedLayer *b)
{
  Numbers x = State(a), y = State(b);

  assert_int_equal(x.length, y.length);
  assert_memory_equal(x.values, y.values, x.length * sizeof(double));
  free(x.values);
  free(y.values);
}

/* ---- runs that write a checkpoint on their way ---- */

typedef struct {
  const PlantedLayer *p;
  const char         *path;
  PetscInt64          at; /* batches done */
} Stop;

static PetscErrorCode WriteAt(WeftLayer layer, void *ctx)
{
  const Stop *stop = ctx;

  PetscFunctionBegin;
  if (layer->iteration == stop->at) PlantedWrite(stop->path, stop->p, PETSC_FALSE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* To the end, with a checkpoint after `at` batches. */
static void LearnWriting(const char path[], PetscInt64 at, PlantedLayer *p)
{
  Stop                 stop = {p, path, at};
  const WeftLayerHooks hooks = {.checkpoint = WriteAt, .ctx = &stop, .every = 0, .quiet = PETSC_TRUE};
  PetscBool            stopped;

  Ok(WeftLayerLearn(p->layer, &hooks, &stopped));
}

/* A layer that went on from the checkpoint. */
static void Resume(MPI_Comm comm, const char path[], const WeftLayerSettings *settings, PlantedLayer *p)
{
  PlantedLayerCreate(comm, &planted, settings, p);
  Ok(WeftRunFileReadLayer(path, 0, p->layer));
  PlantedLayerLearn(p);
}

static double Events(const PlantedLayer *p, int field, PetscInt64 first, PetscInt64 end)
{
  double sum = 0;

  for (PetscInt64 t = first; t < end; ++t) sum += PlantedHistory(p, t, field);
  return sum;
}

/* Half of the ranks, or this one; the others are left out (MPI_COMM_NULL). */
static MPI_Comm Half(void)
{
  int      rank, size;
  MPI_Comm comm;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  MPI_Comm_split(PETSC_COMM_WORLD, rank < (size + 1) / 2 ? 0 : MPI_UNDEFINED, rank, &comm);
  return comm;
}

/* ---- tests ---- */

static void ReadAndCompare(MPI_Comm comm, const char path[], const Planted *samples, const WeftLayerSettings *settings,
                           const PlantedLayer *p)
{
  PlantedLayer read;

  PlantedLayerCreate(comm, samples, settings, &read);
  Ok(WeftRunFileReadLayer(path, 0, read.layer));
  CompareStates(p, &read);
  PlantedLayerDestroy(&read);
}

/* Read by all ranks, and by each alone: what ranks hold together is the state of one. */
static void test_state_is_the_same_to_the_bit(void **state)
{
  const WeftPrecision precisions[] = {WEFT_DOUBLE, WEFT_SINGLE};

  (void)state;
  for (int i = 0; i < 2; ++i) {
    WeftLayerSettings settings = Settings(25, 20);
    PlantedLayer      p;
    settings.precision = precisions[i];
    PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &p);
    PlantedLayerLearn(&p);
    PlantedWrite(FolderPath("same"), &p, PETSC_FALSE);
    ReadAndCompare(PETSC_COMM_WORLD, FolderPath("same"), &planted, &settings, &p);
    ReadAndCompare(PETSC_COMM_SELF, FolderPath("same"), &planted, &settings, &p);
    MPI_Barrier(PETSC_COMM_WORLD); /* before the file is written anew */
    PlantedLayerDestroy(&p);
  }
}

/* Each alone: is the dataset [d, k / p] of norms of rows within groups of p, D itself for p = 1? */
static void CheckNorms(const char path[], const char dataset[], const Numbers *D_, size_t d, size_t k, size_t p)
{
  double *values = malloc(d * k / p * sizeof(double));
  hid_t   file;

  Ok(WeftH5OpenRead(PETSC_COMM_SELF, "-o", path, &file));
  Ok(WeftH5ReadRows(PETSC_COMM_SELF, file, dataset, 0, (PetscInt64)d, H5T_NATIVE_DOUBLE, values));
  H5Fclose(file);
  for (size_t i = 0; i < d * k / p; ++i) {
    double square = 0;
    for (size_t a = 0; a < p; ++a) square += D_->values[i * p + a] * D_->values[i * p + a];
    assert_near(values[i], p == 1 ? D_->values[i] : sqrt(square), 1e-15);
  }
  free(values);
}

/* Wide enough that a rank writes its rows in several pieces, and the ranks not all in as many. */
static void test_a_wide_layer_is_written_in_pieces(void **state)
{
  enum { WIDE = 1025, ATOMS = 512 };
  const Planted     wide = {.n = N, .d = WIDE, .groups = 4, .group_size = 2, .inputs = 5, .active = 1, .noise = 0.1};
  WeftLayerSettings settings = PlantedSettings(ATOMS, 2, 0);
  PlantedLayer      p;
  Numbers           all = {0};
  Mat               D_;
  PetscInt          first, end, lda;
  double           *b;

  (void)state;
  PlantedLayerCreate(PETSC_COMM_WORLD, &wide, &settings, &p);
  PlantedLayerLearn(&p);
  Ok(WeftDictGetMat(p.layer->dict, &D_));
  Ok(MatGetOwnershipRange(p.layer->B, &first, &end));
  Ok(MatDenseGetLDA(p.layer->B, &lda));
  Ok(MatDenseGetArray(p.layer->B, &b));
  for (PetscInt a = 0; a < ATOMS; ++a)
    for (PetscInt j = first; j < end; ++j) b[a * lda + j - first] = sin((double)a + 0.001 * (double)j);
  Ok(MatDenseRestoreArray(p.layer->B, &b));
  AppendMat(&all, p.comm, D_);
  PlantedWrite(FolderPath("wide"), &p, PETSC_FALSE);
  ReadAndCompare(PETSC_COMM_WORLD, FolderPath("wide"), &wide, &settings, &p);
  CheckNorms(FolderPath("wide"), "/layers/0/dictionary", &all, WIDE, ATOMS, 1);
  CheckNorms(FolderPath("wide"), "/layers/0/connectivity", &all, WIDE, ATOMS, 2);
  free(all.values);
  PlantedLayerDestroy(&p);
}

static void test_half_the_ranks_write_and_all_read(void **state)
{
  const WeftLayerSettings settings = Settings(25, 20);
  MPI_Comm                half = Half();
  PlantedLayer            p, all;
  Numbers                 written = {0}, read;

  (void)state;
  if (half != MPI_COMM_NULL) {
    PlantedLayerCreate(half, &planted, &settings, &p);
    PlantedLayerLearn(&p);
    PlantedWrite(FolderPath("half"), &p, PETSC_FALSE);
    written = State(&p);
    PlantedLayerDestroy(&p);
    MPI_Comm_free(&half);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &all);
  Ok(WeftRunFileReadLayer(FolderPath("half"), 0, all.layer));
  read = State(&all);
  if (written.values) assert_memory_equal(written.values, read.values, read.length * sizeof(double));
  PlantedLayerDestroy(&all);
  free(written.values);
  free(read.values);
}

static void test_preprocessing(void **state)
{
  const WeftLayerSettings settings = Settings(0, 1);
  WeftPrepParameters      q;
  WeftPrep                prep;
  PlantedLayer            p;

  (void)state;
  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &p);
  PlantedLayerLearn(&p);
  PlantedWrite(FolderPath("prep"), &p, PETSC_TRUE);
  PlantedLayerDestroy(&p);
  Ok(WeftPrepCreate(PETSC_COMM_SELF, D, &prep));
  Ok(WeftRunFileReadPrep(PETSC_COMM_SELF, FolderPath("prep"), 0, prep));
  Ok(WeftPrepGetParameters(prep, &q));
  assert_true(q.contrast_floor == 0.7 && q.ridge == 0.3);
  for (int j = 0; j < D; ++j) assert_true(q.mean[j] == 1.0 / (j + 3));
  for (int i = 0; i < D * D; ++i) assert_true(q.whitening[i] == sin((double)i));
  Ok(WeftPrepDestroy(&prep));
}

/* Same rank count, same bits. */
static void CheckResume(const WeftLayerSettings *settings, PetscInt64 at)
{
  PlantedLayer whole, resumed;

  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, settings, &whole);
  LearnWriting(FolderPath("bits"), at, &whole);
  Resume(PETSC_COMM_WORLD, FolderPath("bits"), settings, &resumed);
  CompareStates(&whole, &resumed);
  assert_true(whole.layer->final_activity == resumed.layer->final_activity);
  assert_true(whole.layer->final_max_gap == resumed.layer->final_max_gap);
  assert_true(Events(&whole, WEFT_HISTORY_RESEEDED, 7, 18) > 0); /* between the stops, so that it matters */
  assert_true(Events(&whole, WEFT_HISTORY_REMOVED, 18, 30) > 0);
  PlantedLayerDestroy(&whole);
  PlantedLayerDestroy(&resumed);
}

/* Stopped early, at and after the freeze, and when all is done but the final pass. */
static void test_resumed_equals_uninterrupted(void **state)
{
  const PetscInt64  stops[] = {1, 7, 18, 23, 30};
  WeftLayerSettings settings = Settings(25, 30);

  (void)state;
  for (int i = 0; i < 5; ++i) CheckResume(&settings, stops[i]);
  settings.batch_size = 0;
  for (int i = 0; i < 5; ++i) CheckResume(&settings, stops[i]);
  settings.precision = WEFT_SINGLE;
  CheckResume(&settings, 18);
}

/* Written by all ranks, resumed by each alone: 1e-10 over 10 full batches. */
static void test_resumed_at_another_rank_count(void **state)
{
  const WeftLayerSettings settings = Settings(0, 10);
  PlantedLayer            whole, resumed;

  (void)state;
  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &whole);
  LearnWriting(FolderPath("ranks"), 4, &whole);
  Resume(PETSC_COMM_SELF, FolderPath("ranks"), &settings, &resumed);
  for (PetscInt64 t = 0; t < 10; ++t) {
    const double x = PlantedHistory(&whole, t, WEFT_HISTORY_OBJECTIVE);
    assert_near(x, PlantedHistory(&resumed, t, WEFT_HISTORY_OBJECTIVE), t < 4 ? 0 : 1e-10 * x);
  }
  PlantedLayerDestroy(&whole);
  PlantedLayerDestroy(&resumed);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_state_is_the_same_to_the_bit),
                                          cmocka_unit_test(test_half_the_ranks_write_and_all_read),
                                          cmocka_unit_test(test_preprocessing),
                                          cmocka_unit_test(test_resumed_equals_uninterrupted),
                                          cmocka_unit_test(test_resumed_at_another_rank_count),
                                          cmocka_unit_test(test_a_wide_layer_is_written_in_pieces)};

WEFT_TEST_MAIN_WITH_FOLDER(tests, FolderMake)
