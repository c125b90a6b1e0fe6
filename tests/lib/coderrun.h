/* One coder at work on a problem, and what every solve must keep. */
#pragma once
#include "coderproblem.h"

enum { CODER_TYPES = 3 };
extern const char *const coder_types[CODER_TYPES];

typedef struct {
  WeftCoder       coder;
  WeftPrecision   precision;
  double          rtol;
  WeftBlock       x, atoms;
  WeftCodes       codes;
  WeftCoderResult result;
  const double   *objective, *gap;
} CoderRun;

/* Fails the test with a message that says where: what the last RunPlace() said. */
extern void RunPlace(const char format[], ...) __attribute__((format(printf, 1, 2)));
extern void RunExpect(PetscBool good, const char what[], double value, double bound);

extern void RunCreate(const char type[], WeftPrecision precision, double rtol, CoderRun *run);
extern void RunDestroy(CoderRun *run);
/* Gives the coder the problem, of which it keeps no part. */
extern void RunLoad(const CoderProblem *problem, CoderRun *run);
/* The same but for the penalty, which stays. */
extern void RunReload(const CoderProblem *problem, CoderRun *run);
/* warm: dense codes [n, k], or NULL. */
extern void RunSolve(const CoderProblem *problem, const double warm[], CoderRun *run);
/* RunCreate, RunLoad, RunSolve from zero. */
extern void RunAll(const CoderProblem *problem, const char type[], WeftPrecision precision, double rtol, CoderRun *run);

/* How far rounding may carry sample i's objective; and its gap. */
extern double RunObjectiveRounding(const CoderProblem *problem, const CoderRun *run, size_t i);
extern double RunGapRounding(const CoderProblem *problem, const CoderRun *run, size_t i);

/* The reported objectives, gaps, reconstruction and sums are those of the codes, whether converged or not. */
extern void RunCheckHonest(const CoderProblem *problem, const CoderRun *run);
/* It says that it converged, and every gap is at or under rtol. */
extern void RunCheckConverged(const CoderProblem *problem, const CoderRun *run);
/* Codes are as near to the reference's [n, k] as their gaps say, in objective and in fit. */
extern void RunCheckOptimal(const CoderProblem *problem, const double reference[], const CoderRun *run);
