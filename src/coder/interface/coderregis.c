#include "../coderimpl.h"

extern PetscErrorCode WeftCoderCreate_BCD(WeftCoder);
extern PetscErrorCode WeftCoderCreate_FISTA(WeftCoder);
extern PetscErrorCode WeftCoderCreate_ADMM(WeftCoder);

PetscErrorCode WeftCoderRegisterAll(void)
{
  PetscFunctionBegin;
  PetscCall(WeftCoderRegister(WEFTCODERBCD, WeftCoderCreate_BCD));
  PetscCall(WeftCoderRegister(WEFTCODERFISTA, WeftCoderCreate_FISTA));
  PetscCall(WeftCoderRegister(WEFTCODERADMM, WeftCoderCreate_ADMM));
  PetscFunctionReturn(PETSC_SUCCESS);
}
