/* Forward: from samples to logits. */
#include "passimpl.h"

/* The norms of a set of units that are reduced together. */
typedef struct {
  const WeftNetworkNorm *norm;
  const WeftBlock       *z;
} Normed;

/* Moments of the running statistics. */
static void Running(WeftPass pass, const WeftNetworkNorm *norm)
{
  const WeftBlock *s = &pass->net->statistics;
  WeftMoments     *moments = WeftPassMoments(pass, norm);

  for (size_t c = 0; c < norm->channels; ++c) {
    const double variance = WeftBlockGet(s, 0, norm->variance + c);
    moments[c] = (WeftMoments){WeftBlockGet(s, 0, norm->mean + c),
                               1 / PetscSqrtReal(variance + pass->net->norm_epsilon)};
  }
}

static void Follow(WeftPass pass, const WeftNetworkNorm *norm, const double variance[], double part)
{
  WeftBlock         *s = &pass->net->statistics;
  const WeftMoments *moments = WeftPassMoments(pass, norm);

  for (size_t c = 0; c < norm->channels; ++c) {
    const double mean = WeftBlockGet(s, 0, norm->mean + c), v = WeftBlockGet(s, 0, norm->variance + c);
    WeftBlockSet(s, 0, norm->mean + c, mean + part * (moments[c].mean - mean));
    WeftBlockSet(s, 0, norm->variance + c, v + part * (variance[c] - v));
  }
}

/* Moments of the batch: one reduction for all of these norms. */
static PetscErrorCode Batch(WeftPass pass, int count, const Normed normed[], const WeftPassTraining *training)
{
  size_t used = 0;

  PetscFunctionBegin;
  for (int i = 0; i < count; ++i) {
    WeftNormSums(normed[i].norm, normed[i].z, pass->count, pass->sums + used);
    used += 2 * normed[i].norm->channels;
  }
  pass->sums[used] = (double)pass->count;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, pass->sums, (int)used + 1, MPI_DOUBLE, MPI_SUM, pass->comm));
  pass->n = pass->sums[used];
  used = 0;
  for (int i = 0; i < count; ++i) {
    const WeftNetworkNorm *norm = normed[i].norm;
    PetscCall(WeftNormMoments(norm, pass->sums + used, pass->n, pass->net->norm_epsilon, pass->variance,
                              WeftPassMoments(pass, norm)));
    Follow(pass, norm, pass->variance, training->momentum);
    used += 2 * norm->channels;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Moments(WeftPass pass, int count, const Normed normed[], const WeftPassTraining *training)
{
  PetscFunctionBegin;
  if (training) {
    PetscCall(Batch(pass, count, normed, training));
  } else {
    for (int i = 0; i < count; ++i) Running(pass, normed[i].norm);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Layer(WeftPass pass, int i, const WeftPassTraining *training)
{
  const WeftNetwork      *net = pass->net;
  const WeftNetworkLayer *l = &net->layer[i];
  const WeftBlock         w = WeftNetworkView(net, l->weights, l->rows, l->group_size);
  WeftBlock               u = i ? WeftBlockRows(&pass->features, net->layer[i - 1].pooled_at, l->inputs) : pass->x;
  WeftBlock               v = WeftBlockRows(&pass->features, l->pooled_at, l->pools);
  WeftBlock               s = WeftBlockRows(&pass->features, l->single_at, l->groups * l->group_size);
  const Normed            normed[] = {{&l->pooled, &pass->y[i]}, {&l->single, &pass->h[i]}};

  PetscFunctionBegin;
  WeftMaskedForward(l, &w, &u, &pass->h[i]);
  PetscCall(WeftPoolForward(l, net->pool_epsilon, &pass->h[i], &pass->y[i]));
  PetscCall(Moments(pass, l->read_single ? 2 : 1, normed, training));
  WeftNormApply(net, &l->pooled, WeftPassMoments(pass, &l->pooled), PETSC_FALSE, &pass->y[i], &v);
  if (l->read_single) WeftNormApply(net, &l->single, WeftPassMoments(pass, &l->single), PETSC_TRUE, &pass->h[i], &s);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the dense layers read: a copy, as the next masked layer and the gradient need what nothing was dropped from. */
static PetscErrorCode Read(WeftPass pass, const WeftPassTraining *training)
{
  const WeftDropout dropout = {training ? training->dropout : 0, pass->keys, 0};
  const WeftBlock   from = WeftBlockRows(&pass->features, pass->net->read_first, WeftNetworkRead(pass->net));

  PetscFunctionBegin;
  WeftDropoutApply(&dropout, &from, &pass->read);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hidden(WeftPass pass, int i, const WeftBlock *in, const WeftPassTraining *training)
{
  const WeftNetworkDense *h = &pass->net->hidden[i];
  const WeftBlock         w = WeftNetworkView(pass->net, h->weights, h->out, h->in);
  const Normed            normed = {&h->norm, &pass->a[i]};
  const WeftDropout       dropout = {training ? training->dropout_hidden : 0, pass->keys, (uint32_t)i + 1};

  PetscFunctionBegin;
  PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_FALSE, 1, &w, in, 0, &pass->a[i]));
  PetscCall(Moments(pass, 1, &normed, training));
  WeftNormApply(pass->net, &h->norm, WeftPassMoments(pass, &h->norm), PETSC_TRUE, &pass->a[i], &pass->r[i]);
  if (dropout.rate > 0) WeftDropoutApply(&dropout, &pass->r[i], &pass->r[i]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Output(WeftPass pass, const WeftBlock *in)
{
  const WeftNetworkDense *o = &pass->net->output;
  const WeftBlock         w = WeftNetworkView(pass->net, o->weights, o->out, o->in);

  PetscFunctionBegin;
  for (size_t c = 0; c < o->out; ++c) {
    const double bias = WeftBlockGet(&pass->net->parameters, 0, o->bias + c);
    for (size_t i = 0; i < pass->ld; ++i) WeftBlockSet(&pass->logits, c, i, bias);
  }
  PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_FALSE, 1, &w, in, 1, &pass->logits));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Forward(WeftPass pass, const WeftPassTraining *training)
{
  const WeftBlock *in = &pass->x;

  PetscFunctionBegin;
  for (int i = 0; i < pass->net->nlayers; ++i) PetscCall(Layer(pass, i, training));
  if (pass->net->nlayers) {
    PetscCall(Read(pass, training));
    in = &pass->read;
  }
  for (int i = 0; i < pass->net->nhidden; ++i) {
    PetscCall(Hidden(pass, i, in, training));
    in = &pass->r[i];
  }
  PetscCall(Output(pass, in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPassForward(WeftPass pass)
{
  PetscFunctionBegin;
  PetscCall(Forward(pass, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPassForwardTraining(WeftPass pass, const WeftPassTraining *training)
{
  PetscFunctionBegin;
  for (size_t i = 0; i < pass->count && training->keys; ++i) pass->keys[i] = training->keys[i];
  PetscCall(Forward(pass, training));
  PetscFunctionReturn(PETSC_SUCCESS);
}
