/* How good a network is on samples that all ranks share. */
#include "trainimpl.h"

enum { AT_ONCE = 256 };

PetscErrorCode WeftTrainPrepare(const WeftNetwork *network, WeftPrep prep, WeftBlock *x)
{
  PetscFunctionBegin;
  if (network->whitened)
    PetscCall(WeftPrepApply(prep, x));
  else
    PetscCall(WeftPrepCentre(prep, x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainEvaluate(MPI_Comm comm, WeftNetwork *network, const WeftSamples *samples, WeftScore *score)
{
  WeftPass pass;

  PetscFunctionBegin;
  *score = (WeftScore){0};
  PetscCall(WeftPassCreate(comm, network, AT_ONCE, &pass));
  for (size_t first = 0; first < samples->x.rows; first += AT_ONCE) {
    const WeftBlock part = WeftBlockRows(&samples->x, first, PetscMin(AT_ONCE, samples->x.rows - first));
    PetscCall(WeftPassLoad(pass, &part, part.rows, NULL));
    PetscCall(WeftPassForward(pass));
    PetscCall(WeftPassLoss(pass, samples->labels + first, 0, score));
  }
  PetscCall(WeftPassDestroy(&pass));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, score, 3, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
