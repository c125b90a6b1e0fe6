/* The dictionary and connectivity step: see WeftDictStep() in weft/dict.h. */
#include "dictimpl.h"

enum { MAX_FAILURES = 30, BLOCK = 64 }; /* BLOCK: atoms that move at a time, about */

/* Relative to F, what does not count as a rise: norms at the bound are 1 to within rounding, and such a step still
   brings D nearer to the optimum. */
static const double rounding = 1e-15;

/* A pass that would raise F is undone and repeated with shorter steps. */
static PetscErrorCode Iterate(WeftStep s, WeftDictResult *result)
{
  int failures = 0;

  PetscFunctionBegin;
  s->fresh = PETSC_TRUE;
  s->stretch = 1;
  if (!s->dict->max_iterations) {
    PetscCall(WeftStepSweep(s, PETSC_FALSE));
    result->before = result->after = s->sums.f;
  }
  while (result->iterations < s->dict->max_iterations && failures < MAX_FAILURES && !result->converged) {
    PetscCall(WeftStepSweep(s, PETSC_TRUE));
    if (!result->iterations++) result->before = result->after = s->sums.f;
    if (s->sums.rise <= rounding * PetscAbsReal(result->after)) {
      const double size = s->sums.norm > 0 ? PetscSqrtReal(s->sums.norm) : 1.0;
      double      *old = s->d;
      s->d = s->d_new;
      s->d_new = old;
      result->after += PetscMin(s->sums.rise, 0.0);
      result->converged = PetscSqrtReal(s->sums.change) <= s->dict->rtol * size ? PETSC_TRUE : PETSC_FALSE;
      s->fresh = PETSC_FALSE;
      failures = 0;
    } else {
      s->fresh = PETSC_TRUE;
      s->stretch *= 2;
      ++failures;
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateBlock(WeftStep s)
{
  const size_t bytes = WeftPrecisionBytes(s->dict->precision), width = s->width;

  PetscFunctionBegin;
  PetscCall(WeftRowsCreate(s->rows, width / s->p, &s->kept));
  PetscCall(WeftRowsCreate(s->rows, width / s->p, &s->moved));
  PetscCall(PetscMalloc4(s->rows * width, &s->minus, s->rows * width, &s->t, s->rows * width, &s->value,
                         s->rows * (s->p + 6), &s->tile));
  PetscCall(PetscMalloc(s->blocks * s->k * s->ld * bytes, &s->panels));
  PetscCall(PetscMalloc(s->rows * s->ld * bytes, &s->panel));
  PetscCall(PetscMalloc(s->rows * width * bytes, &s->change));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StepCreate(WeftDict dict, WeftStep *step)
{
  WeftStep s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->dict = dict;
  s->rows = (size_t)dict->rows;
  s->k = (size_t)dict->k;
  s->p = (size_t)dict->group_size;
  s->groups = (size_t)dict->groups;
  s->width = s->p * PetscMax(BLOCK / s->p, 1);
  s->ld = (s->width + BLOCK - 1) / BLOCK * BLOCK;
  s->blocks = (s->k + s->width - 1) / s->width;
  PetscCall(PetscMalloc1(s->rows * s->k, &s->other));
  PetscCall(PetscMalloc(s->rows * s->k * WeftPrecisionBytes(dict->precision), &s->copy));
  PetscCall(WeftRowsCreate(s->rows, s->groups, &s->filled));
  PetscCall(PetscMalloc6(s->k, &s->diagonal, s->k, &s->h, s->k, &s->square, s->k, &s->nu, s->k, &s->fraction, s->blocks,
                         &s->kappa));
  PetscCall(CreateBlock(s));
  *step = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStepDestroy(WeftStep *step)
{
  WeftStep s = *step;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftRowsDestroy(&s->filled));
  PetscCall(WeftRowsDestroy(&s->kept));
  PetscCall(WeftRowsDestroy(&s->moved));
  PetscCall(PetscFree(s->other));
  PetscCall(PetscFree(s->copy));
  PetscCall(PetscFree4(s->minus, s->t, s->value, s->tile));
  PetscCall(PetscFree(s->panels));
  PetscCall(PetscFree(s->panel));
  PetscCall(PetscFree(s->change));
  PetscCall(PetscFree6(s->diagonal, s->h, s->square, s->nu, s->fraction, s->kappa));
  PetscCall(PetscFree(*step));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A norm over the bound, as after reading D in single precision, is scaled to it. */
static PetscErrorCode Normalise(WeftStep s)
{
  PetscFunctionBegin;
  for (size_t a = 0; a < s->k; ++a) s->square[a] = WeftRowsSquare(s->rows, s->d + a * s->rows);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->square, (int)s->k, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  for (size_t a = 0; a < s->k; ++a) {
    const double scale = 1 / PetscSqrtReal(PetscMax(s->square[a], 1.0));
    if (scale < 1)
      for (size_t j = 0; j < s->rows; ++j) s->d[a * s->rows + j] *= scale;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictStep(WeftDict dict, Mat A, Mat B, const double weight[], WeftDictResult *result)
{
  WeftStep s;
  double  *values, *a, *b;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_DICTIONARY));
  *result = (WeftDictResult){0};
  if (!dict->step) PetscCall(StepCreate(dict, &dict->step));
  s = dict->step;
  PetscCall(MatDenseGetArray(A, &a));
  PetscCall(WeftDictArray(dict, B, &b));
  PetscCall(WeftDictArray(dict, dict->D, &values));
  s->a = a;
  s->b = b;
  s->weight = weight;
  s->norm_rtol = PetscMax(PetscMin(1e-2, 10 * dict->rtol), 1e-13);
  PetscCall(PetscArrayzero(s->nu, s->k));
  PetscCall(WeftStepMetric(s));
  if (s->rows) WeftProductPack(s);
  s->d = values;
  s->d_new = s->other;
  PetscCall(Normalise(s));
  PetscCall(Iterate(s, result));
  if (s->d != values) PetscCall(PetscArraycpy(values, s->d, s->rows * s->k));
  PetscCall(WeftDictRestore(dict->D, &values));
  PetscCall(WeftDictRestore(B, &b));
  PetscCall(MatDenseRestoreArray(A, &a));
  PetscCall(WeftEventEnd(WEFT_EVENT_DICTIONARY));
  PetscFunctionReturn(PETSC_SUCCESS);
}
