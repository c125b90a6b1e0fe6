/* weft bench dictionary: see WeftBenchDictionary() in weft/bench.h. */
#include "dictionaryimpl.h"
#include <weft/coder.h>

enum { SAMPLES = 4096, ROUNDS = 30 }; /* coded for the statistics; steps that make a dictionary sparse */

static const double density_wanted = 0.05;

/* One step that is measured. */
typedef struct {
  const char *name;
  int         which; /* L or G */
  WeftDict    dict;
  Mat         A, B, start;
  double     *weight; /* [G] */
  double      density, flops, dense_flops;
  int         iterations;
  WeftSeries  seconds, rate; /* CPU-seconds of all ranks; flops done per CPU-second */
} Step;

/* The product D A of the same shape and in the same precision. */
typedef struct {
  WeftBlock  d, a, product;
  WeftSeries rate; /* flops per CPU-second */
} Gemm;

static PetscErrorCode GemmCreate(const Step *s, WeftPrecision precision, Gemm *g)
{
  PetscInt rows, k;
  Mat      D;

  PetscFunctionBegin;
  PetscCall(WeftDictGetMat(s->dict, &D));
  PetscCall(MatGetLocalSize(D, &rows, NULL));
  PetscCall(MatGetSize(D, NULL, &k));
  *g = (Gemm){0};
  PetscCall(WeftBlockCreate((size_t)rows, (size_t)k, precision, &g->d));
  PetscCall(WeftBlockCreate((size_t)k, (size_t)k, precision, &g->a));
  PetscCall(WeftBlockCreate((size_t)rows, (size_t)k, precision, &g->product));
  for (size_t r = 0; r < g->d.rows; ++r)
    for (size_t c = 0; c < g->d.cols; ++c) WeftBlockSet(&g->d, r, c, 1.0 + 1e-3 * (double)(r + c));
  for (size_t r = 0; r < g->a.rows; ++r)
    for (size_t c = 0; c < g->a.cols; ++c) WeftBlockSet(&g->a, r, c, 1e-3 + 1e-6 * (double)(r + c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GemmDestroy(Gemm *g)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&g->d));
  PetscCall(WeftBlockDestroy(&g->a));
  PetscCall(WeftBlockDestroy(&g->product));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GemmMeasure(const WeftBench *bench, PetscInt64 d, Gemm *g)
{
  const double flops = 2.0 * (double)d * (double)g->a.rows * (double)g->a.rows;
  const int    times = 3; /* about as long as a step */
  WeftTime     start, took;

  PetscFunctionBegin;
  PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_FALSE, 1.0, &g->d, &g->a, 0.0, &g->product));
  PetscCall(WeftTimeStart(bench, &start));
  for (int n = 0; n < times; ++n)
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_FALSE, 1.0, &g->d, &g->a, 0.0, &g->product));
  PetscCall(WeftTimeStop(bench, start, &took));
  WeftSeriesAdd(&g->rate, times * flops / took.cpu);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A and B from the codes of rows [first, first + rows) of each rank's samples with the atoms that the step has now. */
static PetscErrorCode Count(const WeftBench *bench, const WeftBenchProblem *p, size_t first, size_t rows, Step *s)
{
  const int       q = p->group_size[s->which], groups = (int)p->k / q;
  const WeftBlock x = WeftBlockRows(&p->x, first, rows);
  WeftStatistics  statistics;
  WeftCoder       coder;
  WeftCodes       codes;
  WeftCoderResult result;
  WeftBlock       atoms;
  double         *usage;
  PetscInt64      n;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate((size_t)p->k, (size_t)p->d, p->x.precision, &atoms));
  PetscCall(WeftDictGather(s->dict, &atoms));
  PetscCall(WeftCodesCreate(groups, q, &codes));
  PetscCall(WeftCoderCreate(&coder));
  PetscCall(WeftCoderSetFromOptions(coder));
  PetscCall(WeftCoderSetDictionary(coder, &atoms, q));
  PetscCall(WeftCoderSetPenalty(coder, p->lambda[s->which], NULL));
  PetscCall(WeftCoderSolve(coder, &x, NULL, &codes, &result));
  PetscCall(WeftStatisticsCreate((size_t)p->d, (size_t)p->k, q, WEFT_DOUBLE, &statistics));
  PetscCall(WeftStatisticsAdd(&statistics, &x, &codes));
  PetscCall(PetscMalloc1(groups, &usage));
  PetscCall(WeftStatisticsReduce(bench->comm, &statistics, s->A, s->B, usage, &n));
  PetscCall(PetscFree(usage));
  PetscCall(WeftStatisticsDestroy(&statistics));
  PetscCall(WeftCoderDestroy(&coder));
  PetscCall(WeftCodesDestroy(&codes));
  PetscCall(WeftBlockDestroy(&atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StepCreate(const WeftBench *bench, const WeftBenchProblem *p, const char name[], int which,
                                 Step *s)
{
  double *atom;

  PetscFunctionBegin;
  *s = (Step){.name = name, .which = which};
  PetscCall(WeftDictCreate(bench->comm, (PetscInt)p->d, (PetscInt)p->k, p->group_size[which], &s->dict));
  PetscCall(WeftDictSetPrecision(s->dict, p->x.precision)); /* as learning does */
  PetscCall(WeftDictSetFromOptions(s->dict));
  PetscCall(WeftDictSetPrecision(s->dict, p->x.precision));
  PetscCall(WeftDictCreateLike(s->dict, &s->B));
  PetscCall(WeftDictCreateLike(s->dict, &s->start));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, (PetscInt)p->k, (PetscInt)p->k, NULL, &s->A));
  PetscCall(PetscCalloc1((size_t)p->k, &s->weight));
  PetscCall(PetscMalloc1((size_t)p->d, &atom));
  for (PetscInt a = 0; a < (PetscInt)p->k; ++a) {
    WeftBlockGetRow(&p->atoms, (size_t)a, atom);
    PetscCall(WeftDictSetAtom(s->dict, a, atom));
  }
  PetscCall(PetscFree(atom));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StepDestroy(Step *s)
{
  PetscFunctionBegin;
  PetscCall(WeftDictDestroy(&s->dict));
  PetscCall(MatDestroy(&s->A));
  PetscCall(MatDestroy(&s->B));
  PetscCall(MatDestroy(&s->start));
  PetscCall(PetscFree(s->weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Density(const WeftBenchProblem *p, Step *s, double *density)
{
  PetscInt64 nonzeros;

  PetscFunctionBegin;
  PetscCall(WeftDictConnections(s->dict, NULL, &nonzeros, NULL));
  *density = (double)nonzeros * p->group_size[s->which] / ((double)p->d * (double)p->k);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* w_g = γ_g √p as learning sets it. */
static PetscErrorCode SetWeight(const WeftBenchProblem *p, double relative, Step *s)
{
  PetscFunctionBegin;
  PetscCall(WeftDictStrongest(s->dict, s->B, s->weight));
  for (PetscInt64 g = 0; g < p->k / p->group_size[s->which]; ++g) s->weight[g] *= relative;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Steps on the same statistics, with a weight that follows the density wanted: as late in a run. */
static PetscErrorCode MakeSparse(const WeftBenchProblem *p, Step *s, double *relative)
{
  WeftDictResult result;

  PetscFunctionBegin;
  for (int round = 0; round < ROUNDS; ++round) {
    double density = 0;
    PetscCall(SetWeight(p, *relative, s));
    PetscCall(WeftDictStep(s->dict, s->A, s->B, s->weight, &result));
    PetscCall(Density(p, s, &density));
    *relative *= PetscExpReal(PetscMin(0.3, PetscMax(-0.3, 0.3 * (density / density_wanted - 1))));
    *relative = PetscMin(*relative, 0.9);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The statistics that each step is measured on are of other samples than those its dictionary comes from. */
static PetscErrorCode Prepare(const WeftBench *bench, const WeftBenchProblem *p, PetscBool sparse, double relative,
                              Step *s)
{
  int    size;
  size_t half;
  Mat    D;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(bench->comm, &size));
  half = PetscMin(p->x.rows, (size_t)(SAMPLES / size) + 1) / 2;
  PetscCall(Count(bench, p, 0, half, s));
  if (sparse) {
    PetscCall(MakeSparse(p, s, &relative));
    PetscCall(Count(bench, p, half, half, s));
  }
  if (relative > 0) PetscCall(SetWeight(p, relative, s));
  PetscCall(Density(p, s, &s->density));
  PetscCall(WeftDictGetMat(s->dict, &D));
  PetscCall(MatCopy(D, s->start, SAME_NONZERO_PATTERN));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Measure(const WeftBench *bench, const WeftBenchProblem *p, Step *s)
{
  WeftTime       start, took;
  WeftDictResult result;
  PetscLogDouble before, after;
  double         flops;
  Mat            D;

  PetscFunctionBegin;
  PetscCall(WeftDictGetMat(s->dict, &D));
  PetscCall(MatCopy(s->start, D, SAME_NONZERO_PATTERN));
  PetscCall(PetscGetFlops(&before));
  PetscCall(WeftTimeStart(bench, &start));
  PetscCall(WeftDictStep(s->dict, s->A, s->B, s->weight, &result));
  PetscCall(WeftTimeStop(bench, start, &took));
  PetscCall(PetscGetFlops(&after));
  flops = after - before;
  PetscCallMPI(MPI_Allreduce(&flops, &s->flops, 1, MPI_DOUBLE, MPI_SUM, bench->comm));
  s->iterations = result.iterations;
  s->dense_flops = 2.0 * (double)p->d * (double)p->k * (double)p->k * result.iterations;
  WeftSeriesAdd(&s->seconds, took.cpu);
  WeftSeriesAdd(&s->rate, s->flops / took.cpu);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintSteps(const WeftBench *bench, const Step steps[], int n, const Gemm *g)
{
  const char *titles[] = {"step",  "density",     "iterations", "cpu ms",
                          "range", "Gflop/cpu s", "of GEMM",    "dense equivalent"};
  const int   columns = sizeof(titles) / sizeof(titles[0]);
  WeftTable   t;

  PetscFunctionBegin;
  PetscCall(WeftTableCreate((size_t)columns, &t));
  for (int i = 0; i < columns; ++i) PetscCall(WeftTableCell(&t, "%s", titles[i]));
  for (const Step *s = steps; s < steps + n; ++s) {
    const double rate = WeftSeriesMedian(&s->rate);
    PetscCall(WeftTableCell(&t, "%s", s->name));
    PetscCall(WeftTableCell(&t, "%.3f", s->density));
    PetscCall(WeftTableCell(&t, "%d", s->iterations));
    PetscCall(WeftTableCell(&t, "%.1f", 1e3 * WeftSeriesMedian(&s->seconds)));
    PetscCall(WeftTableCell(&t, "%.1f..%.1f", 1e3 * s->seconds.values[0], 1e3 * s->seconds.values[s->seconds.n - 1]));
    PetscCall(WeftTableCell(&t, "%.1f", 1e-9 * rate));
    PetscCall(WeftTableCell(&t, "%.2f", rate / WeftSeriesMedian(&g->rate)));
    PetscCall(WeftTableCell(&t, "%.1f", 1e-9 * s->dense_flops / WeftSeriesMedian(&s->seconds)));
  }
  PetscCall(WeftTablePrint(bench, &t));
  PetscCall(
    WeftBenchPrint(bench,
                   "flops done: products with A, sparse where the step multiplies so; dense equivalent: 2 d k^2 "
                   "an iteration\nGEMM, D A in %s precision: %.1f Gflop/cpu s\n",
                   g->d.precision == WEFT_SINGLE ? "single" : "double", 1e-9 * WeftSeriesMedian(&g->rate)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddSteps(WeftBench *bench, const WeftBenchProblem *p, const Step steps[], int n, const Gemm *g)
{
  WeftJson *json = &bench->json;

  PetscFunctionBegin;
  PetscCall(WeftJsonText(json, "precision", g->d.precision == WEFT_SINGLE ? "single" : "double"));
  PetscCall(WeftSeriesJson(json, "gemm_flops_per_cpu_second", &g->rate));
  PetscCall(WeftJsonArray(json, "steps"));
  for (const Step *s = steps; s < steps + n; ++s) {
    PetscCall(WeftJsonObject(json, NULL));
    PetscCall(WeftJsonText(json, "step", s->name));
    PetscCall(WeftJsonInt(json, "group_size", p->group_size[s->which]));
    PetscCall(WeftJsonReal(json, "density", s->density));
    PetscCall(WeftJsonInt(json, "iterations", s->iterations));
    PetscCall(WeftJsonReal(json, "flops", s->flops));
    PetscCall(WeftJsonReal(json, "dense_flops", s->dense_flops));
    PetscCall(WeftSeriesJson(json, "cpu_seconds", &s->seconds));
    PetscCall(WeftSeriesJson(json, "flops_per_cpu_second", &s->rate));
    PetscCall(WeftJsonReal(json, "gemm_ratio", WeftSeriesMedian(&s->rate) / WeftSeriesMedian(&g->rate)));
    PetscCall(WeftJsonEnd(json));
  }
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MeasureSteps(WeftBench *bench, const WeftBenchProblem *p)
{
  static const struct {
    const char *name;
    int         which;
    PetscBool   sparse;
    double      relative; /* γ_rel at the start */
  } kinds[] = {{"L, no connectivity term", WEFT_PROBLEM_L, PETSC_FALSE, 0},
               {"G, dense", WEFT_PROBLEM_G, PETSC_FALSE, 0.1},
               {"G, sparse", WEFT_PROBLEM_G, PETSC_TRUE, 0.1}};
  enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };
  Step steps[KINDS];
  Gemm gemm;

  PetscFunctionBegin;
  for (int i = 0; i < KINDS; ++i) {
    PetscCall(StepCreate(bench, p, kinds[i].name, kinds[i].which, &steps[i]));
    PetscCall(Prepare(bench, p, kinds[i].sparse, kinds[i].relative, &steps[i]));
  }
  PetscCall(GemmCreate(&steps[0], p->x.precision, &gemm));
  for (PetscInt64 r = 0; r < bench->repeats; ++r) {
    PetscCall(GemmMeasure(bench, p->d, &gemm));
    for (int i = 0; i < KINDS; ++i) PetscCall(Measure(bench, p, &steps[i]));
  }
  PetscCall(PrintSteps(bench, steps, KINDS, &gemm));
  PetscCall(AddSteps(bench, p, steps, KINDS, &gemm));
  PetscCall(GemmDestroy(&gemm));
  for (int i = 0; i < KINDS; ++i) PetscCall(StepDestroy(&steps[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchDictionary(MPI_Comm comm)
{
  WeftBench        bench;
  WeftBenchProblem problem;

  PetscFunctionBegin;
  PetscCall(WeftBenchBegin(comm, "dictionary", &bench));
  PetscCall(WeftBenchProblemCreate(&bench, PETSC_TRUE, &problem));
  PetscCall(MeasureSteps(&bench, &problem));
  PetscCall(WeftBenchLearning(&bench, &problem));
  PetscCall(WeftBenchEnd(&bench));
  PetscCall(WeftBenchProblemDestroy(&problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}
