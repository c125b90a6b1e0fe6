#include "check.h"
#include "cmd.h"
#include "tell.h"
#include <weft/lock.h>
#include <weft/output.h>
#include <weft/runfile.h>

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
  WeftStackSettings settings;
  double            checkpoint_every;
  PetscBool         resume, check;
  WeftRunState      found;
  PetscInt64        seed;
  WeftData          data;
  WeftStack         stack;
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
  PetscCall(WeftStackSettingsFromOptions((uint64_t)run->seed, &run->settings));
  PetscCall(WeftCheckAsked(&run->check));
  PetscCall(WeftOptionsYAML(&WeftVerbLearn, &run->yaml));
  run->info.options = run->yaml;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before any work: may the output be written, and is there something to go on from? */
static PetscErrorCode LookForRun(Run *run)
{
  static const char *const may_change[] = {
    "-data", "-o", "-resume", "-check", "-weft_checkpoint_every", "-weft_coder_view", "-weft_coder_monitor", NULL};
  const MPI_Comm comm = PETSC_COMM_WORLD;

  PetscFunctionBegin;
  run->found = WEFT_RUN_MISSING;
  if (!run->check) PetscCall(WeftLockTake(comm, "-o", run->path));
  if (run->resume) PetscCall(WeftRunFileInspect(comm, "-o", run->path, &run->found));
  if (run->found == WEFT_RUN_MISSING) PetscCall(WeftOutputCheckNew(comm, "-o", run->path));
  if (run->found == WEFT_RUN_MISSING) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftRunFileVerify(comm, "-o", run->path));
  PetscCall(WeftRunFileCheckOptions(comm, run->path, run->yaml, may_change));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's samples, and what tells them from others. */
static PetscErrorCode LoadSamples(Run *run, PetscInt64 *row0, WeftBlock *x)
{
  const MPI_Comm      comm = PETSC_COMM_WORLD;
  const WeftDataInfo *info;
  PetscInt64          rows;
  uint64_t            sum;
  int                 rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(WeftDataOpen(comm, "-data", run->data_path, &run->data));
  info = WeftDataGetInfo(run->data);
  PetscCall(WeftTellMemory(comm, &run->settings, info));
  WeftDataRange(info->samples[WEFT_TRAIN], rank, size, row0, &rows);
  PetscCall(WeftDataReadRows(run->data, WEFT_TRAIN, *row0, rows, run->settings.layer[0].precision, x));
  sum = WeftBlockChecksum(x, (uint64_t)*row0);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, comm));
  run->info.data = info;
  run->info.data_checksum = (PetscInt64)sum;
  run->info.seed = run->seed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing learned, or what the checkpoint has. */
static PetscErrorCode MakeStack(Run *run)
{
  const MPI_Comm comm = PETSC_COMM_WORLD;
  PetscInt64     row0;
  WeftBlock      x;

  PetscFunctionBegin;
  PetscCall(LoadSamples(run, &row0, &x));
  PetscCall(WeftStackCreate(comm, &run->settings, run->info.data->samples[WEFT_TRAIN], row0, &x, &run->stack));
  if (run->found == WEFT_RUN_CHECKPOINT) {
    PetscCall(WeftRunFileCheckData(comm, run->path, run->data_path, run->info.data_checksum));
    PetscCall(WeftRunFileReadStack(run->path, run->stack));
  }
  PetscCall(WeftTellFewSamples(comm, &run->settings, run->info.data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Checkpoint(WeftLayer layer, void *ctx)
{
  const Run *run = ctx;

  PetscFunctionBegin;
  (void)layer;
  PetscCall(WeftRunFileWrite(run->path, &run->info, run->stack, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Run *run)
{
  PetscFunctionBegin;
  PetscCall(WeftStackDestroy(&run->stack));
  PetscCall(WeftDataClose(&run->data));
  PetscCall(PetscFree(run->yaml));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that can be found wrong before samples are read. */
static PetscErrorCode Check(Run *run)
{
  const WeftDataInfo *info;
  WeftMemory          memory;
  PetscInt64          now;
  char                more[64];

  PetscFunctionBegin;
  PetscCall(WeftCheckLayers(run->settings.most));
  PetscCall(WeftDataOpen(PETSC_COMM_WORLD, "-data", run->data_path, &run->data));
  info = WeftDataGetInfo(run->data);
  PetscCall(WeftTellFewSamples(PETSC_COMM_WORLD, &run->settings, info));
  PetscCall(WeftLearnMemory(PETSC_COMM_WORLD, &run->settings, info, &memory, &now));
  PetscCall(WeftCheckMemory((double)now + memory.peak, sizeof(more), more));
  PetscCall(WeftCheckTell(info, more));
  PetscCall(Destroy(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Layer after layer; a line on each as it is learned. */
static PetscErrorCode Learn(Run *run)
{
  double               last = MPI_Wtime();
  const WeftLayerHooks hooks = {.checkpoint = Checkpoint, .ctx = run, .every = run->checkpoint_every, .last = &last};
  PetscBool            stopped = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(MakeStack(run));
  while (!run->stack->done && !stopped) {
    PetscCall(WeftStackNext(run->stack, &hooks, &stopped));
    if (!stopped) PetscCall(WeftTellLayer(run->stack));
  }
  if (!stopped) PetscCall(WeftRunFileWrite(run->path, &run->info, run->stack, PETSC_TRUE));
  PetscCall(stopped ? WeftTellStopped(run->stack, run->path) : WeftTellWritten(run->stack, run->path));
  PetscCall(Destroy(run));
  if (stopped) WeftExitStatus(WEFT_EXIT_STOPPED);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it of these samples? Then there is nothing to do. */
static PetscErrorCode TellComplete(Run *run)
{
  uint64_t sum;

  PetscFunctionBegin;
  if (!run->check) {
    PetscCall(WeftDataOpen(PETSC_COMM_WORLD, "-data", run->data_path, &run->data));
    PetscCall(WeftDataChecksum(run->data, WEFT_TRAIN, WeftDataGetInfo(run->data)->samples[WEFT_TRAIN],
                               run->settings.layer[0].precision, &sum));
    PetscCall(WeftRunFileCheckData(PETSC_COMM_WORLD, run->path, run->data_path, (PetscInt64)sum));
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s is complete: nothing to resume\n", run->path));
  PetscCall(Destroy(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunLearn(const char word[])
{
  Run run = {0};

  PetscFunctionBegin;
  (void)word;
  PetscCall(ReadOptions(&run));
  PetscCall(LookForRun(&run));
  if (run.found == WEFT_RUN_COMPLETE)
    PetscCall(TellComplete(&run));
  else
    PetscCall(run.check ? Check(&run) : Learn(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbLearn = {
  "learn",
  NULL,
  "learn the structure of a network from a data file",
  "  weft learn -data data.h5 -o run.h5 [-resume] [-options_file inputs/X.yaml] [options]\n"
  "  mpirun -n 2 weft learn -data data.h5 -o run.h5\n",
  {options, WeftCheckOptions, WeftStackOptions, WeftOptionsPerLayer, WeftLayerOptions, WeftShareOptions,
   WeftCoderOptions, WeftDictOptions, WeftPrepOptions},
  RunLearn};
