#include "cmd.h"
#include <weft/cost.h>
#include <weft/output.h>
#include <weft/runfile.h>
#include <math.h>

static const WeftOption options[] = {
  {"-data", "F.h5", NULL, "data file (weft import, weft synth, or any HDF5 file with /train/x)"},
  {"-o", "F.h5", NULL, "run file to write"},
  {"-resume", NULL, NULL, "go on from the run file where it is a checkpoint; start afresh where there is none"},
  {"-seed", "S", "1", "key of all random numbers"},
  {"-weft_checkpoint_every", "S", "300", "seconds between checkpoints"},
  {NULL, NULL, NULL, NULL}};

/* Everything that a run has at hand; each part knows only its own. */
typedef struct {
  char              data_path[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  WeftLayerSettings settings;
  double            checkpoint_every;
  PetscBool         resume;
  WeftRunState      found;
  PetscInt64        seed, n, row0;
  WeftData          data;
  WeftBlock         x;
  WeftPrep          prep;
  WeftLayer         layer;
  WeftRunInfo       info;
  char             *yaml;
} Run;

static PetscErrorCode ReadOptions(Run *run)
{
  PetscFunctionBegin;
  PetscCall(WeftOptionsGetNeeded(options, "-data", sizeof(run->data_path), run->data_path));
  PetscCall(WeftOptionsGetNeeded(options, "-o", sizeof(run->path), run->path));
  PetscCall(WeftOptionsGetFlag(options, "-resume", &run->resume));
  PetscCall(WeftOptionsGetInt(options, "-seed", 0, INT64_MAX, &run->seed));
  PetscCall(WeftOptionsGetReal(options, "-weft_checkpoint_every", 0, 1e9, &run->checkpoint_every));
  PetscCall(WeftLayerSettingsFromOptions(&run->settings));
  run->settings.seed = (uint64_t)run->seed;
  PetscCall(WeftOptionsYAML(&WeftVerbLearn, &run->yaml));
  run->info.options = run->yaml;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before any work: may the output be written, and is there something to go on from? */
static PetscErrorCode LookForRun(Run *run)
{
  static const char *const may_change[] = {
    "-data", "-o", "-resume", "-weft_checkpoint_every", "-weft_coder_view", "-weft_coder_monitor", NULL};
  const MPI_Comm comm = PETSC_COMM_WORLD;

  PetscFunctionBegin;
  run->found = WEFT_RUN_MISSING;
  if (run->resume) PetscCall(WeftRunFileInspect(comm, "-o", run->path, &run->found));
  if (run->found == WEFT_RUN_MISSING) PetscCall(WeftOutputCheckNew(comm, "-o", run->path));
  if (run->found == WEFT_RUN_CHECKPOINT) PetscCall(WeftRunFileCheckOptions(comm, run->path, run->yaml, may_change));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What tells these samples from others. */
static PetscErrorCode SumData(Run *run)
{
  uint64_t sum = WeftBlockChecksum(&run->x, (uint64_t)run->row0);

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, PETSC_COMM_WORLD));
  run->info.data_checksum = (PetscInt64)sum;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before memory is taken: what the run will hold, above what it holds now. */
static PetscErrorCode TellMemory(const Run *run, int size)
{
  WeftLayerShape shape;
  WeftMemory     memory;
  PetscInt64     now;

  PetscFunctionBegin;
  WeftLayerShapeFromSettings(&run->settings, run->n, WeftDataGetInfo(run->data)->features, size, &shape);
  WeftLayerMemory(&shape, &memory);
  PetscCall(WeftPeakMemory(PETSC_COMM_WORLD, &now));
  PetscCall(WeftBlasSay(PETSC_COMM_WORLD));
  PetscCall(PetscFPrintf(
    PETSC_COMM_WORLD, stderr,
    "weft: note: about %.0f MB per rank: %.0f of libraries, %.0f for the layer, of which %.0f are samples\n",
    ((double)now + memory.peak) / 1e6, (double)now / 1e6, memory.peak / 1e6, memory.samples / 1e6));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's samples, preprocessed: fitted to the data, or as the checkpoint has it. */
static PetscErrorCode LoadSamples(Run *run)
{
  const WeftDataInfo *info;
  PetscInt64          rows;
  int                 rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(WeftDataOpen(PETSC_COMM_WORLD, "-data", run->data_path, &run->data));
  info = WeftDataGetInfo(run->data);
  run->n = info->samples[WEFT_TRAIN];
  PetscCall(TellMemory(run, size));
  WeftDataRange(run->n, rank, size, &run->row0, &rows);
  PetscCall(WeftDataReadRows(run->data, WEFT_TRAIN, run->row0, rows, run->settings.precision, &run->x));
  PetscCall(SumData(run));
  PetscCall(WeftPrepCreate(PETSC_COMM_WORLD, (PetscInt)info->features, &run->prep));
  PetscCall(WeftPrepSetFromOptions(run->prep));
  if (run->found == WEFT_RUN_CHECKPOINT) {
    PetscCall(WeftRunFileCheckData(PETSC_COMM_WORLD, run->path, run->data_path, run->info.data_checksum));
    PetscCall(WeftRunFileReadPrep(PETSC_COMM_WORLD, run->path, run->prep));
    PetscCall(WeftPrepApply(run->prep, &run->x));
  } else {
    PetscCall(WeftPrepFit(run->prep, &run->x));
  }
  run->info.data = info;
  run->info.seed = run->seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where samples are few their covariance is mostly noise, and atoms learn samples by heart. */
static PetscErrorCode WarnOfFewSamples(const Run *run)
{
  const PetscInt64 few = 5 * PetscMax(WeftDataGetInfo(run->data)->features, run->settings.atoms);

  PetscFunctionBegin;
  if (run->n < few)
    PetscCall(PetscFPrintf(PETSC_COMM_WORLD, stderr,
                           "weft: note: %lld samples are few for %lld inputs and %lld atoms: what is found may be "
                           "chance; %lld or more are wanted\n",
                           (long long)run->n, (long long)WeftDataGetInfo(run->data)->features,
                           (long long)run->settings.atoms, (long long)few));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeLayer(Run *run)
{
  PetscFunctionBegin;
  PetscCall(WarnOfFewSamples(run));
  PetscCall(WeftLayerCreate(PETSC_COMM_WORLD, &run->settings, run->n, run->row0, &run->x, &run->layer));
  PetscCall(WeftLayerSetPrep(run->layer, run->prep));
  PetscCall(WeftCoderSetFromOptions(run->layer->coder));
  PetscCall(WeftDictSetFromOptions(run->layer->dict));
  if (run->found == WEFT_RUN_CHECKPOINT) PetscCall(WeftRunFileReadLayer(run->path, run->layer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Checkpoint(WeftLayer layer, void *ctx)
{
  Run *run = ctx;

  PetscFunctionBegin;
  PetscCall(WeftRunFileWrite(run->path, &run->info, run->prep, layer, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Summarise(const Run *run)
{
  const WeftLayer l = run->layer;
  const double   *last = l->history.length ? l->history.values + (l->history.length - 1) * WEFT_HISTORY_FIELDS : NULL;
  PetscInt64      bytes;

  PetscFunctionBegin;
  PetscCall(WeftPeakMemory(l->comm, &bytes));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%lld samples x %lld inputs: %d of %d groups of %d atoms alive\n",
                        (long long)l->n, (long long)l->d, (int)WeftDictCountAlive(l->dict), l->codes.groups,
                        l->codes.group_size));
  if (last)
    PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                          "active %.2f %% of groups per sample, connections %.2f %% of inputs per group, J %.5g, "
                          "largest certified gap %.2g, %.1f s, %.0f MB per rank at most\n",
                          100 * l->final_activity, 100 * last[WEFT_HISTORY_CONNECTION_DENSITY],
                          last[WEFT_HISTORY_OBJECTIVE], l->final_max_gap, l->seconds, (double)bytes / 1e6));
  PetscCall(
    PetscPrintf(PETSC_COMM_WORLD, "written: %s (pictures: python3 -m weftpost all %s)\n", run->path, run->path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Run *run)
{
  PetscFunctionBegin;
  PetscCall(WeftLayerDestroy(&run->layer));
  PetscCall(WeftPrepDestroy(&run->prep));
  PetscCall(WeftBlockDestroy(&run->x));
  PetscCall(WeftDataClose(&run->data));
  PetscCall(PetscFree(run->yaml));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Learn(Run *run)
{
  const WeftLayerHooks hooks = {Checkpoint, run, run->checkpoint_every, PETSC_FALSE};
  PetscBool            stopped = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(LoadSamples(run));
  PetscCall(MakeLayer(run));
  PetscCall(WeftLayerLearn(run->layer, &hooks, &stopped));
  if (!stopped) {
    PetscCall(WeftRunFileWrite(run->path, &run->info, run->prep, run->layer, PETSC_TRUE));
    PetscCall(Summarise(run));
  } else {
    PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                          "stopped after %lld of %lld batches; checkpoint in %s: run again with -resume\n",
                          (long long)run->layer->iteration, (long long)run->settings.iterations, run->path));
  }
  PetscCall(Destroy(run));
  if (stopped) WeftExitStatus(WEFT_EXIT_STOPPED);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunLearn(const char word[])
{
  Run run = {0};

  PetscFunctionBegin;
  (void)word;
  PetscCall(ReadOptions(&run));
  PetscCall(LookForRun(&run));
  if (run.found == WEFT_RUN_COMPLETE) {
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s is complete: nothing to resume\n", run.path));
    PetscCall(Destroy(&run));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Learn(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbLearn = {
  "learn",
  NULL,
  "learn the structure of a layer from a data file",
  "  weft learn -data data.h5 -o run.h5 [-resume] [-options_file inputs/X.yaml] [options]\n"
  "  mpirun -n 2 weft learn -data data.h5 -o run.h5\n",
  {options, WeftLayerOptions, WeftCoderOptions, WeftDictOptions, WeftPrepOptions},
  RunLearn};
