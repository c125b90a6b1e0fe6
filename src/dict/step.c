/* The dictionary and connectivity step: see WeftDictStep() in weft/dict.h. */
#include "dictimpl.h"
#include <petscblaslapack.h>

enum { POWER_ITERATIONS = 12, MAX_NORM_PASSES = 30 };

/* Local rows of everything, column-major [rows, k]; the four arrays d, p, ... are views swapped, not copied. */
typedef struct {
  WeftDict      dict;
  PetscInt      rows, k;
  size_t        total;                   /* rows k */
  const double *a, *b, *weight;          /* A [k, k]; B, w_g */
  double       *d, *product;             /* D, D A */
  double       *d_old, *product_old;     /* one iteration ago */
  double       *d_new, *product_new, *t; /* being formed; T */
  double       *diagonal, *h, *square;   /* [k] floored A_aa; m + ν; ‖d_a‖² */
  double       *nu;                      /* [k] */
  double        kappa, value, norm_rtol;
} Step;

/* Largest eigenvalue of A scaled to unit diagonal, by power iteration; a lower bound, so it is inflated, and the
   monotone test catches what is left. */
static PetscErrorCode LargestScaledEigenvalue(Step *s)
{
  const PetscBLASInt k = (PetscBLASInt)s->k, one = 1;
  const double       alpha = 1, beta = 0;
  double            *v, *w, norm = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(s->k, &v, s->k, &w));
  for (PetscInt i = 0; i < s->k; ++i) v[i] = 1.0 + 0.5 * PetscSinReal((double)i); /* any fixed start without symmetry */
  for (int it = 0; it < POWER_ITERATIONS; ++it) {
    norm = 0;
    for (PetscInt i = 0; i < s->k; ++i) norm += v[i] * v[i];
    norm = PetscSqrtReal(norm);
    for (PetscInt i = 0; i < s->k; ++i) v[i] /= norm * PetscSqrtReal(s->diagonal[i]);
    BLASgemv_("N", &k, &k, &alpha, s->a, &k, v, &one, &beta, w, &one);
    for (PetscInt i = 0; i < s->k; ++i) v[i] = w[i] / PetscSqrtReal(s->diagonal[i]);
    norm = 0;
    for (PetscInt i = 0; i < s->k; ++i) norm += v[i] * v[i];
    norm = PetscSqrtReal(norm);
    if (!(norm > 0)) break;
  }
  s->kappa = PetscMax(1.05 * norm, 1.0);
  PetscCallMPI(MPI_Bcast(&s->kappa, 1, MPI_DOUBLE, 0, s->dict->comm)); /* the same bits on every rank */
  PetscCall(PetscFree2(v, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* product = D A */
static PetscErrorCode Multiply(const Step *s, const double *d, double *product)
{
  const PetscBLASInt m = (PetscBLASInt)s->rows, k = (PetscBLASInt)s->k, ld = PetscMax(m, 1);
  const double       one = 1, zero = 0;

  PetscFunctionBegin;
  if (m) BLASgemm_("N", "N", &m, &k, &k, &one, d, &ld, s->a, &k, &zero, product, &ld);
  PetscCall(PetscLogFlops(2.0 * (double)m * (double)k * (double)k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

WEFT_SIMD static double Quadratic(size_t n, const double *d, const double *product, const double *b)
{
  double part[8] = {0};
  size_t i = 0;

  for (; i + 8 <= n; i += 8)
    for (size_t l = 0; l < 8; ++l) part[l] += d[i + l] * (0.5 * product[i + l] - b[i + l]);
  for (; i < n; ++i) part[0] += d[i] * (0.5 * product[i] - b[i]);
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

/* Σ_j ‖D_jg‖ of local rows, and whether the change from `old` matters: Σ (d − old)², Σ d². */
static double GroupPenalty(const Step *s, PetscInt g, const double *d)
{
  const int p = s->dict->group_size;
  double    sum = 0;

  for (PetscInt j = 0; j < s->rows; ++j) {
    double square = 0;
    for (int i = 0; i < p; ++i) {
      const double v = d[((size_t)g * (size_t)p + (size_t)i) * (size_t)s->rows + (size_t)j];
      square += v * v;
    }
    if (square > 0) sum += PetscSqrtReal(square);
  }
  return sum;
}

/* F(D), and how far D is from `old` relative to its size. */
static PetscErrorCode Evaluate(const Step *s, const double *d, const double *product, const double *old, double *value,
                               double *change)
{
  double sums[3] = {0, 0, 0};

  PetscFunctionBegin;
  sums[0] = Quadratic(s->total, d, product, s->b);
  for (PetscInt g = 0; g < s->dict->groups; ++g)
    if (s->weight[g] > 0) sums[0] += s->weight[g] * GroupPenalty(s, g, d);
  for (size_t i = 0; i < s->total; ++i) {
    sums[1] += (d[i] - old[i]) * (d[i] - old[i]);
    sums[2] += d[i] * d[i];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  *value = sums[0];
  *change = sums[2] > 0 ? PetscSqrtReal(sums[1] / sums[2]) : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T = m Y − gradient(Y) at the extrapolated point Y = D + β (D − D_old); products are linear, so Y A needs no GEMM. */
WEFT_SIMD static void GradientStep(size_t n, double m, double beta, const double *d, const double *d_old,
                                   const double *product, const double *product_old, const double *b, double *t)
{
  for (size_t j = 0; j < n; ++j) {
    const double y = d[j] + beta * (d[j] - d_old[j]),
                 gradient = product[j] + beta * (product[j] - product_old[j]) - b[j];
    t[j] = m * y - gradient;
  }
}

/* The norms of all atoms of d_new: one reduction of k numbers. */
static PetscErrorCode Norms(Step *s)
{
  PetscFunctionBegin;
  for (PetscInt a = 0; a < s->k; ++a) {
    const double *column = s->d_new + (size_t)a * (size_t)s->rows;
    double        sum = 0;
    for (PetscInt j = 0; j < s->rows; ++j) sum += column[j] * column[j];
    s->square[a] = sum;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->square, (int)s->k, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Fixed point for the multipliers of group g: without coupling ‖d_a‖ is proportional to 1/(m_a + ν_a).
   Returns whether the group must be solved again. */
static PetscBool UpdateMultipliers(Step *s, PetscInt g)
{
  PetscBool again = PETSC_FALSE;

  for (PetscInt a = g * s->dict->group_size; a < (g + 1) * s->dict->group_size; ++a) {
    const double m = s->kappa * s->diagonal[a], norm = PetscSqrtReal(s->square[a]);
    const double nu = PetscMax((m + s->nu[a]) * norm - m, 0.0);
    if (PetscAbsReal(nu - s->nu[a]) > s->norm_rtol * (m + s->nu[a])) again = PETSC_TRUE;
    s->nu[a] = nu;
  }
  return again;
}

static void SolveGroup(Step *s, PetscInt g)
{
  const size_t p = (size_t)s->dict->group_size, first = (size_t)g * p, rows = (size_t)s->rows;

  for (size_t a = first; a < first + p; ++a) s->h[a] = s->kappa * s->diagonal[a] + s->nu[a];
  WeftGroupSolveMany(rows, (int)p, s->h + first, s->weight[g], s->t + first * rows, rows, s->d_new + first * rows,
                     rows);
}

/* What little of a norm is above the bound after the last pass goes by scaling, which keeps zeros. */
static void Project(Step *s)
{
  for (PetscInt a = 0; a < s->k; ++a) {
    if (!(s->square[a] > 1.0)) continue;
    const double scale = 1.0 / PetscSqrtReal(s->square[a]);
    double      *column = s->d_new + (size_t)a * (size_t)s->rows;
    for (PetscInt j = 0; j < s->rows; ++j) column[j] *= scale;
  }
}

/* The proximal map of T: rows given ν, ν by its fixed point; every rank sees the same norms and takes the same path. */
static PetscErrorCode ProximalMap(Step *s)
{
  const PetscInt G = s->dict->groups;
  PetscBool      again = PETSC_TRUE;
  unsigned char *pending;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(G, &pending));
  PetscCall(PetscMemcpy(pending, s->dict->alive, (size_t)G));
  for (int pass = 0; pass < MAX_NORM_PASSES && again; ++pass) {
    for (PetscInt g = 0; g < G; ++g)
      if (pending[g]) SolveGroup(s, g);
    PetscCall(Norms(s));
    again = PETSC_FALSE;
    for (PetscInt g = 0; g < G; ++g) {
      if (pending[g]) pending[g] = UpdateMultipliers(s, g) ? 1 : 0;
      if (pending[g]) again = PETSC_TRUE;
    }
  }
  Project(s);
  PetscCall(PetscFree(pending));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d_new and its product and value from D with momentum β. */
static PetscErrorCode Propose(Step *s, double beta, double *value, double *change)
{
  const size_t rows = (size_t)s->rows;

  PetscFunctionBegin;
  for (size_t a = 0; a < (size_t)s->k; ++a)
    GradientStep(rows, s->kappa * s->diagonal[a], beta, s->d + a * rows, s->d_old + a * rows, s->product + a * rows,
                 s->product_old + a * rows, s->b + a * rows, s->t + a * rows);
  PetscCall(ProximalMap(s));
  PetscCall(Multiply(s, s->d_new, s->product_new));
  PetscCall(Evaluate(s, s->d_new, s->product_new, s->d, value, change));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* new becomes current, current becomes old, old's memory is free for the next. */
static void Rotate(Step *s)
{
  double *d = s->d_old, *product = s->product_old;

  s->d_old = s->d;
  s->product_old = s->product;
  s->d = s->d_new;
  s->product = s->product_new;
  s->d_new = d;
  s->product_new = product;
}

static PetscErrorCode Iterate(Step *s, WeftDictResult *result)
{
  double momentum = 1, next, value, change = 0;
  int    failures = 0;

  PetscFunctionBegin;
  PetscCall(Multiply(s, s->d, s->product));
  PetscCall(Evaluate(s, s->d, s->product, s->d, &s->value, &change));
  PetscCall(PetscArraycpy(s->d_old, s->d, s->total));
  PetscCall(PetscArraycpy(s->product_old, s->product, s->total));
  PetscCall(PetscArraycpy(s->d_new, s->d, s->total)); /* groups that are not alive stay as they are */
  result->before = s->value;
  for (result->iterations = 0; result->iterations < s->dict->max_iterations && failures < 30; ++result->iterations) {
    next = 0.5 * (1.0 + PetscSqrtReal(1.0 + 4.0 * momentum * momentum));
    PetscCall(Propose(s, (momentum - 1.0) / next, &value, &change));
    if (value <= s->value) {
      Rotate(s);
      s->value = value;
      momentum = next;
      failures = 0;
      result->converged = change <= s->dict->rtol ? PETSC_TRUE : PETSC_FALSE;
      if (result->converged) break;
    } else if (momentum > 1) {
      momentum = 1; /* restart: the next proposal starts from D alone */
    } else {
      if (value <= s->value + 1e-14 * PetscAbsReal(s->value) && change <= PetscMax(s->dict->rtol, 1e-12)) {
        result->converged = PETSC_TRUE; /* as low as rounding lets it */
        break;
      }
      s->kappa *= 2;
      ++failures;
    }
  }
  result->after = s->value;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Atoms that no sample uses still get a step, so that the floor keeps the metric finite. */
static void FloorDiagonal(Step *s)
{
  double most = 0;

  for (PetscInt a = 0; a < s->k; ++a) most = PetscMax(most, s->a[(size_t)a * (size_t)s->k + (size_t)a]);
  for (PetscInt a = 0; a < s->k; ++a)
    s->diagonal[a] = PetscMax(s->a[(size_t)a * (size_t)s->k + (size_t)a], most > 0 ? 1e-6 * most : 1.0);
}

static PetscErrorCode StepCreate(WeftDict dict, const double weight[], Step *s)
{
  const size_t total = (size_t)dict->rows * (size_t)dict->k;

  PetscFunctionBegin;
  *s = (Step){.dict = dict, .rows = dict->rows, .k = dict->k, .total = total, .weight = weight};
  PetscCall(PetscMalloc7(total, &s->d, total, &s->product, total, &s->d_old, total, &s->product_old, total, &s->d_new,
                         total, &s->product_new, total, &s->t));
  PetscCall(PetscCalloc4(s->k, &s->diagonal, s->k, &s->h, s->k, &s->square, s->k, &s->nu));
  s->norm_rtol = PetscMin(1e-2, 10 * dict->rtol);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StepDestroy(Step *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree7(s->d, s->product, s->d_old, s->product_old, s->d_new, s->product_new, s->t));
  PetscCall(PetscFree4(s->diagonal, s->h, s->square, s->nu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictStep(WeftDict dict, Mat A, Mat B, const double weight[], WeftDictResult *result)
{
  Step    s;
  double *values, *a, *b;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_DICTIONARY));
  *result = (WeftDictResult){0};
  PetscCall(StepCreate(dict, weight, &s));
  PetscCall(MatDenseGetArray(A, &a));
  PetscCall(WeftDictArray(dict, B, &b));
  PetscCall(WeftDictArray(dict, dict->D, &values));
  s.a = a;
  s.b = b;
  PetscCall(PetscArraycpy(s.d, values, s.total));
  FloorDiagonal(&s);
  PetscCall(LargestScaledEigenvalue(&s));
  PetscCall(Iterate(&s, result));
  PetscCall(PetscArraycpy(values, s.d, s.total));
  PetscCall(WeftDictRestore(dict->D, &values));
  PetscCall(WeftDictRestore(B, &b));
  PetscCall(MatDenseRestoreArray(A, &a));
  PetscCall(StepDestroy(&s));
  PetscCall(WeftEventEnd(WEFT_EVENT_DICTIONARY));
  PetscFunctionReturn(PETSC_SUCCESS);
}
