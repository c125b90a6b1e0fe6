/* CIFAR-10's binary version: records of one label byte and 3072 pixels, channel by channel (Krizhevsky 2009). */
#include <weft/import.h>
#include "dataimpl.h"
#include <string.h>
#include <unistd.h>

enum { BATCHES = 6, TEST_BATCH = 5, PIXELS = 3072, RECORD = 1 + PIXELS, CLASSES = 10 };

static const char *const batch_names[BATCHES] = {"data_batch_1", "data_batch_2", "data_batch_3",
                                                 "data_batch_4", "data_batch_5", "test_batch"};

typedef struct {
  char           paths[BATCHES][PETSC_MAX_PATH_LEN]; /* "": not there */
  PetscInt64     records[BATCHES];
  int            batch; /* being read */
  PetscInt64     left;  /* records of it still to read */
  WeftByteStream stream;
} CifarImport;

/* .bin comes before .bin.gz where both are there. */
static void Find(const char dir[], int batch, char path[])
{
  const char *const endings[] = {".bin", ".bin.gz"};

  for (int e = 0; e < 2; ++e) {
    snprintf(path, PETSC_MAX_PATH_LEN, "%s/%s%s", dir, batch_names[batch], endings[e]);
    if (!access(path, F_OK)) return;
  }
  path[0] = 0;
}

/* gzip does not say reliably how long its content is, so a batch is read once to count its records. */
static PetscBool Count(const char path[], PetscInt64 *records, WeftProblem problem)
{
  WeftByteStream stream;
  PetscInt64     bytes;
  PetscBool      ok = WeftByteStreamOpen(&stream, path, problem);

  ok = ok && WeftByteStreamCount(&stream, &bytes, problem) ? PETSC_TRUE : PETSC_FALSE;
  WeftByteStreamClose(&stream);
  if (!ok) return PETSC_FALSE;
  *records = bytes / RECORD;
  if (*records && !(bytes % RECORD)) return PETSC_TRUE;
  return WeftProblemSet(problem, "%s: %lld bytes are not whole records of %d: cut short, or not a CIFAR-10 batch", path,
                        (long long)bytes, RECORD);
}

static PetscErrorCode FindAll(MPI_Comm comm, const char dir[], CifarImport *cifar)
{
  WeftProblem problem = "";
  int         rank, train = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (int b = 0; !rank && b < BATCHES; ++b) {
    Find(dir, b, cifar->paths[b]);
    train += b < TEST_BATCH && cifar->paths[b][0];
  }
  if (!rank && !train)
    WeftProblemSet(problem, "%s: %s", dir,
                   access(dir, R_OK | X_OK) ? "no such folder, or not readable"
                                            : "holds none of data_batch_1..5.bin[.gz]");
  for (int b = 0; !rank && !problem[0] && b < BATCHES; ++b)
    if (cifar->paths[b][0]) Count(cifar->paths[b], &cifar->records[b], problem);
  PetscCall(WeftProblemRaise(comm, problem));
  PetscCallMPI(MPI_Bcast(cifar->paths, sizeof(cifar->paths), MPI_CHAR, 0, comm));
  PetscCallMPI(MPI_Bcast(cifar->records, BATCHES, MPIU_INT64, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Goes on to the next batch that is there. */
static PetscBool NextBatch(CifarImport *cifar, WeftProblem problem)
{
  WeftByteStreamClose(&cifar->stream);
  do {
    ++cifar->batch;
  } while (!cifar->paths[cifar->batch][0]);
  cifar->left = cifar->records[cifar->batch];
  return WeftByteStreamOpen(&cifar->stream, cifar->paths[cifar->batch], problem);
}

/* Training records that were not wanted do not count as test records. */
static void LeaveTraining(CifarImport *cifar)
{
  cifar->batch = TEST_BATCH - 1;
  cifar->left = 0;
}

static PetscBool ReadRecord(CifarImport *cifar, uint8_t x[], int32_t *y, WeftProblem problem)
{
  uint8_t label;

  if (!cifar->left && !NextBatch(cifar, problem)) return PETSC_FALSE;
  --cifar->left;
  if (!WeftByteStreamRead(&cifar->stream, 1, &label, problem)) return PETSC_FALSE;
  if (!WeftByteStreamRead(&cifar->stream, PIXELS, x, problem)) return PETSC_FALSE;
  *y = label;
  if (label < CLASSES) return PETSC_TRUE;
  return WeftProblemSet(problem, "%s: record %lld (counted from 0) has label %d, outside 0 to %d",
                        cifar->paths[cifar->batch], (long long)(cifar->records[cifar->batch] - cifar->left - 1), label,
                        CLASSES - 1);
}

static PetscErrorCode Fill(void *ctx, WeftSplit split, PetscInt64 row0, PetscInt64 rows, void *x, int32_t *y,
                           WeftProblem problem)
{
  CifarImport *cifar = ctx;

  PetscFunctionBegin;
  (void)row0;
  if (split == WEFT_TEST && cifar->batch < TEST_BATCH) LeaveTraining(cifar);
  for (PetscInt64 i = 0; i < rows; ++i)
    if (!ReadRecord(cifar, (uint8_t *)x + i * PIXELS, &y[i], problem)) break;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Appends a name to a comma-separated list. */
static void Append(const char name[], size_t size, char list[])
{
  const size_t used = strlen(list);

  snprintf(list + used, size - used, "%s%s", used ? ", " : "", name);
}

static void Describe(const CifarImport *cifar, PetscInt64 there[WEFT_NUM_SPLITS], WeftDataInfo *info, size_t size,
                     char missing[])
{
  char found[256] = "";

  missing[0] = 0;
  for (int b = 0; b < BATCHES; ++b) {
    if (cifar->paths[b][0])
      Append(strrchr(cifar->paths[b], '/') + 1, sizeof(found), found);
    else
      Append(batch_names[b], size, missing);
    there[b == TEST_BATCH ? WEFT_TEST : WEFT_TRAIN] += cifar->records[b];
  }
  snprintf(info->source, sizeof(info->source), "CIFAR-10: %s", found);
}

PetscErrorCode WeftImportCIFAR10(MPI_Comm comm, const char dir[], const char output[], WeftDataInfo *info, size_t size,
                                 char missing[])
{
  CifarImport     *cifar;
  WeftDataRecipe   recipe = {.bytes = PETSC_TRUE, .scale = 1.0 / 255, .what = "import", .fill = Fill};
  const PetscInt64 wanted = info->samples[WEFT_TRAIN];
  PetscInt64       there[WEFT_NUM_SPLITS] = {0, 0};

  PetscFunctionBegin;
  PetscCall(PetscNew(&cifar));
  PetscCall(FindAll(comm, dir, cifar));
  *info = (WeftDataInfo){
    .samples = {wanted, 0}, .features = PIXELS, .classes = CLASSES, .shape = {32, 32, 3}, .pixel_order = "planes"};
  Describe(cifar, there, info, size, missing);
  for (int s = 0; s < WEFT_NUM_SPLITS; ++s) PetscCall(WeftDataSetSamples(comm, (WeftSplit)s, there[s], info));
  info->labelled[WEFT_TRAIN] = PETSC_TRUE;
  info->labelled[WEFT_TEST] = info->samples[WEFT_TEST] ? PETSC_TRUE : PETSC_FALSE;
  cifar->batch = -1;
  recipe.ctx = cifar;
  PetscCall(WeftDataWrite(comm, output, &recipe, info));
  WeftByteStreamClose(&cifar->stream);
  PetscCall(PetscFree(cifar));
  PetscFunctionReturn(PETSC_SUCCESS);
}
