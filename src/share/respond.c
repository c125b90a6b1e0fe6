/* Responses of a shared layer: its windows as the rows of a block, times the prototypes. */
#include <weft/share.h>
#include <math.h>

enum { SAMPLES = 4 }; /* at a time: their windows stay in cache */

#define REAL    float
#define NAME(x) x##Single
#include "respondkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "respondkernel.h"

/* Work space: padded samples, their windows, and what the prototypes say to each. */
typedef struct {
  WeftBlock padded, windows, atoms, answers;
} Work;

static PetscErrorCode CreateWork(const WeftShared *s, WeftPrecision precision, Work *w)
{
  const size_t pad = (size_t)s->settings.window - 1, sites = (size_t)s->input.rows * (size_t)s->input.cols;
  const size_t units = (size_t)s->settings.prototypes * (size_t)s->group_size, window = WeftSharedWindow(s);
  const size_t places = ((size_t)s->input.rows + pad) * ((size_t)s->input.cols + pad) * (size_t)s->input.channels;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(1, places, precision, &w->padded));
  PetscCall(WeftBlockCreate(SAMPLES * sites, window, precision, &w->windows));
  PetscCall(WeftBlockCreate(units, window, precision, &w->atoms));
  PetscCall(WeftBlockCreate(SAMPLES * sites, units, precision, &w->answers));
  for (size_t u = 0; u < units; ++u) WeftBlockSetRow(&w->atoms, u, s->atoms + u * window);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DestroyWork(Work *w)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&w->padded));
  PetscCall(WeftBlockDestroy(&w->windows));
  PetscCall(WeftBlockDestroy(&w->atoms));
  PetscCall(WeftBlockDestroy(&w->answers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSharedRespond(const WeftShared *s, double lambda, const WeftBlock *x, WeftBlock *y)
{
  const PetscBool single = x->precision == WEFT_SINGLE ? PETSC_TRUE : PETSC_FALSE;
  const size_t    sites = (size_t)s->input.rows * (size_t)s->input.cols;
  WeftLattice     outputs;
  Work            w;

  PetscFunctionBegin;
  PetscCall(WeftSharedOutputs(s, &outputs));
  PetscCheck(x->precision == y->precision && x->rows == y->rows && (PetscInt)x->cols == s->input.inputs &&
               (PetscInt)y->cols == outputs.inputs,
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%zu samples of %zu features and %zu answers", x->rows, x->cols,
             y->rows);
  PetscCall(WeftLatticeDestroy(&outputs));
  PetscCall(CreateWork(s, x->precision, &w));
  for (size_t first = 0; first < x->rows; first += SAMPLES) {
    const size_t count = PetscMin((size_t)SAMPLES, x->rows - first);
    WeftBlock    windows = WeftBlockRows(&w.windows, 0, count * sites);
    WeftBlock    answers = WeftBlockRows(&w.answers, 0, count * sites);
    for (size_t i = 0; i < count; ++i) {
      if (single)
        WindowsSingle(s, x->values.s + (first + i) * x->cols, w.padded.values.s,
                      windows.values.s + i * sites * windows.cols);
      else
        WindowsDouble(s, x->values.d + (first + i) * x->cols, w.padded.values.d,
                      windows.values.d + i * sites * windows.cols);
    }
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1, &windows, &w.atoms, 0, &answers));
    for (size_t i = 0; i < count; ++i) {
      if (single)
        PoolSingle(s, lambda, answers.values.s + i * sites * answers.cols, y->values.s + (first + i) * y->cols,
                   y->cols);
      else
        PoolDouble(s, lambda, answers.values.d + i * sites * answers.cols, y->values.d + (first + i) * y->cols,
                   y->cols);
    }
  }
  PetscCall(DestroyWork(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}
