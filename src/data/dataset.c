#include "dataimpl.h"
#include <string.h>

struct _n_WeftData {
  MPI_Comm     comm;
  hid_t        file;
  char         name[PETSC_MAX_PATH_LEN]; /* "-data data.h5", for messages */
  WeftDataInfo info;
  WeftArray    x[WEFT_NUM_SPLITS], y[WEFT_NUM_SPLITS];
};

static const char *const x_paths[] = {"/train/x", "/test/x"}, *const y_paths[] = {"/train/y", "/test/y"};

void WeftDataRange(PetscInt64 n, int rank, int size, PetscInt64 *row0, PetscInt64 *rows)
{
  const PetscInt64 each = n / size, rest = n % size;

  *row0 = rank * each + PetscMin(rank, rest);
  *rows = each + (rank < rest ? 1 : 0);
}

const WeftDataInfo *WeftDataGetInfo(WeftData data)
{
  return &data->info;
}

static PetscErrorCode OpenSamples(WeftData data, WeftSplit split)
{
  WeftArray *x = &data->x[split];
  PetscBool  exists;

  PetscFunctionBegin;
  PetscCall(WeftH5Exists(data->file, x_paths[split], &exists));
  if (split != WEFT_TRAIN && !exists) PetscFunctionReturn(PETSC_SUCCESS);
  WeftUserCheck(exists, data->comm, "%s: has no /train/x; weft import hdf5 makes a data file of other datasets",
                data->name);
  PetscCall(WeftArrayOpen(data->comm, data->name, data->file, x_paths[split], 2, 2, x));
  data->info.samples[split] = x->rows;
  if (split == WEFT_TRAIN) data->info.features = x->cols;
  WeftUserCheck(x->cols == data->info.features, data->comm, "%s: %s has %lld features, /train/x has %lld", data->name,
                x_paths[split], (long long)x->cols, (long long)data->info.features);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenLabels(WeftData data, WeftSplit split)
{
  WeftArray *y = &data->y[split];
  PetscBool  exists;

  PetscFunctionBegin;
  PetscCall(WeftH5Exists(data->file, y_paths[split], &exists));
  if (!exists || !data->info.samples[split]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftArrayOpen(data->comm, data->name, data->file, y_paths[split], 1, 2, y));
  WeftUserCheck(y->cols == 1 && y->rows == data->info.samples[split], data->comm,
                "%s: %s has %lld x %lld labels for %lld samples", data->name, y_paths[split], (long long)y->rows,
                (long long)y->cols, (long long)data->info.samples[split]);
  data->info.labelled[split] = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckSchema(WeftData data)
{
  PetscInt64 schema = WEFT_SCHEMA;
  PetscBool  found;

  PetscFunctionBegin;
  PetscCall(WeftH5GetInts(data->file, "/", "weft_schema", 1, &schema, &found));
  if (!found && H5Aexists_by_name(data->file, "/", "weft_schema", H5P_DEFAULT) > 0) schema = -1;
  WeftUserCheck(schema == WEFT_SCHEMA, data->comm,
                "%s: its attribute weft_schema is not %d: it was written by another version of weft; import it again",
                data->name, WEFT_SCHEMA);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadShape(WeftData data)
{
  WeftDataInfo *info = &data->info;
  PetscInt64    shape[3];
  PetscBool     found;

  PetscFunctionBegin;
  PetscCall(WeftH5GetInts(data->file, "/", "shape", 3, shape, &found));
  if (!found || !shape[0]) PetscFunctionReturn(PETSC_SUCCESS);
  memcpy(info->shape, shape, sizeof(shape));
  PetscCall(WeftH5GetText(data->file, "/", "pixel_order", sizeof(info->pixel_order), info->pixel_order, &found));
  if (!found) strcpy(info->pixel_order, "interleaved");
  WeftUserCheck(!strcmp(info->pixel_order, "planes") || !strcmp(info->pixel_order, "interleaved"), data->comm,
                "%s: attribute pixel_order is \"%s\"; planes or interleaved is wanted", data->name, info->pixel_order);
  PetscCall(WeftDataSetShape(data->comm, data->name, 0, NULL, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where no attribute says how many classes there are, the training labels do. */
static PetscErrorCode CountClasses(WeftData data)
{
  const PetscInt64 n = data->info.samples[WEFT_TRAIN];
  int              rank, size;
  int32_t         *labels, mine = -1, highest;
  PetscInt64       row0, rows;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(data->comm, &rank));
  PetscCallMPI(MPI_Comm_size(data->comm, &size));
  WeftDataRange(n, rank, size, &row0, &rows);
  PetscCall(PetscMalloc1((size_t)rows, &labels));
  PetscCall(WeftArrayReadLabels(data->comm, &data->y[WEFT_TRAIN], row0, rows, WEFT_MAX_CLASSES, labels));
  for (PetscInt64 i = 0; i < rows; ++i) mine = PetscMax(mine, labels[i]);
  PetscCall(PetscFree(labels));
  PetscCallMPI(MPI_Allreduce(&mine, &highest, 1, MPI_INT32_T, MPI_MAX, data->comm));
  data->info.classes = (PetscInt64)highest + 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadClasses(WeftData data)
{
  WeftDataInfo *info = &data->info;
  PetscBool     found;

  PetscFunctionBegin;
  if (!info->labelled[WEFT_TRAIN]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftH5GetInts(data->file, "/", "classes", 1, &info->classes, &found));
  if (!found) PetscCall(CountClasses(data));
  WeftUserCheck(info->classes > 0 && info->classes <= WEFT_MAX_CLASSES, data->comm,
                "%s: attribute classes is %lld; a number from 1 to %d is wanted", data->name, (long long)info->classes,
                WEFT_MAX_CLASSES);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDataOpen(MPI_Comm comm, const char option[], const char path[], WeftData *data)
{
  WeftData  d;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(PetscNew(&d));
  d->comm = comm;
  snprintf(d->name, sizeof(d->name), "%s %s", option, path);
  PetscCall(WeftH5OpenRead(comm, option, path, &d->file));
  PetscCall(CheckSchema(d));
  for (int split = 0; split < WEFT_NUM_SPLITS; ++split) {
    PetscCall(OpenSamples(d, (WeftSplit)split));
    PetscCall(OpenLabels(d, (WeftSplit)split));
  }
  PetscCall(ReadShape(d));
  PetscCall(ReadClasses(d));
  PetscCall(WeftH5GetText(d->file, "/", "source", sizeof(d->info.source), d->info.source, &found));
  *data = d;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDataClose(WeftData *data)
{
  PetscFunctionBegin;
  if (!*data) PetscFunctionReturn(PETSC_SUCCESS);
  WeftH5Close((*data)->file);
  PetscCall(PetscFree(*data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDataReadRows(WeftData data, WeftSplit split, PetscInt64 row0, PetscInt64 rows,
                                WeftPrecision precision, WeftBlock *x)
{
  PetscErrorCode ierr;

  PetscFunctionBegin;
  WeftUserCheck(data->info.samples[split], data->comm, "%s: has no %s", data->name, x_paths[split]);
  PetscCheck(row0 >= 0 && rows >= 0 && row0 + rows <= data->info.samples[split], PETSC_COMM_SELF,
             PETSC_ERR_ARG_OUTOFRANGE, "no such rows");
  PetscCall(WeftBlockCreate((size_t)rows, (size_t)data->info.features, precision, x));
  PetscCall(WeftEventBegin(WEFT_EVENT_READ));
  ierr = WeftArrayRead(data->comm, &data->x[split], row0, rows, precision, x->values.v);
  PetscCall(WeftEventEnd(WEFT_EVENT_READ));
  if (ierr) PetscCall(WeftBlockDestroy(x));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDataChecksum(WeftData data, WeftSplit split, PetscInt64 n, WeftPrecision precision, uint64_t *sum)
{
  const PetscInt64 at_once = 2048;
  PetscInt64       row0, rows;
  int              rank, size;
  WeftBlock        x;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(data->comm, &rank));
  PetscCallMPI(MPI_Comm_size(data->comm, &size));
  WeftDataRange(n, rank, size, &row0, &rows);
  *sum = 0;
  for (PetscInt64 done = 0; done < (n + size - 1) / size; done += at_once) { /* the most that any rank has */
    const PetscInt64 first = row0 + PetscMin(done, rows), count = PetscMin(at_once, row0 + rows - first);
    PetscCall(WeftDataReadRows(data, split, first, count, precision, &x));
    *sum += WeftBlockChecksum(&x, (uint64_t)first);
    PetscCall(WeftBlockDestroy(&x));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 1, MPI_UINT64_T, MPI_SUM, data->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDataReadLabels(WeftData data, WeftSplit split, PetscInt64 row0, PetscInt64 rows, int32_t labels[])
{
  PetscErrorCode ierr;

  PetscFunctionBegin;
  WeftUserCheck(data->info.labelled[split], data->comm, "%s: has no %s, and labels are needed here", data->name,
                y_paths[split]);
  PetscCall(WeftEventBegin(WEFT_EVENT_READ));
  ierr = WeftArrayReadLabels(data->comm, &data->y[split], row0, rows, data->info.classes, labels);
  PetscCall(WeftEventEnd(WEFT_EVENT_READ));
  PetscCall(ierr);
  PetscFunctionReturn(PETSC_SUCCESS);
}
