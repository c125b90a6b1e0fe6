/* The coder in use: warm starts, monotone solves, many samples, reuse, limits, options; every type.   ranks: 1 */
#include "wefttest.h"
#include "coderrun.h"
#include <weft/random.h>
#include <math.h>
#include <stdlib.h>

enum { SAMPLES = 8, MANY = 600 };

static double *Dense(const CoderProblem *problem)
{
  return calloc(problem->n * problem->k, sizeof(double));
}

static double *Reference(const CoderProblem *problem)
{
  double *z = Dense(problem);

  for (size_t i = 0; i < problem->n; ++i) ProblemSolve(problem, i, z + i * problem->k);
  return z;
}

/* z plus noise of the given size on the groups that are active, or on all. */
static void Disturb(const CoderProblem *problem, double size, PetscBool all, double z[])
{
  WeftRandom rng;

  WeftRandomInit(&rng, 5, WEFT_STREAM_TEST, 31);
  for (size_t a = 0; a < problem->n * problem->k; ++a)
    if (all || z[a] != 0) z[a] += size * WeftRandomNormal(&rng);
}

static void test_warm_start_at_the_solution_stays(void **state)
{
  CoderProblem problem;
  CoderRun     run;
  double      *reference, z[64];

  (void)state;
  ProblemCreate(1, SAMPLES, 20, 10, 3, &problem);
  ProblemSetPenalty(&problem, 0.1, RIDGE_MIXED);
  reference = Reference(&problem);
  for (int type = 0; type < CODER_TYPES; ++type) {
    RunPlace("warm at the solution, %s", coder_types[type]);
    RunCreate(coder_types[type], WEFT_DOUBLE, 1e-9, &run);
    RunLoad(&problem, &run);
    RunSolve(&problem, reference, &run);
    RunCheckHonest(&problem, &run);
    RunCheckConverged(&problem, &run);
    for (size_t i = 0; i < problem.n; ++i) {
      ProblemCode(&run.codes, i, z);
      for (size_t a = 0; a < problem.k; ++a) assert_near(z[a], reference[i * problem.k + a], 1e-14);
      assert_true(run.gap[i] <= 2e-12); /* the reference's */
    }
    RunDestroy(&run);
  }
  free(reference);
  ProblemDestroy(&problem);
}

static void test_warm_start_elsewhere_is_left(void **state)
{
  const double sizes[] = {1e-3, 1.0, 100.0};
  CoderProblem problem;
  CoderRun     run;
  double      *reference, *warm;

  (void)state;
  for (int c = 0; c < CODER_TYPES * 3 * 2; ++c) {
    ProblemCreate(2, SAMPLES, c % 2 ? 20 : 40, 10, 3, &problem);
    ProblemSetPenalty(&problem, 0.05, c % 2 ? RIDGE_MIXED : RIDGE_NONE);
    reference = Reference(&problem);
    warm = Reference(&problem);
    Disturb(&problem, sizes[c / 2 % 3], PETSC_TRUE, warm);
    RunPlace("warm %g off, %s", sizes[c / 2 % 3], coder_types[c / 6]);
    RunCreate(coder_types[c / 6], WEFT_DOUBLE, 1e-6, &run);
    RunLoad(&problem, &run);
    RunSolve(&problem, warm, &run);
    RunCheckHonest(&problem, &run);
    RunCheckConverged(&problem, &run);
    RunCheckOptimal(&problem, reference, &run);
    RunDestroy(&run);
    free(reference);
    free(warm);
    ProblemDestroy(&problem);
  }
}

/* Starts close to the solution have almost its objective, but a large gap: a solve to a loose tolerance may end above
   them. Returns how many samples kept their start. */
static int SolveMonotone(const CoderProblem *problem, const double warm[], CoderRun *run)
{
  double *z = malloc(problem->k * sizeof(double));
  int     kept = 0;

  RunLoad(problem, run);
  Ok(WeftCoderSetMonotone(run->coder, PETSC_TRUE));
  RunSolve(problem, warm, run);
  RunCheckHonest(problem, run);
  for (size_t i = 0; i < problem->n; ++i) {
    const double before = ProblemEvaluate(problem, i, warm + i * problem->k).primal;
    PetscBool    same = PETSC_TRUE;
    ProblemCode(&run->codes, i, z);
    RunExpect(ProblemEvaluate(problem, i, z).primal <= before * (1 + 1e-14) ? PETSC_TRUE : PETSC_FALSE,
              "objective rose", run->objective[i], before);
    for (size_t a = 0; a < problem->k; ++a)
      if (z[a] != warm[i * problem->k + a]) same = PETSC_FALSE;
    if (same) ++kept;
  }
  free(z);
  return kept;
}

static void test_monotone_never_raises_an_objective(void **state)
{
  const double fractions[] = {0.03, 0.3, 0.0}, sizes[] = {1e-4, 1e-3, 1e-2, 1.0};
  CoderProblem problem;
  CoderRun     run;
  double      *warm;
  int          kept[CODER_TYPES] = {0};

  (void)state;
  for (int c = 0; c < CODER_TYPES * 3 * 4; ++c) {
    const int type = c / 12;
    ProblemCreate(3, SAMPLES, 20, 10, 3, &problem);
    ProblemSetPenalty(&problem, fractions[c / 4 % 3], c % 2 ? RIDGE_ALL : RIDGE_MIXED);
    warm = Dense(&problem);
    for (size_t i = 0; i < problem.n && problem.t > 0; ++i) ProblemSolve(&problem, i, warm + i * problem.k);
    Disturb(&problem, sizes[c % 4], problem.t > 0 ? PETSC_FALSE : PETSC_TRUE, warm);
    RunPlace("monotone, %s, lambda %g, %g off", coder_types[type], fractions[c / 4 % 3], sizes[c % 4]);
    RunCreate(coder_types[type], WEFT_DOUBLE, 0.02, &run);
    kept[type] += SolveMonotone(&problem, warm, &run);
    if (problem.t > 0) RunCheckConverged(&problem, &run);
    RunDestroy(&run);
    free(warm);
    ProblemDestroy(&problem);
  }
  assert_true(kept[1] > 0 && kept[2] > 0); /* else the test has not met what it is for */
}

/* A view of one sample. */
static CoderProblem One(const CoderProblem *problem, size_t i)
{
  CoderProblem one = *problem;

  one.n = 1;
  one.x += i * problem->d;
  return one;
}

static void test_many_samples_as_one_by_one(void **state)
{
  CoderProblem problem, one;
  CoderRun     many, single;
  double       z[64], w[64];

  (void)state;
  ProblemCreate(4, MANY, 16, 8, 3, &problem);
  for (size_t j = 0; j < problem.d; ++j) problem.x[300 * problem.d + j] = 0;
  ProblemSetPenalty(&problem, 0.05, RIDGE_MIXED);
  for (int type = 0; type < CODER_TYPES; ++type) {
    RunPlace("many samples, %s", coder_types[type]);
    RunAll(&problem, coder_types[type], WEFT_DOUBLE, 1e-9, &many);
    RunCheckHonest(&problem, &many);
    RunCheckConverged(&problem, &many);
    RunCreate(coder_types[type], WEFT_DOUBLE, 1e-9, &single);
    for (size_t i = 0; i < MANY; i += i < 250 || i > 260 ? 7 : 1) { /* each one around the block's end */
      one = One(&problem, i);
      RunLoad(&one, &single);
      RunSolve(&one, NULL, &single);
      ProblemCode(&many.codes, i, z);
      ProblemCode(&single.codes, 0, w);
      assert_near(many.objective[i], single.objective[0], 1e-9 * single.objective[0]);
      assert_true(ProblemFitDistance(&problem, z, w) <= 8e-9 * single.objective[0]);
    }
    RunDestroy(&many);
    RunDestroy(&single);
  }
  ProblemDestroy(&problem);
}

static void test_no_sample(void **state)
{
  CoderProblem problem;
  CoderRun     run;

  (void)state;
  ProblemCreate(5, SAMPLES, 16, 8, 3, &problem);
  ProblemSetPenalty(&problem, 0.1, RIDGE_NONE);
  problem.n = 0;
  for (int type = 0; type < CODER_TYPES; ++type) {
    RunAll(&problem, coder_types[type], WEFT_DOUBLE, 1e-9, &run);
    assert_int_equal(run.result.reason, WEFT_CODER_CONVERGED_GAP);
    assert_int_equal(run.codes.samples, 0);
    RunDestroy(&run);
  }
  ProblemDestroy(&problem);
}

/* One coder sees dictionaries of other shapes, other groups of the same atoms, other penalties and precisions. */
static void test_one_coder_for_many_problems(void **state)
{
  static const struct {
    size_t        d;
    int           groups, p;
    WeftPrecision precision;
  } shapes[] = {{16, 12, 3, WEFT_DOUBLE}, {16, 9, 4, WEFT_DOUBLE}, {16, 36, 1, WEFT_DOUBLE}, {16, 36, 1, WEFT_SINGLE},
                {30, 6, 3, WEFT_SINGLE},  {30, 5, 4, WEFT_DOUBLE}, {9, 12, 3, WEFT_DOUBLE}};
  CoderProblem problem;
  CoderRun     run;
  double      *reference;

  (void)state;
  for (int type = 0; type < CODER_TYPES; ++type) {
    RunCreate(coder_types[type], WEFT_DOUBLE, 1e-3, &run);
    for (size_t s = 0; s < sizeof(shapes) / sizeof(*shapes); ++s)
      for (int penalty = 0; penalty < 2; ++penalty) {
        ProblemCreate(6 + s, SAMPLES, shapes[s].d, shapes[s].groups, shapes[s].p, &problem);
        ProblemSetPenalty(&problem, penalty ? 0.3 : 0.05, penalty ? RIDGE_MIXED : RIDGE_NONE);
        reference = Reference(&problem);
        RunPlace("reuse, %s, shape %zu, penalty %d", coder_types[type], s, penalty);
        run.precision = shapes[s].precision;
        RunLoad(&problem, &run);
        RunSolve(&problem, NULL, &run);
        RunCheckHonest(&problem, &run);
        RunCheckConverged(&problem, &run);
        RunCheckOptimal(&problem, reference, &run);
        if (s % 2) Ok(WeftCoderSetType(run.coder, coder_types[type])); /* anew */
        free(reference);
        ProblemDestroy(&problem);
      }
    RunDestroy(&run);
  }
}

/* λ stays λ where only the dictionary changes, whatever the group size makes of λ√p; the ridge goes with its groups. */
static void test_penalty_outlives_a_dictionary(void **state)
{
  CoderProblem problem;
  CoderRun     run;
  double       lambda;

  (void)state;
  ProblemCreate(15, SAMPLES, 16, 12, 3, &problem);
  ProblemSetPenalty(&problem, 0.1, RIDGE_ALL);
  lambda = problem.lambda;
  RunCreate(WEFTCODERBCD, WEFT_DOUBLE, 1e-6, &run);
  RunLoad(&problem, &run);
  ProblemDestroy(&problem);
  ProblemCreate(16, SAMPLES, 20, 8, 4, &problem);
  problem.lambda = lambda;
  problem.t = 2.0 * lambda;
  RunPlace("another dictionary, the same penalty");
  RunReload(&problem, &run);
  RunSolve(&problem, NULL, &run);
  RunCheckHonest(&problem, &run);
  RunCheckConverged(&problem, &run);
  RunDestroy(&run);
  ProblemDestroy(&problem);
}

/* A tolerance below rounding, and limits too low to get anywhere: it ends, says so, and what it says is true. */
static void test_out_of_reach(void **state)
{
  CoderProblem problem;
  CoderRun     run;

  (void)state;
  ProblemCreate(20, SAMPLES, 16, 10, 3, &problem);
  for (int c = 0; c < CODER_TYPES * 2 * 2; ++c) {
    const WeftPrecision precision = c / 6 ? WEFT_SINGLE : WEFT_DOUBLE;
    ProblemSetPenalty(&problem, c / 3 % 2 ? 0.02 : 0.0, RIDGE_NONE);
    RunPlace("out of reach, %s", coder_types[c % CODER_TYPES]);
    RunCreate(coder_types[c % CODER_TYPES], precision, precision == WEFT_SINGLE ? 1e-12 : 1e-18, &run);
    RunLoad(&problem, &run);
    RunSolve(&problem, NULL, &run);
    assert_int_equal(run.result.reason, WEFT_CODER_DIVERGED_ITS);
    RunCheckHonest(&problem, &run);
    assert_true(run.result.max_gap <= (precision == WEFT_SINGLE ? 1e-3 : 1e-11));
    RunDestroy(&run);
  }
  ProblemDestroy(&problem);
}

static void test_few_iterations(void **state)
{
  CoderProblem problem;
  CoderRun     run;

  (void)state;
  ProblemCreate(21, SAMPLES, 16, 10, 3, &problem);
  ProblemSetPenalty(&problem, 0.01, RIDGE_NONE);
  for (int type = 0; type < CODER_TYPES; ++type) {
    RunPlace("few iterations, %s", coder_types[type]);
    RunCreate(coder_types[type], WEFT_DOUBLE, 1e-9, &run);
    Ok(WeftCoderSetTolerances(run.coder, 1e-9, 1));
    Ok(WeftCoderSetMaxIterations(run.coder, 3));
    RunLoad(&problem, &run);
    RunSolve(&problem, NULL, &run);
    assert_int_equal(run.result.reason, WEFT_CODER_DIVERGED_ITS);
    assert_true(run.result.active_groups > 0); /* three steps are some steps */
    RunCheckHonest(&problem, &run);
    RunDestroy(&run);
  }
  ProblemDestroy(&problem);
}

/* One bad sample is reported and leaves the others alone. */
static void test_not_a_number(void **state)
{
  CoderProblem problem, good;
  CoderRun     run;
  double       z[64];

  (void)state;
  ProblemCreate(22, SAMPLES, 16, 10, 3, &problem);
  ProblemSetPenalty(&problem, 0.1, RIDGE_NONE);
  problem.x[3 * problem.d + 2] = (double)NAN;
  for (int type = 0; type < CODER_TYPES; ++type) {
    RunAll(&problem, coder_types[type], WEFT_DOUBLE, 1e-6, &run);
    assert_int_equal(run.result.reason, WEFT_CODER_DIVERGED_NAN);
    assert_true(run.gap[3] >= 1.0 && run.result.max_gap >= 1.0);
    for (size_t i = 0; i < problem.n; ++i) {
      if (i == 3) continue;
      good = One(&problem, i);
      ProblemCode(&run.codes, i, z);
      assert_true(run.gap[i] <= 1e-6);
      assert_near(run.objective[i], ProblemEvaluate(&good, 0, z).primal, 1e-13);
    }
    RunDestroy(&run);
  }
  ProblemDestroy(&problem);
}

/* A bad atom is reported whether codes use it or not: no gap is certified with it. */
static void test_an_atom_not_a_number(void **state)
{
  CoderProblem problem;
  CoderRun     run;

  (void)state;
  for (int c = 0; c < CODER_TYPES * 3 * 2 * 2 * 2; ++c) {
    ProblemCreate(24, SAMPLES, 16, 20, c / (CODER_TYPES * 6) % 2 ? 3 : 1, &problem);
    ProblemSetPenalty(&problem, c / (CODER_TYPES * 3) % 2 ? 0.0 : 0.1, (RidgeKind)(c / CODER_TYPES % 3));
    problem.atoms[5 * problem.d + 2] = c / (CODER_TYPES * 12) ? (double)INFINITY : (double)NAN;
    RunPlace("an atom not a number, %s", coder_types[c % CODER_TYPES]);
    RunAll(&problem, coder_types[c % CODER_TYPES], WEFT_DOUBLE, 1e-3, &run);
    RunExpect(run.result.reason == WEFT_CODER_DIVERGED_NAN ? PETSC_TRUE : PETSC_FALSE,
              WeftCoderReasonName(run.result.reason), run.result.max_gap, run.rtol);
    RunDestroy(&run);
    ProblemDestroy(&problem);
  }
}

/* So many copies of a group that a first working set has no room for them, and no bound parts them. */
static void test_copies_of_a_group(void **state)
{
  enum { COPIES = 100 };
  CoderProblem problem;
  CoderRun     run;

  (void)state;
  for (int c = 0; c < 2 * 2; ++c) {
    const int p = c % 2 ? 3 : 1;
    ProblemCreate(25, SAMPLES, 20, COPIES, p, &problem);
    for (size_t a = (size_t)p * problem.d; a < problem.k * problem.d; ++a)
      problem.atoms[a] = problem.atoms[a - (size_t)p * problem.d];
    ProblemSetPenalty(&problem, 0.1, RIDGE_NONE);
    RunPlace("copies, groups of %d", p);
    RunAll(&problem, WEFTCODERBCD, c / 2 ? WEFT_SINGLE : WEFT_DOUBLE, 1e-3, &run);
    RunCheckHonest(&problem, &run);
    RunCheckConverged(&problem, &run);
    RunDestroy(&run);
    ProblemDestroy(&problem);
  }
}

/* With hardly any penalty the fit is almost exact, and what a group with an atom twice does not span stays out of its
   code, however small t is against rounding. */
static void test_hardly_any_penalty(void **state)
{
  const double fractions[] = {1e-9, 1e-12, 1e-16, 1e-22};
  CoderProblem problem;
  CoderRun     run;

  (void)state;
  for (int c = 0; c < 4 * 2 * 2; ++c) {
    const int p = c / 4 % 2 ? 3 : 16;
    ProblemCreate(26, SAMPLES, 30, 48 / p, p, &problem);
    for (size_t j = 0; j < problem.d; ++j) problem.atoms[problem.d + j] = problem.atoms[j];
    ProblemSetPenalty(&problem, fractions[c % 4], RIDGE_NONE);
    RunPlace("lambda %g, groups of %d", fractions[c % 4], p);
    RunCreate(WEFTCODERBCD, c / 8 ? WEFT_SINGLE : WEFT_DOUBLE, 1e-3, &run);
    Ok(WeftCoderSetTolerances(run.coder, 1e-3, 2));
    Ok(WeftCoderSetMaxIterations(run.coder, 500));
    RunLoad(&problem, &run);
    RunSolve(&problem, NULL, &run);
    RunCheckHonest(&problem, &run);
    for (size_t i = 0; i < problem.n; ++i)
      RunExpect(run.objective[i] <= 1e-5 * ProblemSquare(&problem, i) ? PETSC_TRUE : PETSC_FALSE, "objective",
                run.objective[i], ProblemSquare(&problem, i));
    RunDestroy(&run);
    ProblemDestroy(&problem);
  }
}

static PetscErrorCode Quietly(PetscErrorCode (*call)(WeftCoder), WeftCoder coder)
{
  PetscErrorCode ierr;

  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = (*call)(coder);
  Ok(PetscPopErrorHandler());
  return ierr;
}

static void test_options(void **state)
{
  CoderProblem  problem;
  CoderRun      run;
  WeftCoderType type;

  (void)state;
  ProblemCreate(23, SAMPLES, 16, 10, 3, &problem);
  ProblemSetPenalty(&problem, 0.01, RIDGE_NONE);
  RunCreate(WEFTCODERADMM, WEFT_DOUBLE, 1e-9, &run);
  Ok(WeftCoderSetFromOptions(run.coder));
  Ok(WeftCoderGetType(run.coder, &type));
  assert_string_equal(type, WEFTCODERBCD);
  Ok(PetscOptionsSetValue(NULL, "-weft_coder_type", "fista"));
  Ok(PetscOptionsSetValue(NULL, "-weft_coder_rtol", "1e-8"));
  Ok(PetscOptionsSetValue(NULL, "-weft_coder_max_rounds", "1"));
  for (int limit = 0; limit < 2; ++limit) {
    if (limit) Ok(PetscOptionsSetValue(NULL, "-weft_coder_max_iterations", "2"));
    Ok(WeftCoderSetFromOptions(run.coder));
    Ok(WeftCoderGetType(run.coder, &type));
    assert_string_equal(type, WEFTCODERFISTA);
    RunLoad(&problem, &run);
    RunSolve(&problem, NULL, &run);
    assert_int_equal(run.result.reason, limit ? WEFT_CODER_DIVERGED_ITS : WEFT_CODER_CONVERGED_GAP);
    assert_true(run.result.max_gap > 1e-12); /* rtol is not met by far */
  }
  Ok(PetscOptionsSetValue(NULL, "-check_weft_coder_type", "admm")); /* a prefix goes first */
  Ok(WeftCoderSetOptionsPrefix(run.coder, "check_"));
  Ok(WeftCoderSetFromOptions(run.coder));
  Ok(WeftCoderGetType(run.coder, &type));
  assert_string_equal(type, WEFTCODERADMM);
  Ok(PetscOptionsSetValue(NULL, "-check_weft_coder_type", "guess"));
  assert_int_equal(Quietly(WeftCoderSetFromOptions, run.coder), WEFT_ERR_USER);
  for (int i = 0; i < 5; ++i)
    Ok(PetscOptionsClearValue(NULL, (const char *[]){"-check_weft_coder_type", "-weft_coder_type", "-weft_coder_rtol",
                                                     "-weft_coder_max_rounds", "-weft_coder_max_iterations"}[i]));
  RunDestroy(&run);
  ProblemDestroy(&problem);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_warm_start_at_the_solution_stays),
                                          cmocka_unit_test(test_warm_start_elsewhere_is_left),
                                          cmocka_unit_test(test_monotone_never_raises_an_objective),
                                          cmocka_unit_test(test_many_samples_as_one_by_one),
                                          cmocka_unit_test(test_no_sample),
                                          cmocka_unit_test(test_one_coder_for_many_problems),
                                          cmocka_unit_test(test_penalty_outlives_a_dictionary),
                                          cmocka_unit_test(test_out_of_reach),
                                          cmocka_unit_test(test_few_iterations),
                                          cmocka_unit_test(test_not_a_number),
                                          cmocka_unit_test(test_an_atom_not_a_number),
                                          cmocka_unit_test(test_copies_of_a_group),
                                          cmocka_unit_test(test_hardly_any_penalty),
                                          cmocka_unit_test(test_options)};
WEFT_TEST_MAIN(tests)
