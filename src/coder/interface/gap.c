/* Primal value, duality gap and their certificate. With θ = α ρ, ρ = x − D z, the dual of the code step is
     φ(α) = α x·ρ − ½ α²‖ρ‖² − Σ_g (α u_g − t)₊² / (2 r_g),   u_g = ‖D_gᵀρ‖,
   where a group without ridge instead bounds α <= t / u_g. φ is concave in α. */
#include "../coderimpl.h"

enum { MAX_SCALE_STEPS = 50 };

/* One Newton step for φ'(α) = 0 with the groups active at α. */
static double ScaleStep(const WeftCoderProblem *problem, const WeftCoderParts *parts, double alpha)
{
  double above = parts->inner, below = parts->rho_square;

  for (int g = 0; g < problem->groups; ++g) {
    const double r = problem->ridge[g], u = problem->norms[g];
    if (!(r > 0) || alpha * u <= problem->threshold) continue;
    above += problem->threshold * u / r;
    below += u * u / r;
  }
  return below > 0 ? above / below : 1.0;
}

/* The best scale: φ' is concave and decreasing, so that Newton's steps come monotonely from the right, where
   x·ρ/‖ρ‖² lies, and end after finitely many. */
static double BestScale(const WeftCoderProblem *problem, const WeftCoderParts *parts)
{
  double bound = PETSC_MAX_REAL, alpha;

  if (!problem->any_ridge && problem->largest > 0) bound = problem->threshold / problem->largest;
  for (int g = 0; g < problem->groups && problem->any_ridge; ++g)
    if (!(problem->ridge[g] > 0) && problem->norms[g] > 0)
      bound = PetscMin(bound, problem->threshold / problem->norms[g]);
  alpha = parts->rho_square > 0 ? PetscMax(parts->inner / parts->rho_square, 0.0) : 1.0;
  for (int step = 0; step < MAX_SCALE_STEPS && problem->any_ridge; ++step) {
    const double newton = ScaleStep(problem, parts, alpha), next = PetscMax(newton, 0.0);
    if (PetscAbsReal(next - alpha) <= 1e-15 * alpha) break;
    alpha = next;
  }
  return PetscMin(alpha, bound);
}

static double DualValue(const WeftCoderProblem *problem, const WeftCoderParts *parts, double alpha)
{
  double dual = alpha * parts->inner - 0.5 * alpha * alpha * parts->rho_square;

  for (int g = 0; g < problem->groups && problem->any_ridge; ++g) {
    const double excess = alpha * problem->norms[g] - problem->threshold;
    if (problem->ridge[g] > 0 && excess > 0) dual -= 0.5 * excess * excess / problem->ridge[g];
  }
  return dual;
}

void WeftCoderGap(const WeftCoderProblem *problem, const WeftCoderParts *parts, double *primal, double *gap)
{
  double most = 0;

  *primal = 0.5 * parts->rho_square + parts->penalty;
  *gap = 0;
  if (!(parts->square != 0)) return;
  if (problem->threshold > 0) {
    const double dual = DualValue(problem, parts, BestScale(problem, parts));
    *gap = PetscMax(*primal - dual, 0.0) / PetscMax(*primal, 1e-12 * 0.5 * parts->square);
    /* Not a number: a norm that is none bounds no scale, so that the dual alone does not show it. */
    if (!(*primal - dual <= PETSC_MAX_REAL) || !(problem->largest <= PETSC_MAX_REAL)) *gap = PETSC_MAX_REAL;
  } else {
    for (int g = 0; g < problem->groups; ++g)
      if (problem->norms[g] > most || PetscIsNanReal(problem->norms[g])) most = problem->norms[g];
    *gap = problem->scale != 0 ? most / problem->scale : 0.0;
    if (!(*gap <= PETSC_MAX_REAL)) *gap = PETSC_MAX_REAL;
  }
}

#define REAL    float
#define NAME(x) x##Single
#include "rowkernels.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "rowkernels.h"

/* Calls the kernel of the block's precision on row i. */
#define ROW(block, type, i)                       ((block)->values.type + (i) * (block)->cols)
#define BY_PRECISION(b, call_single, call_double) ((b)->precision == WEFT_SINGLE ? (call_single) : (call_double))

static double RowNorms(const WeftCoder coder, const WeftBlock *u, size_t i, const WeftBlock *z, size_t z_row,
                       double norms[])
{
  return BY_PRECISION(u, GroupNormsSingle(coder, ROW(u, s, i), z ? ROW(z, s, z_row) : NULL, norms),
                      GroupNormsDouble(coder, ROW(u, d, i), z ? ROW(z, d, z_row) : NULL, norms));
}

/* The largest of the group norms. */
static double RowLargest(const WeftCoder coder, const WeftBlock *u, size_t i)
{
  return BY_PRECISION(u, LargestNormSingle(coder, ROW(u, s, i)), LargestNormDouble(coder, ROW(u, d, i)));
}

static double RowPenalty(const WeftCoder coder, const WeftBlock *z, size_t i)
{
  return BY_PRECISION(z, PenaltySingle(coder, ROW(z, s, i)), PenaltyDouble(coder, ROW(z, d, i)));
}

/* The same of a code given by its nonzeros, which are ascending. */
static double SparsePenalty(const WeftCoder coder, const WeftCoderNonzeros *nz, size_t i)
{
  const int *column = nz->column;
  double     sum = 0;

  for (size_t l = nz->start[i]; l < nz->start[i + 1];) {
    const int g = column[l] / coder->group_size, end = (g + 1) * coder->group_size;
    double    square = 0;
    for (; l < nz->start[i + 1] && column[l] < end; ++l) {
      const double z = WeftBlockGet(&nz->value, 0, l);
      square += z * z;
    }
    sum += coder->threshold * PetscSqrtReal(square) + 0.5 * coder->ridge[g] * square;
  }
  return sum;
}

double WeftCoderRowDot(const WeftBlock *a, size_t i, const WeftBlock *b, size_t j)
{
  return BY_PRECISION(a, DotSingle(a->cols, ROW(a, s, i), ROW(b, s, j)),
                      DotDouble(a->cols, ROW(a, d, i), ROW(b, d, j)));
}

/* The whole problem of sample i with the group norms that the gap needs: of u at λ > 0, of the gradient u − r z at
   λ = 0. */
static WeftCoderProblem WholeProblem(const WeftCoder coder, const WeftCoderBatch *batch, size_t i, const WeftBlock *z,
                                     size_t z_row, const WeftBlock *u, size_t row)
{
  WeftCoderProblem problem = {coder->threshold, coder->groups, coder->ridge, coder->any_ridge, coder->norms, 0, 0};

  if (coder->threshold > 0) {
    problem.largest = coder->any_ridge ? RowNorms(coder, u, row, NULL, 0, coder->norms) : RowLargest(coder, u, row);
  } else {
    problem.scale = RowNorms(coder, &batch->c, i, NULL, 0, coder->norms);
    RowNorms(coder, u, row, z, z_row, coder->norms);
  }
  return problem;
}

void WeftCoderGramGap(const WeftCoder coder, const WeftCoderBatch *batch, size_t i, const WeftBlock *z, size_t z_row,
                      const WeftBlock *q, size_t row, double *primal, double *gap)
{
  const WeftCoderProblem problem = WholeProblem(coder, batch, i, z, z_row, q, row);
  const double           cz = WeftCoderRowDot(&batch->c, i, z, z_row), qz = WeftCoderRowDot(q, row, z, z_row);
  WeftCoderParts         parts;

  parts.square = batch->square[i];
  parts.inner = parts.square - cz;
  parts.rho_square = PetscMax(parts.square - cz - qz, 0.0);
  parts.penalty = RowPenalty(coder, z, z_row);
  WeftCoderGap(&problem, &parts, primal, gap);
}

void WeftCoderCertify(const WeftCoder coder, const WeftBlock *x, const WeftBlock *rho, const WeftBlock *u,
                      const WeftCoderBatch *batch, const WeftCoderNonzeros *nz, size_t i, double *primal,
                      double *reconstruction, double *gap)
{
  const WeftCoderProblem problem = WholeProblem(coder, batch, i, &batch->z, i, u, i);
  WeftCoderParts         parts;

  parts.square = batch->square[i];
  parts.inner = WeftCoderRowDot(x, i, rho, i);
  parts.rho_square = WeftCoderRowDot(rho, i, rho, i);
  parts.penalty = SparsePenalty(coder, nz, i);
  *reconstruction = 0.5 * parts.rho_square;
  WeftCoderGap(&problem, &parts, primal, gap);
}

PetscBool WeftCoderCodeIsZero(const WeftCoder coder, const WeftBlock *c, size_t i)
{
  return RowLargest(coder, c, i) <= coder->threshold ? PETSC_TRUE : PETSC_FALSE;
}

PetscBool WeftCoderRowsAlike(const WeftBlock *a, size_t i, const WeftBlock *b, size_t j)
{
  const double tolerance = a->precision == WEFT_SINGLE ? 1e-5 : 1e-13;
  double       square, distance;

  distance = BY_PRECISION(a, DistanceSingle(a->cols, ROW(a, s, i), ROW(b, s, j), &square),
                          DistanceDouble(a->cols, ROW(a, d, i), ROW(b, d, j), &square));
  return distance > tolerance * tolerance * square ? PETSC_FALSE : PETSC_TRUE;
}

void WeftCoderShrink(const WeftCoder coder, double s, PetscBool with_ridge, WeftBlock *v, size_t i)
{
  if (v->precision == WEFT_SINGLE)
    ShrinkSingle(coder, s, with_ridge, ROW(v, s, i));
  else
    ShrinkDouble(coder, s, with_ridge, ROW(v, d, i));
}
