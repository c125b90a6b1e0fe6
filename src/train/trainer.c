/* A trainer: the loop around a rule, its history, checkpoints and signals. */
#include "trainimpl.h"
#include <math.h>

const char *const WeftTrainedNames[WEFT_TRAINED_FIELDS] = {"epoch",         "train_loss", "train_accuracy", "test_loss",
                                                           "test_accuracy", "rate",       "seconds"};
const char *const WeftTrainedNotes[WEFT_TRAINED_FIELDS] = {
  "epochs done",
  "mean loss over the epoch, as trained: labels smoothed, units dropped",
  "fraction of right answers over the epoch, as trained",
  "mean cross-entropy of the test samples after the epoch",
  "fraction of right answers on the test samples after the epoch",
  "learning rate of the epoch's last step",
  "seconds since the start, cumulative"};

PetscErrorCode WeftTrainerCreate(MPI_Comm comm, const WeftTrainSettings *settings, const WeftTrainingRule *rule,
                                 WeftNetwork *network, const WeftSamples *train, const WeftSamples *test,
                                 WeftTrainer *trainer)
{
  WeftTrainer t;

  PetscFunctionBegin;
  PetscCall(PetscNew(&t));
  *trainer = t;
  t->comm = comm;
  t->settings = *settings;
  t->rule = rule;
  t->network = network;
  t->train = train;
  t->test = test;
  PetscCall((*rule->create)(t));
  PetscCall(PetscCalloc1((size_t)(t->steps / t->steps_per_epoch + 1) * WEFT_TRAINED_FIELDS, &t->history));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainerDestroy(WeftTrainer *trainer)
{
  PetscFunctionBegin;
  if (!*trainer) PetscFunctionReturn(PETSC_SUCCESS);
  if ((*trainer)->rule->destroy) PetscCall((*(*trainer)->rule->destroy)(*trainer));
  for (int i = 0; i < (*trainer)->nstate; ++i) PetscCall(WeftBlockDestroy(&(*trainer)->state[i].values));
  for (int i = 0; i < (*trainer)->nfigures; ++i) PetscCall(WeftBlockDestroy(&(*trainer)->figure[i].values));
  PetscCall(PetscFree((*trainer)->history));
  PetscCall(PetscFree(*trainer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainerAddState(WeftTrainer t, const char name[], const char description[], size_t cols,
                                   WeftBlock **values)
{
  WeftTrainerState *state = &t->state[t->nstate];

  PetscFunctionBegin;
  PetscCheck(t->nstate < WEFT_TRAINER_MAX_STATE, t->comm, PETSC_ERR_PLIB, "a rule of too much state");
  *state = (WeftTrainerState){.name = name, .description = description};
  PetscCall(WeftBlockCreate(1, cols, t->network->precision, &state->values));
  *values = &state->values;
  ++t->nstate;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainerAddFigure(WeftTrainer t, const char name[], const char description[], size_t cols,
                                    WeftBlock **values)
{
  WeftTrainerState *figure = &t->figure[t->nfigures];

  PetscFunctionBegin;
  PetscCheck(t->nfigures < WEFT_TRAINER_MAX_STATE, t->comm, PETSC_ERR_PLIB, "a rule of too many figures");
  *figure = (WeftTrainerState){.name = name, .description = description};
  PetscCall(WeftBlockCreate(1, cols, WEFT_DOUBLE, &figure->values));
  *values = &figure->values;
  ++t->nfigures;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool Finite(double value)
{
  return isfinite(value) ? PETSC_TRUE : PETSC_FALSE;
}

/* step: counted from 1. */
static PetscErrorCode CheckFinite(const WeftTrainer t, PetscInt64 step, PetscBool finite, const char what[])
{
  PetscFunctionBegin;
  WeftUserCheck(finite || !t->rule->frozen, t->comm,
                "rule %s: %s is not a finite number (try -weft_precision double, or a heavier penalty: "
                "-weft_readout_ridge, -weft_readout_decay)",
                t->rule->name, what);
  WeftUserCheck(finite, t->comm,
                "epoch %lld, step %lld: %s is not a finite number; the last checkpoint stands (try a smaller "
                "-weft_train_rate, or -weft_precision double)",
                (long long)((step - 1) / t->steps_per_epoch + 1), (long long)step, what);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainerCheckFinite(WeftTrainer t, PetscBool finite, const char what[])
{
  PetscFunctionBegin;
  PetscCall(CheckFinite(t, t->step + 1, finite, what));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing that a file would hold of the trainer may be other than finite. */
static PetscErrorCode CheckAll(const WeftTrainer t)
{
  PetscBool finite = WeftBlockFinite(&t->network->parameters);

  PetscFunctionBegin;
  if (!WeftBlockFinite(&t->network->statistics)) finite = PETSC_FALSE;
  for (int i = 0; i < t->nstate; ++i)
    if (!WeftBlockFinite(&t->state[i].values)) finite = PETSC_FALSE;
  PetscCall(CheckFinite(t, t->step, finite, "a number of the network or of its state"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode JudgeTest(WeftTrainer t, double entry[])
{
  WeftScore score;

  PetscFunctionBegin;
  entry[WEFT_TRAINED_TEST_LOSS] = entry[WEFT_TRAINED_TEST_ACCURACY] = NAN;
  if (!t->test) PetscFunctionReturn(PETSC_SUCCESS);
  if (t->rule->begin_evaluation) PetscCall((*t->rule->begin_evaluation)(t));
  PetscCall(WeftTrainEvaluate(t->comm, t->network, t->test, &score));
  if (t->rule->end_evaluation) PetscCall((*t->rule->end_evaluation)(t));
  PetscCall(CheckFinite(t, t->step, Finite(score.loss), "the loss of the test samples"));
  entry[WEFT_TRAINED_TEST_LOSS] = score.loss / PetscMax(score.samples, 1);
  entry[WEFT_TRAINED_TEST_ACCURACY] = score.correct / PetscMax(score.samples, 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Ends an epoch: an entry in the history. */
static PetscErrorCode EndEpoch(WeftTrainer t)
{
  double *entry = t->history + t->entries * WEFT_TRAINED_FIELDS;

  PetscFunctionBegin;
  entry[WEFT_TRAINED_EPOCH] = (double)(t->entries + 1);
  entry[WEFT_TRAINED_LOSS] = t->score.loss / PetscMax(t->score.samples, 1);
  entry[WEFT_TRAINED_ACCURACY] = t->score.correct / PetscMax(t->score.samples, 1);
  PetscCall(CheckFinite(t, t->step, Finite(entry[WEFT_TRAINED_LOSS]), "the loss"));
  entry[WEFT_TRAINED_RATE] = t->rate;
  PetscCall(JudgeTest(t, entry));
  t->score = (WeftScore){0};
  ++t->entries;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One step, and the epoch's end where it is one. */
static PetscErrorCode Advance(WeftTrainer t)
{
  const double begin = MPI_Wtime();
  PetscBool    ends;
  double       took;

  PetscFunctionBegin;
  PetscCall((*t->rule->step)(t));
  if (t->stopped) PetscFunctionReturn(PETSC_SUCCESS);
  ++t->step;
  ends = t->step % t->steps_per_epoch ? PETSC_FALSE : PETSC_TRUE;
  if (ends) PetscCall(EndEpoch(t));
  took = MPI_Wtime() - begin;
  t->seconds += took;
  if (ends) {
    PetscCallMPI(MPI_Bcast(&t->seconds, 1, MPI_DOUBLE, 0, t->comm));
    t->history[(t->entries - 1) * WEFT_TRAINED_FIELDS + WEFT_TRAINED_SECONDS] = t->seconds;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Report(WeftTrainer t, WeftProgress *progress)
{
  const double *last = t->history + (t->entries ? t->entries - 1 : 0) * WEFT_TRAINED_FIELDS;
  char          detail[128] = "";

  PetscFunctionBegin;
  if (t->entries)
    snprintf(detail, sizeof(detail), "epoch %d: loss %.4f, accuracy %.2f %%, test %.2f %%", (int)t->entries,
             last[WEFT_TRAINED_LOSS], 100 * last[WEFT_TRAINED_ACCURACY], 100 * last[WEFT_TRAINED_TEST_ACCURACY]);
  PetscCall(WeftProgressUpdate(progress, t->step, detail));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Looks at clock and signals cost a message: the last one, and the next. */
typedef struct {
  double     saved, time; /* when a checkpoint was written, and when the last look was */
  PetscInt64 step, next;
} Look;
enum { BETWEEN = 8 };            /* steps between two looks, where they are fast */
static const double slow = 0.05; /* seconds of a step after which there is a look each time */

/* Rank 0's clock, any rank's signal and the slowest rank decide for all. */
static PetscErrorCode Decide(WeftTrainer t, double every, Look *look, PetscBool *checkpoint, PetscBool *stop)
{
  const double now = MPI_Wtime();
  int          rank, flags[3];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(t->comm, &rank));
  flags[0] = !rank && now - look->saved >= every;
  flags[1] = WeftStopRequested() ? 1 : 0;
  flags[2] = now - look->time >= slow * (double)(t->step - look->step);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, flags, 3, MPI_INT, MPI_MAX, t->comm));
  *checkpoint = flags[0] ? PETSC_TRUE : PETSC_FALSE;
  *stop = flags[1] ? PETSC_TRUE : PETSC_FALSE;
  look->next = t->step + (flags[2] ? 1 : BETWEEN);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A checkpoint where it is time for one, or where the run stops. */
static PetscErrorCode LookUp(WeftTrainer t, const WeftTrainerHooks *hooks, Look *look, PetscBool *stopped)
{
  PetscBool save;

  PetscFunctionBegin;
  PetscCall(Decide(t, hooks->every, look, &save, stopped));
  if ((save || *stopped) && hooks->checkpoint) {
    PetscCall(CheckAll(t));
    PetscCall((*hooks->checkpoint)(t, hooks->ctx));
    look->saved = MPI_Wtime();
  }
  look->step = t->step;
  look->time = MPI_Wtime();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainerRun(WeftTrainer t, const WeftTrainerHooks *hooks, PetscBool *stopped)
{
  Look         look = {MPI_Wtime(), MPI_Wtime(), t->step, t->step + 1};
  WeftProgress progress;

  PetscFunctionBegin;
  *stopped = PETSC_FALSE;
  PetscCall(WeftProgressBegin(&progress, t->comm, "train", t->step, t->steps));
  if (hooks->quiet) progress.active = PETSC_FALSE;
  while (t->step < t->steps && !*stopped) {
    PetscCall(Advance(t));
    *stopped = t->stopped;
    if (*stopped) break;
    PetscCall(Report(t, &progress));
    if (t->step == t->steps || (t->step < look.next && t->step % t->steps_per_epoch)) continue;
    PetscCall(LookUp(t, hooks, &look, stopped));
  }
  PetscCall(WeftProgressEnd(&progress));
  if (t->step == t->steps) PetscCall(CheckAll(t));
  /* What was judged is the result: there it stays. */
  if (t->step == t->steps && t->rule->begin_evaluation) PetscCall((*t->rule->begin_evaluation)(t));
  PetscFunctionReturn(PETSC_SUCCESS);
}
