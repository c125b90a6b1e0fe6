/* Accelerated proximal gradient on a whole batch, in Gram form (Beck & Teboulle 2009). Each sample has its own momentum
   and starts it anew where it points uphill (O'Donoghue & Candès 2015).

   With q(z) = c − G z the step is  next = prox(y + q(y) / L).  y is extrapolated from two codes whose q are known, and
   q is affine, so q(y) is extrapolated as well: one product with G per step, and every code's gap at no other. */
#include "../../coderimpl.h"
#include <petscviewer.h>

enum { CHECK_STEPS = 5, MAX_IDLE_CHECKS = 100, POWER_STEPS = 30 };

typedef struct {
  double lipschitz; /* ‖G‖, a little enlarged */
} FISTA;

/* The unfinished samples of a batch, one per row. */
typedef struct {
  WeftCoderRows rows;
  WeftBlock     z, q, y, q_y, next, q_next; /* [n, k] */
  WeftBlock     momentum;                   /* [n, 1] t of Beck and Teboulle */
  double        lipschitz;
} Iterates;

/* How a step s = next − y went. */
typedef struct {
  double    curvature, square; /* s'G s, ‖s‖² */
  PetscBool uphill;            /* does the momentum point against the step: s·(next − z) < 0? */
} Step;

#define REAL    float
#define NAME(x) x##Single
#include "fistakernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "fistakernel.h"

#define BY_PRECISION(it, name) ((it)->y.precision == WEFT_SINGLE ? name##Single : name##Double)

/* Scales the row to length one and returns the length that it had. */
static double Normalise(WeftBlock *v)
{
  double norm = 0;

  for (size_t a = 0; a < v->cols; ++a) norm += WeftBlockGet(v, 0, a) * WeftBlockGet(v, 0, a);
  norm = PetscSqrtReal(norm);
  for (size_t a = 0; a < v->cols && norm > 0; ++a) WeftBlockSet(v, 0, a, WeftBlockGet(v, 0, a) / norm);
  return norm;
}

/* Power iteration comes to ‖G‖ from below, and the start may miss the leading eigenvector: the bound is enlarged, and
   mended while iterating where a step shows it too small. The start's entries differ so that no symmetry of the atoms
   makes it orthogonal. */
static PetscErrorCode SetUp_FISTA(WeftCoder coder)
{
  FISTA    *f = coder->data;
  WeftBlock v, next;
  double    norm = 0;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(1, coder->k, coder->gram.precision, &v));
  PetscCall(WeftBlockCreate(1, coder->k, coder->gram.precision, &next));
  for (size_t a = 0; a < coder->k; ++a) WeftBlockSet(&v, 0, a, 1.0 + PetscSinReal(7.0 * (double)a));
  (void)Normalise(&v);
  for (int step = 0; step < POWER_STEPS; ++step) {
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_FALSE, 1.0, &v, &coder->gram, 0.0, &next));
    norm = Normalise(&next);
    WeftCoderCopyRow(&next, 0, &v, 0);
  }
  f->lipschitz = norm > 0 ? 1.05 * norm : 1.0; /* all atoms are zero: any step will do */
  PetscCall(WeftBlockDestroy(&v));
  PetscCall(WeftBlockDestroy(&next));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IteratesCreate(WeftCoder coder, size_t n, Iterates *it)
{
  WeftBlock *const blocks[] = {&it->z, &it->q, &it->y, &it->q_y, &it->next, &it->q_next, NULL};

  PetscFunctionBegin;
  for (int b = 0; blocks[b]; ++b) PetscCall(WeftBlockCreate(n, coder->k, coder->gram.precision, blocks[b]));
  PetscCall(WeftBlockCreate(n, 1, WEFT_DOUBLE, &it->momentum));
  for (size_t j = 0; j < n; ++j) it->momentum.values.d[j] = 1.0;
  PetscCall(WeftCoderRowsCreate(coder, n, &it->rows));
  it->lipschitz = ((FISTA *)coder->data)->lipschitz;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode IteratesDestroy(Iterates *it)
{
  WeftBlock *const blocks[] = {&it->z, &it->q, &it->y, &it->q_y, &it->next, &it->q_next, &it->momentum, NULL};

  PetscFunctionBegin;
  for (int b = 0; blocks[b]; ++b) PetscCall(WeftBlockDestroy(blocks[b]));
  PetscCall(WeftCoderRowsDestroy(&it->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Check(WeftCoder coder, WeftCoderBatch *batch, double target, Iterates *it)
{
  WeftBlock *const blocks[] = {&it->z, &it->q, &it->y, &it->q_y, &it->momentum, NULL};

  WeftCoderRowsCheck(coder, batch, target, MAX_IDLE_CHECKS, &it->z, &it->q, blocks, &it->rows);
  it->next.rows = it->q_next.rows = it->rows.n;
}

static PetscErrorCode Start(WeftCoder coder, WeftCoderBatch *batch, double target, Iterates *it)
{
  PetscFunctionBegin;
  WeftCoderRowsGather(&it->rows, &batch->z, &it->z);
  WeftCoderRowsGather(&it->rows, &batch->z, &it->y);
  PetscCall(WeftCoderRowsCorrelate(coder, batch, &it->rows, &it->z, &it->q));
  WeftCoderRowsGather(&it->rows, &it->q, &it->q_y);
  Check(coder, batch, target, it);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* next = prox(y + q(y) / L) */
static void ProximalStep(WeftCoder coder, Iterates *it)
{
  BY_PRECISION(it, GradientStep)(it);
  for (size_t j = 0; j < it->rows.n; ++j) WeftCoderShrink(coder, it->lipschitz, PETSC_TRUE, &it->next, j);
}

/* The step's quadratic model must lie above: s'G s <= L‖s‖². Steps so short that rounding makes up s'G s say nothing.
 */
static PetscBool ModelHolds(const Step *step, double square, WeftPrecision precision, double *lipschitz)
{
  const double epsilon = precision == WEFT_SINGLE ? 1.2e-7 : 2.2e-16, L = *lipschitz;

  if (!(L * step->square > epsilon * square) || step->curvature <= L * step->square) return PETSC_TRUE;
  *lipschitz = 1.05 * step->curvature / step->square;
  return PETSC_FALSE;
}

/* The extrapolation weight of sample j, whose momentum goes on or starts anew. */
static double Momentum(Iterates *it, size_t j, PetscBool anew)
{
  const double t = anew ? 1.0 : it->momentum.values.d[j], next = 0.5 * (1.0 + PetscSqrtReal(1.0 + 4.0 * t * t));

  it->momentum.values.d[j] = next;
  return (t - 1.0) / next;
}

/* y and q(y) from the last two codes, of which the newer one becomes z. */
static void Advance(const WeftCoderBatch *batch, Iterates *it)
{
  const WeftBlock z = it->z, q = it->q;

  for (size_t j = 0; j < it->rows.n; ++j) {
    const Step      step = BY_PRECISION(it, Judge)(it, j);
    const PetscBool holds = ModelHolds(&step, batch->square[it->rows.index[j]], z.precision, &it->lipschitz);
    BY_PRECISION(it, Extrapolate)(it, j, Momentum(it, j, step.uphill || !holds ? PETSC_TRUE : PETSC_FALSE));
  }
  it->z = it->next;
  it->q = it->q_next;
  it->next = z;
  it->q_next = q;
}

static PetscErrorCode Solve_FISTA(WeftCoder coder, WeftCoderBatch *batch, double target)
{
  Iterates it;

  PetscFunctionBegin;
  PetscCall(IteratesCreate(coder, batch->n, &it));
  PetscCall(Start(coder, batch, target, &it));
  for (int step = 1; step <= coder->max_iterations && it.rows.n; ++step) {
    ProximalStep(coder, &it);
    PetscCall(WeftCoderRowsCorrelate(coder, batch, &it.rows, &it.next, &it.q_next));
    Advance(batch, &it);
    if (step % CHECK_STEPS == 0 || step == coder->max_iterations) Check(coder, batch, target, &it);
  }
  PetscCall(IteratesDestroy(&it));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_FISTA(WeftCoder coder, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(PetscViewerASCIIPrintf(viewer, "  at most %d iterations, step 1 / %g\n", coder->max_iterations,
                                   ((FISTA *)coder->data)->lipschitz));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy_FISTA(WeftCoder coder)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(coder->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderCreate_FISTA(WeftCoder coder);
PetscErrorCode WeftCoderCreate_FISTA(WeftCoder coder)
{
  FISTA *f;

  PetscFunctionBegin;
  PetscCall(PetscNew(&f));
  coder->data = f;
  coder->ops->setup = SetUp_FISTA;
  coder->ops->solve = Solve_FISTA;
  coder->ops->view = View_FISTA;
  coder->ops->destroy = Destroy_FISTA;
  PetscFunctionReturn(PETSC_SUCCESS);
}
