/* The rule "backprop": stochastic gradient descent by back-propagation, the batch spread over all ranks. */
#include "trainimpl.h"
#include <math.h>

static const double statistics_momentum = 0.1;

enum { TALLY = 3 }; /* loss, correct answers and samples travel with the gradient */

typedef struct {
  WeftBatches batches;
  WeftPass    pass;
  WeftBlock   gradient;                        /* [1, parameters + TALLY] */
  WeftBlock  *m, *v, *parameters, *statistics; /* of the trainer's state: moments; running averages or NULL */
  int32_t    *labels;                          /* of the batch */
  uint32_t   *keys;
  size_t      capacity;
} Backprop;

/* The most samples of a batch that this rank ever has: one for each stratum that it holds a part of. */
static size_t Capacity(const WeftTrainer t, const WeftBatches *b)
{
  const PetscInt64 rows = (PetscInt64)t->train->x.rows;

  return (size_t)(b->per_epoch == 1 ? rows : PetscMin(rows, rows / (b->n / b->strata) + 2));
}

static PetscErrorCode CreateState(WeftTrainer t, Backprop *b)
{
  const size_t parameters = t->network->parameters.cols;

  PetscFunctionBegin;
  PetscCall(WeftTrainerAddState(t, "m", "running mean of the gradient", parameters, &b->m));
  if (t->settings.optimiser == WEFT_OPTIMISER_ADAM)
    PetscCall(WeftTrainerAddState(t, "v", "running mean of its square", parameters, &b->v));
  if (t->settings.average > 0) {
    PetscCall(WeftTrainerAddState(t, "average", "running average of the parameters", parameters, &b->parameters));
    PetscCall(WeftTrainerAddState(t, "average_statistics", "running average of the statistics",
                                  t->network->statistics.cols, &b->statistics));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(WeftTrainer t)
{
  Backprop *b;

  PetscFunctionBegin;
  PetscCall(PetscNew(&b));
  t->data = b;
  PetscCall(WeftBatchesCreate(t->train->n, t->train->row0, (PetscInt64)t->train->x.rows, t->settings.batch_size,
                              t->settings.seed, &b->batches));
  t->steps_per_epoch = b->batches.per_epoch;
  t->steps = t->settings.epochs * t->steps_per_epoch;
  b->capacity = Capacity(t, &b->batches);
  PetscCall(WeftPassCreate(t->comm, t->network, b->capacity, &b->pass));
  PetscCall(WeftBlockCreate(1, t->network->parameters.cols + TALLY, t->network->precision, &b->gradient));
  PetscCall(PetscMalloc2(b->capacity, &b->labels, b->capacity, &b->keys));
  PetscCall(CreateState(t, b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(WeftTrainer t)
{
  Backprop *b = t->data;

  PetscFunctionBegin;
  PetscCall(WeftBatchesDestroy(&b->batches));
  PetscCall(WeftPassDestroy(&b->pass));
  PetscCall(WeftBlockDestroy(&b->gradient));
  PetscCall(PetscFree2(b->labels, b->keys));
  PetscCall(PetscFree(t->data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient and the tally over all ranks. */
static PetscErrorCode Reduce(WeftTrainer t, Backprop *b, WeftScore *score)
{
  const size_t at = t->network->parameters.cols;
  double      *tally[TALLY] = {&score->loss, &score->correct, &score->samples};

  PetscFunctionBegin;
  PetscCheck(b->gradient.cols <= INT_MAX, t->comm, PETSC_ERR_ARG_SIZ, "more parameters than one message counts");
  for (size_t i = 0; i < TALLY; ++i) WeftBlockSet(&b->gradient, 0, at + i, *tally[i]);
  PetscCall(WeftEventBegin(WEFT_EVENT_REDUCE));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, b->gradient.values.v, (int)b->gradient.cols,
                             b->gradient.precision == WEFT_SINGLE ? MPI_FLOAT : MPI_DOUBLE, MPI_SUM, t->comm));
  PetscCall(WeftEventEnd(WEFT_EVENT_REDUCE));
  for (size_t i = 0; i < TALLY; ++i) *tally[i] = WeftBlockGet(&b->gradient, 0, at + i);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's part of the batch, forward and back. */
static PetscErrorCode Propagate(WeftTrainer t, Backprop *b, WeftScore *score)
{
  const WeftPassTraining training = {t->settings.dropout, t->settings.dropout_hidden, b->keys, statistics_momentum};
  const size_t          *index;
  size_t                 count;

  PetscFunctionBegin;
  PetscCall(WeftBatchesGet(&b->batches, t->step, &count, &index));
  PetscCall(WeftPassLoad(b->pass, &t->train->x, count, index));
  for (size_t i = 0; i < count; ++i) b->labels[i] = t->train->labels[index[i]];
  WeftDropoutKeys(t->settings.seed, t->step, count, index, t->train->row0, b->keys);
  PetscCall(WeftPassForwardTraining(b->pass, &training));
  PetscCall(WeftPassLoss(b->pass, b->labels, t->settings.label_smoothing, score));
  PetscCall(WeftPassBackward(b->pass, &training, &b->gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The average forgets its start sooner than it will later forget anything. */
static void Average(const WeftTrainer t, Backprop *b)
{
  const double step = (double)t->step, part = 1 - PetscMin(t->settings.average, (1 + step) / (10 + step));

  if (!b->parameters) return;
  WeftOptimiserAverage(&t->network->parameters, t->step ? part : 1, b->parameters);
  WeftOptimiserAverage(&t->network->statistics, t->step ? part : 1, b->statistics);
}

static PetscErrorCode Step(WeftTrainer t)
{
  Backprop         *b = t->data;
  WeftScore         score = {0};
  WeftOptimiserStep step = {t->step, 0, 0};
  PetscBool         finite;

  PetscFunctionBegin;
  PetscCall(Propagate(t, b, &score));
  PetscCall(Reduce(t, b, &score));
  t->rate = step.rate = WeftTrainRate(&t->settings, t->step, t->steps, t->steps_per_epoch);
  step.scale = 1 / PetscMax(score.samples, 1);
  PetscCall(WeftTrainerCheckFinite(t, isfinite(score.loss) ? PETSC_TRUE : PETSC_FALSE, "the loss"));
  finite = WeftOptimiserUpdate(&t->settings, t->network, &b->gradient, &step, b->m, b->v);
  PetscCall(WeftTrainerCheckFinite(t, finite, "a weight or its gradient"));
  PetscCall(WeftTrainerCheckFinite(t, WeftBlockFinite(&t->network->statistics), "a running mean or variance"));
  Average(t, b);
  t->score.loss += score.loss;
  t->score.correct += score.correct;
  t->score.samples += score.samples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Swap(WeftBlock *a, WeftBlock *b)
{
  const WeftBlock c = *a;

  *a = *b;
  *b = c;
}

/* The averages stand in the network while it is judged, and where they stood the rest. */
static PetscErrorCode Exchange(WeftTrainer t)
{
  Backprop *b = t->data;

  PetscFunctionBegin;
  if (!b->parameters) PetscFunctionReturn(PETSC_SUCCESS);
  Swap(&t->network->parameters, b->parameters);
  Swap(&t->network->statistics, b->statistics);
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftTrainingRule WeftTrainingRuleBackprop = {"backprop", Create, Step, Exchange, Exchange, Destroy, PETSC_FALSE};
