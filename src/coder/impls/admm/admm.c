/* The alternating direction method of multipliers on a whole batch (Boyd et al. 2011): the smooth part acts on z, the
   group penalty on w, and z = w. All samples share one Cholesky factor of G + diag(r) + rho I. The code is w, which is
   exactly sparse. rho is balanced a bounded number of times per solve, each at the price of a factorisation. */
#include "../../coderimpl.h"
#include <petscviewer.h>
#include <petscblaslapack.h>

enum { CHECK_STEPS = 5, MAX_IDLE_CHECKS = 100, FIRST_BALANCE = 10, MAX_BALANCES = 10, MAX_FACTOR_TRIES = 12 };

/* PETSc declares the LAPACK of one precision only. */
extern void spotrf_(const char *, const PetscBLASInt *, float *, const PetscBLASInt *, PetscBLASInt *);
extern void spotrs_(const char *, const PetscBLASInt *, const PetscBLASInt *, const float *, const PetscBLASInt *,
                    float *, const PetscBLASInt *, PetscBLASInt *);

/* The unfinished samples of a batch, one per row, and the factor that they share. */
typedef struct {
  WeftCoderRows rows;
  WeftBlock     z, w, next, u; /* [n, k] smooth copy, code, next code, multiplier over rho */
  WeftBlock     factor;        /* [k, k] */
  double        rho;
} Splitting;

/* Squares that rho is balanced by. */
typedef struct {
  double primal, dual, code, multiplier;
} Residuals;

static const double relaxation = 1.6;

#define REAL    float
#define NAME(x) x##Single
#include "admmkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "admmkernel.h"

#define BY_PRECISION(s, name) ((s)->z.precision == WEFT_SINGLE ? name##Single : name##Double)

static double MeanDiagonal(const WeftCoder coder)
{
  double sum = 0;

  for (size_t a = 0; a < coder->k; ++a) sum += WeftBlockGet(&coder->gram, a, a);
  return sum > 0 ? sum / (double)coder->k : 1.0;
}

/* Cholesky factor of G + diag(r) + rho I. */
static PetscErrorCode TryFactor(WeftCoder coder, Splitting *s, PetscBool *done)
{
  const PetscBLASInt k = (PetscBLASInt)coder->k;
  const size_t       p = (size_t)coder->group_size;
  PetscBLASInt       info;

  PetscFunctionBegin;
  for (size_t a = 0; a < coder->k; ++a) {
    WeftCoderCopyRow(&coder->gram, a, &s->factor, a);
    WeftBlockSet(&s->factor, a, a, WeftBlockGet(&coder->gram, a, a) + coder->ridge[a / p] + s->rho);
  }
  if (s->factor.precision == WEFT_SINGLE)
    spotrf_("U", &k, s->factor.values.s, &k, &info);
  else
    LAPACKpotrf_("U", &k, s->factor.values.d, &k, &info);
  PetscCheck(info >= 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK potrf: info %d", (int)info);
  PetscCall(PetscLogFlops((double)k * (double)k * (double)k / 3.0));
  *done = info == 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G is positive semidefinite up to rounding only: rho grows until the factorisation succeeds. */
static PetscErrorCode Factor(WeftCoder coder, Splitting *s, PetscBool *done)
{
  PetscFunctionBegin;
  PetscCall(TryFactor(coder, s, done));
  for (int attempt = 1; attempt < MAX_FACTOR_TRIES && !*done; ++attempt) {
    s->rho *= 10.0;
    PetscCall(TryFactor(coder, s, done));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* z = (G + diag(r) + rho I)^-1 z for every row. */
static PetscErrorCode Substitute(Splitting *s)
{
  const PetscBLASInt k = (PetscBLASInt)s->z.cols, n = (PetscBLASInt)s->rows.n;
  PetscBLASInt       info;

  PetscFunctionBegin;
  if (s->z.precision == WEFT_SINGLE)
    spotrs_("U", &k, &n, s->factor.values.s, &k, s->z.values.s, &k, &info);
  else
    LAPACKpotrs_("U", &k, &n, s->factor.values.d, &k, s->z.values.d, &k, &info);
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK potrs: info %d", (int)info);
  PetscCall(PetscLogFlops(2.0 * (double)n * (double)k * (double)k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SplittingCreate(WeftCoder coder, size_t n, Splitting *s)
{
  WeftBlock *const blocks[] = {&s->z, &s->w, &s->next, &s->u, NULL};

  PetscFunctionBegin;
  for (int b = 0; blocks[b]; ++b) PetscCall(WeftBlockCreate(n, coder->k, coder->gram.precision, blocks[b]));
  PetscCall(WeftBlockCreate(coder->k, coder->k, coder->gram.precision, &s->factor));
  PetscCall(WeftCoderRowsCreate(coder, n, &s->rows));
  /* Without a penalty the iteration is the proximal point method, which a small rho speeds up. */
  s->rho = (coder->threshold > 0 ? 1.0 : 1e-3) * MeanDiagonal(coder);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SplittingDestroy(Splitting *s)
{
  WeftBlock *const blocks[] = {&s->z, &s->w, &s->next, &s->u, &s->factor, NULL};

  PetscFunctionBegin;
  for (int b = 0; blocks[b]; ++b) PetscCall(WeftBlockDestroy(blocks[b]));
  PetscCall(WeftCoderRowsDestroy(&s->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gaps of the codes w, with q = c − G w in the place of z. */
static PetscErrorCode Check(WeftCoder coder, WeftCoderBatch *batch, double target, Splitting *s)
{
  WeftBlock *const blocks[] = {&s->z, &s->w, &s->u, NULL};

  PetscFunctionBegin;
  PetscCall(WeftCoderRowsCorrelate(coder, batch, &s->rows, &s->w, &s->z));
  WeftCoderRowsCheck(coder, batch, target, MAX_IDLE_CHECKS, &s->w, &s->z, blocks, &s->rows);
  s->next.rows = s->rows.n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Codes, and multipliers cut to the length t / rho: what a shrunken vector has lost. Check() left q in z. */
static PetscErrorCode Start(WeftCoder coder, WeftCoderBatch *batch, double target, Splitting *s)
{
  PetscFunctionBegin;
  WeftCoderRowsGather(&s->rows, &batch->z, &s->w);
  PetscCall(Check(coder, batch, target, s));
  BY_PRECISION(s, FirstMultiplier)(coder, s);
  for (size_t j = 0; j < s->rows.n; ++j) {
    WeftCoderShrink(coder, s->rho, PETSC_FALSE, &s->next, j);
    (void)BY_PRECISION(s, Multiplier)(s, j);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SmoothStep(const WeftCoderBatch *batch, Splitting *s)
{
  PetscFunctionBegin;
  WeftCoderRowsGather(&s->rows, &batch->c, &s->z);
  BY_PRECISION(s, RightSide)(s);
  PetscCall(Substitute(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w and u from z; *balance: the factor on rho that would even out the relative residuals, a mean over the samples. */
static void SparseStep(WeftCoder coder, Splitting *s, double *balance)
{
  const WeftBlock w = s->w;
  double          sum = 0;

  BY_PRECISION(s, Relax)(s);
  for (size_t j = 0; j < s->rows.n; ++j) {
    Residuals r;
    WeftCoderShrink(coder, s->rho, PETSC_FALSE, &s->next, j);
    r = BY_PRECISION(s, Multiplier)(s, j);
    if (r.primal * r.multiplier > 0 && r.dual * r.code > 0) /* (primal / code) / (dual / multiplier), squared */
      sum += PetscLogReal(r.primal * r.multiplier / (r.dual * r.code));
  }
  s->w = s->next;
  s->next = w;
  *balance = PetscExpReal(0.25 * sum / (double)s->rows.n);
}

/* Takes over a new rho where it differs enough to pay for its factorisation. u is a multiplier over rho. */
static PetscErrorCode Balance(WeftCoder coder, double balance, Splitting *s, PetscBool *factored)
{
  const double old = s->rho, mean = MeanDiagonal(coder);

  PetscFunctionBegin;
  if (!(balance > 1.3 || balance < 1.0 / 1.3) || !(coder->threshold > 0)) PetscFunctionReturn(PETSC_SUCCESS);
  s->rho = PetscClipInterval(s->rho * PetscClipInterval(balance, 0.1, 10.0), 1e-4 * mean, 1e4 * mean);
  PetscCall(Factor(coder, s, factored));
  BY_PRECISION(s, ScaleMultiplier)(s, old / s->rho);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Solve_ADMM(WeftCoder coder, WeftCoderBatch *batch, double target)
{
  Splitting s;
  PetscBool factored;
  double    balance;
  int       next_balance = FIRST_BALANCE, balances = 0;

  PetscFunctionBegin;
  PetscCall(SplittingCreate(coder, batch->n, &s));
  PetscCall(Factor(coder, &s, &factored));
  PetscCall(Start(coder, batch, target, &s));
  for (int step = 1; step <= coder->max_iterations && s.rows.n && factored; ++step) {
    PetscCall(SmoothStep(batch, &s));
    SparseStep(coder, &s, &balance);
    if (step % CHECK_STEPS == 0 || step == coder->max_iterations) PetscCall(Check(coder, batch, target, &s));
    if (step != next_balance || balances == MAX_BALANCES || !s.rows.n) continue;
    PetscCall(Balance(coder, balance, &s, &factored));
    next_balance *= 2;
    ++balances;
  }
  PetscCall(SplittingDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode View_ADMM(WeftCoder coder, PetscViewer viewer)
{
  PetscFunctionBegin;
  PetscCall(
    PetscViewerASCIIPrintf(viewer, "  at most %d iterations, over-relaxation %g\n", coder->max_iterations, relaxation));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderCreate_ADMM(WeftCoder coder);
PetscErrorCode WeftCoderCreate_ADMM(WeftCoder coder)
{
  PetscFunctionBegin;
  coder->ops->solve = Solve_ADMM;
  coder->ops->view = View_ADMM;
  PetscFunctionReturn(PETSC_SUCCESS);
}
