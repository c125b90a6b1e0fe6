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

PetscErrorCode WeftStackShare(WeftStack s, int i, const WeftBlock *input)
{
  const WeftLayer l = s->layers[i].layer;
  WeftShared     *shared = &s->layers[i].shared;
  WeftLattice     outputs;
  unsigned char  *alive;

  PetscFunctionBegin;
  PetscCall(WeftDictGetAlive(l->dict, &alive));
  PetscCall(
    WeftSharedFind(&s->lattice, &l->atoms, l->codes.group_size, alive, l->usage, &s->settings.share[i], shared));
  WeftUserCheck(
    shared->settings.prototypes, s->comm,
    "-weft_share_window %d: no group of layer %d lies within such a window by more than half: give a larger one",
    shared->settings.window, i);
  PetscCall(WeftSharedOutputs(shared, &outputs));
  PetscCall(WeftBlockCreate(input->rows, (size_t)outputs.inputs, input->precision, &s->responses[i]));
  PetscCall(WeftSharedRespond(shared, l->weights.lambda, input, &s->responses[i]));
  PetscCall(WeftLatticeDestroy(&s->lattice));
  s->lattice = outputs;
  PetscFunctionReturn(PETSC_SUCCESS);
}
