#include "dataimpl.h"
#include <weft/output.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 23 }; /* samples that one rank holds at a time */

static const char *const groups[] = {"/train", "/test"};

/* One data file being written. */
typedef struct {
  MPI_Comm              comm;
  int                   rank, size;
  const WeftDataRecipe *recipe;
  WeftDataInfo         *info;
  WeftOutput            output;
  hid_t                 file;             /* of output */
  PetscInt64            rows_each, piece; /* rows of one rank; rows of all, at a time */
  void                 *x;
  int32_t              *y;
  int32_t               highest, last; /* labels on this rank */
  PetscBool             ordered;       /* they never went down there */
  WeftProgress          progress;
  PetscInt64            done;
} Writer;

static PetscErrorCode CreateDatasets(Writer *w, WeftSplit split)
{
  const PetscInt64 n = w->info->samples[split];
  char             path[32];

  PetscFunctionBegin;
  snprintf(path, sizeof(path), "%s/x", groups[split]);
  PetscCall(WeftH5CreateRows(w->file, path, w->recipe->bytes ? H5T_STD_U8LE : H5T_IEEE_F32LE, n, w->info->features,
                             (WeftH5Note){.description = "samples, one a row", .labels = "sample,feature"}));
  if (w->recipe->bytes) PetscCall(WeftH5SetReal(w->file, path, "scale", w->recipe->scale));
  if (!w->info->labelled[split]) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(path, sizeof(path), "%s/y", groups[split]);
  PetscCall(WeftH5CreateRows(w->file, path, H5T_STD_I32LE, n, 0,
                             (WeftH5Note){.description = "class of each sample", .labels = "sample"}));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void CheckLabels(Writer *w, WeftSplit split, PetscInt64 row0, PetscInt64 rows, WeftProblem problem)
{
  const PetscInt64 classes = w->info->classes ? w->info->classes : WEFT_MAX_CLASSES;

  for (PetscInt64 i = 0; i < rows && !problem[0]; ++i) {
    w->highest = PetscMax(w->highest, w->y[i]);
    if (w->y[i] < w->last) w->ordered = PETSC_FALSE;
    w->last = w->y[i];
    if (w->y[i] < 0 || w->y[i] >= classes)
      WeftProblemSet(problem, "%s: sample %lld (counted from 0) has label %d, outside 0 to %lld",
                     w->recipe->label_names[split], (long long)(row0 + i), (int)w->y[i], (long long)(classes - 1));
  }
}

static PetscErrorCode WritePiece(Writer *w, WeftSplit split, PetscInt64 first, PetscInt64 rows)
{
  const PetscBool labelled = w->info->labelled[split];
  WeftProblem     problem = "";
  char            path[32];
  PetscInt64      row0 = 0, mine = w->rank ? 0 : rows;

  PetscFunctionBegin;
  if (w->recipe->shared) WeftDataRange(rows, w->rank, w->size, &row0, &mine);
  PetscCall(w->recipe->fill(w->recipe->ctx, split, first + row0, mine, w->x, labelled ? w->y : NULL, problem));
  if (labelled && !problem[0]) CheckLabels(w, split, first + row0, mine, problem);
  PetscCall(WeftProblemRaise(w->comm, problem));
  PetscCall(WeftOutputBeginWrite(w->output));
  snprintf(path, sizeof(path), "%s/x", groups[split]);
  PetscCall(WeftH5WriteRows(w->comm, w->file, path, first + row0, mine,
                            w->recipe->bytes ? H5T_NATIVE_UCHAR : H5T_NATIVE_FLOAT, w->x));
  snprintf(path, sizeof(path), "%s/y", groups[split]);
  if (labelled) PetscCall(WeftH5WriteRows(w->comm, w->file, path, first + row0, mine, H5T_NATIVE_INT32, w->y));
  WeftOutputEndWrite(w->output);
  w->done += rows;
  PetscCall(WeftProgressUpdate(&w->progress, w->done, ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A rank's rows of each piece stand after those of the last, so what is in order is so on every rank. */
static PetscErrorCode AllOrdered(const Writer *w, PetscBool *ordered)
{
  PetscBool any;

  PetscFunctionBegin;
  PetscCall(WeftAnyRank(w->comm, w->ordered ? PETSC_FALSE : PETSC_TRUE, &any));
  *ordered = any ? PETSC_FALSE : PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteSplit(Writer *w, WeftSplit split)
{
  const PetscInt64 n = w->info->samples[split];
  int32_t          highest;

  PetscFunctionBegin;
  w->highest = w->last = -1;
  w->ordered = w->info->labelled[split];
  for (PetscInt64 first = 0; first < n; first += w->piece)
    PetscCall(WritePiece(w, split, first, PetscMin(w->piece, n - first)));
  PetscCallMPI(MPI_Allreduce(&w->highest, &highest, 1, MPI_INT32_T, MPI_MAX, w->comm));
  if (split == WEFT_TRAIN) PetscCall(AllOrdered(w, &w->info->ordered));
  if (split == WEFT_TRAIN && !w->info->classes) w->info->classes = (PetscInt64)highest + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteAttributes(const Writer *w)
{
  const WeftDataInfo *info = w->info;

  PetscFunctionBegin;
  PetscCall(WeftH5SetInt(w->file, "/", "weft_schema", WEFT_SCHEMA));
  PetscCall(WeftH5SetText(w->file, "/", "source", info->source));
  if (info->shape[0]) PetscCall(WeftH5SetInts(w->file, "/", "shape", 3, info->shape));
  if (info->shape[0]) PetscCall(WeftH5SetText(w->file, "/", "pixel_order", info->pixel_order));
  if (info->classes) PetscCall(WeftH5SetInt(w->file, "/", "classes", info->classes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The samples, piece by piece. On a mistake the progress line is left first, so that the message has its own. */
static PetscErrorCode WriteSamples(Writer *w)
{
  const size_t   row_bytes = (size_t)w->info->features * (w->recipe->bytes ? 1 : sizeof(float));
  PetscErrorCode ierr = PETSC_SUCCESS;

  PetscFunctionBegin;
  w->rows_each = (PetscInt64)PetscMax(PIECE_BYTES / row_bytes, 1);
  w->piece = w->rows_each * (w->recipe->shared ? w->size : 1);
  PetscCall(PetscMalloc((size_t)w->rows_each * row_bytes, &w->x));
  PetscCall(PetscMalloc1((size_t)w->rows_each, &w->y));
  PetscCall(WeftProgressBegin(&w->progress, w->comm, w->recipe->what, 0,
                              w->info->samples[WEFT_TRAIN] + w->info->samples[WEFT_TEST]));
  for (int split = 0; split < WEFT_NUM_SPLITS && !ierr; ++split) ierr = WriteSplit(w, (WeftSplit)split);
  PetscCall(WeftProgressEnd(&w->progress));
  PetscCall(PetscFree(w->x));
  PetscCall(PetscFree(w->y));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDataWrite(MPI_Comm comm, const char path[], const WeftDataRecipe *recipe, WeftDataInfo *info)
{
  const PetscInt64 n = info->samples[WEFT_TRAIN] + info->samples[WEFT_TEST];
  const PetscInt64 row_bytes = info->features * (recipe->bytes ? 1 : (PetscInt64)sizeof(float));
  Writer           w = {.comm = comm, .recipe = recipe, .info = info};
  WeftOutput       output;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &w.rank));
  PetscCallMPI(MPI_Comm_size(comm, &w.size));
  PetscCall(WeftOutputCreate(comm, path, n * (row_bytes + (PetscInt64)sizeof(int32_t)), &output));
  w.output = output;
  w.file = WeftOutputFile(output);
  for (int split = 0; split < WEFT_NUM_SPLITS; ++split)
    if (info->samples[split]) PetscCall(CreateDatasets(&w, (WeftSplit)split));
  WeftOutputEndWrite(output);
  PetscCall(WriteSamples(&w));
  PetscCall(WeftOutputBeginWrite(output));
  PetscCall(WriteAttributes(&w));
  PetscCall(WeftOutputCommit(&output));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDataSetSamples(MPI_Comm comm, WeftSplit split, PetscInt64 there, WeftDataInfo *info)
{
  const PetscInt64 wanted = split == WEFT_TRAIN ? info->samples[split] : 0;

  PetscFunctionBegin;
  WeftUserCheck(wanted <= there, comm, "-samples %lld: there are %lld training samples", (long long)wanted,
                (long long)there);
  info->samples[split] = wanted ? wanted : there;
  if (split == WEFT_TRAIN) info->left_out = there - info->samples[split];
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftDataNameSource(const char format[], const char path[], WeftDataInfo *info)
{
  const char *slash = strrchr(path, '/');

  snprintf(info->source, sizeof(info->source), "%s: %s", format, slash ? slash + 1 : path);
}
