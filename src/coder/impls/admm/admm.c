#include "../../coderimpl.h"
PetscErrorCode WeftCoderCreate_ADMM(WeftCoder coder);
PetscErrorCode WeftCoderCreate_ADMM(WeftCoder coder)
{
  PetscFunctionBegin;
  (void)coder;
  PetscFunctionReturn(PETSC_SUCCESS);
}
