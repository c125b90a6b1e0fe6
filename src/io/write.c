#include "ioimpl.h"

static const PetscInt64 piece_bytes = 1 << 20; /* of a matrix that is turned as it is written */

static hid_t FileReal(WeftPrecision precision)
{
  return precision == WEFT_SINGLE ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
}

static hid_t MemoryReal(WeftPrecision precision)
{
  return precision == WEFT_SINGLE ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

/* A block's rows [row0, ...) of a dataset [nrows, cols]. */
static PetscErrorCode WriteBlock(MPI_Comm comm, hid_t file, const char path[], PetscInt64 nrows, PetscInt64 row0,
                                 const WeftBlock *block, WeftH5Note note)
{
  PetscFunctionBegin;
  PetscCall(WeftH5CreateRows(file, path, FileReal(block->precision), nrows, (PetscInt64)block->cols, note));
  PetscCall(
    WeftH5WriteRows(comm, file, path, row0, (PetscInt64)block->rows, MemoryReal(block->precision), block->values.v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A distributed column-major matrix: all of it, and this rank's rows. */
typedef struct {
  PetscInt64    nrows, cols, row0, rows, most; /* most: rows of the rank that has most */
  size_t        ld;
  const double *values;
} Columns;

/* Some rows at a time: what is turned is then still in cache when it is written, and no second matrix is held. */
static PetscErrorCode WriteColumns(MPI_Comm comm, hid_t file, const char path[], const Columns *m,
                                   WeftPrecision precision, WeftH5Note note)
{
  const PetscInt64 row_bytes = m->cols * (PetscInt64)WeftPrecisionBytes(precision);
  const PetscInt64 step = PetscMax(piece_bytes / PetscMax(row_bytes, 1), 1);
  WeftBlock        piece;

  PetscFunctionBegin;
  PetscCall(WeftH5CreateRows(file, path, FileReal(precision), m->nrows, m->cols, note));
  PetscCall(WeftBlockCreate((size_t)PetscMin(step, m->rows), (size_t)m->cols, precision, &piece));
  for (PetscInt64 first = 0; first < m->most; first += step) {
    const PetscInt64 at = PetscMin(first, m->rows), rows = PetscMin(step, m->rows - at);
    piece.rows = (size_t)rows;
    WeftBlockFromColumns(m->values + at, m->ld, &piece);
    PetscCall(WeftH5WriteRows(comm, file, path, m->row0 + at, rows, MemoryReal(precision), piece.values.v));
  }
  PetscCall(WeftBlockDestroy(&piece));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* M's values are the caller's to restore. */
static PetscErrorCode GetColumns(Mat M, Columns *m)
{
  const PetscInt *ranges;
  PetscInt        nrows, cols, row0, end, lda;
  int             size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)M), &size));
  PetscCall(MatGetSize(M, &nrows, &cols));
  PetscCall(MatGetOwnershipRange(M, &row0, &end));
  PetscCall(MatGetOwnershipRanges(M, &ranges));
  PetscCall(MatDenseGetLDA(M, &lda));
  *m = (Columns){.nrows = nrows, .cols = cols, .row0 = row0, .rows = end - row0, .ld = (size_t)lda};
  for (int r = 0; r < size; ++r) m->most = PetscMax(m->most, ranges[r + 1] - ranges[r]);
  PetscCall(MatDenseGetArrayRead(M, &m->values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteMat(MPI_Comm comm, hid_t file, const char path[], Mat M, WeftPrecision precision,
                               WeftH5Note note)
{
  Columns m;

  PetscFunctionBegin;
  PetscCall(GetColumns(M, &m));
  PetscCall(WriteColumns(comm, file, path, &m, precision, note));
  PetscCall(MatDenseRestoreArrayRead(M, &m.values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* C_jg = ‖D_jg‖₂, column by column. */
static void Norms(const double *d, size_t lda, size_t rows, size_t groups, size_t p, double *norms)
{
  for (size_t g = 0; g < groups; ++g) {
    double *norm = norms + g * rows;
    for (size_t j = 0; j < rows; ++j) norm[j] = 0;
    for (size_t a = g * p; a < (g + 1) * p; ++a)
      for (size_t j = 0; j < rows; ++j) norm[j] += d[a * lda + j] * d[a * lda + j];
    for (size_t j = 0; j < rows; ++j) norm[j] = PetscSqrtReal(norm[j]);
  }
}

static PetscErrorCode WriteConnectivity(WeftLayer l, hid_t file, const char path[])
{
  const size_t  groups = (size_t)l->codes.groups;
  Mat           D;
  Columns       m;
  const double *values;
  double       *norms;

  PetscFunctionBegin;
  PetscCall(WeftDictGetMat(l->dict, &D));
  PetscCall(GetColumns(D, &m));
  values = m.values;
  PetscCall(PetscMalloc1((size_t)m.rows * groups, &norms));
  Norms(values, m.ld, (size_t)m.rows, groups, (size_t)l->settings.group_size, norms);
  m.values = norms;
  m.ld = (size_t)m.rows;
  m.cols = (PetscInt64)groups;
  PetscCall(WriteColumns(
    l->comm, file, path, &m, l->settings.precision,
    (WeftH5Note){"connectivity: norm of each input's row within a group; zero: no connection", "1", "input,group"}));
  PetscCall(PetscFree(norms));
  PetscCall(MatDenseRestoreArrayRead(D, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WritePrep(WeftLayer l, hid_t file, int index, WeftPrep prep)
{
  const WeftRunPath  group = WeftRunLayerPath(index, ""), matrix = WeftRunLayerPath(index, "/whitening");
  WeftPrepParameters q;
  WeftBlock          w;

  PetscFunctionBegin;
  PetscCall(WeftPrepGetParameters(prep, &q));
  PetscCall(WeftH5WriteSmall(l->comm, file, WeftRunLayerPath(index, "/mean").text, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                             l->d, 0, q.mean, (WeftH5Note){"mean of the contrast-normalised samples", "1", "input"}));
  PetscCall(WeftBlockCreate((size_t)q.rows, (size_t)l->d, l->settings.precision, &w));
  for (size_t j = 0; j < w.rows; ++j) WeftBlockSetRow(&w, j, q.whitening + j * w.cols);
  PetscCall(WriteBlock(l->comm, file, matrix.text, l->d, q.row0, &w,
                       (WeftH5Note){"whitened sample = (cn(x) - mean) . whitening; cn(x) = (x - mean of x) / "
                                    "max(standard deviation of x, contrast_floor)",
                                    "1", "input,whitened input"}));
  PetscCall(WeftBlockDestroy(&w));
  for (int i = 0; i < 2; ++i) {
    const char *where = i ? matrix.text : group.text;
    PetscCall(WeftH5SetReal(file, where, "contrast_floor", q.contrast_floor));
    PetscCall(WeftH5SetReal(file, where, "whitening_ridge", q.ridge));
    PetscCall(WeftH5SetReal(file, where, "lambda", l->weights.lambda));
    PetscCall(WeftH5SetReal(file, where, "mu", l->weights.mu));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteLayer(WeftLayer l, hid_t file, int index)
{
  const PetscInt64  G = l->codes.groups;
  const WeftRunPath group = WeftRunLayerPath(index, "");
  WeftRunScalar     weights[WEFT_RUN_WEIGHTS];
  unsigned char    *alive;
  Mat               D;

  PetscFunctionBegin;
  PetscCall(WeftDictGetMat(l->dict, &D));
  PetscCall(WeftDictGetAlive(l->dict, &alive));
  PetscCall(WriteMat(
    l->comm, file, WeftRunLayerPath(index, "/dictionary").text, D, l->settings.precision,
    (WeftH5Note){"atoms in whitened input coordinates; group g holds columns g p .. g p + p - 1", "1", "input,atom"}));
  PetscCall(WriteConnectivity(l, file, WeftRunLayerPath(index, "/connectivity").text));
  PetscCall(WeftH5WriteSmall(l->comm, file, WeftRunLayerPath(index, "/alive").text, H5T_STD_U8LE, H5T_NATIVE_UCHAR, G,
                             0, alive, (WeftH5Note){"1: the group is in use; 0: it was removed", "1", "group"}));
  PetscCall(WeftH5WriteSmall(l->comm, file, WeftRunLayerPath(index, "/usage").text, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                             G, 0, l->usage,
                             (WeftH5Note){"fraction of samples in which the group is active", "1", "group"}));
  PetscCall(WeftH5WriteSmall(l->comm, file, WeftRunLayerPath(index, "/gamma").text, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                             G, 0, l->weights.gamma,
                             (WeftH5Note){"absolute connectivity weight gamma_g", "1", "group"}));
  PetscCall(WeftH5SetInt(file, group.text, "group_size", l->settings.group_size));
  WeftRunWeights(l, weights);
  for (int i = 0; i < WEFT_RUN_WEIGHTS; ++i)
    PetscCall(WeftH5SetReal(file, group.text, weights[i].name, *weights[i].value));
  PetscCall(WeftH5SetText(file, group.text, "learner", l->learner->name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteHistory(WeftLayer l, hid_t file, int index)
{
  const WeftHistory *h = &l->history;
  double            *column;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(h->length + 1, &column));
  for (int f = 0; f < WEFT_HISTORY_FIELDS; ++f) {
    const WeftRunPath path = WeftRunColumnPath(index, f);
    for (size_t i = 0; i < h->length; ++i) column[i] = h->values[i * WEFT_HISTORY_FIELDS + (size_t)f];
    PetscCall(WeftH5WriteSmall(l->comm, file, path.text, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, (PetscInt64)h->length, 0,
                               column,
                               (WeftH5Note){WeftHistoryNotes[f], f == WEFT_HISTORY_SECONDS ? "s" : "1", "iteration"}));
  }
  PetscCall(PetscFree(column));
  PetscCall(WeftH5SetInt(file, WeftRunHistoryPath(index, "").text, "freeze_iteration", WeftLayerFreezeIteration(l)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The stored codes as one list over all samples: how many groups each has, then groups and values. */
static PetscErrorCode WriteCodes(WeftLayer l, hid_t file)
{
  WeftCodes codes;
  long long mine, before = 0, all;
  WeftBlock values;

  PetscFunctionBegin;
  PetscCall(WeftCodesCreate(l->codes.groups, l->codes.group_size, &codes));
  for (size_t i = 0; i < l->codes.samples; ++i) PetscCall(WeftCodeStoreGet(&l->codes, i, &codes));
  mine = (long long)codes.start[codes.samples];
  PetscCallMPI(MPI_Exscan(&mine, &before, 1, MPI_LONG_LONG, MPI_SUM, l->comm));
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_LONG_LONG, MPI_SUM, l->comm));
  PetscCall(WeftH5CreateRows(file, "/state/codes/active", H5T_STD_I32LE, l->n, 0,
                             (WeftH5Note){"active groups of each sample's last code", "1", "sample"}));
  PetscCall(WeftH5WriteRows(l->comm, file, "/state/codes/active", l->batches.row0, l->batches.rows, H5T_NATIVE_INT,
                            l->codes.active));
  PetscCall(WeftH5CreateRows(file, "/state/codes/group", H5T_STD_I32LE, all, 0,
                             (WeftH5Note){"active groups, sample after sample", "1", "entry"}));
  PetscCall(WeftH5WriteRows(l->comm, file, "/state/codes/group", before, mine, H5T_NATIVE_INT, codes.group));
  values = (WeftBlock){(size_t)mine, (size_t)l->codes.group_size, WEFT_DOUBLE, {codes.value}};
  PetscCall(WriteBlock(l->comm, file, "/state/codes/value", all, before, &values,
                       (WeftH5Note){"their coefficients", "1", "entry,atom of group"}));
  PetscCall(WeftCodesDestroy(&codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteState(WeftLayer l, int index, WeftOutput output)
{
  const hid_t      file = WeftOutputFile(output);
  const PetscInt64 G = l->codes.groups, k = l->settings.atoms;
  WeftRunKey       keys[WEFT_RUN_KEYS];
  WeftRunScalar    scalars[WEFT_RUN_SCALARS];
  const double    *a;
  Mat              D;

  PetscFunctionBegin;
  PetscCall(WeftDictGetMat(l->dict, &D));
  PetscCall(
    WriteMat(l->comm, file, "/state/dictionary", D, WEFT_DOUBLE, (WeftH5Note){"atoms in double", "1", "input,atom"}));
  WeftOutputPush(output);
  PetscCall(
    WriteMat(l->comm, file, "/state/B", l->B, WEFT_DOUBLE, (WeftH5Note){"running mean of x' z", "1", "input,atom"}));
  WeftOutputPush(output);
  PetscCall(MatDenseGetArrayRead(l->A, &a));
  PetscCall(WeftH5WriteSmall(l->comm, file, "/state/A", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, k, k, a,
                             (WeftH5Note){"running mean of z' z", "1", "atom,atom"}));
  PetscCall(MatDenseRestoreArrayRead(l->A, &a));
  WeftOutputPush(output);
  PetscCall(WeftH5WriteSmall(l->comm, file, "/state/eta", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, G, 0, l->weights.eta,
                             (WeftH5Note){"root mean square of each group's code", "1", "group"}));
  PetscCall(WeftH5WriteSmall(l->comm, file, "/state/idle", H5T_STD_I32LE, H5T_NATIVE_INT, G, 0, l->idle,
                             (WeftH5Note){"batches in a row without an active sample", "1", "group"}));
  PetscCall(WriteCodes(l, file));
  WeftOutputPush(output);
  WeftRunKeys(l, keys);
  for (int i = 0; i < WEFT_RUN_KEYS; ++i) PetscCall(WeftH5SetInt(file, "/state", keys[i].name, keys[i].value));
  WeftRunScalars(l, scalars);
  for (int i = 0; i < WEFT_RUN_SCALARS; ++i)
    PetscCall(WeftH5SetReal(file, "/state", scalars[i].name, *scalars[i].value));
  PetscCall(WeftH5SetInt(file, "/state", "layer", index));
  PetscCall(WeftH5SetInt(file, "/state", "iteration", l->iteration));
  PetscCall(WeftH5SetInt(file, "/state", "reseeds", l->reseeds));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteRoot(WeftLayer l, hid_t file, const WeftRunInfo *info, PetscBool complete)
{
  PetscFunctionBegin;
  PetscCall(WeftFileStamp(l->comm, file, info->data, info->seed, complete));
  PetscCall(WeftH5SetInt(file, "/", "samples", l->n));
  PetscCall(WeftH5SetInt(file, "/", "data_checksum", info->data_checksum));
  PetscCall(WeftH5SetInt(file, "/", "freeze_iteration", WeftLayerFreezeIteration(l)));
  PetscCall(
    WeftH5WriteText(l->comm, file, "/options", info->options, (WeftH5Note){"options as run, YAML", NULL, NULL}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ActiveGroups(const WeftLayer l, PetscInt64 *sum)
{
  long long active = 0;

  PetscFunctionBegin;
  for (size_t i = 0; i < l->codes.samples; ++i) active += l->codes.active[i];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &active, 1, MPI_LONG_LONG, MPI_SUM, l->comm));
  *sum = (PetscInt64)active;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How much a layer takes in a file, and the state of one that is being learned, all ranks together. */
static PetscInt64 LayerBytes(const WeftLayer l)
{
  const PetscInt64 real = (PetscInt64)WeftPrecisionBytes(l->settings.precision), k = l->settings.atoms;
  const PetscInt64 G = l->codes.groups;

  return real * (l->d * k + l->d * G + l->d * l->d) + 8 * (l->d + 4 * G) +
         (PetscInt64)8 * WEFT_HISTORY_FIELDS * (PetscInt64)l->history.length + (1 << 16);
}

static PetscErrorCode FileBytes(const WeftStack stack, PetscBool complete, PetscInt64 *bytes)
{
  const WeftLayer  l = stack->layers[stack->count - 1].layer;
  const PetscInt64 k = l->settings.atoms, p = l->codes.group_size;
  PetscInt64       active;

  PetscFunctionBegin;
  *bytes = 1 << 16;
  for (int i = 0; i < stack->count; ++i)
    *bytes += LayerBytes(stack->layers[i].layer) + WeftSharedBytes(&stack->layers[i].shared);
  if (complete) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ActiveGroups(l, &active)); /* known only per rank */
  *bytes += 8 * (k * k + 2 * l->d * k) + 4 * l->n + active * (4 + 8 * p);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunFileWrite(const char path[], const WeftRunInfo *info, const WeftStack stack, PetscBool complete)
{
  WeftOutput output;
  PetscInt64 bytes;
  hid_t      file;

  PetscFunctionBegin;
  PetscCheck(stack->count > 0, stack->comm, PETSC_ERR_ARG_WRONGSTATE, "there is no layer to write");
  PetscCall(WeftEventBegin(WEFT_EVENT_CHECKPOINT));
  PetscCall(FileBytes(stack, complete, &bytes));
  PetscCall(WeftOutputCreate(stack->comm, path, bytes, &output));
  file = WeftOutputFile(output);
  for (int i = 0; i < stack->count; ++i) {
    PetscCall(WriteLayer(stack->layers[i].layer, file, i));
    PetscCall(WritePrep(stack->layers[i].layer, file, i, stack->layers[i].prep));
    PetscCall(WriteHistory(stack->layers[i].layer, file, i));
    PetscCall(WeftSharedWrite(stack->comm, file, i, &stack->layers[i].shared));
  }
  PetscCall(WeftRunWriteInformation(stack, file));
  WeftOutputPush(output);
  if (!complete) PetscCall(WriteState(stack->layers[stack->count - 1].layer, stack->count - 1, output));
  PetscCall(WriteRoot(stack->layers[0].layer, file, info, complete));
  PetscCall(WeftOutputCommit(&output));
  PetscCall(WeftEventEnd(WEFT_EVENT_CHECKPOINT));
  PetscFunctionReturn(PETSC_SUCCESS);
}
