/* Allocations that fail; what WeftInitialize() does about them. */
#pragma once
#include <weft/sys.h>

/* WeftMemoryStart - from here on PetscMalloc() and its kin raise PETSC_ERR_MEM, with the bytes that were wanted, where
   there is no memory, which those of PETSc 3.18 do not. Not collective; once, when PETSc has started. */
extern void WeftMemoryStart(void);
/* WeftMemoryStop - gives PETSc its allocators back, before it ends. Not collective. */
extern void WeftMemoryStop(void);
/* WeftMemoryRefused - for the handler of errors: is what function fun says now, as the first (p) or on the way up, only
   that there is no memory, which the allocation says itself afterwards? Not collective. */
extern PetscBool WeftMemoryRefused(const char fun[], PetscErrorType p);
