#include "check.h"
#include "cmd.h"
#include <weft/kind.h>
#include <weft/lock.h>
#include <weft/output.h>
#include <weft/readout.h>

static const WeftOption options[] = {
  {"-structure", "RUN.h5", NULL, "learned structure: a complete run file of weft learn"},
  {"-data", "F.h5", NULL, "data file with labels"},
  {"-o", "NET.h5", NULL, "network file to write"},
  {"-resume", NULL, NULL, "go on from the network file where it is a checkpoint; start afresh where there is none"},
  {"-seed", "S", "1", "key of all random numbers"},
  {"-weft_checkpoint_every", "S", "300", "seconds between checkpoints; the rules ridge and softmax have none"},
  {NULL, NULL, NULL, NULL}};

/* Everything that a run has at hand; each part knows only its own. */
typedef struct {
  char                    structure_path[PETSC_MAX_PATH_LEN], data_path[PETSC_MAX_PATH_LEN], path[PETSC_MAX_PATH_LEN];
  char                    structure_text[PETSC_MAX_PATH_LEN + 32]; /* path and checksum */
  WeftTrainSettings       settings;
  WeftKindSettings        kind;
  const WeftTrainingRule *rule;
  double                  checkpoint_every;
  PetscBool               resume, check;
  WeftRunState            found;
  PetscInt64              seed;
  WeftData                data;
  WeftStructure           structure; /* NULL once a network is made of it */
  WeftReadoutLayers       layers;    /* of it that are read */
  WeftPrep                prep;      /* of the samples; NULL where the structure makes features of them */
  WeftSamples             samples[WEFT_NUM_SPLITS];
  WeftNetwork             network;
  WeftTrainer             trainer;
  WeftNetworkRecord       record;
  char                   *yaml;
} Run;

static PetscErrorCode ReadOptions(Run *run)
{
  char rule[64];

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetNeeded(options, "-structure", sizeof(run->structure_path), run->structure_path));
  PetscCall(WeftOptionsGetNeeded(options, "-data", sizeof(run->data_path), run->data_path));
  PetscCall(WeftOptionsGetNeeded(options, "-o", sizeof(run->path), run->path));
  PetscCall(WeftOptionsGetFlag(options, "-resume", &run->resume));
  PetscCall(WeftOptionsGetInt(options, "-seed", 0, INT64_MAX, &run->seed));
  PetscCall(WeftOptionsGetReal(options, "-weft_checkpoint_every", 0, 1e9, &run->checkpoint_every));
  PetscCall(WeftTrainSettingsFromOptions(&run->settings));
  PetscCall(WeftKindSettingsFromOptions(&run->kind));
  run->settings.seed = (uint64_t)run->seed;
  PetscCall(WeftOptionsGetText(WeftTrainOptions, "-weft_train_rule", sizeof(rule), rule, NULL));
  run->rule = WeftTrainingRuleFind(rule);
  WeftUserCheck(run->rule, PETSC_COMM_WORLD, "-weft_train_rule %s: there is no such rule (weft train -help)", rule);
  WeftUserCheck(!run->rule->frozen || run->kind.kind == WEFT_KIND_LEARNED, PETSC_COMM_WORLD,
                "-weft_train_rule %s reads the learned structure: other kinds (-structure_kind) need backprop",
                run->rule->name);
  PetscCall(WeftCheckAsked(&run->check));
  PetscCall(WeftOptionsYAML(&WeftVerbTrain, &run->yaml));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before any work: may the output be written, and is there something to go on from? */
static PetscErrorCode LookForRun(Run *run)
{
  static const char *const may_change[] = {"-structure", "-data", "-o", "-resume", "-check", "-weft_checkpoint_every",
                                           NULL};
  const MPI_Comm           comm = PETSC_COMM_WORLD;

  PetscFunctionBegin;
  run->found = WEFT_RUN_MISSING;
  if (!run->check) PetscCall(WeftLockTake(comm, "-o", run->path));
  if (run->resume) PetscCall(WeftNetworkFileInspect(comm, "-o", run->path, &run->found));
  if (run->found == WEFT_RUN_MISSING) PetscCall(WeftOutputCheckNew(comm, "-o", run->path));
  if (run->found == WEFT_RUN_MISSING) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftRunFileVerify(comm, "-o", run->path));
  PetscCall(WeftRunFileCheckOptions(comm, run->path, run->yaml, may_change));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenData(Run *run)
{
  const WeftDataInfo *info;

  PetscFunctionBegin;
  PetscCall(WeftDataOpen(PETSC_COMM_WORLD, "-data", run->data_path, &run->data));
  info = WeftDataGetInfo(run->data);
  WeftUserCheck(info->labelled[WEFT_TRAIN], PETSC_COMM_WORLD, "-data %s: has no labels /train/y: training needs them",
                run->data_path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The layers that are used. */
static PetscErrorCode CountLayers(Run *run)
{
  const WeftStructure structure = run->structure;
  const int           layers = run->settings.layers;

  PetscFunctionBegin;
  WeftUserCheck(layers <= structure->count, PETSC_COMM_WORLD, "-weft_train_layers %d: %s has %d", layers,
                run->structure_path, structure->count);
  run->layers.count = layers ? layers : structure->count;
  run->layers.first = run->settings.from_last ? run->layers.count - 1 : 0;
  WeftUserCheck(run->layers.count <= WEFT_NETWORK_MAX_LAYERS, PETSC_COMM_WORLD,
                "-structure %s: of its %d layers a network can have %d: -weft_train_layers %d", run->structure_path,
                structure->count, WEFT_NETWORK_MAX_LAYERS, WEFT_NETWORK_MAX_LAYERS);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenStructure(Run *run)
{
  PetscFunctionBegin;
  PetscCall(
    WeftStructureOpen(PETSC_COMM_WORLD, "-structure", run->structure_path, run->settings.precision, &run->structure));
  PetscCall(WeftStructureCheckWidth(run->structure, "-data", run->data_path, WeftDataGetInfo(run->data)->features));
  WeftStructureDescribe(run->structure, sizeof(run->structure_text), run->structure_text);
  if (run->found != WEFT_RUN_MISSING)
    PetscCall(WeftNetworkFileCheckStructure(PETSC_COMM_WORLD, run->path, run->structure_text));
  PetscCall(CountLayers(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The preprocessing of the samples is that of the structure's first layer. */
static PetscErrorCode TakePrep(Run *run)
{
  WeftPrepParameters q;

  PetscFunctionBegin;
  PetscCall(WeftPrepGetParameters(run->structure->layers[0].prep, &q));
  PetscCall(WeftPrepCreate(PETSC_COMM_WORLD, q.d, &run->prep));
  PetscCall(WeftPrepSetParameters(run->prep, &q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeNetwork(Run *run)
{
  const WeftDataInfo *info = WeftDataGetInfo(run->data);
  WeftTrainSource     source[WEFT_NETWORK_MAX_LAYERS];

  PetscFunctionBegin;
  PetscCall(OpenStructure(run));
  if (run->rule->frozen) {
    run->network = (WeftNetwork){.precision = run->settings.precision,
                                 .inputs = WeftReadoutWidth(run->structure, run->layers),
                                 .classes = (size_t)info->classes};
    PetscCall(WeftNetworkCreate(&run->network));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int i = 0; i < run->layers.count; ++i) {
    const WeftStructureLayer *l = &run->structure->layers[i];
    source[i] = (WeftTrainSource){&l->atoms, l->responder.group_size, l->responder.alive,
                                  l->shared.settings.prototypes ? &l->shared : NULL};
  }
  PetscCall(WeftKindBuild(&run->kind, &run->settings, run->layers.count, source, (size_t)info->features,
                          (size_t)info->classes, &run->network));
  PetscCall(TakePrep(run));
  PetscCall(WeftStructureClose(&run->structure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many samples of a split are used. */
static PetscInt64 CountSamples(const Run *run, WeftSplit split)
{
  const PetscInt64 all = WeftDataGetInfo(run->data)->samples[split], most = run->settings.samples;

  return split == WEFT_TRAIN && most > 0 ? PetscMin(all, most) : all;
}

/* What a rank will hold, above what the fullest rank holds now. */
static PetscErrorCode Memory(const Run *run, double *more, PetscInt64 *now)
{
  const PetscInt64 train = CountSamples(run, WEFT_TRAIN), test = CountSamples(run, WEFT_TEST);
  int              size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(WeftPeakMemory(PETSC_COMM_WORLD, now));
  *more = WeftTrainMemory(&run->settings, &run->network, (train + size - 1) / size, (test + size - 1) / size, size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before memory is taken. */
static PetscErrorCode TellMemory(const Run *run)
{
  PetscInt64 now;
  double     more;

  PetscFunctionBegin;
  PetscCall(Memory(run, &more, &now));
  PetscCall(WeftBlasSay(PETSC_COMM_WORLD));
  PetscCall(PetscFPrintf(PETSC_COMM_WORLD, stderr,
                         "weft: note: about %.0f MB per rank: %.0f of libraries and what the network is made of, %.0f "
                         "of samples and network\n",
                         ((double)now + more) / 1e6, (double)now / 1e6, more / 1e6));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Samples as the network takes them: preprocessed, or what a frozen structure makes of them. */
static PetscErrorCode PrepareSamples(Run *run, WeftBlock *x)
{
  WeftBlock features;

  PetscFunctionBegin;
  if (run->rule->frozen) {
    PetscCall(WeftReadoutFeatures(run->structure, run->layers, x, &features));
    PetscCall(WeftBlockDestroy(x));
    *x = features;
  } else {
    PetscCall(WeftTrainPrepare(&run->network, run->prep, x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's part of the labels, and its part of their checksum. */
static PetscErrorCode ReadLabels(Run *run, WeftSplit split, PetscInt64 rows, uint64_t *sum)
{
  WeftSamples *s = &run->samples[split];
  WeftBlock    bytes;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)rows, &s->labels));
  PetscCall(WeftDataReadLabels(run->data, split, s->row0, rows, s->labels));
  bytes = (WeftBlock){(size_t)rows, 1, WEFT_SINGLE, {s->labels}}; /* as many bytes as an int32 */
  *sum = WeftBlockChecksum(&bytes, (uint64_t)s->row0);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sum, 1, MPI_UINT64_T, MPI_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The samples as they are in the file, and into the record what tells them from others; of a complete run that alone.
 */
static PetscErrorCode ReadSamples(Run *run, WeftSplit split)
{
  WeftSamples *s = &run->samples[split];
  PetscInt64   rows;
  uint64_t     sum, labels;
  int          rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  s->n = CountSamples(run, split);
  WeftDataRange(s->n, rank, size, &s->row0, &rows);
  if (run->found == WEFT_RUN_COMPLETE) {
    PetscCall(WeftDataChecksum(run->data, split, s->n, run->settings.precision, &sum));
  } else {
    PetscCall(WeftDataReadRows(run->data, split, s->row0, rows, run->settings.precision, &s->x));
    sum = WeftBlockChecksum(&s->x, (uint64_t)s->row0);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_UINT64_T, MPI_SUM, PETSC_COMM_WORLD));
  }
  PetscCall(ReadLabels(run, split, rows, &labels));
  if (split == WEFT_TEST) run->record.test_checksum = (PetscInt64)(sum + labels);
  if (split == WEFT_TRAIN) run->record.data_checksum = (PetscInt64)sum;
  if (split == WEFT_TRAIN) run->record.labels_checksum = (PetscInt64)labels;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that training reads must be what the file was begun with. */
static PetscErrorCode LoadSamples(Run *run)
{
  const WeftDataInfo *info = WeftDataGetInfo(run->data);
  const PetscBool     tests = info->samples[WEFT_TEST] && info->labelled[WEFT_TEST] ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(ReadSamples(run, WEFT_TRAIN));
  if (tests) PetscCall(ReadSamples(run, WEFT_TEST));
  if (run->found != WEFT_RUN_MISSING) {
    PetscCall(WeftRunFileCheckData(PETSC_COMM_WORLD, run->path, run->data_path, run->record.data_checksum));
    PetscCall(WeftNetworkFileCheckLabels(PETSC_COMM_WORLD, run->path, run->data_path, &run->record));
  }
  if (run->found == WEFT_RUN_COMPLETE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PrepareSamples(run, &run->samples[WEFT_TRAIN].x));
  if (tests) PetscCall(PrepareSamples(run, &run->samples[WEFT_TEST].x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeTrainer(Run *run)
{
  const WeftSamples *test = run->samples[WEFT_TEST].n ? &run->samples[WEFT_TEST] : NULL;

  PetscFunctionBegin;
  PetscCall(WeftTrainerCreate(PETSC_COMM_WORLD, &run->settings, run->rule, &run->network, &run->samples[WEFT_TRAIN],
                              test, &run->trainer));
  run->record.options = run->yaml;
  run->record.structure = run->structure_text;
  run->record.data = WeftDataGetInfo(run->data);
  run->record.seed = run->seed;
  if (run->found != WEFT_RUN_CHECKPOINT) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftTrainerRecord(run->trainer, &run->record));
  PetscCall(WeftNetworkFileResume(PETSC_COMM_WORLD, run->path, &run->record, &run->network));
  PetscCall(WeftTrainerRestore(run->trainer, &run->record));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Write(Run *run, PetscBool complete)
{
  PetscFunctionBegin;
  PetscCall(WeftTrainerRecord(run->trainer, &run->record));
  PetscCall(WeftNetworkFileWrite(PETSC_COMM_WORLD, run->path, &run->record, &run->network, run->prep, complete));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Checkpoint(WeftTrainer trainer, void *ctx)
{
  PetscFunctionBegin;
  (void)trainer;
  PetscCall(Write(ctx, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Summarise(const Run *run)
{
  const WeftTrainer t = run->trainer;
  const double     *last = t->history + (t->entries - 1) * WEFT_TRAINED_FIELDS;
  size_t            connections = 0;
  PetscInt64        bytes;
  char              test[64] = "no test samples";

  PetscFunctionBegin;
  PetscCall(WeftPeakMemory(PETSC_COMM_WORLD, &bytes));
  for (int i = 0; i < run->network.nlayers; ++i) connections += WeftNetworkConnections(&run->network.layer[i]);
  if (t->test) snprintf(test, sizeof(test), "test accuracy %.2f %%", 100 * last[WEFT_TRAINED_TEST_ACCURACY]);
  PetscCall(PetscPrintf(
    PETSC_COMM_WORLD, "%lld samples x %zu inputs: %d masked layers of %zu connections in all, %zu weights\n",
    (long long)t->train->n, run->network.inputs, run->network.nlayers, connections, run->network.parameters.cols));
  PetscCall(PetscPrintf(
    PETSC_COMM_WORLD, "%s after %zu epochs; training loss %.4f, accuracy %.2f %%; %.1f s, %.0f MB per rank at most\n",
    test, t->entries, last[WEFT_TRAINED_LOSS], 100 * last[WEFT_TRAINED_ACCURACY], t->seconds, (double)bytes / 1e6));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "written: %s\n", run->path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Run *run)
{
  PetscFunctionBegin;
  PetscCall(WeftTrainerDestroy(&run->trainer));
  PetscCall(WeftNetworkDestroy(&run->network));
  PetscCall(WeftPrepDestroy(&run->prep));
  if (run->structure) PetscCall(WeftStructureClose(&run->structure));
  for (int i = 0; i < WEFT_NUM_SPLITS; ++i) {
    PetscCall(WeftBlockDestroy(&run->samples[i].x));
    PetscCall(PetscFree(run->samples[i].labels));
  }
  if (run->data) PetscCall(WeftDataClose(&run->data));
  PetscCall(PetscFree(run->yaml));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Train(Run *run)
{
  const WeftTrainerHooks hooks = {Checkpoint, run, run->checkpoint_every, PETSC_FALSE};
  PetscBool              stopped = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(OpenData(run));
  PetscCall(MakeNetwork(run));
  PetscCall(TellMemory(run));
  PetscCall(LoadSamples(run));
  PetscCall(MakeTrainer(run));
  PetscCall(WeftTrainerRun(run->trainer, &hooks, &stopped));
  if (!stopped) {
    PetscCall(Write(run, PETSC_TRUE));
    PetscCall(Summarise(run));
  } else if (run->trainer->stopped) {
    PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                          "stopped; the rule %s has no checkpoint, and nothing is written: run it again\n",
                          run->rule->name));
  } else {
    PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                          "stopped after %lld of %lld steps; checkpoint in %s: run again with -resume\n",
                          (long long)run->trainer->step, (long long)run->trainer->steps, run->path));
  }
  PetscCall(Destroy(run));
  if (stopped) WeftExitStatus(WEFT_EXIT_STOPPED);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All that can be found wrong before samples are read. */
static PetscErrorCode Check(Run *run)
{
  WeftReadoutSettings readout;
  WeftRunState        structure;
  double              more;
  PetscInt64          now;
  char                text[PETSC_MAX_PATH_LEN + 64];

  PetscFunctionBegin;
  if (run->rule->frozen) PetscCall(WeftReadoutSettingsFromOptions(&readout));
  PetscCall(OpenData(run));
  PetscCall(WeftRunFileInspect(PETSC_COMM_WORLD, "-structure", run->structure_path, &structure));
  if (structure == WEFT_RUN_COMPLETE) {
    PetscCall(MakeNetwork(run));
    PetscCall(Memory(run, &more, &now));
    PetscCall(WeftCheckMemory((double)now + more, sizeof(text), text));
  } else {
    WeftCheckAwaits(run->structure_path, structure, sizeof(text), text);
  }
  PetscCall(WeftCheckTell(WeftDataGetInfo(run->data), text));
  PetscCall(Destroy(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is it of this structure and these samples? Then there is nothing to do. */
static PetscErrorCode TellComplete(Run *run)
{
  PetscFunctionBegin;
  if (!run->check) {
    PetscCall(OpenData(run));
    PetscCall(OpenStructure(run));
    PetscCall(LoadSamples(run));
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%s is complete: nothing to resume\n", run->path));
  PetscCall(Destroy(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunTrain(const char word[])
{
  Run run = {0};

  PetscFunctionBegin;
  (void)word;
  PetscCall(ReadOptions(&run));
  PetscCall(LookForRun(&run));
  if (run.found == WEFT_RUN_COMPLETE)
    PetscCall(TellComplete(&run));
  else
    PetscCall(run.check ? Check(&run) : Train(&run));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbTrain = {
  "train",
  NULL,
  "train the network of a learned structure",
  "  weft train -structure run.h5 -data data.h5 -o net.h5 [-resume] [-options_file inputs/X.yaml] [options]\n"
  "  mpirun -n 2 weft train -structure run.h5 -data data.h5 -o net.h5\n",
  {options, WeftCheckOptions, WeftTrainOptions, WeftKindOptions, WeftReadoutOptions},
  RunTrain};
