#include "dataimpl.h"
#include <string.h>

enum { MOST_CHANNELS = 4 }; /* a dimension no longer than this is taken for colour channels */

/* dims: [n, height, width], [n, height, width, channels] or [n, channels, height, width]. */
static void Guess(int ndims, const PetscInt64 dims[], WeftDataInfo *info)
{
  const PetscBool any = info->pixel_order[0] ? PETSC_FALSE : PETSC_TRUE;

  if (ndims == 3) {
    memcpy(info->shape, (PetscInt64[]){dims[1], dims[2], 1}, sizeof(info->shape));
  } else if (ndims == 4 && ((any && dims[3] <= MOST_CHANNELS) || !strcmp(info->pixel_order, "interleaved"))) {
    memcpy(info->shape, (PetscInt64[]){dims[1], dims[2], dims[3]}, sizeof(info->shape));
  } else if (ndims == 4 && ((any && dims[1] <= MOST_CHANNELS) || !strcmp(info->pixel_order, "planes"))) {
    memcpy(info->shape, (PetscInt64[]){dims[2], dims[3], dims[1]}, sizeof(info->shape));
    strcpy(info->pixel_order, "planes");
  }
}

PetscErrorCode WeftDataSetShape(MPI_Comm comm, const char name[], int ndims, const PetscInt64 dims[],
                                WeftDataInfo *info)
{
  const PetscInt64 *shape = info->shape, d = info->features;

  PetscFunctionBegin;
  if (!shape[0]) Guess(ndims, dims, info);
  if (!shape[0]) {
    WeftUserCheck(!info->pixel_order[0], comm, "%s: a pixel order needs a shape: add -shape H,W,C", name);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  WeftUserCheck(shape[0] > 0 && shape[1] > 0 && shape[2] > 0 && shape[0] <= d && shape[1] <= d / shape[0] &&
                  shape[2] <= d && shape[0] * shape[1] * shape[2] == d,
                comm, "%s: the shape %lld,%lld,%lld does not make up its %lld features", name, (long long)shape[0],
                (long long)shape[1], (long long)shape[2], (long long)d);
  if (!info->pixel_order[0]) strcpy(info->pixel_order, "interleaved");
  PetscFunctionReturn(PETSC_SUCCESS);
}
