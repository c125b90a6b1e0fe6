/* The network layer of a shared one: copies of prototypes that use the same weights. */
#include "trainimpl.h"
#include <math.h>

/* name[r]: which row of weights number r of the prototypes is, -1 where no copy uses it; the rows in turn. */
static PetscErrorCode NameRows(const WeftShared *shared, const WeftSharedCopies *copies, int **name, size_t *rows)
{
  const size_t all = (size_t)shared->settings.prototypes * WeftSharedWindow(shared);

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(all + 1, name));
  for (size_t r = 0; r < all; ++r) (*name)[r] = -1;
  for (size_t c = 0; c < copies->start[copies->groups]; ++c) (*name)[copies->row[c]] = 0;
  *rows = 0;
  for (size_t r = 0; r < all; ++r)
    if (!(*name)[r]) (*name)[r] = (int)(*rows)++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainPlanShared(const WeftShared *shared, WeftNetworkLayer *l)
{
  WeftSharedCopies copies;
  int             *name;

  PetscFunctionBegin;
  PetscCall(WeftSharedWriteOut(shared, &copies));
  PetscCall(NameRows(shared, &copies, &name, &l->rows));
  for (size_t c = 0; c < copies.start[copies.groups]; ++c) copies.row[c] = name[copies.row[c]];
  PetscCall(PetscFree(name));
  l->groups = copies.groups;
  l->group_size = (size_t)shared->group_size;
  l->pools = copies.pools;
  l->start = copies.start;
  l->input = copies.input;
  l->row = copies.row;
  l->pool_start = copies.pool_start;
  l->pool_group = copies.pool_group;
  l->pooled_channels = (size_t)shared->settings.prototypes;
  PetscCall(PetscMalloc1(l->pools + 1, &l->pooled_channel));
  for (size_t q = 0; q < l->pools; ++q) l->pooled_channel[q] = (int)(q % l->pooled_channels);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainStartShared(const WeftShared *shared, WeftNetwork *net, const WeftNetworkLayer *l)
{
  const size_t     window = WeftSharedWindow(shared), p = l->group_size;
  WeftSharedCopies copies;
  size_t           rows;
  int             *name;

  PetscFunctionBegin;
  PetscCall(WeftSharedWriteOut(shared, &copies));
  PetscCall(NameRows(shared, &copies, &name, &rows));
  for (size_t u = 0; u < (size_t)shared->settings.prototypes * p; ++u) {
    const double *atom = shared->atoms + u * window;
    double        square = 0;
    for (size_t q = 0; q < window; ++q) square += atom[q] * atom[q];
    for (size_t q = 0; q < window && square > 0; ++q) {
      const int row = name[u / p * window + q];
      if (row >= 0) WeftBlockSet(&net->parameters, 0, l->weights + (size_t)row * p + u % p, atom[q] / sqrt(square));
    }
  }
  PetscCall(PetscFree(name));
  PetscCall(PetscFree(copies.start));
  PetscCall(PetscFree(copies.input));
  PetscCall(PetscFree(copies.row));
  PetscCall(PetscFree(copies.pool_start));
  PetscCall(PetscFree(copies.pool_group));
  PetscFunctionReturn(PETSC_SUCCESS);
}
