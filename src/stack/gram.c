/* The Gram matrix of the atoms: what a coder starts from, and the same for every rank's samples. */
#include "stackimpl.h"

/* Rank r's share of G groups: [first, first + groups). */
static void Share(PetscInt64 G, int size, int r, PetscInt64 *first, PetscInt64 *groups)
{
  *groups = G / size + (r < G % size ? 1 : 0);
  *first = r * (G / size) + PetscMin((PetscInt64)r, G % size);
}

/* Counted in groups of p rows, so that the numbers may pass 2^31. */
static PetscErrorCode GatherRows(WeftLayer l, int size)
{
  const PetscInt64 G = l->settings.atoms / l->settings.group_size;
  PetscInt64       first, groups;
  int             *counts, *offsets;
  MPI_Datatype     rows;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(size, &counts, size, &offsets));
  for (int r = 0; r < size; ++r) {
    Share(G, size, r, &first, &groups);
    counts[r] = (int)groups;
    offsets[r] = (int)first;
  }
  PetscCallMPI(MPI_Type_contiguous((int)(l->settings.group_size * l->settings.atoms),
                                   l->gram.precision == WEFT_SINGLE ? MPI_FLOAT : MPI_DOUBLE, &rows));
  PetscCallMPI(MPI_Type_commit(&rows));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, l->gram.values.v, counts, offsets, rows, l->comm));
  PetscCallMPI(MPI_Type_free(&rows));
  PetscCall(PetscFree2(counts, offsets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLayerGram(WeftLayer l)
{
  const PetscInt64 p = l->settings.group_size;
  PetscInt64       first, groups;
  int              rank, size;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_GRAM));
  PetscCallMPI(MPI_Comm_rank(l->comm, &rank));
  PetscCallMPI(MPI_Comm_size(l->comm, &size));
  Share(l->settings.atoms / p, size, rank, &first, &groups);
  PetscCall(WeftBlockGram(&l->atoms, (int)p, (size_t)(first * p), (size_t)(groups * p), &l->gram));
  if (size > 1) PetscCall(GatherRows(l, size));
  PetscCall(WeftEventEnd(WEFT_EVENT_GRAM));
  PetscFunctionReturn(PETSC_SUCCESS);
}
