/* Shared layers: the copies of a few prototypes answer in place of the groups. */
#include "stackimpl.h"

PetscErrorCode WeftStackLattice(WeftStack s)
{
  PetscFunctionBegin;
  if (!s->settings.share[0].prototypes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftLatticeFind(s->comm, &s->x, &s->lattice));
  WeftUserCheck(
    s->lattice.score >= WEFT_LATTICE_SCORE, s->comm,
    "-weft_share %d: no lattice is found on which the inputs lie (score %.2f of the %.2f that is needed, %d of "
    "%d inputs placed): leave it out",
    s->settings.share[0].prototypes, s->lattice.score, WEFT_LATTICE_SCORE, (int)s->lattice.placed,
    (int)s->lattice.inputs);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Chosen on rank 0 for all: ranks on unlike processors could differ where two groups are nearly as good. */
static PetscErrorCode ChooseForAll(WeftStack s, int i, WeftShared *shared)
{
  const WeftLayer l = s->layers[i].layer;
  WeftShared      mine;
  unsigned char  *alive;
  int             K, numbers;

  PetscFunctionBegin;
  PetscCall(WeftDictGetAlive(l->dict, &alive));
  PetscCall(WeftSharedFind(&s->lattice, &l->atoms, l->codes.group_size, alive, l->usage, &s->settings.share[i], &mine));
  K = mine.settings.prototypes;
  PetscCallMPI(MPI_Bcast(&K, 1, MPI_INT, 0, s->comm));
  PetscCheck(K == mine.settings.prototypes, s->comm, PETSC_ERR_LIB, "ranks disagree on how many prototypes there are");
  numbers = K * mine.group_size * (int)WeftSharedWindow(&mine);
  PetscCallMPI(MPI_Bcast(mine.group, K, MPI_INT, 0, s->comm));
  PetscCallMPI(MPI_Bcast(mine.atoms, numbers, MPI_DOUBLE, 0, s->comm));
  PetscCallMPI(MPI_Bcast(&mine.coverage, 1, MPI_DOUBLE, 0, s->comm));
  *shared = mine;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStackShare(WeftStack s, int i, const WeftBlock *input, PetscBool *done)
{
  WeftShared *shared = &s->layers[i].shared;
  WeftLattice outputs;

  PetscFunctionBegin;
  if (!shared->settings.prototypes) PetscCall(ChooseForAll(s, i, shared));
  *done = shared->settings.prototypes ? PETSC_TRUE : PETSC_FALSE;
  WeftUserCheck(
    *done || i, s->comm,
    "-weft_share_window %d: no group of layer 0 lies within such a window by more than half: give a larger one",
    s->settings.share[0].window);
  if (!*done) {
    PetscCall(WeftSharedDestroy(shared));
    for (int j = i; j < s->settings.most; ++j) s->settings.share[j].prototypes = 0;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(WeftSharedOutputs(shared, &outputs));
  PetscCall(WeftBlockCreate(input->rows, (size_t)outputs.inputs, input->precision, &s->responses[i]));
  PetscCall(WeftSharedRespond(shared, s->layers[i].layer->weights.lambda, input, &s->responses[i]));
  PetscCall(WeftLatticeDestroy(&s->lattice));
  s->lattice = outputs;
  PetscFunctionReturn(PETSC_SUCCESS);
}
