/* Masked layers: products that follow the connections, and pools. */
#include "trainimpl.h"
#include <math.h>

#define REAL    float
#define NAME(x) x##Single
#include "maskedkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "maskedkernel.h"

static WeftConnections Connections(const WeftNetworkLayer *l, size_t g)
{
  const size_t at = l->start[g];

  return (WeftConnections){l->start[g + 1] - at, l->group_size, l->input + at, l->row ? l->row + at : NULL};
}

/* A group's first number in the weights: all of them where its connections name their rows. */
static size_t Weights(const WeftNetworkLayer *l, size_t g)
{
  return l->row ? 0 : l->start[g] * l->group_size;
}

void WeftMaskedForward(const WeftNetworkLayer *l, const WeftBlock *w, const WeftBlock *u, WeftBlock *h)
{
  for (size_t g = 0; g < l->groups; ++g) {
    const WeftConnections c = Connections(l, g);
    const size_t          at = Weights(l, g), row = g * l->group_size * h->cols;
    if (h->precision == WEFT_SINGLE)
      GroupForwardSingle(&c, w->values.s + at, u->values.s, h->cols, h->values.s + row);
    else
      GroupForwardDouble(&c, w->values.d + at, u->values.d, h->cols, h->values.d + row);
  }
}

static void AddLanes(size_t count, WeftBlock *sums, WeftBlock *gw, size_t at)
{
  if (sums->precision == WEFT_SINGLE)
    AddLanesSingle(count, sums->values.s, gw->values.s + at);
  else
    AddLanesDouble(count, sums->values.d, gw->values.d + at);
}

/* Where connections name their rows of weights, those are summed over all groups; else each group has its own. */
PetscErrorCode WeftMaskedWeights(const WeftNetworkLayer *l, const WeftBlock *u, const WeftBlock *dh, WeftBlock *gw)
{
  const size_t lanes = 64 / WeftPrecisionBytes(dh->precision);
  size_t       rows = l->row ? l->rows : 0;
  WeftBlock    sums;

  PetscFunctionBegin;
  for (size_t g = 0; g < l->groups && !l->row; ++g) rows = PetscMax(rows, l->start[g + 1] - l->start[g]);
  PetscCall(WeftBlockCreate(rows * l->group_size, lanes, dh->precision, &sums));
  for (size_t g = 0; g < l->groups; ++g) {
    const WeftConnections c = Connections(l, g);
    const size_t          row = g * l->group_size * dh->cols;
    if (dh->precision == WEFT_SINGLE)
      GroupWeightsSingle(&c, u->values.s, dh->values.s + row, dh->cols, sums.values.s);
    else
      GroupWeightsDouble(&c, u->values.d, dh->values.d + row, dh->cols, sums.values.d);
    if (!l->row) AddLanes(c.count * c.p, &sums, gw, Weights(l, g));
  }
  if (l->row) AddLanes(l->rows * l->group_size, &sums, gw, 0);
  PetscCall(WeftBlockDestroy(&sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftMaskedInputs(const WeftNetworkLayer *l, const WeftBlock *w, const WeftBlock *dh, WeftBlock *du)
{
  for (size_t g = 0; g < l->groups; ++g) {
    const WeftConnections c = Connections(l, g);
    const size_t          at = Weights(l, g), row = g * l->group_size * dh->cols;
    if (dh->precision == WEFT_SINGLE)
      GroupInputsSingle(&c, w->values.s + at, dh->values.s + row, dh->cols, du->values.s);
    else
      GroupInputsDouble(&c, w->values.d + at, dh->values.d + row, dh->cols, du->values.d);
  }
}

/* The rows of h that make pool q, into rows (room for all); returns how many. */
static size_t PoolRows(const WeftNetworkLayer *l, size_t q, size_t rows[])
{
  const size_t p = l->group_size, first = l->pool_start ? l->pool_start[q] : q;
  const size_t last = l->pool_start ? l->pool_start[q + 1] : q + 1;
  size_t       count = 0;

  for (size_t i = first; i < last; ++i) {
    const size_t g = l->pool_start ? (size_t)l->pool_group[i] : i;
    for (size_t a = 0; a < p; ++a) rows[count++] = g * p + a;
  }
  return count;
}

PetscErrorCode WeftPoolForward(const WeftNetworkLayer *l, double epsilon, const WeftBlock *h, WeftBlock *y)
{
  size_t *rows;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(h->rows, &rows));
  for (size_t q = 0; q < l->pools; ++q) {
    const size_t count = PoolRows(l, q, rows), at = q * y->cols;
    if (y->precision == WEFT_SINGLE)
      PoolSingle(count, rows, h->values.s, h->cols, epsilon, l->threshold, y->values.s + at);
    else
      PoolDouble(count, rows, h->values.d, h->cols, epsilon, l->threshold, y->values.d + at);
  }
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms that are in no pool: the singles' part alone, or nothing. */
static void Unpooled(size_t row, WeftBlock *h, const WeftBlock *ds)
{
  const size_t bytes = h->cols * WeftPrecisionBytes(h->precision);
  char        *to = (char *)h->values.v + row * bytes;

  if (ds)
    (void)memcpy(to, (const char *)ds->values.v + row * bytes, bytes);
  else
    (void)memset(to, 0, bytes);
}

PetscErrorCode WeftPoolBackward(const WeftNetworkLayer *l, const WeftBlock *y, WeftBlock *dy, WeftBlock *h,
                                const WeftBlock *ds)
{
  size_t    *rows;
  PetscBool *pooled;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(h->rows, &rows));
  PetscCall(PetscCalloc1(h->rows, &pooled));
  for (size_t q = 0; q < l->pools; ++q) {
    const size_t count = PoolRows(l, q, rows), at = q * y->cols;
    if (y->precision == WEFT_SINGLE)
      PoolBackwardSingle(count, rows, y->values.s + at, h->cols, l->threshold, dy->values.s + at, h->values.s,
                         ds ? ds->values.s : NULL);
    else
      PoolBackwardDouble(count, rows, y->values.d + at, h->cols, l->threshold, dy->values.d + at, h->values.d,
                         ds ? ds->values.d : NULL);
    for (size_t i = 0; i < count; ++i) pooled[rows[i]] = PETSC_TRUE;
  }
  for (size_t r = 0; r < h->rows; ++r)
    if (!pooled[r]) Unpooled(r, h, ds);
  PetscCall(PetscFree(pooled));
  PetscCall(PetscFree(rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}
