#include "ioimpl.h"
#include <math.h>
#include <unistd.h>

PetscErrorCode WeftRunFileVerify(MPI_Comm comm, const char option[], const char path[])
{
  WeftH5Checked checked;

  PetscFunctionBegin;
  PetscCall(WeftH5Check(comm, option, path, WEFT_H5_DATA, &checked));
  if (checked.summed < checked.datasets)
    PetscCall(
      PetscFPrintf(comm, stderr,
                   "weft: note: %s: %lld of %lld datasets have no checksum, so that damage to them would not be "
                   "found\n",
                   path, (long long)(checked.datasets - checked.summed), (long long)checked.datasets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunFileInspect(MPI_Comm comm, const char option[], const char path[], WeftRunState *state)
{
  int           rank, missing;
  hid_t         file;
  PetscInt64    schema = 0, complete = 0;
  WeftH5Checked checked;
  PetscBool     has_schema, has_layer, says_complete;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  missing = !rank && access(path, F_OK);
  PetscCallMPI(MPI_Bcast(&missing, 1, MPI_INT, 0, comm));
  *state = WEFT_RUN_MISSING;
  if (missing) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftH5Check(comm, option, path, WEFT_H5_ABOUT, &checked));
  PetscCall(WeftH5OpenRead(comm, option, path, &file));
  PetscCall(WeftH5GetInts(file, "/", "weft_schema", 1, &schema, &has_schema));
  PetscCall(WeftH5Exists(file, "/layers/0/dictionary", &has_layer));
  PetscCall(WeftH5GetInts(file, "/", "complete", 1, &complete, &says_complete));
  WeftH5Close(file);
  WeftUserCheck(has_schema && has_layer && says_complete, comm, "%s %s: not a run file of weft learn; choose another",
                option, path);
  WeftUserCheck(schema == WEFT_SCHEMA, comm,
                "%s %s: a run file of schema %lld, where this version reads %d; use the version that wrote it", option,
                path, (long long)schema, WEFT_SCHEMA);
  *state = complete ? WEFT_RUN_COMPLETE : WEFT_RUN_CHECKPOINT;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A dataset that must be there with these dimensions (ncols 0: one-dimensional). */
static PetscErrorCode Expect(MPI_Comm comm, hid_t file, const char path[], PetscInt64 nrows, PetscInt64 ncols)
{
  PetscInt64 dims[2] = {nrows, ncols};

  PetscFunctionBegin;
  PetscCall(WeftH5Expect(comm, file, path, ncols ? 2 : 1, dims));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunFileReadPrep(MPI_Comm comm, const char path[], int index, WeftPrep prep)
{
  const WeftRunPath  group = WeftRunLayerPath(index, ""), matrix = WeftRunLayerPath(index, "/whitening");
  const WeftRunPath  centre = WeftRunLayerPath(index, "/mean");
  WeftPrepParameters q;
  hid_t              file;
  double            *mean, *whitening;
  PetscBool          floor, ridge;

  PetscFunctionBegin;
  PetscCall(WeftPrepGetParameters(prep, &q));
  PetscCall(WeftH5OpenRead(comm, "-o", path, &file));
  PetscCall(Expect(comm, file, centre.text, q.d, 0));
  PetscCall(Expect(comm, file, matrix.text, q.d, q.d));
  PetscCall(PetscMalloc2(q.d, &mean, (size_t)q.rows * (size_t)q.d, &whitening));
  PetscCall(WeftH5ReadRows(comm, file, centre.text, 0, q.d, H5T_NATIVE_DOUBLE, mean));
  PetscCall(WeftH5ReadRows(comm, file, matrix.text, q.row0, q.rows, H5T_NATIVE_DOUBLE, whitening));
  PetscCall(WeftH5GetReal(file, group.text, "contrast_floor", &q.contrast_floor, &floor));
  PetscCall(WeftH5GetReal(file, group.text, "whitening_ridge", &q.ridge, &ridge));
  WeftUserCheck(floor && ridge, comm, "%s: %s lacks contrast_floor or whitening_ridge: damaged", path, group.text);
  q.mean = mean;
  q.whitening = whitening;
  PetscCall(WeftPrepSetParameters(prep, &q));
  PetscCall(PetscFree2(mean, whitening));
  WeftH5Close(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckKeys(WeftLayer l, hid_t file, const char run[])
{
  WeftRunKey keys[WEFT_RUN_KEYS];
  PetscInt64 value;
  PetscBool  found;

  PetscFunctionBegin;
  WeftRunKeys(l, keys);
  for (int i = 0; i < WEFT_RUN_KEYS; ++i) {
    PetscCall(WeftH5GetInts(file, "/state", keys[i].name, 1, &value, &found));
    WeftUserCheck(found, l->comm, "%s: /state lacks %s: damaged, or not a checkpoint", run, keys[i].name);
    WeftUserCheck(value == keys[i].value, l->comm,
                  "-resume: %s was begun with %s %lld, not %lld; resume with the options it was begun with (%s)", run,
                  keys[i].name, (long long)value, (long long)keys[i].value, keys[i].option);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The local rows of a dense matrix from a dataset of its shape. */
static PetscErrorCode ReadMat(MPI_Comm comm, hid_t file, const char path[], Mat M)
{
  PetscInt  row0, end, nrows, k, lda;
  WeftBlock rows;
  double   *values;

  PetscFunctionBegin;
  PetscCall(MatGetSize(M, &nrows, &k));
  PetscCall(MatGetOwnershipRange(M, &row0, &end));
  PetscCall(Expect(comm, file, path, nrows, k));
  PetscCall(WeftBlockCreate((size_t)(end - row0), (size_t)k, WEFT_DOUBLE, &rows));
  PetscCall(WeftH5ReadRows(comm, file, path, row0, end - row0, H5T_NATIVE_DOUBLE, rows.values.v));
  PetscCall(MatDenseGetLDA(M, &lda));
  PetscCall(MatDenseGetArrayWrite(M, &values));
  WeftBlockToColumns(&rows, values, (size_t)lda);
  PetscCall(MatDenseRestoreArrayWrite(M, &values));
  PetscCall(WeftBlockDestroy(&rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSmall(MPI_Comm comm, hid_t file, const char path[], PetscInt64 nrows, hid_t type,
                                void *values)
{
  PetscFunctionBegin;
  PetscCall(Expect(comm, file, path, nrows, 0));
  PetscCall(WeftH5ReadRows(comm, file, path, 0, nrows, type, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries [first, first + entries) of the list of codes, for this rank's samples in turn. */
static PetscErrorCode ReadEntries(WeftLayer l, hid_t file, const char run[], const int active[], PetscInt64 first,
                                  PetscInt64 entries, PetscInt64 all)
{
  const PetscInt64 p = l->codes.group_size;
  WeftCodes        codes;
  size_t          *start;
  PetscBool        bad = PETSC_FALSE, any;

  PetscFunctionBegin;
  PetscCall(Expect(l->comm, file, "/state/codes/group", all, 0));
  PetscCall(Expect(l->comm, file, "/state/codes/value", all, p));
  PetscCall(WeftCodesCreate(l->codes.groups, (int)p, &codes));
  PetscCall(PetscFree(codes.start));
  PetscCall(PetscMalloc1(l->codes.samples + 1, &start));
  PetscCall(PetscMalloc1((size_t)entries, &codes.group));
  PetscCall(PetscMalloc1((size_t)(entries * p), &codes.value));
  codes.start = start;
  codes.samples = l->codes.samples;
  start[0] = 0;
  for (size_t i = 0; i < codes.samples; ++i) start[i + 1] = start[i] + (size_t)active[i];
  PetscCall(WeftH5ReadRows(l->comm, file, "/state/codes/group", first, entries, H5T_NATIVE_INT, codes.group));
  PetscCall(WeftH5ReadRows(l->comm, file, "/state/codes/value", first, entries, H5T_NATIVE_DOUBLE, codes.value));
  for (PetscInt64 e = 0; e < entries; ++e)
    if (codes.group[e] < 0 || codes.group[e] >= l->codes.groups) bad = PETSC_TRUE;
  PetscCall(WeftAnyRank(l->comm, bad, &any));
  WeftUserCheck(!any, l->comm, "%s: /state/codes/group names a group that is not there: damaged", run);
  for (size_t i = 0; i < codes.samples; ++i) PetscCall(WeftCodeStorePut(&l->codes, i, &codes, i));
  PetscCall(WeftCodesDestroy(&codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadCodes(WeftLayer l, hid_t file, const char run[])
{
  int      *active;
  long long mine = 0, before = 0, all;
  PetscBool bad = PETSC_FALSE, any;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)l->batches.rows, &active));
  PetscCall(Expect(l->comm, file, "/state/codes/active", l->n, 0));
  PetscCall(
    WeftH5ReadRows(l->comm, file, "/state/codes/active", l->batches.row0, l->batches.rows, H5T_NATIVE_INT, active));
  for (PetscInt64 i = 0; i < l->batches.rows; ++i) {
    if (active[i] < 0 || active[i] > l->codes.groups) bad = PETSC_TRUE;
    mine += active[i];
  }
  PetscCall(WeftAnyRank(l->comm, bad, &any));
  WeftUserCheck(!any, l->comm, "%s: /state/codes/active has an impossible count: damaged", run);
  PetscCallMPI(MPI_Exscan(&mine, &before, 1, MPI_LONG_LONG, MPI_SUM, l->comm));
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_LONG_LONG, MPI_SUM, l->comm));
  PetscCall(ReadEntries(l, file, run, active, before, mine, all));
  PetscCall(PetscFree(active));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHistory(WeftLayer l, hid_t file, int index)
{
  double *columns, entry[WEFT_HISTORY_FIELDS];
  size_t  n = (size_t)l->iteration;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(n * WEFT_HISTORY_FIELDS, &columns));
  for (int f = 0; f < WEFT_HISTORY_FIELDS; ++f)
    PetscCall(ReadSmall(l->comm, file, WeftRunColumnPath(index, f).text, (PetscInt64)n, H5T_NATIVE_DOUBLE,
                        columns + (size_t)f * n));
  for (size_t i = 0; i < n; ++i) {
    for (size_t f = 0; f < WEFT_HISTORY_FIELDS; ++f) entry[f] = columns[f * n + i];
    PetscCall(WeftHistoryAppend(&l->history, entry));
  }
  PetscCall(PetscFree(columns));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadScalars(WeftLayer l, hid_t file, const char run[])
{
  WeftRunScalar scalars[WEFT_RUN_SCALARS];
  PetscBool     found, both;

  PetscFunctionBegin;
  WeftRunScalars(l, scalars);
  for (int i = 0; i < WEFT_RUN_SCALARS; ++i) {
    PetscCall(WeftH5GetReal(file, "/state", scalars[i].name, scalars[i].value, &found));
    WeftUserCheck(found && isfinite(*scalars[i].value) && *scalars[i].value >= 0, l->comm,
                  "%s: /state lacks a valid %s: damaged", run, scalars[i].name);
  }
  PetscCall(WeftH5GetInts(file, "/state", "iteration", 1, &l->iteration, &found));
  PetscCall(WeftH5GetInts(file, "/state", "reseeds", 1, &l->reseeds, &both));
  WeftUserCheck(found && both && l->iteration >= 0 && l->iteration <= l->settings.iterations, l->comm,
                "%s: /state has no valid iteration: damaged", run);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadA(WeftLayer l, hid_t file)
{
  double *values;

  PetscFunctionBegin;
  PetscCall(Expect(l->comm, file, "/state/A", l->settings.atoms, l->settings.atoms));
  PetscCall(MatDenseGetArrayWrite(l->A, &values));
  PetscCall(WeftH5ReadRows(l->comm, file, "/state/A", 0, l->settings.atoms, H5T_NATIVE_DOUBLE, values));
  PetscCall(MatDenseRestoreArrayWrite(l->A, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a layer keeps when it is learned, but for its dictionary; gathers the atoms. */
static PetscErrorCode ReadKept(WeftLayer l, hid_t file, int index)
{
  const PetscInt64 G = l->codes.groups;
  unsigned char   *alive;

  PetscFunctionBegin;
  PetscCall(WeftDictGetAlive(l->dict, &alive));
  PetscCall(ReadSmall(l->comm, file, WeftRunLayerPath(index, "/alive").text, G, H5T_NATIVE_UCHAR, alive));
  PetscCall(ReadSmall(l->comm, file, WeftRunLayerPath(index, "/usage").text, G, H5T_NATIVE_DOUBLE, l->usage));
  PetscCall(ReadSmall(l->comm, file, WeftRunLayerPath(index, "/gamma").text, G, H5T_NATIVE_DOUBLE, l->weights.gamma));
  PetscCall(ReadHistory(l, file, index));
  PetscCall(WeftDictGather(l->dict, &l->atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunFileReadLayer(const char path[], int index, WeftLayer l)
{
  const PetscInt64 G = l->codes.groups;
  hid_t            file;
  Mat              D;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(l->comm, "-o", path, &file));
  PetscCall(CheckKeys(l, file, path));
  PetscCall(ReadScalars(l, file, path));
  PetscCall(WeftDictGetMat(l->dict, &D));
  PetscCall(ReadMat(l->comm, file, "/state/dictionary", D));
  PetscCall(ReadMat(l->comm, file, "/state/B", l->B));
  PetscCall(ReadA(l, file));
  PetscCall(ReadSmall(l->comm, file, "/state/eta", G, H5T_NATIVE_DOUBLE, l->weights.eta));
  for (PetscInt64 g = 0; g < G; ++g)
    WeftUserCheck(l->weights.eta[g] > 0 && isfinite(l->weights.eta[g]), l->comm,
                  "%s: /state/eta has a value that is not positive: damaged", path);
  PetscCall(ReadSmall(l->comm, file, "/state/idle", G, H5T_NATIVE_INT, l->idle));
  PetscCall(ReadCodes(l, file, path));
  PetscCall(ReadKept(l, file, index));
  WeftH5Close(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadWeights(WeftLayer l, hid_t file, const char run[], int index)
{
  const WeftRunPath group = WeftRunLayerPath(index, "");
  WeftRunScalar     weights[WEFT_RUN_WEIGHTS];
  PetscBool         found;

  PetscFunctionBegin;
  WeftRunWeights(l, weights);
  for (int i = 0; i < WEFT_RUN_WEIGHTS; ++i) {
    PetscCall(WeftH5GetReal(file, group.text, weights[i].name, weights[i].value, &found));
    WeftUserCheck(found && isfinite(*weights[i].value) && *weights[i].value >= 0, l->comm,
                  "%s: %s lacks a valid %s: damaged", run, group.text, weights[i].name);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunFileReadLearned(const char path[], int index, WeftLayer l)
{
  hid_t file;
  Mat   D;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(l->comm, "-o", path, &file));
  PetscCall(WeftDictGetMat(l->dict, &D));
  PetscCall(ReadMat(l->comm, file, WeftRunLayerPath(index, "/dictionary").text, D));
  PetscCall(ReadWeights(l, file, path, index));
  l->iteration = l->settings.iterations;
  PetscCall(ReadKept(l, file, index));
  if (l->history.length)
    l->seconds = l->history.values[(l->history.length - 1) * WEFT_HISTORY_FIELDS + WEFT_HISTORY_SECONDS];
  WeftH5Close(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The last of the file's layers is the one that was being learned; what those before it tell of their input. */
static PetscErrorCode CurrentLayer(WeftStack stack, const char path[], int *current)
{
  hid_t      file;
  PetscInt64 layer = 0;
  PetscBool  found;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(stack->comm, "-o", path, &file));
  PetscCall(WeftH5GetInts(file, "/state", "layer", 1, &layer, &found));
  WeftUserCheck(found && layer >= 0 && layer < stack->settings.most, stack->comm,
                "%s: /state lacks layer: damaged, or not a checkpoint", path);
  PetscCall(WeftRunReadInformation(stack, file, (int)layer));
  WeftH5Close(file);
  *current = (int)layer;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The prototypes of a learned layer as they were chosen: choosing again could turn out otherwise by round-off. */
static PetscErrorCode ReadShared(const char path[], int index, WeftStack stack)
{
  hid_t file;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(stack->comm, "-o", path, &file));
  PetscCall(WeftSharedRead(stack->comm, file, path, index, &stack->layers[index].shared));
  WeftH5Close(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunFileReadStack(const char path[], WeftStack stack)
{
  int      current = 0;
  WeftPrep prep;

  PetscFunctionBegin;
  PetscCall(CurrentLayer(stack, path, &current));
  for (int i = 0; i <= current; ++i) {
    PetscCall(WeftStackMakePrep(stack, &prep));
    PetscCall(WeftRunFileReadPrep(stack->comm, path, i, prep));
    PetscCall(WeftStackBegin(stack, prep));
    if (i == current) break;
    PetscCall(WeftRunFileReadLearned(path, i, stack->layers[i].layer));
    PetscCall(ReadShared(path, i, stack));
    PetscCall(WeftStackKeep(stack));
  }
  PetscCall(WeftRunFileReadLayer(path, current, stack->layers[current].layer));
  PetscFunctionReturn(PETSC_SUCCESS);
}
