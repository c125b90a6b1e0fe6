#include "dictionaryimpl.h"
#include <weft/stack.h>

enum { MOST_CHECKS = 256 };

/* The state of the test set after some batches. */
typedef struct {
  PetscInt64 batches;
  double     objective; /* mean over test samples */
  WeftSeries seconds;   /* CPU-seconds of learning so far, all ranks */
} Check;

typedef struct {
  const WeftBench        *bench;
  const WeftBenchProblem *problem;
  PetscInt64              every, batches;
  Check                   checks[MOST_CHECKS];
  int                     num_checks;
  PetscBool               evaluate; /* the first of the repeats finds the objectives, the others would find the same */
  WeftTime                start;
  double                  spent;
} Curve;

/* Coded afresh, to a gap that does not show. */
static PetscErrorCode Evaluate(const Curve *c, const WeftBlock *atoms, double *objective)
{
  const WeftBenchProblem *p = c->problem;
  WeftCoder               coder;
  WeftCodes               codes;
  WeftCoderResult         result;

  PetscFunctionBegin;
  PetscCall(WeftCoderCreate(&coder));
  PetscCall(WeftCoderSetTolerances(coder, 1e-5, 8));
  PetscCall(WeftCodesCreate((int)p->k, 1, &codes));
  PetscCall(WeftCoderSetDictionary(coder, atoms, 1));
  PetscCall(WeftCoderSetPenalty(coder, p->lambda[WEFT_PROBLEM_L], NULL));
  PetscCall(WeftCoderSolve(coder, &p->test, NULL, &codes, &result));
  PetscCall(WeftCodesDestroy(&codes));
  PetscCall(WeftCoderDestroy(&coder));
  PetscCallMPI(MPI_Allreduce(&result.objective, objective, 1, MPI_DOUBLE, MPI_SUM, c->bench->comm));
  *objective /= (double)p->tests;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Look(Curve *c, PetscInt64 batches, const WeftBlock *atoms)
{
  Check *check;

  PetscFunctionBegin;
  if (c->num_checks == MOST_CHECKS) PetscFunctionReturn(PETSC_SUCCESS);
  check = &c->checks[c->num_checks++];
  check->batches = batches;
  WeftSeriesAdd(&check->seconds, c->spent);
  if (c->evaluate) PetscCall(Evaluate(c, atoms, &check->objective));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Called between batches: the clock stands still here. */
static PetscErrorCode AfterBatch(WeftLayer l, void *ctx)
{
  Curve   *c = ctx;
  WeftTime took;

  PetscFunctionBegin;
  PetscCall(WeftTimeStop(c->bench, c->start, &took));
  c->spent += took.cpu;
  if (l->iteration % c->every == 0 || l->iteration == c->batches) PetscCall(Look(c, l->iteration, &l->atoms));
  PetscCall(WeftTimeStart(c->bench, &c->start));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing in the objective but the λ term, and λ stays. Nothing freezes, so an atom that is idle is re-seeded. */
static PetscErrorCode Learn(Curve *c, PetscInt64 batch)
{
  const WeftBenchProblem *p = c->problem;
  const WeftLayerSettings settings = {.atoms = p->k,
                                      .group_size = 1,
                                      .batch_size = batch,
                                      .iterations = c->batches,
                                      .freeze_fraction = 1,
                                      .precision = p->x.precision,
                                      .seed = 1};
  const WeftLayerHooks    hooks = {.checkpoint = AfterBatch, .ctx = c, .quiet = PETSC_TRUE};
  WeftLayer               layer;
  PetscBool               stopped;

  PetscFunctionBegin;
  PetscCall(WeftLayerCreate(c->bench->comm, &settings, p->n, p->row0, &p->x, &layer));
  PetscCall(WeftCoderSetFromOptions(layer->coder));
  PetscCall(WeftDictSetFromOptions(layer->dict));
  PetscCall(WeftLayerSetStart(layer, &p->atoms, p->lambda[WEFT_PROBLEM_L]));
  c->spent = 0;
  c->num_checks = 0;
  PetscCall(Look(c, 0, &p->atoms));
  PetscCall(WeftTimeStart(c->bench, &c->start));
  PetscCall(WeftLayerLearn(layer, &hooks, &stopped));
  PetscCall(WeftLayerDestroy(&layer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Print(const Curve *c, PetscInt64 batch)
{
  WeftTable t;

  PetscFunctionBegin;
  PetscCall(WeftBenchPrint(c->bench, "learning, batches of %lld, groups of 1, lambda %g:\n", (long long)batch,
                           c->problem->lambda[WEFT_PROBLEM_L]));
  PetscCall(WeftTableCreate(4, &t));
  PetscCall(WeftTableCell(&t, "batches"));
  PetscCall(WeftTableCell(&t, "cpu seconds"));
  PetscCall(WeftTableCell(&t, "range"));
  PetscCall(WeftTableCell(&t, "objective a test sample"));
  for (const Check *k = c->checks; k < c->checks + c->num_checks; ++k) {
    PetscCall(WeftTableCell(&t, "%lld", (long long)k->batches));
    PetscCall(WeftTableCell(&t, "%.2f", WeftSeriesMedian(&k->seconds)));
    PetscCall(WeftTableCell(&t, "%.2f..%.2f", k->seconds.values[0], k->seconds.values[k->seconds.n - 1]));
    PetscCall(WeftTableCell(&t, "%.5f", k->objective));
  }
  PetscCall(WeftTablePrint(c->bench, &t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Add(const Curve *c, PetscInt64 batch, WeftJson *json)
{
  PetscFunctionBegin;
  PetscCall(WeftJsonObject(json, "learning"));
  PetscCall(WeftJsonInt(json, "batch_size", batch));
  PetscCall(WeftJsonReal(json, "lambda", c->problem->lambda[WEFT_PROBLEM_L]));
  PetscCall(WeftJsonInt(json, "test_samples", c->problem->tests));
  PetscCall(WeftJsonArray(json, "checks"));
  for (const Check *k = c->checks; k < c->checks + c->num_checks; ++k) {
    PetscCall(WeftJsonObject(json, NULL));
    PetscCall(WeftJsonInt(json, "batches", k->batches));
    PetscCall(WeftSeriesJson(json, "cpu_seconds", &k->seconds));
    PetscCall(WeftJsonReal(json, "objective", k->objective));
    PetscCall(WeftJsonEnd(json));
  }
  PetscCall(WeftJsonEnd(json));
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchLearning(WeftBench *bench, const WeftBenchProblem *problem)
{
  Curve     *c;
  PetscInt64 batch;

  PetscFunctionBegin;
  PetscCall(PetscNew(&c));
  c->bench = bench;
  c->problem = problem;
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-batch", 1, INT_MAX, &batch));
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-batches", 0, INT_MAX, &c->batches));
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-every", 1, INT_MAX, &c->every));
  for (PetscInt64 r = 0; r < bench->repeats && c->batches; ++r) {
    c->evaluate = r ? PETSC_FALSE : PETSC_TRUE;
    PetscCall(Learn(c, batch));
  }
  PetscCall(Print(c, batch));
  PetscCall(Add(c, batch, &bench->json));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(PETSC_SUCCESS);
}
