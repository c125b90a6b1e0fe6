/* The stream from a data file to a features file. */
#include <weft/features.h>
#include <weft/runfile.h>

static const char *const groups[] = {"/train", "/test"};

/* One features file being written. */
typedef struct {
  MPI_Comm            comm;
  int                 rank, size;
  WeftData            data;
  const WeftDataInfo *info;
  const WeftEncoder  *encoder;
  WeftOutput          output;
  hid_t               file;   /* of output */
  int32_t            *labels; /* [WEFT_FEATURES_ROWS] */
  WeftBlock           y;      /* [WEFT_FEATURES_ROWS, cols] */
  float              *narrow; /* the same as the file has them, where y is in double */
  WeftProgress        progress;
  PetscInt64          done;
} Stream;

static PetscErrorCode CreateDatasets(Stream *s, WeftSplit split)
{
  const PetscInt64 n = s->info->samples[split];
  const WeftH5Note labels = {.description = "class of each sample", .labels = "sample"};
  char             path[64], names[64];

  PetscFunctionBegin;
  snprintf(path, sizeof(path), "%s/%s", groups[split], s->encoder->name);
  snprintf(names, sizeof(names), "sample,%s", s->encoder->column);
  PetscCall(WeftH5CreateRows(s->file, path, H5T_IEEE_F32LE, n, s->encoder->cols,
                             (WeftH5Note){s->encoder->description, "1", names}));
  snprintf(path, sizeof(path), "%s/y", groups[split]);
  if (s->info->labelled[split]) PetscCall(WeftH5CreateRows(s->file, path, H5T_STD_I32LE, n, 0, labels));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A transfer that converts types would make HDF5 write one rank after another. */
static const float *Narrow(const Stream *s, const WeftBlock *y)
{
  if (y->precision == WEFT_SINGLE) return y->values.s;
  for (size_t i = 0; i < y->rows * y->cols; ++i) s->narrow[i] = (float)y->values.d[i];
  return s->narrow;
}

/* Each rank its rows [row0, row0 + rows). */
static PetscErrorCode WritePiece(Stream *s, WeftSplit split, PetscInt64 row0, PetscInt64 rows)
{
  WeftBlock x, y = WeftBlockRows(&s->y, 0, (size_t)rows);
  char      path[64];

  PetscFunctionBegin;
  PetscCall(WeftDataReadRows(s->data, split, row0, rows, s->encoder->precision, &x));
  PetscCall((*s->encoder->encode)(s->encoder->ctx, &x, &y));
  PetscCall(WeftBlockDestroy(&x));
  if (s->info->labelled[split]) PetscCall(WeftDataReadLabels(s->data, split, row0, rows, s->labels));
  PetscCall(WeftOutputBeginWrite(s->output));
  snprintf(path, sizeof(path), "%s/%s", groups[split], s->encoder->name);
  PetscCall(WeftH5WriteRows(s->comm, s->file, path, row0, rows, H5T_NATIVE_FLOAT, Narrow(s, &y)));
  snprintf(path, sizeof(path), "%s/y", groups[split]);
  if (s->info->labelled[split])
    PetscCall(WeftH5WriteRows(s->comm, s->file, path, row0, rows, H5T_NATIVE_INT32, s->labels));
  WeftOutputEndWrite(s->output);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSplit(Stream *s, WeftSplit split, PetscBool *stopped)
{
  const PetscInt64 n = s->info->samples[split], step = (PetscInt64)WEFT_FEATURES_ROWS * s->size;

  PetscFunctionBegin;
  for (PetscInt64 first = 0; first < n && !*stopped; first += step) {
    const PetscInt64 row0 = PetscMin(first + (PetscInt64)s->rank * WEFT_FEATURES_ROWS, n);

    PetscCall(WritePiece(s, split, row0, PetscMin(n - row0, (PetscInt64)WEFT_FEATURES_ROWS)));
    s->done += PetscMin(step, n - first);
    PetscCall(WeftProgressUpdate(&s->progress, s->done, ""));
    PetscCall(WeftAnyRank(s->comm, WeftStopRequested(), stopped));
    if (s->done == s->progress.total) *stopped = PETSC_FALSE; /* nothing is left to stop */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* On a mistake the progress line is left first, so that the message has its own. */
static PetscErrorCode WriteSplits(Stream *s, PetscBool *stopped)
{
  PetscErrorCode ierr = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(WEFT_FEATURES_ROWS, (size_t)s->encoder->cols, s->encoder->precision, &s->y));
  PetscCall(PetscMalloc1(WEFT_FEATURES_ROWS, &s->labels));
  if (s->y.precision == WEFT_DOUBLE) PetscCall(PetscMalloc1(s->y.rows * s->y.cols, &s->narrow));
  PetscCall(
    WeftProgressBegin(&s->progress, s->comm, "encode", 0, s->info->samples[WEFT_TRAIN] + s->info->samples[WEFT_TEST]));
  for (int split = 0; split < WEFT_NUM_SPLITS && !ierr; ++split) ierr = WriteSplit(s, (WeftSplit)split, stopped);
  PetscCall(WeftProgressEnd(&s->progress));
  PetscCall(PetscFree(s->labels));
  PetscCall(PetscFree(s->narrow));
  PetscCall(WeftBlockDestroy(&s->y));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAttributes(const Stream *s)
{
  const WeftDataInfo *info = s->info;
  const char         *version, *git;

  PetscFunctionBegin;
  WeftVersion(&version, &git);
  PetscCall(WeftH5SetInt(s->file, "/", "weft_schema", WEFT_SCHEMA));
  PetscCall(WeftH5SetText(s->file, "/", "weft_version", version));
  PetscCall(WeftH5SetText(s->file, "/", "git", git));
  PetscCall(WeftH5SetText(s->file, "/", "source", info->source));
  if (info->shape[0]) PetscCall(WeftH5SetInts(s->file, "/", "shape", 3, info->shape));
  if (info->shape[0]) PetscCall(WeftH5SetText(s->file, "/", "pixel_order", info->pixel_order));
  if (info->classes) PetscCall(WeftH5SetInt(s->file, "/", "classes", info->classes));
  if (s->encoder->describe) PetscCall((*s->encoder->describe)(s->encoder->ctx, s->file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftFeaturesWrite(MPI_Comm comm, const char path[], WeftData data, const WeftEncoder *encoder,
                                 PetscBool *stopped)
{
  Stream           s = {.comm = comm, .data = data, .info = WeftDataGetInfo(data), .encoder = encoder};
  const PetscInt64 n = s.info->samples[WEFT_TRAIN] + s.info->samples[WEFT_TEST];
  WeftOutput       output;

  PetscFunctionBegin;
  *stopped = PETSC_FALSE;
  PetscCallMPI(MPI_Comm_rank(comm, &s.rank));
  PetscCallMPI(MPI_Comm_size(comm, &s.size));
  PetscCall(WeftOutputCreate(comm, path, n * (encoder->cols + 1) * 4 + (1 << 14), &output));
  s.output = output;
  s.file = WeftOutputFile(output);
  for (int split = 0; split < WEFT_NUM_SPLITS; ++split)
    if (s.info->samples[split]) PetscCall(CreateDatasets(&s, (WeftSplit)split));
  WeftOutputEndWrite(output);
  PetscCall(WriteSplits(&s, stopped));
  PetscCall(WeftOutputBeginWrite(output));
  if (*stopped) {
    PetscCall(WeftOutputDiscard(&output));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(WriteAttributes(&s));
  PetscCall(WeftOutputCommit(&output));
  PetscFunctionReturn(PETSC_SUCCESS);
}
