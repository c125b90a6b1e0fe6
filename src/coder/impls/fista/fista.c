#include "../../coderimpl.h"
PetscErrorCode WeftCoderCreate_FISTA(WeftCoder coder);
PetscErrorCode WeftCoderCreate_FISTA(WeftCoder coder)
{
  PetscFunctionBegin;
  (void)coder;
  PetscFunctionReturn(PETSC_SUCCESS);
}
