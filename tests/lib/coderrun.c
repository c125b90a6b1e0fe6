#include "wefttest.h"
#include "coderrun.h"
#include <math.h>
#include <stdlib.h>

const char *const coder_types[CODER_TYPES] = {WEFTCODERBCD, WEFTCODERFISTA, WEFTCODERADMM};

static char place[256];

void RunPlace(const char format[], ...)
{
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(place, sizeof(place), format, arguments);
  va_end(arguments);
}

void RunExpect(PetscBool good, const char what[], double value, double bound)
{
  if (!good) fail_msg("%s: %s: %.17g against %.17g", place, what, value, bound);
}

static void Near(const char what[], double a, double b, double tolerance)
{
  RunExpect(fabs(a - b) <= tolerance ? PETSC_TRUE : PETSC_FALSE, what, a, b);
}

static void AtMost(const char what[], double value, double bound)
{
  RunExpect(value <= bound ? PETSC_TRUE : PETSC_FALSE, what, value, bound);
}

void RunCreate(const char type[], WeftPrecision precision, double rtol, CoderRun *run)
{
  *run = (CoderRun){.precision = precision, .rtol = rtol};
  Ok(WeftCoderCreate(&run->coder));
  Ok(WeftCoderSetType(run->coder, type));
  Ok(WeftCoderSetTolerances(run->coder, rtol, 8));
}

static void Unload(CoderRun *run)
{
  Ok(WeftBlockDestroy(&run->x));
  Ok(WeftBlockDestroy(&run->atoms));
  Ok(WeftCodesDestroy(&run->codes));
}

void RunDestroy(CoderRun *run)
{
  Unload(run);
  Ok(WeftCoderDestroy(&run->coder));
}

void RunReload(const CoderProblem *problem, CoderRun *run)
{
  Unload(run);
  ProblemBlock(problem->x, problem->n, problem->d, run->precision, &run->x);
  ProblemBlock(problem->atoms, problem->k, problem->d, run->precision, &run->atoms);
  Ok(WeftCodesCreate(problem->groups, problem->p, &run->codes));
  Ok(WeftCoderSetDictionary(run->coder, &run->atoms, problem->p));
}

void RunLoad(const CoderProblem *problem, CoderRun *run)
{
  RunReload(problem, run);
  Ok(WeftCoderSetPenalty(run->coder, problem->lambda, problem->ridge));
}

void RunSolve(const CoderProblem *problem, const double warm[], CoderRun *run)
{
  WeftCodes start;

  if (warm) ProblemCodes(problem, warm, &start);
  Ok(WeftCoderSolve(run->coder, &run->x, warm ? &start : NULL, &run->codes, &run->result));
  Ok(WeftCoderGetSamples(run->coder, &run->objective, &run->gap));
  if (warm) Ok(WeftCodesDestroy(&start));
}

void RunAll(const CoderProblem *problem, const char type[], WeftPrecision precision, double rtol, CoderRun *run)
{
  RunCreate(type, precision, rtol, run);
  RunLoad(problem, run);
  RunSolve(problem, NULL, run);
}

/* Sums over d and k terms in the coder's precision, a few times over. */
static double Epsilon(const CoderRun *run)
{
  return run->precision == WEFT_SINGLE ? 0.5e-6 : 1e-14;
}

double RunObjectiveRounding(const CoderProblem *problem, const CoderRun *run, size_t i)
{
  return Epsilon(run) * (0.5 * ProblemSquare(problem, i) + (isfinite(run->objective[i]) ? run->objective[i] : 0.0));
}

/* The dual point is scaled by t / ‖D_gᵀρ‖, so that rounding in ρ counts against t. At λ = 0 the residual is relative to
   the correlations of x. */
double RunGapRounding(const CoderProblem *problem, const CoderRun *run, size_t i)
{
  const double length = sqrt(ProblemSquare(problem, i)), P = run->objective[i];

  if (!(length > 0)) return 0.0;
  if (!(problem->t > 0)) return Epsilon(run) * 10.0;
  return Epsilon(run) * (1.0 + length * length / fmax(P, 1e-12 * length * length)) * (1.0 + length / problem->t);
}

/* Sums of the samples' values. */
typedef struct {
  double objective, reconstruction, gaps, most;
  size_t active;
} Totals;

static void CheckTotals(const CoderProblem *problem, const CoderRun *run, const Totals *totals)
{
  const WeftCoderResult *result = &run->result;
  double                 rounding = 0;

  for (size_t i = 0; i < problem->n; ++i) rounding += RunObjectiveRounding(problem, run, i);
  assert_int_equal(result->samples, problem->n);
  assert_int_equal(run->codes.samples, problem->n);
  assert_int_equal(result->active_groups, totals->active);
  Near("sum of objectives", result->objective, totals->objective, rounding);
  Near("sum of reconstructions", result->reconstruction, totals->reconstruction, rounding);
  Near("sum of gaps", result->sum_gap, totals->gaps, 1e-13 * totals->gaps);
  Near("largest gap", result->max_gap, totals->most, 0.0);
}

void RunCheckHonest(const CoderProblem *problem, const CoderRun *run)
{
  double *z = malloc(problem->k * sizeof(double));
  Totals  totals = {0, 0, 0, 0, run->codes.start[problem->n]};

  for (size_t i = 0; i < problem->n; ++i) {
    CoderValue value;
    ProblemCode(&run->codes, i, z);
    value = ProblemEvaluate(problem, i, z);
    Near("objective", run->objective[i], value.primal, RunObjectiveRounding(problem, run, i));
    Near(problem->t > 0 ? "gap" : "KKT residual", run->gap[i], problem->t > 0 ? value.gap : value.kkt,
         RunGapRounding(problem, run, i));
    totals.objective += value.primal;
    totals.reconstruction += value.reconstruction;
    totals.gaps += run->gap[i];
    totals.most = fmax(totals.most, run->gap[i]);
  }
  CheckTotals(problem, run, &totals);
  free(z);
}

void RunCheckConverged(const CoderProblem *problem, const CoderRun *run)
{
  const WeftCoderConvergedReason reason = problem->t > 0 ? WEFT_CODER_CONVERGED_GAP : WEFT_CODER_CONVERGED_KKT;

  RunExpect(run->result.reason == reason ? PETSC_TRUE : PETSC_FALSE, WeftCoderReasonName(run->result.reason),
            run->result.max_gap, run->rtol);
  for (size_t i = 0; i < problem->n; ++i) AtMost("gap above rtol", run->gap[i], run->rtol);
}

void RunCheckOptimal(const CoderProblem *problem, const double reference[], const CoderRun *run)
{
  double *z = malloc(problem->k * sizeof(double));

  for (size_t i = 0; i < problem->n; ++i) {
    const double    *best = &reference[i * problem->k];
    const CoderValue optimum = ProblemEvaluate(problem, i, best);
    CoderValue       value;
    double           bound;

    ProblemCode(&run->codes, i, z);
    value = ProblemEvaluate(problem, i, z);
    bound = run->gap[i] * value.primal + RunObjectiveRounding(problem, run, i);
    AtMost("objective above the optimum by more than the gap", value.primal - optimum.primal, bound);
    AtMost("objective below the dual", optimum.dual, value.primal * (1 + 1e-13));
    /* P is strongly convex in the fit: ½‖D (z − z*)‖² <= P − P*. The reference has its share. */
    bound += 1e-12 * optimum.primal;
    AtMost("distance of the fits", ProblemFitDistance(problem, z, best), 8 * bound);
  }
  free(z);
}
