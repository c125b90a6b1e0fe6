/* Learning a layer by group-sparse coding: the alternation of method section 2, a batch at a time. */
#include "stackimpl.h"
#include <math.h>
#include <string.h>

PetscErrorCode WeftBatchLoad(WeftLayer l, PetscInt64 t, WeftBatch *batch)
{
  const size_t bytes = (size_t)l->d * WeftPrecisionBytes(l->x->precision);

  PetscFunctionBegin;
  PetscCall(WeftBatchesGet(&l->batches, t, &batch->count, &batch->index));
  batch->own = batch->count < l->x->rows ? PETSC_TRUE : PETSC_FALSE;
  batch->x = *l->x;
  if (batch->own) PetscCall(WeftBlockCreate(batch->count, (size_t)l->d, l->x->precision, &batch->x));
  PetscCall(WeftCodesCreate(l->codes.groups, l->codes.group_size, &batch->warm));
  for (size_t i = 0; i < batch->count; ++i) {
    if (batch->own)
      memcpy((char *)batch->x.values.v + i * bytes, (const char *)l->x->values.v + batch->index[i] * bytes, bytes);
    PetscCall(WeftCodeStoreGet(&l->codes, batch->index[i], &batch->warm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBatchDestroy(WeftBatch *batch)
{
  PetscFunctionBegin;
  if (batch->own) PetscCall(WeftBlockDestroy(&batch->x));
  PetscCall(WeftCodesDestroy(&batch->warm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What one batch gave, over all ranks. */
typedef struct {
  PetscInt64 n, seen;                                             /* samples; of all batches up to this one */
  double     objective, reconstruction, sum_gap, active, max_gap; /* sums over samples; the largest */
  double    *usage, *sizes, *ridge, *weight;                      /* [G] */
  double     relative_gamma;
} Pass;

static PetscErrorCode PassCreate(WeftLayer l, Pass *pass)
{
  const size_t G = (size_t)(l->settings.atoms / l->settings.group_size);

  PetscFunctionBegin;
  *pass = (Pass){0};
  PetscCall(PetscCalloc4(G, &pass->usage, G, &pass->sizes, G, &pass->ridge, G, &pass->weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PassDestroy(Pass *pass)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(pass->usage, pass->sizes, pass->ridge, pass->weight));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sums of the coders' results and of samples over ranks; pass->seen: this rank's before, all ranks' after. A number
 * that is none ends the run: what was saved before it stands. */
static PetscErrorCode ReduceResult(WeftLayer l, const WeftCoderResult *result, Pass *pass)
{
  double sums[6] = {result->objective,
                    result->reconstruction,
                    result->sum_gap,
                    (double)result->active_groups,
                    (double)l->statistics.samples,
                    (double)pass->seen};
  double most[2] = {result->max_gap, result->reason == WEFT_CODER_DIVERGED_NAN ? 1.0 : 0.0};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 6, MPI_DOUBLE, MPI_SUM, l->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, most, 2, MPI_DOUBLE, MPI_MAX, l->comm));
  WeftUserCheck(
    !(most[1] > 0) && isfinite(sums[0]), l->comm,
    "layer %d, iteration %lld: the objective of a sample is not a finite number; the last checkpoint stands "
    "(weft learn -help: -weft_precision double, -weft_contrast_floor)",
    l->index, (long long)l->iteration);
  pass->objective = sums[0];
  pass->reconstruction = sums[1];
  pass->sum_gap = sums[2];
  pass->active = sums[3];
  pass->n = (PetscInt64)sums[4];
  pass->seen = (PetscInt64)sums[5];
  pass->max_gap = most[0];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The coder gets the current atoms and weights; ridge [G]: as used. */
static PetscErrorCode PrepareCoder(WeftLayer l, double ridge[])
{
  PetscFunctionBegin;
  WeftWeightsRidge(l, ridge);
  PetscCall(WeftLayerGram(l));
  PetscCall(WeftCoderSetDictionary(l->coder, &l->atoms, l->codes.group_size));
  PetscCall(WeftCoderSetGram(l->coder, &l->gram));
  PetscCall(WeftCoderSetPenalty(l->coder, l->weights.lambda, ridge));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Code step of batch t, added to the statistics. keep: remember the codes. */
static PetscErrorCode CodeBatch(WeftLayer l, PetscInt64 t, PetscBool keep, WeftCoderResult *result)
{
  WeftBatch batch;
  WeftCodes codes;

  PetscFunctionBegin;
  PetscCall(WeftBatchLoad(l, t, &batch));
  PetscCall(WeftCodesCreate(l->codes.groups, l->codes.group_size, &codes));
  PetscCall(WeftCoderSolve(l->coder, &batch.x, &batch.warm, &codes, result));
  PetscCall(WeftStatisticsAdd(&l->statistics, &batch.x, &codes));
  for (size_t i = 0; keep && i < batch.count; ++i) PetscCall(WeftCodeStorePut(&l->codes, batch.index[i], &codes, i));
  PetscCall(WeftCodesDestroy(&codes));
  PetscCall(WeftBatchDestroy(&batch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A full batch is the whole; of mini-batches the older count less and less, as their codes came from older atoms
   (Mairal, Bach, Ponce, Sapiro 2010): a batch weighs 3 times its share of all samples so far, 3/(t + 1) where batches
   are equal, about the mean over the last third. So a sample counts by when it came, as the square of the samples up
   to it, and not by the size of its batch, which varies where the batch size does not divide n. */
static double BatchWeight(const WeftLayer l, const Pass *pass)
{
  return l->batches.per_epoch == 1 ? 1.0 : PetscMin(1.0, 3.0 * (double)pass->n / (double)pass->seen);
}

static PetscErrorCode CodeStep(WeftLayer l, Pass *pass)
{
  WeftCoderResult result;
  double          weight;

  PetscFunctionBegin;
  PetscCall(WeftCoderSetMonotone(l->coder, l->weights.frozen && l->batches.per_epoch == 1 ? PETSC_TRUE : PETSC_FALSE));
  PetscCall(WeftStatisticsClear(&l->statistics));
  PetscCall(PrepareCoder(l, pass->ridge));
  PetscCall(CodeBatch(l, l->iteration, PETSC_TRUE, &result));
  PetscCall(WeftBatchesSeen(&l->batches, l->iteration, &pass->seen));
  PetscCall(ReduceResult(l, &result, pass));
  weight = BatchWeight(l, pass);
  PetscCall(WeftStatisticsFold(l->comm, &l->statistics, l->settings.precision, weight, l->A, l->B, pass->usage,
                               pass->sizes, &pass->n));
  for (int g = 0; g < l->codes.groups; ++g) l->usage[g] += weight * (pass->usage[g] - l->usage[g]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J of the batch: the ridge that stood for the global term in the code step gives way to the term itself, with
   min over η >= ε of ½(s²/η + η). */
static double Objective(const WeftLayer l, const Pass *pass, double connectivity_term)
{
  const double n = (double)PetscMax(pass->n, 1), root_p = PetscSqrtReal((double)l->settings.group_size);
  const double floor = l->weights.eta_floor;
  double       j = pass->objective / n + connectivity_term;

  for (int g = 0; g < l->codes.groups; ++g) {
    const double s = pass->sizes[g];
    j -= 0.5 * pass->ridge[g] * s * s;
    if (l->weights.mu > 0) j += l->weights.mu * root_p * (s >= floor ? s : 0.5 * (s * s / floor + floor));
  }
  return j;
}

/* J is of the atoms that coded the batch and the weights of this iteration's dictionary step. */
static PetscErrorCode DictionaryStep(WeftLayer l, Pass *pass, double entry[])
{
  const double   root_p = PetscSqrtReal((double)l->settings.group_size);
  double         connectivity_term;
  PetscInt64     connections;
  WeftDictResult result;

  PetscFunctionBegin;
  PetscCall(WeftWeightsUpdateGamma(l, &pass->relative_gamma));
  for (int g = 0; g < l->codes.groups; ++g) pass->weight[g] = l->weights.gamma[g] * root_p;
  PetscCall(WeftDictConnections(l->dict, pass->weight, NULL, &connectivity_term));
  entry[WEFT_HISTORY_OBJECTIVE] = Objective(l, pass, connectivity_term);
  entry[WEFT_HISTORY_CONNECTIVITY] = pass->relative_gamma;
  PetscCall(WeftDictStep(l->dict, l->A, l->B, pass->weight, &result));
  PetscCall(WeftDictConnections(l->dict, NULL, &connections, NULL));
  entry[WEFT_HISTORY_CONNECTION_DENSITY] = (double)connections /
                                           ((double)l->d * (double)PetscMax(WeftDictCountAlive(l->dict), 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Activity of the first batch's codes, which are kept. */
static PetscErrorCode MeasureActivity(WeftLayer l, double *activity)
{
  WeftCoderResult result;
  Pass            pass;

  PetscFunctionBegin;
  PetscCall(PassCreate(l, &pass));
  PetscCall(WeftStatisticsClear(&l->statistics));
  PetscCall(PrepareCoder(l, pass.ridge));
  PetscCall(CodeBatch(l, 0, PETSC_TRUE, &result));
  PetscCall(ReduceResult(l, &result, &pass));
  *activity = pass.active / ((double)PetscMax(pass.n, 1) * (double)PetscMax(WeftDictCountAlive(l->dict), 1));
  PetscCall(PassDestroy(&pass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The next λ to try, below the least at which codes were too sparse and above the largest at which they were not: by
   the feedback of learning until there are both, then in the middle. */
static void SearchSparsity(WeftLayer l, double activity, double *low, double *high)
{
  WeftWeights *w = &l->weights;

  if (activity > l->settings.target_activity)
    *low = w->lambda;
  else
    *high = w->lambda;
  if (*low > 0 && *high > 0)
    w->lambda = PetscSqrtReal(*low * *high);
  else
    WeftWeightsFollow(l, activity, l->settings.target_density);
}

/* Where no batch will move the atoms, λ alone goes to its target, on the first batch: so a dictionary that is not
   learned is as sparse as one that is. Codes are as exact as the coder's tolerance, and so is what is counted; it ends
   where λ is known to a thousandth. */
static PetscErrorCode SettleSparsity(WeftLayer l)
{
  enum { ROUNDS = 60 };
  const WeftLayerSettings *s = &l->settings;
  const double             close = 0.01; /* relative */
  double                   activity = 0, low = 0, high = 0;

  PetscFunctionBegin;
  if (s->target_activity <= 0 || s->freeze_fraction <= 0) PetscFunctionReturn(PETSC_SUCCESS);
  for (int round = 0; round < ROUNDS; ++round) {
    PetscCall(MeasureActivity(l, &activity));
    if (PetscAbsReal(activity - s->target_activity) <= close * s->target_activity) break;
    if (low > 0 && high > 0 && high < 1.001 * low) break;
    SearchSparsity(l, activity, &low, &high);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Start(WeftLayer l)
{
  PetscFunctionBegin;
  PetscCall(WeftGroupsStart(l));
  PetscCall(WeftDictGather(l->dict, &l->atoms));
  PetscCall(WeftWeightsStart(l));
  if (!l->settings.iterations) PetscCall(SettleSparsity(l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Iterate(WeftLayer l, double entry[])
{
  const double alive = (double)PetscMax(WeftDictCountAlive(l->dict), 1);
  PetscInt     reseeded, removed;
  Pass         pass;

  PetscFunctionBegin;
  PetscCall(PassCreate(l, &pass));
  l->weights.frozen = l->iteration >= WeftLayerFreezeIteration(l) ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(CodeStep(l, &pass));
  PetscCall(WeftWeightsUpdateEta(l));
  entry[WEFT_HISTORY_ITERATION] = (double)l->iteration;
  entry[WEFT_HISTORY_RECONSTRUCTION] = pass.reconstruction / (double)PetscMax(pass.n, 1);
  entry[WEFT_HISTORY_ACTIVE_FRACTION] = pass.active / ((double)PetscMax(pass.n, 1) * alive);
  entry[WEFT_HISTORY_MAX_GAP] = pass.max_gap;
  entry[WEFT_HISTORY_MEAN_GAP] = pass.sum_gap / (double)PetscMax(pass.n, 1);
  entry[WEFT_HISTORY_LAMBDA] = l->weights.lambda;
  PetscCall(DictionaryStep(l, &pass, entry));
  WeftWeightsFollow(l, entry[WEFT_HISTORY_ACTIVE_FRACTION], entry[WEFT_HISTORY_CONNECTION_DENSITY]);
  PetscCall(WeftGroupsTend(l, pass.usage, &reseeded, &removed));
  entry[WEFT_HISTORY_RESEEDED] = (double)reseeded;
  entry[WEFT_HISTORY_REMOVED] = (double)removed;
  entry[WEFT_HISTORY_ALIVE_GROUPS] = (double)WeftDictCountAlive(l->dict);
  PetscCall(WeftDictGather(l->dict, &l->atoms));
  PetscCall(PassDestroy(&pass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Usage with the final dictionary: over the last epoch, or the last 10 batches where the run had none; where nothing
   was learned, over the first 10 or an epoch. */
static PetscErrorCode Finish(WeftLayer l)
{
  const PetscInt64 T = l->settings.iterations, epoch = l->batches.per_epoch;
  const PetscInt64 some = PetscMin(epoch, 10), count = T ? PetscMin(T, T >= epoch ? epoch : 10) : some;
  const PetscInt64 first = T ? T - count : 0;
  WeftCoderResult  result, sum = {0};
  Pass             pass;

  PetscFunctionBegin;
  PetscCall(PassCreate(l, &pass));
  PetscCall(WeftStatisticsClear(&l->statistics));
  PetscCall(WeftCoderSetMonotone(l->coder, PETSC_FALSE));
  PetscCall(PrepareCoder(l, pass.ridge));
  for (PetscInt64 t = first; t < first + count; ++t) {
    PetscCall(CodeBatch(l, t, PETSC_FALSE, &result));
    sum.objective += result.objective;
    sum.reconstruction += result.reconstruction;
    sum.sum_gap += result.sum_gap;
    sum.active_groups += result.active_groups;
    sum.max_gap = PetscMax(sum.max_gap, result.max_gap);
    if (result.reason == WEFT_CODER_DIVERGED_NAN) sum.reason = result.reason;
  }
  PetscCall(ReduceResult(l, &sum, &pass));
  PetscCall(WeftStatisticsFold(l->comm, &l->statistics, l->settings.precision, 1, NULL, NULL, l->usage, NULL, &pass.n));
  l->final_activity = pass.active / ((double)PetscMax(pass.n, 1) * (double)PetscMax(WeftDictCountAlive(l->dict), 1));
  l->final_max_gap = pass.max_gap;
  l->final_mean_gap = pass.sum_gap / (double)PetscMax(pass.n, 1);
  PetscCall(PassDestroy(&pass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftLearner WeftLearnerSparseCoding = {"sparse-coding", Start, Iterate, Finish};
