/* Sums over a rank's own samples, and what becomes of them when a group goes. */
#include "dictimpl.h"

size_t WeftStatisticsRow(const WeftStatistics *s, size_t i)
{
  const size_t p = (size_t)s->group_size, g = i / p;

  return p * (g * s->k - p * (g * (g + 1) / 2 - g)) + (i - g * p) * (s->k - g * p);
}

PetscErrorCode WeftStatisticsCreate(size_t d, size_t k, int group_size, WeftPrecision precision, WeftStatistics *s)
{
  const size_t bytes = WeftPrecisionBytes(precision);

  PetscFunctionBegin;
  *s = (WeftStatistics){.d = d, .k = k, .group_size = group_size, .groups = (int)(k / (size_t)group_size)};
  s->precision = precision;
  s->empty = PETSC_TRUE;
  PetscCall(PetscCalloc(WeftStatisticsRow(s, k) * bytes, &s->a));
  PetscCall(PetscCalloc(k * d * bytes, &s->b));
  PetscCall(PetscCalloc1((size_t)s->groups, &s->count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsDestroy(WeftStatistics *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(s->a));
  PetscCall(PetscFree(s->b));
  PetscCall(PetscFree(s->count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsClear(WeftStatistics *s)
{
  const size_t bytes = WeftPrecisionBytes(s->precision);

  PetscFunctionBegin;
  if (s->empty) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMemzero(s->a, WeftStatisticsRow(s, s->k) * bytes));
  PetscCall(PetscMemzero(s->b, s->k * s->d * bytes));
  PetscCall(PetscArrayzero(s->count, s->groups));
  s->samples = 0;
  s->empty = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The entries of some samples' codes in the order of their groups: whatever is added for a group then stays in cache,
   and a group's samples can be added several at a time. */
typedef struct {
  size_t *start;  /* [G + 1] */
  size_t *entry;  /* in the codes */
  size_t *sample; /* that the entry is of */
} ByGroup;

enum { TILE = 1024 }; /* samples put in order at a time */

static PetscErrorCode Order(const WeftCodes *codes, size_t first, size_t end, ByGroup *o)
{
  const size_t G = (size_t)codes->groups, from = codes->start[first], n = codes->start[end] - from;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(G + 1, &o->start, n, &o->entry, n, &o->sample));
  PetscCall(PetscArrayzero(o->start, G + 1));
  for (size_t e = from; e < from + n; ++e) ++o->start[codes->group[e] + 1];
  for (size_t g = 0; g < G; ++g) o->start[g + 1] += o->start[g];
  for (size_t i = end; i-- > first;) { /* from the back: a group's end moves down to its start */
    for (size_t e = codes->start[i]; e < codes->start[i + 1]; ++e) {
      const size_t at = --o->start[codes->group[e] + 1];
      o->entry[at] = e;
      o->sample[at] = i;
    }
  }
  for (size_t g = 0; g < G; ++g) o->start[g] = o->start[g + 1];
  o->start[G] = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define SUM        float
#define SAMPLE     float
#define NAME(name) name##Single
#include "statisticskernels.h"
#undef SUM
#undef SAMPLE
#undef NAME
#define SUM        double
#define SAMPLE     float
#define NAME(name) name##Mixed
#include "statisticskernels.h"
#undef SAMPLE
#undef NAME
#define SAMPLE     double
#define NAME(name) name##Double
#include "statisticskernels.h"

/* A group's rows of both sums. */
static void AddGroup(WeftStatistics *s, const WeftBlock *x, const WeftCodes *codes, const ByGroup *o, size_t g)
{
  s->count[g] += (double)(o->start[g + 1] - o->start[g]);
  if (s->precision == WEFT_SINGLE) {
    AddOuterSingle(s, codes, o, g);
    AddCorrelationsSingle(s, x->values.s, codes, o, g);
  } else if (x->precision == WEFT_SINGLE) {
    AddOuterMixed(s, codes, o, g);
    AddCorrelationsMixed(s, x->values.s, codes, o, g);
  } else {
    AddOuterDouble(s, codes, o, g);
    AddCorrelationsDouble(s, x->values.d, codes, o, g);
  }
}

PetscErrorCode WeftStatisticsAdd(WeftStatistics *s, const WeftBlock *x, const WeftCodes *codes)
{
  ByGroup order;

  PetscFunctionBegin;
  PetscCheck(codes->samples == x->rows && x->cols == s->d, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "%zu codes for %zu samples", codes->samples, x->rows);
  PetscCheck(s->precision == WEFT_DOUBLE || x->precision == WEFT_SINGLE, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "sums in single precision of samples in double");
  PetscCall(WeftEventBegin(WEFT_EVENT_STATISTICS));
  for (size_t first = 0; first < x->rows; first += TILE) {
    PetscCall(Order(codes, first, PetscMin(first + TILE, x->rows), &order));
    for (size_t g = 0; g < (size_t)s->groups; ++g) AddGroup(s, x, codes, &order, g);
    PetscCall(PetscFree3(order.start, order.entry, order.sample));
  }
  s->samples += (PetscInt64)x->rows;
  s->empty = PETSC_FALSE;
  PetscCall(WeftEventEnd(WEFT_EVENT_STATISTICS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns gp .. gp + p − 1 of the local rows. */
static PetscErrorCode ZeroColumns(Mat M, int group_size, PetscInt g)
{
  PetscInt rows, lda;
  double  *values;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(M, &rows, NULL));
  PetscCall(MatDenseGetLDA(M, &lda));
  PetscCall(MatDenseGetArray(M, &values));
  for (PetscInt a = g * group_size; a < (g + 1) * group_size; ++a)
    PetscCall(PetscArrayzero(values + (size_t)a * (size_t)lda, rows));
  PetscCall(MatDenseRestoreArray(M, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsForgetGroup(Mat A, Mat B, int group_size, PetscInt g)
{
  PetscInt k;
  double  *values;

  PetscFunctionBegin;
  PetscCall(ZeroColumns(B, group_size, g));
  PetscCall(ZeroColumns(A, group_size, g));
  PetscCall(MatGetSize(A, &k, NULL));
  PetscCall(MatDenseGetArray(A, &values));
  for (PetscInt a = 0; a < k; ++a)
    for (PetscInt i = g * group_size; i < (g + 1) * group_size; ++i) values[(size_t)a * (size_t)k + (size_t)i] = 0;
  PetscCall(MatDenseRestoreArray(A, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}
