/* weft bench scaling: see WeftBenchScaling() in weft/bench.h. */
#include "scalingimpl.h"
#include <unistd.h>

enum { SMALL = 64, SMALL_TIMES = 200, LARGE_TIMES = 5, LARGE_MOST = 1 << 22, MOST_RANKS = 4096 };

/* A run of a few batches that was timed. */
typedef struct {
  const char *name;
  PetscInt64  batch;
  double      seconds[WEFT_PARTS], total; /* of an iteration; messages: waiting, and all that has no other name */
} Timed;

typedef struct {
  WeftBench        *bench;
  WeftBenchProblem *problem;
  WeftModel         model;
  WeftLayerSettings settings;
  PetscInt64        batches; /* iterations of each run */
  int               ranks;
  double            crowd;              /* ranks to a core, >= 1 */
  double            latency, bandwidth; /* of the network that the table goes on with */
  double            memory;             /* bytes that a rank has there */
  double            gemm;               /* flops a second, one rank alone */
} Scaling;

/* ---- measuring ---- */

/* The others wait for rank 0 without taking processor time from it. */
static PetscErrorCode Rest(MPI_Comm comm)
{
  MPI_Request request;
  int         done = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Ibarrier(comm, &request));
  while (!done) {
    PetscCallMPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (!done) usleep(2000);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void ReadEvents(double seconds[])
{
  seconds[WEFT_PART_CODE] = WeftEventSeconds(WEFT_EVENT_CODE);
  seconds[WEFT_PART_STATISTICS] = WeftEventSeconds(WEFT_EVENT_STATISTICS);
  seconds[WEFT_PART_DICTIONARY] = WeftEventSeconds(WEFT_EVENT_DICTIONARY);
  seconds[WEFT_PART_GRAM] = WeftEventSeconds(WEFT_EVENT_GRAM);
}

/* Iterations from the start, none of whose samples is met twice. */
static PetscErrorCode LearnOnce(const Scaling *s, MPI_Comm comm, PetscInt64 n, PetscInt64 row0, const WeftBlock *x,
                                Timed *timed)
{
  WeftLayerSettings settings = s->settings;
  WeftLayer         l;
  double            before[WEFT_PARTS] = {0}, after[WEFT_PARTS] = {0}, entry[WEFT_HISTORY_FIELDS], start, named = 0;

  PetscFunctionBegin;
  settings.batch_size = timed->batch;
  PetscCall(WeftLayerCreate(comm, &settings, n, row0, x, &l));
  PetscCall(WeftCoderSetFromOptions(l->coder));
  PetscCall(WeftDictSetFromOptions(l->dict));
  PetscCall((*l->learner->start)(l));
  PetscCallMPI(MPI_Barrier(comm));
  ReadEvents(before);
  start = MPI_Wtime();
  for (; l->iteration < s->batches; ++l->iteration) PetscCall((*l->learner->iterate)(l, entry));
  PetscCallMPI(MPI_Barrier(comm));
  timed->total = (MPI_Wtime() - start) / (double)s->batches;
  ReadEvents(after);
  for (int i = 0; i < WEFT_PART_WHOLE; ++i) {
    timed->seconds[i] = (after[i] - before[i]) / (double)s->batches;
    named += timed->seconds[i];
  }
  timed->seconds[WEFT_PART_WHOLE] = PetscMax(timed->total - named, 0.0);
  timed->seconds[WEFT_PART_MESSAGES] = 0;
  PetscCall(WeftLayerDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The fastest of the repeats: what disturbs a run only makes it slower. */
static PetscErrorCode Learn(const Scaling *s, MPI_Comm comm, PetscInt64 n, PetscInt64 row0, const WeftBlock *x,
                            Timed *timed)
{
  Timed once = *timed;

  PetscFunctionBegin;
  for (PetscInt64 r = 0; r < s->bench->repeats; ++r) {
    PetscCall(LearnOnce(s, comm, n, row0, x, &once));
    PetscCallMPI(MPI_Bcast(&once.total, 1, MPI_DOUBLE, 0, comm));
    if (!r || once.total < timed->total) *timed = once;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One rank's iteration, while the others rest, and its GEMM. */
static PetscErrorCode MeasureAlone(Scaling *s, PetscInt64 batch)
{
  WeftBench     alone = {.comm = PETSC_COMM_SELF, .quiet = PETSC_TRUE};
  Timed         timed = {.batch = batch};
  WeftYardstick y;
  int           rank;
  const size_t  rows = (size_t)(batch * s->batches);
  WeftBlock     x = WeftBlockRows(&s->problem->x, 0, PetscMin(rows, s->problem->x.rows));

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(s->bench->comm, &rank));
  if (!rank) {
    PetscCall(Learn(s, PETSC_COMM_SELF, (PetscInt64)x.rows, 0, &x, &timed));
    PetscCall(WeftYardstickCreate(&x, &s->problem->atoms, (PetscInt64)x.rows, &y));
    for (int i = 0; i < 3; ++i) PetscCall(WeftYardstickMeasure(&alone, &y));
    s->gemm = 2.0 * (double)s->problem->d * (double)s->problem->k * WeftSeriesMedian(&y.per_second);
    PetscCall(WeftYardstickDestroy(&y));
  }
  PetscCall(Rest(s->bench->comm));
  PetscCallMPI(MPI_Bcast(timed.seconds, WEFT_PARTS, MPI_DOUBLE, 0, s->bench->comm));
  PetscCallMPI(MPI_Bcast(&s->gemm, 1, MPI_DOUBLE, 0, s->bench->comm));
  PetscCall(PetscArraycpy(s->model.seconds, timed.seconds, WEFT_PARTS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AllReduce(const Scaling *s, size_t numbers, int times, double *seconds)
{
  double *v;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(numbers, &v));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, v, (int)numbers, MPI_DOUBLE, MPI_SUM, s->bench->comm));
  PetscCallMPI(MPI_Barrier(s->bench->comm));
  *seconds = MPI_Wtime();
  for (int i = 0; i < times; ++i)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, v, (int)numbers, MPI_DOUBLE, MPI_SUM, s->bench->comm));
  *seconds = (MPI_Wtime() - *seconds) / times;
  PetscCallMPI(MPI_Bcast(seconds, 1, MPI_DOUBLE, 0, s->bench->comm));
  PetscCall(PetscFree(v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A step's latency and a byte's time, by all-reduces as short as a block's norms and as long as A. */
static PetscErrorCode MeasureMessages(Scaling *s)
{
  const double k = (double)s->problem->k, P = (double)s->ranks;
  const size_t large = (size_t)PetscMin(0.25 * k * k + SMALL, (double)LARGE_MOST);
  double       small_time, large_time;
  int          steps = 0;

  PetscFunctionBegin;
  s->model.latency = s->model.byte_second = 0;
  if (s->ranks == 1) PetscFunctionReturn(PETSC_SUCCESS);
  while ((1 << steps) < s->ranks) ++steps;
  PetscCall(AllReduce(s, SMALL, SMALL_TIMES, &small_time));
  PetscCall(AllReduce(s, large, LARGE_TIMES, &large_time));
  s->model.latency = small_time / steps;
  /* On a crowded machine the short ones may take longer than the long one: then all of its time counts. */
  s->model.byte_second = (large_time > small_time ? large_time - small_time : large_time) /
                         (2 * 8 * (double)large * (P - 1) / P);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks: parts are means over ranks. What is not named is told as `whole`, messages among it. */
static PetscErrorCode MeasureTogether(const Scaling *s, Timed *timed)
{
  PetscFunctionBegin;
  PetscCall(Learn(s, s->bench->comm, s->problem->n, s->problem->row0, &s->problem->x, timed));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, timed->seconds, WEFT_PARTS, MPI_DOUBLE, MPI_SUM, s->bench->comm));
  for (int i = 0; i < WEFT_PARTS; ++i) timed->seconds[i] /= s->ranks;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- telling ---- */

static WeftLayerShape ShapeOf(const Scaling *s, PetscInt64 n, PetscInt64 d, PetscInt64 k, PetscInt64 batch, int ranks)
{
  WeftLayerSettings settings = s->settings;
  WeftLayerShape    shape;

  settings.atoms = k;
  settings.batch_size = batch;
  WeftLayerShapeFromSettings(&settings, n, d, ranks, &shape);
  return shape;
}

static PetscErrorCode Titles(WeftTable *t, const char *const first[], size_t n)
{
  PetscFunctionBegin;
  PetscCall(WeftTableCreate(n + WEFT_PARTS, t));
  for (size_t i = 0; i < n; ++i) PetscCall(WeftTableCell(t, "%s", first[i]));
  for (int i = 0; i < WEFT_PARTS; ++i) PetscCall(WeftTableCell(t, "%s", WeftPartNames[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PartsJson(WeftJson *json, const double seconds[], double total)
{
  PetscFunctionBegin;
  for (int i = 0; i < WEFT_PARTS; ++i) PetscCall(WeftJsonReal(json, WeftPartNames[i], seconds[i]));
  PetscCall(WeftJsonReal(json, "total", total));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Model against measurement, at the ranks of this run. */
static PetscErrorCode TellChecks(const Scaling *s, const Timed timed[], int n)
{
  const char *const titles[] = {"run", "batch", "", "ms an iteration"};
  WeftTable         t;
  double            seconds[WEFT_PARTS], total;

  PetscFunctionBegin;
  PetscCall(Titles(&t, titles, 4));
  PetscCall(WeftJsonArray(&s->bench->json, "checks"));
  for (const Timed *c = timed; c < timed + n; ++c) {
    const WeftLayerShape shape = ShapeOf(s, s->problem->n, s->problem->d, s->problem->k, c->batch, s->ranks);
    total = WeftModelPredict(&s->model, &shape, s->crowd, seconds);
    PetscCall(WeftJsonObject(&s->bench->json, NULL));
    PetscCall(WeftJsonText(&s->bench->json, "run", c->name));
    PetscCall(WeftJsonInt(&s->bench->json, "batch", c->batch));
    for (int measured = 0; measured < 2; ++measured) {
      const double *parts = measured ? c->seconds : seconds;
      PetscCall(WeftTableCell(&t, "%s", c->name));
      PetscCall(WeftTableCell(&t, "%lld", (long long)c->batch));
      PetscCall(WeftTableCell(&t, "%s", measured ? "measured" : "model"));
      PetscCall(WeftTableCell(&t, "%.2f", 1e3 * (measured ? c->total : total)));
      for (int i = 0; i < WEFT_PARTS; ++i)
        PetscCall(measured && i == WEFT_PART_MESSAGES ? WeftTableCell(&t, "in whole")
                                                      : WeftTableCell(&t, "%.2f", 1e3 * parts[i]));
      PetscCall(WeftJsonObject(&s->bench->json, measured ? "measured" : "model"));
      PetscCall(PartsJson(&s->bench->json, parts, measured ? c->total : total));
      PetscCall(WeftJsonEnd(&s->bench->json));
    }
    PetscCall(WeftJsonReal(&s->bench->json, "model_over_measured", total / c->total));
    PetscCall(WeftJsonEnd(&s->bench->json));
  }
  PetscCall(WeftJsonEnd(&s->bench->json));
  PetscCall(WeftTablePrint(s->bench, &t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A row of the table that goes on. */
static PetscErrorCode TellShape(const Scaling *s, const WeftModel *model, const WeftLayerShape *shape, WeftTable *t)
{
  WeftJson    *json = &s->bench->json;
  WeftTraffic  traffic[WEFT_TRAFFIC_PARTS], sum;
  WeftMemory   memory;
  double       seconds[WEFT_PARTS];
  const double total = WeftModelPredict(model, shape, 1, seconds);

  PetscFunctionBegin;
  WeftLayerTraffic(shape, traffic, &sum);
  WeftLayerMemory(shape, &memory);
  PetscCall(WeftTableCell(t, "%d", shape->ranks));
  PetscCall(WeftTableCell(t, "%lld", (long long)shape->batch));
  PetscCall(WeftTableCell(t, "%.4g", 1e3 * total));
  PetscCall(WeftTableCell(t, "%.3g", 1e-6 * sum.sent));
  PetscCall(WeftTableCell(t, "%.3g%s", 1e-9 * memory.peak, memory.peak > s->memory ? " !" : ""));
  for (int i = 0; i < WEFT_PARTS; ++i) PetscCall(WeftTableCell(t, "%.3g", 1e3 * seconds[i]));
  PetscCall(WeftJsonObject(json, NULL));
  PetscCall(WeftJsonInt(json, "ranks", shape->ranks));
  PetscCall(WeftJsonInt(json, "samples", shape->n));
  PetscCall(WeftJsonInt(json, "inputs", shape->d));
  PetscCall(WeftJsonInt(json, "atoms", shape->k));
  PetscCall(WeftJsonInt(json, "batch", shape->batch));
  PetscCall(WeftJsonReal(json, "sent_bytes", sum.sent));
  PetscCall(WeftJsonReal(json, "memory_bytes", memory.peak));
  PetscCall(WeftJsonFlag(json, "fits", memory.peak <= s->memory ? PETSC_TRUE : PETSC_FALSE));
  PetscCall(PartsJson(json, seconds, total));
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From one rank to many: a batch of `batch` samples in all, or to each rank. */
static PetscErrorCode TellOn(const Scaling *s, const char title[], PetscInt64 n, PetscInt64 d, PetscInt64 k,
                             PetscInt64 batch, PetscBool each)
{
  const char *const titles[] = {"ranks", "batch", "ms an iteration", "MB sent", "GB a rank"};
  WeftModel         model = s->model;
  WeftTable         t;

  PetscFunctionBegin;
  model.latency = s->latency;
  model.byte_second = 1 / s->bandwidth;
  PetscCall(WeftBenchPrint(s->bench, "\n%s: %.3g samples x %lld inputs, %lld atoms, batches of %lld%s\n", title,
                           (double)n, (long long)d, (long long)k, (long long)batch, each ? " a rank" : ""));
  PetscCall(Titles(&t, titles, 5));
  for (int ranks = 1; ranks <= MOST_RANKS; ranks *= 4) {
    const WeftLayerShape shape = ShapeOf(s, n, d, k, each ? batch * ranks : batch, ranks);
    PetscCall(TellShape(s, &model, &shape, &t));
  }
  PetscCall(WeftTablePrint(s->bench, &t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a rank holds of a layer beside its samples. */
static double BesideSamples(const Scaling *s, PetscInt64 d, PetscInt64 k, int ranks)
{
  const WeftLayerShape shape = ShapeOf(s, ranks, d, k, ranks, ranks);
  WeftMemory           memory;

  WeftLayerMemory(&shape, &memory);
  return memory.peak;
}

/* The most atoms, in whole blocks of 64, that a rank has the memory for. */
static PetscInt64 MostAtoms(const Scaling *s, PetscInt64 d, int ranks)
{
  PetscInt64 low = 0, high = (PetscInt64)1 << 24;

  while (high - low > 1) {
    const PetscInt64 middle = (low + high) / 2;
    if (BesideSamples(s, d, 64 * middle, ranks) <= s->memory)
      low = middle;
    else
      high = middle;
  }
  return 64 * low;
}

/* How far today's code goes, and what stops it. */
static PetscErrorCode TellLimits(const Scaling *s, PetscInt64 n, PetscInt64 d, PetscInt64 k)
{
  const double     real = (double)WeftPrecisionBytes(s->settings.precision), K = (double)k, D = (double)d;
  const PetscInt64 most = MostAtoms(s, d, MOST_RANKS), most_narrow = MostAtoms(s, 784, MOST_RANKS);

  PetscFunctionBegin;
  PetscCall(WeftBenchPrint(
    s->bench,
    "\nOver ranks: samples and codes, rows of D, B and the whitening, the work of all parts but `whole`.\n"
    "Whole on every rank, however many there are; of the large layer: the atoms, %.3g GB; their Gram matrix, as\n"
    "made, rotated and in panels, %.3g; A, and a batch's own sums of A and B, %.3g; W while it is applied, %.3g.\n"
    "None of this is cut over ranks today. So with %.3g GB to each of %d (-memory), beside its samples (%.3g GB of "
    "that\n"
    "layer) a rank has room for %lld atoms of %lld inputs, or %lld of 784. ! marks what has no room.\n",
    1e-9 * K * D * real, 3e-9 * K * K * real, 1e-9 * (16 * K * K + 8 * K * D), 1e-9 * D * D * real, 1e-9 * s->memory,
    MOST_RANKS, 1e-9 * (double)n * D * real / MOST_RANKS, (long long)most, (long long)d, (long long)most_narrow));
  PetscCall(WeftJsonObject(&s->bench->json, "limits"));
  PetscCall(WeftJsonReal(&s->bench->json, "memory_bytes", s->memory));
  PetscCall(WeftJsonInt(&s->bench->json, "ranks", MOST_RANKS));
  PetscCall(WeftJsonInt(&s->bench->json, "most_atoms", most));
  PetscCall(WeftJsonInt(&s->bench->json, "most_atoms_of_784_inputs", most_narrow));
  PetscCall(WeftJsonEnd(&s->bench->json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellMeasured(const Scaling *s)
{
  WeftJson    *json = &s->bench->json;
  const double total = WeftModelPredict(&s->model, &s->model.shape, 1, (double[WEFT_PARTS]){0});

  PetscFunctionBegin;
  PetscCall(
    WeftBenchPrint(s->bench, "one rank alone: %.1f Gflop/s of GEMM, %.0f samples/s coded, %.2f ms an iteration\n",
                   1e-9 * s->gemm, (double)s->model.shape.batch / s->model.seconds[WEFT_PART_CODE], 1e3 * total));
  if (s->ranks > 1)
    PetscCall(WeftBenchPrint(s->bench, "%d ranks: %.1f us a step of a small all-reduce, %.2f GB/s of a large one\n",
                             s->ranks, 1e6 * s->model.latency, 1e-9 / s->model.byte_second));
  if (s->crowd > 1) PetscCall(WeftBenchPrint(s->bench, "%.3g ranks share a core\n", s->crowd));
  PetscCall(WeftJsonReal(json, "gemm_flops_per_second", s->gemm));
  PetscCall(WeftJsonReal(json, "latency", s->model.latency));
  PetscCall(WeftJsonReal(json, "bytes_per_second", s->model.byte_second > 0 ? 1 / s->model.byte_second : 0));
  PetscCall(WeftJsonReal(json, "ranks_per_core", s->crowd));
  PetscCall(WeftJsonInt(json, "iterations", s->batches));
  PetscCall(WeftJsonObject(json, "alone"));
  PetscCall(PartsJson(json, s->model.seconds, total));
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- the benchmark ---- */

static PetscErrorCode ReadOptions(Scaling *s, PetscInt64 *batch)
{
  const double cores = (double)PetscMax(sysconf(_SC_NPROCESSORS_ONLN), 1);

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(s->bench->comm, &s->ranks));
  s->crowd = PetscMax(1.0, (double)s->ranks / cores);
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-batch", 1, INT_MAX, batch));
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-batches", 1, INT_MAX, &s->batches));
  PetscCall(WeftOptionsGetReal(WeftBenchOptions, "-latency", 0, 1, &s->latency));
  PetscCall(WeftOptionsGetReal(WeftBenchOptions, "-bandwidth", 1, 1e15, &s->bandwidth));
  PetscCall(WeftOptionsGetReal(WeftBenchOptions, "-memory", 1, 1e15, &s->memory));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No more and no larger batches than there are samples for. */
static void FitBatches(Scaling *s, PetscInt64 *batch)
{
  *batch = PetscMax(PetscMin(*batch, s->problem->n / s->ranks), 1);
  s->batches = PetscMax(PetscMin(s->batches, s->problem->n / (*batch * s->ranks)), 1);
}

/* As weft learn does by default, with the problem's atoms and groups of p. */
static PetscErrorCode Settle(Scaling *s, PetscInt64 batch)
{
  PetscFunctionBegin;
  PetscCall(WeftLayerSettingsFromOptions(&s->settings));
  s->settings.atoms = s->problem->k;
  s->settings.group_size = s->problem->group_size[WEFT_PROBLEM_G];
  s->settings.batch_size = batch;
  s->settings.iterations = s->batches;
  s->settings.epochs = 0;
  s->settings.seed = 1;
  s->model.shape = ShapeOf(s, batch * s->batches, s->problem->d, s->problem->k, batch, 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchScaling(MPI_Comm comm)
{
  WeftBench        bench;
  WeftBenchProblem problem;
  Scaling          s = {.bench = &bench, .problem = &problem};
  PetscInt64       batch;

  PetscFunctionBegin;
  PetscCall(WeftBenchBegin(comm, "scaling", &bench));
  PetscCall(ReadOptions(&s, &batch));
  PetscCall(WeftBenchProblemCreate(&bench, PETSC_FALSE, &problem));
  FitBatches(&s, &batch);
  PetscCall(Settle(&s, batch));
  PetscCall(MeasureAlone(&s, batch));
  PetscCall(MeasureMessages(&s));
  PetscCall(TellMeasured(&s));
  {
    Timed timed[] = {{.name = "strong", .batch = batch}, {.name = "weak", .batch = batch * s.ranks}};
    for (int i = 0; i < 2; ++i) PetscCall(MeasureTogether(&s, &timed[i]));
    PetscCall(TellChecks(&s, timed, 2));
  }
  PetscCall(WeftBenchPrint(&bench,
                           "\nContinued, a core to each rank, %g us a step and %g GB/s (-latency, -bandwidth):\n",
                           1e6 * s.latency, 1e-9 * s.bandwidth));
  PetscCall(WeftJsonArray(&bench.json, "continued"));
  PetscCall(TellOn(&s, "strong", 60000, 784, 1024, 1000, PETSC_FALSE));
  PetscCall(TellOn(&s, "weak", 1000000000, 784, 1024, 250, PETSC_TRUE));
  PetscCall(TellOn(&s, "large", 1000000000, 50000, 100000, 250, PETSC_TRUE));
  PetscCall(WeftJsonEnd(&bench.json));
  PetscCall(TellLimits(&s, 1000000000, 50000, 100000));
  PetscCall(WeftBenchProblemDestroy(&problem));
  PetscCall(WeftBenchEnd(&bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}
