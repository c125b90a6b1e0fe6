/* Raw samples through the layers of a structure, a piece at a time. */
#include "ioimpl.h"
#include <weft/structure.h>

enum { PIECE_ROWS = 2048 }; /* a multiple of what preprocessing and responding take at once; W is gathered for each */

/* Exact codes of a layer with μ > 0 need what its file may lack. */
static PetscErrorCode CheckRidge(const WeftStructure s, int l)
{
  PetscFunctionBegin;
  WeftUserCheck(!(s->layers[l].mu > 0) || s->layers[l].responder.ridge, s->comm,
                "%s: layer %d was learned with a width penalty, and the file lacks /layers/%d/eta, which its exact "
                "codes need; feedforward ones do not",
                s->path, l, l);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a layer answers: its groups, or the copies of its prototypes. */
static PetscErrorCode Respond(WeftStructureLayer *layer, WeftCodesKind kind, const WeftBlock *x, WeftBlock *y,
                              WeftCoderResult *result)
{
  PetscFunctionBegin;
  *result = (WeftCoderResult){0};
  if (layer->shared.settings.prototypes)
    PetscCall(WeftSharedRespond(&layer->shared, layer->responder.lambda, x, y));
  else
    PetscCall(WeftRespond(&layer->responder, kind, x, y, result));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x, the input of layer l, becomes that of the next: its feed-forward responses. Where y has columns, it is what is
   asked for. */
static PetscErrorCode Pass(WeftStructure s, int l, WeftCodesKind kind, PetscBool more, WeftBlock *x, WeftBlock *y,
                           WeftCoderResult *sum)
{
  WeftStructureLayer *layer = &s->layers[l];
  WeftBlock           next;
  WeftCoderResult     result;

  PetscFunctionBegin;
  PetscCall(WeftPrepApply(layer->prep, x));
  if (y->cols) PetscCall(Respond(layer, kind, x, y, &result));
  if (y->cols) WeftCoderResultAdd(&result, sum);
  if (!more) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftBlockCreate(x->rows, (size_t)layer->outputs, s->precision, &next));
  if (y->cols && kind == WEFT_FEEDFORWARD)
    PetscCall(PetscMemcpy(next.values.v, y->values.v, next.rows * next.cols * WeftPrecisionBytes(s->precision)));
  else
    PetscCall(Respond(layer, WEFT_FEEDFORWARD, x, &next, &result));
  PetscCall(WeftBlockDestroy(x));
  *x = next;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows [first, first + rows) of x through all layers. */
static PetscErrorCode ApplyPiece(WeftStructure s, int layers, WeftCodesKind kind, const WeftBlock *x, size_t first,
                                 size_t rows, WeftBlock y[], WeftCoderResult *sum)
{
  const WeftBlock from = WeftBlockRows(x, first, rows);
  WeftBlock       work, to;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(rows, x->cols, s->precision, &work));
  PetscCall(PetscMemcpy(work.values.v, from.values.v, rows * x->cols * WeftPrecisionBytes(s->precision)));
  for (int l = 0; l < layers; ++l) {
    to = y[l].cols ? WeftBlockRows(&y[l], first, rows) : (WeftBlock){0};
    PetscCall(Pass(s, l, kind, l + 1 < layers ? PETSC_TRUE : PETSC_FALSE, &work, &to, sum));
  }
  PetscCall(WeftBlockDestroy(&work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Check(const WeftStructure s, int layers, WeftCodesKind kind, const WeftBlock *x,
                            const WeftBlock y[])
{
  PetscFunctionBegin;
  PetscCheck(layers >= 1 && layers <= s->count, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d of %d layers", layers,
             s->count);
  PetscCheck(x->precision == s->precision && x->cols == (size_t)s->features, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "samples of %zu features, or of another precision than the structure's", x->cols);
  for (int l = 0; l < layers; ++l) {
    if (!y[l].cols) continue;
    PetscCheck(y[l].rows == x->rows && y[l].cols == (size_t)s->layers[l].outputs, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
               "%zu x %zu responses to %zu samples", y[l].rows, y[l].cols, x->rows);
    if (kind == WEFT_EXACT) PetscCall(CheckRidge(s, l));
    WeftUserCheck(kind == WEFT_FEEDFORWARD || !s->layers[l].shared.settings.prototypes, s->comm,
                  "-codes_kind exact: layer %d of %s is shared, and its copies answer feedforward alone", l, s->path);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStructureApplyAll(WeftStructure s, int layers, WeftCodesKind kind, const WeftBlock *x, WeftBlock y[],
                                     WeftCoderResult *result)
{
  PetscInt64      rows = (PetscInt64)x->rows, most;
  WeftCoderResult sum = {0};

  PetscFunctionBegin;
  PetscCall(Check(s, layers, kind, x, y));
  PetscCallMPI(MPI_Allreduce(&rows, &most, 1, MPIU_INT64, MPI_MAX, s->comm));
  for (PetscInt64 at = 0; at < most; at += PIECE_ROWS) {
    const PetscInt64 first = PetscMin(at, rows);

    PetscCall(
      ApplyPiece(s, layers, kind, x, (size_t)first, (size_t)PetscMin(rows - first, (PetscInt64)PIECE_ROWS), y, &sum));
  }
  if (result) *result = sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStructureCheckReached(const WeftStructure s, WeftCoderResult *result)
{
  double sums[5] = {(double)result->samples, (double)result->active_groups, result->objective, result->reconstruction,
                    result->sum_gap};
  int    reason = result->samples ? (int)result->reason : WEFT_CODER_CONVERGED_KKT;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 5, MPI_DOUBLE, MPI_SUM, s->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &result->max_gap, 1, MPI_DOUBLE, MPI_MAX, s->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &reason, 1, MPI_INT, MPI_MIN, s->comm));
  result->samples = (size_t)sums[0];
  result->active_groups = (size_t)sums[1];
  result->objective = sums[2];
  result->reconstruction = sums[3];
  result->sum_gap = sums[4];
  result->reason = (WeftCoderConvergedReason)reason;
  WeftUserCheck(reason >= 0, s->comm,
                "a sample's exact code did not reach its gap (the largest is %.3g): give a larger -weft_coder_rtol or "
                "more -weft_coder_max_iterations",
                result->max_gap);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStructureApply(WeftStructure s, int layers, WeftCodesKind kind, const WeftBlock *x, WeftBlock *y)
{
  WeftBlock      *all;
  WeftCoderResult result;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(layers, &all));
  all[layers - 1] = *y;
  PetscCall(WeftStructureApplyAll(s, layers, kind, x, all, &result));
  PetscCall(PetscFree(all));
  if (kind == WEFT_EXACT) PetscCall(WeftStructureCheckReached(s, &result));
  PetscFunctionReturn(PETSC_SUCCESS);
}
