/* Products with A for a block of atoms: by BLAS, or over the rows that are not zero where these are few, as in a
   learned D. In single precision where the dictionary's says so: a step needs its gradient to a few digits only. */
#include "dictimpl.h"
#include <petscblaslapack.h>

enum { WIDTH = 64 }; /* columns at a time: a panel of A stays in second-level cache */

/* PETSc declares the BLAS of one precision only. */
extern void sgemm_(const char *, const char *, const PetscBLASInt *, const PetscBLASInt *, const PetscBLASInt *,
                   const float *, const float *, const PetscBLASInt *, const float *, const PetscBLASInt *,
                   const float *, float *, const PetscBLASInt *);

#define REAL       float
#define NAME(name) name##Single
#define GEMM       sgemm_
#include "productkernels.h"
#undef REAL
#undef NAME
#undef GEMM
#define REAL       double
#define NAME(name) name##Double
#define GEMM       BLASgemm_
#include "productkernels.h"

void WeftProductPack(WeftStep s)
{
  if (s->dict->precision == WEFT_SINGLE)
    PackSingle(s->k, s->width, s->ld, s->a, s->panels);
  else
    PackDouble(s->k, s->width, s->ld, s->a, s->panels);
}

static PetscErrorCode Clear(WeftStep s)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(s->panel, s->rows * s->ld * WeftPrecisionBytes(s->dict->precision)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftProductForm(WeftStep s, double *half)
{
  PetscFunctionBegin;
  *half = 0;
  if (!s->rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Clear(s));
  *half = s->dict->precision == WEFT_SINGLE ? FormSingle(s) : FormDouble(s);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftProductCurvature(WeftStep s, double *curvature)
{
  PetscFunctionBegin;
  *curvature = 0;
  if (!s->rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Clear(s));
  *curvature = s->dict->precision == WEFT_SINGLE ? CurvatureSingle(s) : CurvatureDouble(s);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftProductCopy(WeftStep s, size_t n, const double *x, const double *minus, void *to, size_t at)
{
  if (s->dict->precision == WEFT_SINGLE)
    CopySingle(n, x, minus, (float *)to + at);
  else
    CopyDouble(n, x, minus, (double *)to + at);
}

void WeftProductScatter(WeftStep s, size_t n, const int row[], const double *x, const double *minus, void *to,
                        size_t at)
{
  if (s->dict->precision == WEFT_SINGLE)
    ScatterSingle(n, row, x, minus, (float *)to + at);
  else
    ScatterDouble(n, row, x, minus, (double *)to + at);
}
