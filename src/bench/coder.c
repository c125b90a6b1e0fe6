/* weft bench coder: see WeftBenchCoder() in weft/bench.h. */
#include "benchimpl.h"
#include <weft/coder.h>
#include <weft/h5.h>
#include <weft/lock.h>
#include <weft/output.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_GAPS = 8, WORST = 10 }; /* a target gap is one of the mean; the worst sample may have ten times as much */

/* How good the codes are, over all ranks. */
typedef struct {
  double     mean_gap, max_gap; /* true ones, to the optimum */
  double     certified;         /* the coder's own largest */
  double     active;            /* groups a sample */
  PetscInt64 checked;           /* samples whose optimum is known */
  PetscBool  converged;
} Quality;

/* One problem at one target gap. */
typedef struct {
  int        which;
  double     target;
  Quality    quality;
  PetscInt64 peak;
  WeftSeries per_cpu_second, per_second;
} Case;

typedef struct {
  WeftBench        bench;
  WeftBenchProblem problem;
  WeftYardstick    yardstick;
  WeftCoder        coder;
  WeftCoderType    type;
  PetscInt64       max_rounds;
  char             codes_path[PETSC_MAX_PATH_LEN];
  WeftOutput       output; /* NULL: no codes are written */
  Case            *cases;
  int              num_cases;
} Run;

static PetscErrorCode ReadGaps(int *n, double gaps[MOST_GAPS])
{
  char text[256], *end;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetText(WeftBenchOptions, "-gaps", sizeof(text), text, NULL));
  *n = 0;
  for (char *at = text;; at = end + 1) {
    const double gap = strtod(at, &end);
    WeftUserCheck(end > at && (*end == ',' || !*end) && gap >= 1e-12 && gap <= 1 && *n < MOST_GAPS, PETSC_COMM_WORLD,
                  "-gaps %s: up to %d numbers from 1e-12 to 1 with commas between are wanted", text, MOST_GAPS);
    gaps[(*n)++] = gap;
    if (!*end) break;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(MPI_Comm comm, Run *run)
{
  double gaps[MOST_GAPS];
  int    n = 0;

  PetscFunctionBegin;
  PetscCall(ReadGaps(&n, gaps));
  PetscCall(WeftOptionsGetText(WeftBenchOptions, "-codes", sizeof(run->codes_path), run->codes_path, NULL));
  if (run->codes_path[0]) PetscCall(WeftLockTake(comm, "-codes", run->codes_path));
  if (run->codes_path[0]) PetscCall(WeftOutputCheckPath(comm, "-codes", run->codes_path));
  PetscCall(WeftOptionsGetInt(WeftCoderOptions, "-weft_coder_max_rounds", 1, 1000, &run->max_rounds));
  PetscCall(WeftCoderCreate(&run->coder));
  PetscCall(WeftCoderSetFromOptions(run->coder));
  PetscCall(WeftCoderGetType(run->coder, &run->type));
  PetscCall(WeftBenchBegin(comm, "coder", &run->bench));
  PetscCall(WeftBenchProblemCreate(&run->bench, PETSC_FALSE, &run->problem));
  PetscCall(WeftBenchProblemSolve(&run->bench, &run->problem));
  PetscCall(WeftYardstickCreate(&run->problem.x, &run->problem.atoms, run->problem.n, &run->yardstick));
  PetscCall(PetscCalloc1((size_t)(WEFT_PROBLEMS * n), &run->cases));
  for (int which = 0; which < WEFT_PROBLEMS; ++which)
    for (int g = 0; g < n; ++g) {
      run->cases[run->num_cases].which = which;
      run->cases[run->num_cases++].target = gaps[g];
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The objective of sample i's code: every product and sum in double, from x, D and z alone. */
static double Objective(const WeftBenchProblem *p, int which, const WeftCodes *codes, size_t i, double residual[])
{
  const size_t q = (size_t)p->group_size[which];
  const double threshold = p->lambda[which] * PetscSqrtReal((double)q);
  double       fit = 0, penalty = 0;

  WeftBlockGetRow(&p->x, i, residual);
  for (size_t e = codes->start[i]; e < codes->start[i + 1]; ++e) {
    double square = 0;
    for (size_t a = 0; a < q; ++a) {
      const double z = codes->value[e * q + a];
      const size_t atom = (size_t)codes->group[e] * q + a;
      square += z * z;
      for (size_t j = 0; j < (size_t)p->d; ++j) residual[j] -= z * WeftBlockGet(&p->atoms, atom, j);
    }
    penalty += PetscSqrtReal(square);
  }
  for (size_t j = 0; j < (size_t)p->d; ++j) fit += residual[j] * residual[j];
  return 0.5 * fit + threshold * penalty;
}

/* Gaps of the samples whose optimum is known. A sample of zeros has the optimum zero, and its code must too. */
static PetscErrorCode Judge(const Run *run, int which, const WeftCodes *codes, const WeftCoderResult *result,
                            Quality *quality)
{
  const WeftBenchProblem *p = &run->problem;
  double                  sums[4] = {0, 0, 0, (double)result->active_groups};
  double                  most[3] = {0, result->max_gap, result->reason > 0 ? 0.0 : 1.0}, *residual;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)p->d, &residual));
  for (size_t i = 0; i < p->x.rows; ++i) {
    const double best = p->optimum[which][i];
    double       value;
    if (best < 0) continue;
    value = Objective(p, which, codes, i, residual);
    sums[0] += 1;
    sums[1] += value;
    sums[2] += best;
    if (value != best) most[0] = PetscMax(most[0], best > 0 ? (value - best) / best : PETSC_INFINITY);
  }
  PetscCall(PetscFree(residual));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 4, MPI_DOUBLE, MPI_SUM, run->bench.comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 3, MPI_DOUBLE, MPI_MAX, run->bench.comm));
  *quality = (Quality){.mean_gap = sums[2] > 0 ? (sums[1] - sums[2]) / sums[2] : 0,
                       .max_gap = most[0],
                       .certified = most[1],
                       .active = sums[3] / (double)p->n,
                       .checked = (PetscInt64)sums[0],
                       .converged = most[2] > 0 ? PETSC_FALSE : PETSC_TRUE};
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Cold started; the Gram matrix is part of the work. */
static PetscErrorCode Solve(Run *run, const Case *c, WeftCodes *codes, WeftCoderResult *result, WeftTime *took)
{
  const WeftBenchProblem *p = &run->problem;
  WeftTime                start;

  PetscFunctionBegin;
  PetscCall(WeftCoderSetTolerances(run->coder, WORST * c->target, (int)run->max_rounds));
  PetscCall(WeftTimeStart(&run->bench, &start));
  PetscCall(WeftCoderSetDictionary(run->coder, &p->atoms, p->group_size[c->which]));
  PetscCall(WeftCoderSetPenalty(run->coder, p->lambda[c->which], NULL));
  PetscCall(WeftCoderSolve(run->coder, &p->x, NULL, codes, result));
  PetscCall(WeftTimeStop(&run->bench, start, took));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Codes as a dense dataset, some rows at a time. */
static PetscErrorCode WriteCodes(const Run *run, const Case *c, const WeftCodes *codes)
{
  const PetscInt64        chunk = 1024;
  const WeftBenchProblem *p = &run->problem;
  const hid_t             file = WeftOutputFile(run->output);
  long long               rows = (long long)p->x.rows;
  char                    path[32];
  WeftBlock               dense;

  PetscFunctionBegin;
  snprintf(path, sizeof(path), "/%s/codes", WeftProblemNames[c->which]);
  PetscCall(WeftOutputBeginWrite(run->output));
  PetscCall(
    WeftH5CreateRows(file, path, H5T_IEEE_F32LE, p->n, p->k,
                     (WeftH5Note){"codes: minimise 1/2 |x - z D|^2 + lambda sqrt(group_size) sum over groups of |z_g|",
                                  "1", "sample,atom"}));
  PetscCall(WeftH5SetReal(file, path, "lambda", p->lambda[c->which]));
  PetscCall(WeftH5SetInt(file, path, "group_size", p->group_size[c->which]));
  PetscCall(WeftH5SetReal(file, path, "target_gap", c->target));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &rows, 1, MPI_LONG_LONG, MPI_MAX, run->bench.comm));
  for (PetscInt64 first = 0; first < rows; first += chunk) {
    const PetscInt64 left = PetscMax((PetscInt64)p->x.rows - first, 0), n = PetscMin(chunk, left);
    PetscCall(WeftBlockCreate((size_t)n, (size_t)p->k, WEFT_SINGLE, &dense));
    for (PetscInt64 i = 0; i < n; ++i) WeftCodesToDense(codes, (size_t)(first + i), &dense, (size_t)i);
    PetscCall(WeftH5WriteRows(run->bench.comm, file, path, p->row0 + PetscMin(first, (PetscInt64)p->x.rows), n,
                              H5T_NATIVE_FLOAT, dense.values.v));
    PetscCall(WeftBlockDestroy(&dense));
  }
  WeftOutputEndWrite(run->output);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is this the smallest target of its problem, the first one of it? */
static PetscBool IsFinest(const Run *run, const Case *c)
{
  for (const Case *o = run->cases; o < run->cases + run->num_cases; ++o)
    if (o->which == c->which && (o->target < c->target || (o < c && o->target == c->target))) return PETSC_FALSE;
  return PETSC_TRUE;
}

static PetscErrorCode Measure(Run *run, Case *c, PetscBool first)
{
  WeftCodes       codes;
  WeftCoderResult result;
  WeftTime        took;

  PetscFunctionBegin;
  PetscCall(WeftYardstickMeasure(&run->bench, &run->yardstick));
  PetscCall(WeftCodesCreate((int)run->problem.k / run->problem.group_size[c->which], run->problem.group_size[c->which],
                            &codes));
  PetscCall(Solve(run, c, &codes, &result, &took));
  WeftSeriesAdd(&c->per_cpu_second, (double)run->problem.n / took.cpu);
  WeftSeriesAdd(&c->per_second, (double)run->problem.n / took.wall);
  if (first) {
    PetscCall(WeftPeakMemory(run->bench.comm, &c->peak));
    PetscCall(Judge(run, c->which, &codes, &result, &c->quality));
    if (!(c->quality.mean_gap <= c->target)) c->quality.converged = PETSC_FALSE;
    if (run->output && IsFinest(run, c)) PetscCall(WriteCodes(run, c, &codes));
  }
  PetscCall(WeftCodesDestroy(&codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintTable(const Run *run)
{
  const char  *titles[] = {"problem", "coder",       "precision", "target",  "mean gap", "max gap",    "certified",
                           "active",  "/cpu second", "range",     "of GEMM", "/second",  "MB per rank"};
  const int    columns = sizeof(titles) / sizeof(titles[0]);
  const double gemm = WeftSeriesMedian(&run->yardstick.per_cpu_second);
  WeftTable    t;

  PetscFunctionBegin;
  PetscCall(WeftTableCreate((size_t)columns, &t));
  for (int i = 0; i < columns; ++i) PetscCall(WeftTableCell(&t, "%s", titles[i]));
  for (const Case *c = run->cases; c < run->cases + run->num_cases; ++c) {
    const double rate = WeftSeriesMedian(&c->per_cpu_second);
    PetscCall(WeftTableCell(&t, "%s", WeftProblemNames[c->which]));
    PetscCall(WeftTableCell(&t, "%s", run->type));
    PetscCall(WeftTableCell(&t, "%s", run->problem.x.precision == WEFT_SINGLE ? "single" : "double"));
    PetscCall(WeftTableCell(&t, "%.0e", c->target));
    PetscCall(WeftTableCell(&t, "%.1e", c->quality.mean_gap));
    PetscCall(WeftTableCell(&t, "%.1e", c->quality.max_gap));
    PetscCall(WeftTableCell(&t, "%.1e%s", c->quality.certified, c->quality.converged ? "" : " (missed)"));
    PetscCall(WeftTableCell(&t, "%.1f", c->quality.active));
    PetscCall(WeftTableCell(&t, "%.0f", rate));
    PetscCall(
      WeftTableCell(&t, "%.0f..%.0f", c->per_cpu_second.values[0], c->per_cpu_second.values[c->per_cpu_second.n - 1]));
    PetscCall(WeftTableCell(&t, "%.4f", rate / gemm));
    PetscCall(WeftTableCell(&t, "%.0f", WeftSeriesMedian(&c->per_second)));
    PetscCall(WeftTableCell(&t, "%.0f", (double)c->peak / 1e6));
  }
  PetscCall(WeftTablePrint(&run->bench, &t));
  PetscCall(WeftBenchPrint(&run->bench,
                           "samples per second; medians of %lld; gaps to the optimum of %lld samples; active groups a "
                           "sample\nGEMM, X D' in single precision: %.0f samples/cpu second, %.0f/second\n",
                           (long long)run->bench.repeats, (long long)run->cases[0].quality.checked, gemm,
                           WeftSeriesMedian(&run->yardstick.per_second)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddResult(const Run *run, const Case *c, WeftJson *json)
{
  char blas[64];
  int  threads;

  PetscFunctionBegin;
  WeftBlasDescribe(sizeof(blas), blas, &threads);
  PetscCall(WeftJsonObject(json, NULL));
  PetscCall(WeftJsonText(json, "problem", WeftProblemNames[c->which]));
  PetscCall(WeftJsonText(json, "coder", run->type));
  PetscCall(WeftJsonText(json, "precision", run->problem.x.precision == WEFT_SINGLE ? "single" : "double"));
  PetscCall(WeftJsonInt(json, "threads", threads));
  PetscCall(WeftJsonReal(json, "lambda", run->problem.lambda[c->which]));
  PetscCall(WeftJsonInt(json, "group_size", run->problem.group_size[c->which]));
  PetscCall(WeftJsonReal(json, "target_gap", c->target));
  PetscCall(WeftJsonReal(json, "mean_gap", c->quality.mean_gap));
  PetscCall(WeftJsonReal(json, "max_gap", c->quality.max_gap));
  PetscCall(WeftJsonReal(json, "max_certified_gap", c->quality.certified));
  PetscCall(WeftJsonFlag(json, "converged", c->quality.converged));
  PetscCall(WeftJsonInt(json, "checked_samples", c->quality.checked));
  PetscCall(WeftJsonReal(json, "active_groups", c->quality.active));
  PetscCall(WeftSeriesJson(json, "samples_per_cpu_second", &c->per_cpu_second));
  PetscCall(WeftSeriesJson(json, "samples_per_second", &c->per_second));
  PetscCall(WeftJsonReal(json, "gemm_ratio",
                         WeftSeriesMedian(&c->per_cpu_second) / WeftSeriesMedian(&run->yardstick.per_cpu_second)));
  PetscCall(WeftJsonInt(json, "peak_bytes", c->peak));
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode End(Run *run)
{
  WeftJson *json = &run->bench.json;

  PetscFunctionBegin;
  PetscCall(PrintTable(run));
  PetscCall(WeftSeriesJson(json, "gemm_samples_per_second", &run->yardstick.per_second));
  PetscCall(WeftSeriesJson(json, "gemm_samples_per_cpu_second", &run->yardstick.per_cpu_second));
  PetscCall(WeftJsonArray(json, "results"));
  for (int i = 0; i < run->num_cases; ++i) PetscCall(AddResult(run, &run->cases[i], json));
  PetscCall(WeftJsonEnd(json));
  PetscCall(WeftBenchEnd(&run->bench));
  PetscCall(WeftYardstickDestroy(&run->yardstick));
  PetscCall(WeftBenchProblemDestroy(&run->problem));
  PetscCall(WeftCoderDestroy(&run->coder));
  PetscCall(PetscFree(run->cases));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchCoder(MPI_Comm comm)
{
  Run run = {0};

  PetscFunctionBegin;
  PetscCall(Begin(comm, &run));
  if (run.codes_path[0])
    PetscCall(WeftOutputCreate(comm, run.codes_path,
                               (PetscInt64)WEFT_PROBLEMS * 4 * run.problem.n * run.problem.k + (1 << 16), &run.output));
  if (run.output) WeftOutputEndWrite(run.output);
  for (PetscInt64 r = 0; r < run.bench.repeats; ++r)
    for (int i = 0; i < run.num_cases; ++i) PetscCall(Measure(&run, &run.cases[i], r ? PETSC_FALSE : PETSC_TRUE));
  if (run.output) PetscCall(WeftOutputCommit(&run.output));
  PetscCall(End(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
