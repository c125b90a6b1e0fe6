/* Pooled responses, feed-forward and exact. */
#include "stackimpl.h"
#include <weft/response.h>
#include <math.h>

enum {
  FORWARD_ROWS = 256, /* correlations [256, k] of one piece stay in cache for usual k */
  EXACT_ROWS = 1024   /* samples whose codes are held at once */
};

PetscErrorCode WeftResponderCreate(const WeftBlock *atoms, int group_size, double lambda, const unsigned char alive[],
                                   const double ridge[], WeftResponder *r)
{
  const size_t groups = atoms->rows / (size_t)PetscMax(group_size, 1);

  PetscFunctionBegin;
  PetscCheck(group_size > 0 && groups * (size_t)group_size == atoms->rows, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "%zu atoms do not make groups of %d", atoms->rows, group_size);
  PetscCheck(lambda >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "lambda %g is negative or not a number", lambda);
  *r = (WeftResponder){.group_size = group_size, .groups = (int)groups, .lambda = lambda, .atoms = *atoms};
  PetscCall(PetscMalloc1(groups, &r->alive));
  for (size_t g = 0; g < groups; ++g) r->alive[g] = !alive || alive[g];
  if (ridge) PetscCall(PetscMalloc1(groups, &r->ridge));
  if (ridge) PetscCall(PetscArraycpy(r->ridge, ridge, groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftResponderFromLayer(const WeftLayer layer, WeftResponder *r)
{
  unsigned char *alive;

  PetscFunctionBegin;
  PetscCall(WeftDictGetAlive(layer->dict, &alive));
  PetscCall(WeftResponderCreate(&layer->atoms, layer->codes.group_size, layer->weights.lambda, alive, NULL, r));
  if (!(layer->weights.mu > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(r->groups, &r->ridge));
  WeftWeightsRidge(layer, r->ridge);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftResponderDestroy(WeftResponder *r)
{
  PetscFunctionBegin;
  PetscCall(WeftCoderDestroy(&r->coder));
  PetscCall(PetscFree(r->alive));
  PetscCall(PetscFree(r->ridge));
  *r = (WeftResponder){0};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftResponderGetCoder(WeftResponder *r, WeftCoder *coder)
{
  PetscFunctionBegin;
  if (!r->coder) {
    PetscCall(WeftCoderCreate(&r->coder));
    PetscCall(WeftCoderSetDictionary(r->coder, &r->atoms, r->group_size));
    PetscCall(WeftCoderSetPenalty(r->coder, r->lambda, r->ridge));
  }
  *coder = r->coder;
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define REAL    float
#define NAME(x) x##Single
#include "poolkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "poolkernel.h"

/* u [n, k] -> y [n, G] */
static void PoolRows(const WeftResponder *r, double threshold, const WeftBlock *u, WeftBlock *y)
{
  for (size_t i = 0; i < y->rows; ++i) {
    if (y->precision == WEFT_SINGLE)
      PoolSingle(r, threshold, u->values.s + i * u->cols, y->values.s + i * y->cols);
    else
      PoolDouble(r, threshold, u->values.d + i * u->cols, y->values.d + i * y->cols);
  }
}

static PetscErrorCode Forward(const WeftResponder *r, const WeftBlock *x, WeftBlock *y)
{
  const double threshold = r->lambda * sqrt((double)r->group_size);
  WeftBlock    work;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(PetscMin(x->rows, (size_t)FORWARD_ROWS), r->atoms.rows, x->precision, &work));
  for (size_t first = 0; first < x->rows; first += FORWARD_ROWS) {
    const size_t    rows = PetscMin(x->rows - first, (size_t)FORWARD_ROWS);
    const WeftBlock part = WeftBlockRows(x, first, rows);
    WeftBlock       u = WeftBlockRows(&work, 0, rows), to = WeftBlockRows(y, first, rows);
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1, &part, &r->atoms, 0, &u));
    PoolRows(r, threshold, &u, &to);
  }
  PetscCall(WeftBlockDestroy(&work));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of y [samples, G], which is zero, from sparse codes. */
static void PoolCodes(const WeftResponder *r, const WeftCodes *codes, WeftBlock *y)
{
  const size_t p = (size_t)codes->group_size;

  for (size_t i = 0; i < codes->samples; ++i)
    for (size_t e = codes->start[i]; e < codes->start[i + 1]; ++e) {
      double square = 0;
      for (size_t a = 0; a < p; ++a) square += codes->value[e * p + a] * codes->value[e * p + a];
      if (r->alive[codes->group[e]]) WeftBlockSet(y, i, (size_t)codes->group[e], sqrt(square));
    }
}

static PetscErrorCode Exact(WeftResponder *r, const WeftBlock *x, WeftBlock *y, WeftCoderResult *sum)
{
  WeftCoder       coder;
  WeftCodes       codes;
  WeftCoderResult result;

  PetscFunctionBegin;
  PetscCall(WeftResponderGetCoder(r, &coder));
  PetscCall(WeftCodesCreate(r->groups, r->group_size, &codes));
  for (size_t first = 0; first < x->rows; first += EXACT_ROWS) {
    const size_t    rows = PetscMin(x->rows - first, (size_t)EXACT_ROWS);
    const WeftBlock part = WeftBlockRows(x, first, rows);
    WeftBlock       to = WeftBlockRows(y, first, rows);
    PetscCall(WeftCoderSolve(coder, &part, NULL, &codes, &result));
    PetscCall(PetscMemzero(to.values.v, rows * to.cols * WeftPrecisionBytes(to.precision)));
    PoolCodes(r, &codes, &to);
    WeftCoderResultAdd(&result, sum);
  }
  PetscCall(WeftCodesDestroy(&codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRespond(WeftResponder *r, WeftCodesKind kind, const WeftBlock *x, WeftBlock *y,
                           WeftCoderResult *result)
{
  WeftCoderResult sum = {0};

  PetscFunctionBegin;
  PetscCheck(x->cols == r->atoms.cols && y->cols == (size_t)r->groups && y->rows == x->rows, PETSC_COMM_SELF,
             PETSC_ERR_ARG_SIZ, "%zu samples of %zu features into responses %zu x %zu: the layer has %zu and %d",
             x->rows, x->cols, y->rows, y->cols, r->atoms.cols, r->groups);
  PetscCheck(x->precision == r->atoms.precision && y->precision == r->atoms.precision, PETSC_COMM_SELF,
             PETSC_ERR_ARG_INCOMP, "samples, atoms and responses of different precisions");
  if (kind == WEFT_EXACT)
    PetscCall(Exact(r, x, y, &sum));
  else
    PetscCall(Forward(r, x, y));
  sum.samples = x->rows;
  if (result) *result = sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}
