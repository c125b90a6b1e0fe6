/* The loop around every coder type: what is certified is true even where the type solves another problem.   ranks: 1
   The atoms are changed behind the coder's back after its set-up, so that a type works with a Gram matrix that is not
   theirs and comes out beside the solution, while the certificate looks at the atoms as they are. */
#include "wefttest.h"
#include "coderrun.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 300, ROUNDS = 8 };

/* What the monitor has seen: the most rounds of a block, and those of the last one. */
typedef struct {
  int    rounds;
  size_t samples[ROUNDS], left[ROUNDS];
  double target[ROUNDS];
} Seen;

static PetscErrorCode See(WeftCoder coder, int round, size_t samples, size_t left, double target, void *ctx)
{
  Seen *seen = ctx;

  PetscFunctionBegin;
  (void)coder;
  assert_true(round >= 1 && round <= ROUNDS);
  seen->samples[round - 1] = samples;
  seen->left[round - 1] = left;
  seen->target[round - 1] = target;
  seen->rounds = PetscMax(seen->rounds, round);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Create(double fraction, CoderProblem *problem)
{
  ProblemCreate(60, SAMPLES, 20, 5, 3, problem);
  ProblemSetPenalty(problem, fraction, RIDGE_MIXED);
}

/* Sets the coder up, then changes the atoms, the problem's too, by the given part. */
static void Mislead(double part, CoderProblem *problem, CoderRun *run)
{
  RunLoad(problem, run);
  Ok(WeftCoderSetUp(run->coder));
  for (size_t j = 0; j < problem->k * problem->d; ++j)
    problem->atoms[j] = (double)(float)(problem->atoms[j] * (1.0 + part * sin((double)j)));
  for (size_t a = 0; a < problem->k; ++a) WeftBlockSetRow(&run->atoms, a, problem->atoms + a * problem->d);
}

static void test_rounds(void **state)
{
  CoderProblem problem;
  CoderRun     run;
  Seen         seen;

  (void)state;
  Create(0.1, &problem);
  for (int type = 0; type < CODER_TYPES; ++type) {
    RunPlace("rounds, %s", coder_types[type]);
    RunCreate(coder_types[type], WEFT_DOUBLE, 1e-9, &run);
    seen.rounds = 0;
    Ok(WeftCoderMonitorSet(run.coder, See, &seen));
    RunLoad(&problem, &run);
    problem.n = run.x.rows = 100; /* one block */
    RunSolve(&problem, NULL, &run);
    RunCheckConverged(&problem, &run);
    assert_int_equal(seen.samples[0], 100);
    for (int round = 0; round < seen.rounds; ++round) {
      assert_true(seen.target[round] < run.rtol);
      assert_int_equal(seen.left[round], round + 1 < seen.rounds ? seen.samples[round + 1] : 0);
    }
    problem.n = SAMPLES;
    RunDestroy(&run);
  }
  ProblemDestroy(&problem);
}

/* Samples that pass by luck leave, the others go round until the last round; none is taken for what it is not. */
static void test_a_wrong_solve_is_found_out(void **state)
{
  CoderProblem problem;
  CoderRun     run;
  Seen         seen;
  size_t       passed = 0, missed = 0;

  (void)state;
  for (int c = 0; c < CODER_TYPES * 2 * 2; ++c) {
    const WeftPrecision precision = c / 6 ? WEFT_SINGLE : WEFT_DOUBLE;

    Create(c / 3 % 2 ? 0.1 : 0.0, &problem);
    RunPlace("misled, %s, lambda %d, precision %d", coder_types[c % CODER_TYPES], c / 3 % 2, precision);
    RunCreate(coder_types[c % CODER_TYPES], precision, problem.t > 0 ? 1e-3 : 1e-2, &run);
    seen.rounds = 0;
    Ok(WeftCoderMonitorSet(run.coder, See, &seen));
    Mislead(0.02, &problem, &run);
    RunSolve(&problem, NULL, &run);
    RunCheckHonest(&problem, &run);
    assert_int_equal(run.result.reason, WEFT_CODER_DIVERGED_ITS);
    assert_int_equal(seen.rounds, ROUNDS);
    for (int round = 0; round < ROUNDS; ++round)
      assert_near(seen.target[round] / run.rtol, 0.5 * pow(0.25, round), 1e-15);
    for (size_t i = 0; i < problem.n; ++i) passed += run.gap[i] <= run.rtol;
    for (size_t i = 0; i < problem.n; ++i) missed += run.gap[i] > run.rtol;
    RunDestroy(&run);
    ProblemDestroy(&problem);
  }
  assert_true(passed > SAMPLES && missed > SAMPLES); /* of twelve times as many: else the test says little */
}

/* Almost solutions of the problem as it is: nearly the least objectives, but gaps that are not so small. */
static double *Solutions(const CoderProblem *problem)
{
  double  *z = malloc(problem->n * problem->k * sizeof(double));
  CoderRun run;

  RunAll(problem, WEFTCODERBCD, WEFT_DOUBLE, 1e-10, &run);
  RunCheckConverged(problem, &run);
  for (size_t i = 0; i < problem->n; ++i) ProblemCode(&run.codes, i, z + i * problem->k);
  for (size_t a = 0; a < problem->n * problem->k; ++a) z[a] *= 1.0 + 1e-8 * sin((double)a);
  RunDestroy(&run);
  return z;
}

/* The codes are the starts but where rounding made them better. A gap may be smaller than the code's own, as the solve
   may have found a better bound, but is no smaller than the truth; at λ = 0 the residual is the code's own. Returns how
   many are the starts number by number. */
static size_t CheckKept(const CoderProblem *problem, const CoderRun *run, const double warm[])
{
  double reconstruction = 0, code[64];
  size_t same = 0;

  for (size_t i = 0; i < problem->n; ++i) {
    const double    *z = warm + i * problem->k;
    const CoderValue value = ProblemEvaluate(problem, i, z);

    ProblemCode(&run->codes, i, code);
    for (size_t a = 0; a < problem->k; ++a) assert_near(code[a], z[a], 1e-12);
    same += memcmp(code, z, problem->k * sizeof(double)) == 0;
    reconstruction += value.reconstruction;
    assert_near(run->objective[i], value.primal, RunObjectiveRounding(problem, run, i));
    if (problem->t > 0)
      assert_true(run->gap[i] <= value.gap + RunGapRounding(problem, run, i));
    else
      assert_near(run->gap[i], value.kkt, RunGapRounding(problem, run, i));
  }
  assert_near(run->result.reconstruction, reconstruction, 1e-12 * reconstruction);
  return same;
}

static void test_a_worse_code_is_not_kept(void **state)
{
  CoderProblem problem;
  CoderRun     run;
  double      *solutions;

  (void)state;
  for (int c = 0; c < CODER_TYPES * 2 * 2; ++c) {
    Create(c / 3 % 2 ? 0.1 : 0.0, &problem);
    RunPlace("kept, %s, lambda %d", coder_types[c % CODER_TYPES], c / 3 % 2);
    RunCreate(coder_types[c % CODER_TYPES], WEFT_DOUBLE, c / 6 ? 1e-6 : problem.t > 0 ? 1e-4 : 1e-2, &run);
    Ok(WeftCoderSetMonotone(run.coder, PETSC_TRUE));
    Mislead(0.02, &problem, &run);
    solutions = Solutions(&problem);
    RunSolve(&problem, solutions, &run);
    assert_true(CheckKept(&problem, &run, solutions) > SAMPLES / 4);
    RunCheckConverged(&problem, &run);
    RunDestroy(&run);
    free(solutions);
    ProblemDestroy(&problem);
  }
}

/* Solving again from the codes just found, rounding alone decides: reported objectives never rise, not by a bit. */
static void test_again_and_again(void **state)
{
  CoderProblem problem;
  CoderRun     run;
  double      *before, *z;

  (void)state;
  Create(0.1, &problem);
  before = malloc(problem.n * sizeof(double));
  z = malloc(problem.n * problem.k * sizeof(double));
  for (int c = 0; c < CODER_TYPES * 2; ++c) {
    RunPlace("again, %s", coder_types[c / 2]);
    RunCreate(coder_types[c / 2], c % 2 ? WEFT_SINGLE : WEFT_DOUBLE, 1e-3, &run);
    Ok(WeftCoderSetMonotone(run.coder, PETSC_TRUE));
    RunLoad(&problem, &run);
    RunSolve(&problem, NULL, &run);
    for (int again = 0; again < 4; ++again) {
      for (size_t i = 0; i < problem.n; ++i) {
        before[i] = run.objective[i];
        ProblemCode(&run.codes, i, z + i * problem.k);
      }
      RunSolve(&problem, z, &run);
      RunCheckConverged(&problem, &run);
      for (size_t i = 0; i < problem.n; ++i) assert_true(run.objective[i] <= before[i]);
    }
    RunDestroy(&run);
  }
  free(before);
  free(z);
  ProblemDestroy(&problem);
}

/* Groups 0 and 1 have the same atoms, and group 0 their code; what group 1 has is hardly anything. Returns how many
   samples use them. */
static size_t Tie(const CoderProblem *problem, double z[])
{
  const size_t p = (size_t)problem->p;
  size_t       used = 0;

  for (size_t i = 0; i < problem->n; ++i) {
    double *code = z + i * problem->k, size = 0;
    ProblemSolve(problem, i, code);
    for (size_t a = 0; a < p; ++a) {
      code[a] += code[p + a];
      code[p + a] = 1e-13 * code[a];
      size += PetscAbsReal(code[a]);
    }
    used += size > 0;
  }
  return used;
}

/* A group that only rounding makes active is not active: chance would count it. */
static void test_rounding_is_no_code(void **state)
{
  enum { FEW = 40 };
  CoderProblem problem;
  CoderRun     run;
  double      *warm, z[64];

  (void)state;
  ProblemCreate(61, FEW, 20, 6, 3, &problem);
  for (size_t j = 0; j < 3 * problem.d; ++j) problem.atoms[3 * problem.d + j] = problem.atoms[j];
  ProblemSetPenalty(&problem, 0.1, RIDGE_NONE);
  warm = calloc(problem.n * problem.k, sizeof(double));
  assert_true(Tie(&problem, warm) >= FEW / 4);
  for (int c = 0; c < CODER_TYPES * 2; ++c) {
    RunPlace("rounding, %s", coder_types[c / 2]);
    RunCreate(coder_types[c / 2], c % 2 ? WEFT_SINGLE : WEFT_DOUBLE, 1e-3, &run);
    RunLoad(&problem, &run);
    RunSolve(&problem, warm, &run);
    RunCheckHonest(&problem, &run);
    RunCheckConverged(&problem, &run);
    for (size_t i = 0; i < problem.n; ++i) {
      ProblemCode(&run.codes, i, z);
      for (size_t a = 3; a < 6; ++a) assert_true(z[a] == 0);
    }
    RunDestroy(&run);
  }
  free(warm);
  ProblemDestroy(&problem);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_rounding_is_no_code), cmocka_unit_test(test_rounds),
                                          cmocka_unit_test(test_a_wrong_solve_is_found_out),
                                          cmocka_unit_test(test_a_worse_code_is_not_kept),
                                          cmocka_unit_test(test_again_and_again)};
WEFT_TEST_MAIN(tests)
