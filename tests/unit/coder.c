/* Every coder type against a slow, obvious solver: one suite for all.   ranks: 1 2
   Each rank solves problems of its own, as samples separate. */
#include "wefttest.h"
#include "coderrun.h"
#include <weft/random.h>
#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 6 };

static const int group_sizes[] = {1, 3, 4};

/* fewer: k < d, else k > d */
static void Create(uint64_t key, int p, PetscBool fewer, CoderProblem *problem)
{
  int rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  key = 1000 * key + 10 * (uint64_t)p + (uint64_t)rank;
  if (fewer)
    ProblemCreate(key, SAMPLES, 30, 20 / p, p, problem);
  else
    ProblemCreate(key, SAMPLES, 16, 36 / p, p, problem);
}

static double *Reference(const CoderProblem *problem)
{
  double *z = malloc(problem->n * problem->k * sizeof(double));

  for (size_t i = 0; i < problem->n; ++i) {
    CoderValue value;
    ProblemSolve(problem, i, z + i * problem->k);
    value = ProblemEvaluate(problem, i, z + i * problem->k);
    assert_true(value.primal - value.dual <= 2e-12 * value.primal);
  }
  return z;
}

/* What single precision can certify: its own rounding, with room for one halving of the target. */
static PetscBool WithinReach(const CoderProblem *problem, const CoderRun *run)
{
  for (size_t i = 0; i < problem->n; ++i)
    if (4 * RunGapRounding(problem, run, i) > run->rtol) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* One problem by every type, from zero. */
static void SolveByAll(const CoderProblem *problem, const double reference[], WeftPrecision precision, double rtol,
                       const char name[])
{
  CoderRun run;

  for (int type = 0; type < CODER_TYPES; ++type) {
    RunPlace("%s, %s in %s to %g", name, coder_types[type], precision == WEFT_SINGLE ? "single" : "double", rtol);
    RunAll(problem, coder_types[type], precision, rtol, &run);
    RunCheckHonest(problem, &run);
    if (precision == WEFT_DOUBLE || WithinReach(problem, &run)) RunCheckConverged(problem, &run);
    if (reference) RunCheckOptimal(problem, reference, &run);
    RunDestroy(&run);
  }
}

static void SolveToAll(const CoderProblem *problem, const double reference[], const char name[])
{
  const double rtol[] = {1e-3, 1e-6, 1e-9};

  for (int r = 0; r < 3; ++r) SolveByAll(problem, reference, WEFT_DOUBLE, rtol[r], name);
  for (int r = 0; r < 2; ++r) SolveByAll(problem, reference, WEFT_SINGLE, rtol[r], name);
}

static void test_random_problems(void **state)
{
  const double fractions[] = {1e-3, 1e-2, 0.1, 0.5};
  CoderProblem problem;
  char         name[128];

  (void)state;
  for (int c = 0; c < 3 * 2 * 4 * 3; ++c) {
    const int       p = group_sizes[c % 3], f = c / 3 % 4, ridge = c / 12 % 3;
    const PetscBool fewer = c / 36 ? PETSC_TRUE : PETSC_FALSE;
    double         *reference;

    Create((uint64_t)c, p, fewer, &problem);
    ProblemSetPenalty(&problem, fractions[f], (RidgeKind)ridge);
    reference = Reference(&problem);
    snprintf(name, sizeof(name), "d %zu, k %zu, p %d, lambda %g, ridge %d", problem.d, problem.k, p, fractions[f],
             ridge);
    SolveToAll(&problem, reference, name);
    free(reference);
    ProblemDestroy(&problem);
  }
}

/* Solves from zero and from elsewhere to a code that must be zero. */
static void ExpectZero(const CoderProblem *problem, CoderRun *run)
{
  double *warm = malloc(problem->n * problem->k * sizeof(double));

  for (size_t a = 0; a < problem->n * problem->k; ++a) warm[a] = sin((double)a);
  RunLoad(problem, run);
  for (int start = 0; start < 2; ++start) {
    RunSolve(problem, start ? warm : NULL, run);
    RunCheckHonest(problem, run);
    RunCheckConverged(problem, run);
    RunExpect(run->codes.start[problem->n] == 0 ? PETSC_TRUE : PETSC_FALSE, "active groups",
              (double)run->codes.start[problem->n], 0.0);
  }
  free(warm);
}

static void test_zero_above_the_largest_lambda(void **state)
{
  CoderProblem problem;
  CoderRun     run;

  (void)state;
  for (int c = 0; c < 3 * 2 * CODER_TYPES * 2; ++c) {
    Create((uint64_t)c, group_sizes[c % 3], PETSC_FALSE, &problem);
    ProblemSetPenalty(&problem, 1.0 + 1e-5, c / 3 % 2 ? RIDGE_MIXED : RIDGE_NONE);
    RunPlace("%s, p %d", coder_types[c / 6 % CODER_TYPES], problem.p);
    RunCreate(coder_types[c / 6 % CODER_TYPES], c / 18 ? WEFT_SINGLE : WEFT_DOUBLE, 1e-3, &run);
    ExpectZero(&problem, &run);
    RunDestroy(&run);
    ProblemDestroy(&problem);
  }
}

/* Without sparsity the KKT residual is what is promised. */
static void test_lambda_zero(void **state)
{
  const double rtol[] = {1e-3, 1e-6, 1e-9};
  CoderProblem problem;
  char         name[128];

  (void)state;
  for (int c = 0; c < 3 * 3 * 2; ++c) {
    const int       ridge = c / 3 % 3;
    const PetscBool fewer = c / 9 ? PETSC_TRUE : PETSC_FALSE;

    Create((uint64_t)(100 + c), group_sizes[c % 3], fewer, &problem);
    ProblemSetPenalty(&problem, 0.0, (RidgeKind)ridge);
    snprintf(name, sizeof(name), "lambda 0, d %zu, k %zu, p %d, ridge %d", problem.d, problem.k, problem.p, ridge);
    /* Half of k = 2.25 d atoms without ridge are nearly square: plain descent takes for ever to small residuals. */
    for (int r = 0; r < (!fewer && ridge == RIDGE_MIXED ? 1 : 3); ++r)
      SolveByAll(&problem, NULL, WEFT_DOUBLE, rtol[r], name);
    SolveByAll(&problem, NULL, WEFT_SINGLE, 1e-3, name);
    ProblemDestroy(&problem);
  }
}

static void CopyAtom(CoderProblem *problem, size_t from, size_t to)
{
  for (size_t j = 0; j < problem->d; ++j) problem->atoms[to * problem->d + j] = problem->atoms[from * problem->d + j];
}

/* A sample, an atom and a group of zeros; an atom twice in its group (p > 1), and a group twice. */
static void Degenerate(CoderProblem *problem)
{
  const size_t p = (size_t)problem->p, d = problem->d;

  for (size_t j = 0; j < d; ++j) problem->x[d + j] = problem->atoms[j] = 0;
  for (size_t j = 0; j < p * d; ++j) problem->atoms[3 * p * d + j] = 0;
  CopyAtom(problem, 2 * p, 2 * p + p - 1);
  for (size_t a = 0; a < p; ++a) CopyAtom(problem, p + a, 4 * p + a);
}

static void test_degenerate_problems(void **state)
{
  CoderProblem problem;
  char         name[128];

  (void)state;
  for (int c = 0; c < 3 * 3 * 3; ++c) {
    const double fraction = c / 9 == 0 ? 0.03 : c / 9 == 1 ? 0.3 : 0.0;
    double      *reference = NULL;

    Create((uint64_t)(200 + c), group_sizes[c % 3], c % 2 ? PETSC_TRUE : PETSC_FALSE, &problem);
    Degenerate(&problem);
    ProblemSetPenalty(&problem, fraction, (RidgeKind)(c / 3 % 3));
    snprintf(name, sizeof(name), "degenerate, d %zu, k %zu, p %d, lambda %g, ridge %d", problem.d, problem.k, problem.p,
             fraction, c / 3 % 3);
    if (fraction > 0) reference = Reference(&problem);
    SolveByAll(&problem, reference, WEFT_DOUBLE, fraction > 0 ? 1e-9 : 1e-3, name);
    SolveByAll(&problem, reference, WEFT_SINGLE, 1e-3, name);
    free(reference);
    ProblemDestroy(&problem);
  }
}

/* Groups of zero atoms cost and gain nothing, so that they leave even a start that uses them; the zero sample's code
   is zero from any start. */
static void test_zeros_leave_a_warm_start(void **state)
{
  CoderProblem problem;
  CoderRun     run;
  double       z[64], *warm;

  (void)state;
  for (int type = 0; type < CODER_TYPES; ++type) {
    Create(300, 4, PETSC_FALSE, &problem);
    Degenerate(&problem);
    ProblemSetPenalty(&problem, 0.1, RIDGE_NONE);
    warm = malloc(problem.n * problem.k * sizeof(double));
    for (size_t a = 0; a < problem.n * problem.k; ++a) warm[a] = cos((double)a);
    RunPlace("zeros, %s", coder_types[type]);
    RunCreate(coder_types[type], WEFT_DOUBLE, 1e-9, &run);
    RunLoad(&problem, &run);
    RunSolve(&problem, warm, &run);
    RunCheckHonest(&problem, &run);
    RunCheckConverged(&problem, &run);
    assert_int_equal(run.codes.start[2] - run.codes.start[1], 0);
    assert_true(run.objective[1] == 0 && run.gap[1] == 0);
    for (size_t i = 0; i < problem.n; ++i) {
      ProblemCode(&run.codes, i, z);
      for (size_t a = 12; a < 16; ++a) assert_true(z[a] == 0);
    }
    RunDestroy(&run);
    free(warm);
    ProblemDestroy(&problem);
  }
}

static void test_no_atom_at_all(void **state)
{
  CoderProblem problem;
  CoderRun     run;

  (void)state;
  for (int c = 0; c < CODER_TYPES * 3; ++c) {
    Create(310, 3, PETSC_TRUE, &problem);
    for (size_t j = 0; j < problem.k * problem.d; ++j) problem.atoms[j] = 0;
    ProblemSetPenalty(&problem, 0.0, c / CODER_TYPES % 2 ? RIDGE_MIXED : RIDGE_NONE);
    problem.lambda = c / CODER_TYPES == 2 ? 0.5 : 0.0;
    problem.t = problem.lambda * sqrt(3.0);
    RunPlace("zero dictionary, %s", coder_types[c % CODER_TYPES]);
    RunCreate(coder_types[c % CODER_TYPES], WEFT_DOUBLE, 1e-6, &run);
    ExpectZero(&problem, &run);
    RunDestroy(&run);
    ProblemDestroy(&problem);
  }
}

/* The problem knows no unit: x, λ and z scale together. */
static void test_scale_of_the_data(void **state)
{
  const double scales[] = {1e-8, 1e8, 1e-4, 1e4};
  CoderProblem problem;
  double      *reference;
  char         name[128];

  (void)state;
  for (int s = 0; s < 4; ++s) {
    Create(320, 4, PETSC_FALSE, &problem);
    for (size_t j = 0; j < problem.n * problem.d; ++j) problem.x[j] = (double)(float)(problem.x[j] * scales[s]);
    ProblemSetPenalty(&problem, 0.2, RIDGE_MIXED);
    reference = Reference(&problem);
    snprintf(name, sizeof(name), "data times %g", scales[s]);
    SolveByAll(&problem, reference, WEFT_DOUBLE, 1e-9, name);
    SolveByAll(&problem, reference, WEFT_SINGLE, 1e-3, name);
    free(reference);
    ProblemDestroy(&problem);
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_problems),
                                          cmocka_unit_test(test_zero_above_the_largest_lambda),
                                          cmocka_unit_test(test_lambda_zero),
                                          cmocka_unit_test(test_degenerate_problems),
                                          cmocka_unit_test(test_zeros_leave_a_warm_start),
                                          cmocka_unit_test(test_no_atom_at_all),
                                          cmocka_unit_test(test_scale_of_the_data)};
WEFT_TEST_MAIN(tests)
