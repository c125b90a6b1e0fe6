#include <weft/import.h>
#include "dataimpl.h"
#include <string.h>

typedef struct {
  MPI_Comm  comm;
  PetscBool bytes;
  WeftArray x[WEFT_NUM_SPLITS], y[WEFT_NUM_SPLITS];
  char      label_names[WEFT_NUM_SPLITS][2 * PETSC_MAX_PATH_LEN]; /* "file: dataset" */
} Hdf5Import;

static PetscErrorCode OpenSplit(Hdf5Import *import, const char name[], hid_t file, WeftSplit split, const char x_path[],
                                const char y_path[], WeftDataInfo *info)
{
  WeftArray *x = &import->x[split], *y = &import->y[split];

  PetscFunctionBegin;
  if (!x_path) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftArrayOpen(import->comm, name, file, x_path, 2, 4, x));
  if (split == WEFT_TRAIN) info->features = x->cols;
  WeftUserCheck(x->cols == info->features, import->comm, "%s: %s has %lld features, %s has %lld", name, x_path,
                (long long)x->cols, import->x[WEFT_TRAIN].path, (long long)info->features);
  PetscCall(WeftDataSetSamples(import->comm, split, x->rows, info));
  if (!y_path) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftArrayOpen(import->comm, name, file, y_path, 1, 2, y));
  WeftUserCheck(y->cols == 1 && y->rows == x->rows, import->comm,
                "%s: %s has %lld x %lld labels for the %lld samples of %s", name, y_path, (long long)y->rows,
                (long long)y->cols, (long long)x->rows, x_path);
  info->labelled[split] = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(void *ctx, WeftSplit split, PetscInt64 row0, PetscInt64 rows, void *x, int32_t *y,
                           WeftProblem problem)
{
  Hdf5Import *import = ctx;
  WeftArray  *array = &import->x[split];

  PetscFunctionBegin;
  (void)problem;
  if (import->bytes)
    PetscCall(WeftH5ReadRows(import->comm, array->file, array->path, row0, rows, H5T_NATIVE_UCHAR, x));
  else
    PetscCall(WeftArrayRead(import->comm, array, row0, rows, WEFT_SINGLE, x));
  if (y) PetscCall(WeftArrayReadLabels(import->comm, &import->y[split], row0, rows, WEFT_MAX_CLASSES, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bytes stay bytes only where both splits are, on one scale. */
static PetscBool AllBytes(const Hdf5Import *import, const WeftDataInfo *info)
{
  const WeftArray *train = &import->x[WEFT_TRAIN], *test = &import->x[WEFT_TEST];

  if (train->kind != WEFT_BYTES) return PETSC_FALSE;
  if (!info->samples[WEFT_TEST]) return PETSC_TRUE;
  return test->kind == WEFT_BYTES && test->scale == train->scale ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode WeftImportHDF5(MPI_Comm comm, const char name[], const char *const x[WEFT_NUM_SPLITS],
                              const char *const y[WEFT_NUM_SPLITS], const char output[], WeftDataInfo *info)
{
  Hdf5Import    *import;
  WeftDataRecipe recipe = {.shared = PETSC_TRUE, .what = "import", .fill = Fill};
  hid_t          file;

  PetscFunctionBegin;
  PetscCall(PetscNew(&import));
  import->comm = comm;
  PetscCall(WeftH5OpenRead(comm, "-file", name, &file));
  for (int split = 0; split < WEFT_NUM_SPLITS; ++split) {
    PetscCall(OpenSplit(import, name, file, (WeftSplit)split, x[split], y[split], info));
    snprintf(import->label_names[split], sizeof(import->label_names[split]), "%s: %s", name, y[split] ? y[split] : "");
    recipe.label_names[split] = import->label_names[split];
  }
  import->bytes = AllBytes(import, info);
  recipe.bytes = import->bytes;
  recipe.scale = import->x[WEFT_TRAIN].scale;
  recipe.ctx = import;
  PetscCall(WeftDataSetShape(comm, name, import->x[WEFT_TRAIN].ndims, import->x[WEFT_TRAIN].dims, info));
  WeftDataNameSource("HDF5", name, info);
  PetscCall(WeftDataWrite(comm, output, &recipe, info));
  WeftH5Close(file);
  PetscCall(PetscFree(import));
  PetscFunctionReturn(PETSC_SUCCESS);
}
