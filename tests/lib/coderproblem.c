#include "wefttest.h"
#include "coderproblem.h"
#include <weft/random.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_SWEEPS = 400000, SWEEPS_PER_CHECK = 20, SEARCH_STEPS = 300 };

static double Dot(size_t n, const double a[], const double b[])
{
  double sum = 0;

  for (size_t j = 0; j < n; ++j) sum += a[j] * b[j];
  return sum;
}

static void FillAtoms(WeftRandom *rng, CoderProblem *problem)
{
  for (size_t a = 0; a < problem->k; ++a) {
    double *atom = &problem->atoms[a * problem->d], norm;
    for (size_t j = 0; j < problem->d; ++j) atom[j] = WeftRandomNormal(rng);
    norm = sqrt(Dot(problem->d, atom, atom));
    for (size_t j = 0; j < problem->d; ++j) atom[j] = (double)(float)(atom[j] / norm);
  }
}

static void FillSamples(WeftRandom *rng, CoderProblem *problem)
{
  for (size_t i = 0; i < problem->n; ++i) {
    double *x = &problem->x[i * problem->d];
    for (size_t j = 0; j < problem->d; ++j) x[j] = (i % 2 ? 0.5 : 0.05) * WeftRandomNormal(rng);
    for (int term = 0; term < 4 && i % 2 == 0; ++term) {
      const double *atom = &problem->atoms[WeftRandomBelow(rng, problem->k) * problem->d], z = WeftRandomNormal(rng);
      for (size_t j = 0; j < problem->d; ++j) x[j] += z * atom[j];
    }
    for (size_t j = 0; j < problem->d; ++j) x[j] = (double)(float)x[j];
  }
}

void ProblemCreate(uint64_t key, size_t n, size_t d, int groups, int p, CoderProblem *problem)
{
  WeftRandom rng;

  *problem = (CoderProblem){.n = n, .d = d, .k = (size_t)groups * (size_t)p, .p = p, .groups = groups};
  problem->x = malloc(n * d * sizeof(double));
  problem->atoms = malloc(problem->k * d * sizeof(double));
  problem->ridge = calloc((size_t)groups, sizeof(double));
  WeftRandomInit(&rng, key, WEFT_STREAM_TEST, 17);
  FillAtoms(&rng, problem);
  FillSamples(&rng, problem);
}

void ProblemDestroy(CoderProblem *problem)
{
  free(problem->x);
  free(problem->atoms);
  free(problem->ridge);
}

/* ‖D_gᵀv‖, of D_gᵀv − r z_g where z is given. */
static double GroupNorm(const CoderProblem *problem, int g, const double v[], const double z[])
{
  double sum = 0;

  for (size_t a = (size_t)(g * problem->p); a < (size_t)((g + 1) * problem->p); ++a) {
    const double u = Dot(problem->d, &problem->atoms[a * problem->d], v) - (z ? problem->ridge[g] * z[a] : 0.0);
    sum += u * u;
  }
  return sqrt(sum);
}

static double LargestNorm(const CoderProblem *problem, const double v[], const double z[])
{
  double most = 0;

  for (int g = 0; g < problem->groups; ++g) most = fmax(most, GroupNorm(problem, g, v, z));
  return most;
}

void ProblemSetPenalty(CoderProblem *problem, double fraction, RidgeKind kind)
{
  double most = 0;

  for (size_t i = 0; i < problem->n; ++i) most = fmax(most, LargestNorm(problem, &problem->x[i * problem->d], NULL));
  problem->lambda = fraction * most / sqrt((double)problem->p);
  problem->t = problem->lambda * sqrt((double)problem->p);
  for (int g = 0; g < problem->groups; ++g)
    problem->ridge[g] = kind == RIDGE_NONE || (kind == RIDGE_MIXED && g % 2) ? 0.0 : 0.2 + 0.3 * (double)(g % 5);
}

void ProblemBlock(const double values[], size_t rows, size_t cols, WeftPrecision precision, WeftBlock *block)
{
  Ok(WeftBlockCreate(rows, cols, precision, block));
  for (size_t i = 0; i < rows; ++i) WeftBlockSetRow(block, i, values + i * cols);
}

void ProblemCode(const WeftCodes *codes, size_t i, double z[])
{
  const size_t p = (size_t)codes->group_size;

  for (size_t a = 0; a < (size_t)codes->groups * p; ++a) z[a] = 0;
  for (size_t e = codes->start[i]; e < codes->start[i + 1]; ++e)
    for (size_t j = 0; j < p; ++j) z[(size_t)codes->group[e] * p + j] = codes->value[e * p + j];
}

void ProblemCodes(const CoderProblem *problem, const double z[], WeftCodes *codes)
{
  WeftBlock block;

  Ok(WeftCodesCreate(problem->groups, problem->p, codes));
  ProblemBlock(z, problem->n, problem->k, WEFT_DOUBLE, &block);
  for (size_t i = 0; i < problem->n; ++i) Ok(WeftCodesAppendDense(codes, &block, i));
  Ok(WeftBlockDestroy(&block));
}

/* rho = x − D z */
static void Residual(const CoderProblem *problem, size_t i, const double z[], double rho[])
{
  for (size_t j = 0; j < problem->d; ++j) {
    rho[j] = problem->x[i * problem->d + j];
    for (size_t a = 0; a < problem->k; ++a) rho[j] -= z[a] * problem->atoms[a * problem->d + j];
  }
}

/* The dual at θ = α ρ, as the conjugate of each group's penalty says. norms: of D_gᵀρ. */
static double DualAt(const CoderProblem *problem, double inner, double square, const double norms[], double alpha)
{
  double dual = alpha * inner - 0.5 * alpha * alpha * square;

  for (int g = 0; g < problem->groups; ++g) {
    const double excess = alpha * norms[g] - problem->t;
    if (problem->ridge[g] > 0 && excess > 0) dual -= 0.5 * excess * excess / problem->ridge[g];
  }
  return dual;
}

/* The largest dual over all α that the groups without ridge allow, by ternary search: it is concave in α. */
static double BestScaledDual(const CoderProblem *problem, double inner, double square, const double rho[])
{
  double *norms = malloc((size_t)problem->groups * sizeof(double));
  double  low = 0, high = square > 0 ? fmax(inner / square, 0.0) : 0.0, dual;

  for (int g = 0; g < problem->groups; ++g) {
    norms[g] = GroupNorm(problem, g, rho, NULL);
    if (!(problem->ridge[g] > 0) && norms[g] > 0) high = fmin(high, problem->t / norms[g]);
  }
  dual = fmax(DualAt(problem, inner, square, norms, high), 0.0);
  for (int step = 0; step < SEARCH_STEPS; ++step) {
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    if (DualAt(problem, inner, square, norms, a) < DualAt(problem, inner, square, norms, b))
      low = a;
    else
      high = b;
  }
  dual = fmax(dual, DualAt(problem, inner, square, norms, 0.5 * (low + high)));
  free(norms);
  return dual;
}

/* Another dual point: with a ridge the problem is one without, of (x, 0) and the atoms lengthened by √r, whose residual
   is (ρ, −√r z). Scaled, it is feasible. */
static double LengthenedDual(const CoderProblem *problem, double inner, const double rho[], const double z[])
{
  double square = Dot(problem->d, rho, rho), alpha;

  for (size_t a = 0; a < problem->k; ++a) square += problem->ridge[a / (size_t)problem->p] * z[a] * z[a];
  alpha = square > 0 ? inner / square : 0.0;
  if (LargestNorm(problem, rho, z) > 0) alpha = fmin(alpha, problem->t / LargestNorm(problem, rho, z));
  alpha = fmax(alpha, 0.0);
  return alpha * inner - 0.5 * alpha * alpha * square;
}

CoderValue ProblemEvaluate(const CoderProblem *problem, size_t i, const double z[])
{
  const double *x = &problem->x[i * problem->d];
  const size_t  p = (size_t)problem->p;
  double       *rho = malloc(problem->d * sizeof(double)), inner, square, largest = LargestNorm(problem, x, NULL);
  CoderValue    value = {0, 0, 0, 0, 0};

  Residual(problem, i, z, rho);
  inner = Dot(problem->d, x, rho);
  square = Dot(problem->d, rho, rho);
  value.reconstruction = value.primal = 0.5 * square;
  for (int g = 0; g < problem->groups; ++g) {
    const double length = Dot(p, &z[(size_t)g * p], &z[(size_t)g * p]);
    value.primal += problem->t * sqrt(length) + 0.5 * problem->ridge[g] * length;
  }
  value.dual = LengthenedDual(problem, inner, rho, z);
  if (Dot(problem->d, x, x) > 0)
    value.gap = fmax(value.primal - BestScaledDual(problem, inner, square, rho), 0.0) /
                fmax(value.primal, 0.5e-12 * Dot(problem->d, x, x));
  value.kkt = largest > 0 ? LargestNorm(problem, rho, z) / largest : 0.0;
  free(rho);
  return value;
}

/* A proximal gradient step of group g alone, its step bounded by the sum of squares of its atoms. */
static void GroupStep(const CoderProblem *problem, int g, double rho[], double z[])
{
  const size_t p = (size_t)problem->p, d = problem->d;
  double      *atoms = &problem->atoms[(size_t)g * p * d], bound = Dot(p * d, atoms, atoms) + problem->ridge[g];
  double       v[16], norm = 0, scale;

  assert_true(p <= 16);
  if (!(bound > 0)) return;
  for (size_t j = 0; j < p; ++j) {
    const double z_j = z[(size_t)g * p + j];
    v[j] = z_j + (Dot(d, &atoms[j * d], rho) - problem->ridge[g] * z_j) / bound;
    norm += v[j] * v[j];
  }
  norm = sqrt(norm);
  scale = bound * norm > problem->t ? 1.0 - problem->t / (bound * norm) : 0.0;
  for (size_t j = 0; j < p; ++j) {
    const double change = scale * v[j] - z[(size_t)g * p + j];
    z[(size_t)g * p + j] = scale * v[j];
    for (size_t l = 0; l < d; ++l) rho[l] -= change * atoms[j * d + l];
  }
}

void ProblemSolve(const CoderProblem *problem, size_t i, double z[])
{
  double    *rho = malloc(problem->d * sizeof(double));
  CoderValue value;

  for (size_t a = 0; a < problem->k; ++a) z[a] = 0;
  for (int sweep = 0; sweep < MAX_SWEEPS; ++sweep) {
    if (sweep % SWEEPS_PER_CHECK == 0) {
      value = ProblemEvaluate(problem, i, z);
      if (value.primal - value.dual <= 1e-12 * value.primal) break;
      Residual(problem, i, z, rho);
    }
    for (int g = 0; g < problem->groups; ++g) GroupStep(problem, g, rho, z);
  }
  free(rho);
}

double ProblemFitDistance(const CoderProblem *problem, const double a[], const double b[])
{
  double sum = 0;

  for (size_t j = 0; j < problem->d; ++j) {
    double fit = 0;
    for (size_t l = 0; l < problem->k; ++l) fit += problem->atoms[l * problem->d + j] * (a[l] - b[l]);
    sum += fit * fit;
  }
  return sum;
}

double ProblemSquare(const CoderProblem *problem, size_t i)
{
  return Dot(problem->d, &problem->x[i * problem->d], &problem->x[i * problem->d]);
}
