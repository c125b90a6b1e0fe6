#include "benchimpl.h"

enum { ROWS = 1000 }; /* samples per product: n k numbers would be too many to hold */

PetscErrorCode WeftBenchConvert(const WeftBlock *from, WeftPrecision precision, WeftBlock *to)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(from->rows, from->cols, precision, to));
  for (size_t i = 0; i < from->rows; ++i)
    for (size_t j = 0; j < from->cols; ++j) WeftBlockSet(to, i, j, WeftBlockGet(from, i, j));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftYardstickCreate(const WeftBlock *x, const WeftBlock *atoms, PetscInt64 n, WeftYardstick *y)
{
  PetscFunctionBegin;
  *y = (WeftYardstick){.x = *x, .atoms = *atoms, .n = n, .own = x->precision == WEFT_DOUBLE ? PETSC_TRUE : PETSC_FALSE};
  if (y->own) {
    PetscCall(WeftBenchConvert(x, WEFT_SINGLE, &y->x));
    PetscCall(WeftBenchConvert(atoms, WEFT_SINGLE, &y->atoms));
  }
  PetscCall(WeftBlockCreate(PetscMin(x->rows, (size_t)ROWS), atoms->rows, WEFT_SINGLE, &y->product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftYardstickDestroy(WeftYardstick *y)
{
  PetscFunctionBegin;
  if (y->own) {
    PetscCall(WeftBlockDestroy(&y->x));
    PetscCall(WeftBlockDestroy(&y->atoms));
  }
  PetscCall(WeftBlockDestroy(&y->product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Multiply(WeftYardstick *y)
{
  PetscFunctionBegin;
  for (size_t first = 0; first < y->x.rows; first += ROWS) {
    const WeftBlock part = WeftBlockRows(&y->x, first, PetscMin((size_t)ROWS, y->x.rows - first));
    y->product.rows = part.rows;
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1.0, &part, &y->atoms, 0.0, &y->product));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftYardstickMeasure(const WeftBench *bench, WeftYardstick *y)
{
  WeftTime start, took;

  PetscFunctionBegin;
  if (!y->per_second.n) PetscCall(Multiply(y)); /* pages and buffers that are touched for the first time */
  PetscCall(WeftTimeStart(bench, &start));
  PetscCall(Multiply(y));
  PetscCall(WeftTimeStop(bench, start, &took));
  WeftSeriesAdd(&y->per_cpu_second, (double)y->n / took.cpu);
  WeftSeriesAdd(&y->per_second, (double)y->n / took.wall);
  PetscFunctionReturn(PETSC_SUCCESS);
}
