/* Backward: from the gradient of the logits to that of the parameters. */
#include "passimpl.h"

static WeftBlock Piece(const WeftBlock *gradient, size_t first, size_t rows, size_t cols)
{
  WeftBlock view = {rows, cols, gradient->precision, {NULL}};

  view.values.v = (char *)gradient->values.v + first * WeftPrecisionBytes(gradient->precision);
  return view;
}

/* Gradient of a dense layer's weights from that of its outputs, and of its inputs where these want one. */
static PetscErrorCode Dense(WeftPass pass, const WeftNetworkDense *layer, const WeftBlock *dout, const WeftBlock *in,
                            WeftBlock *din, WeftBlock *gradient)
{
  const WeftBlock w = WeftNetworkView(pass->net, layer->weights, layer->out, layer->in);
  WeftBlock       gw = Piece(gradient, layer->weights, layer->out, layer->in);

  PetscFunctionBegin;
  PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1, dout, in, 0, &gw));
  if (din) PetscCall(WeftBlockGemm(PETSC_TRUE, PETSC_FALSE, 1, &w, dout, 0, din));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Bias(WeftPass pass, WeftBlock *gradient)
{
  const WeftNetworkDense *o = &pass->net->output;

  for (size_t c = 0; c < o->out; ++c) {
    double sum = 0;
    for (size_t i = 0; i < pass->count; ++i) sum += WeftBlockGet(&pass->logits, c, i);
    WeftBlockSet(gradient, 0, o->bias + c, sum);
  }
}

/* Gradients of normalised units, in place, that share one reduction. */
typedef struct {
  const WeftNetworkNorm *norm;
  PetscBool              rectify;
  const WeftBlock       *z;
  WeftBlock             *d;
} Normed;

static PetscErrorCode Norms(WeftPass pass, int count, const Normed normed[], WeftBlock *gradient)
{
  size_t used = 0;

  PetscFunctionBegin;
  for (int i = 0; i < count; ++i) {
    const Normed *k = &normed[i];
    WeftNormGradient(pass->net, k->norm, WeftPassMoments(pass, k->norm), k->rectify, pass->count, k->z, k->d,
                     pass->sums + used, gradient);
    used += 2 * k->norm->channels;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, pass->sums, (int)used, MPI_DOUBLE, MPI_SUM, pass->comm));
  used = 0;
  for (int i = 0; i < count; ++i) {
    const Normed *k = &normed[i];
    PetscCall(WeftNormBackward(pass->net, k->norm, WeftPassMoments(pass, k->norm), pass->sums + used, pass->n,
                               pass->count, k->z, k->d));
    used += 2 * k->norm->channels;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Hidden(WeftPass pass, int i, const WeftBlock *in, WeftBlock *din,
                             const WeftPassTraining *training, WeftBlock *gradient)
{
  const WeftNetworkDense *h = &pass->net->hidden[i];
  const WeftDropout       dropout = {training->dropout_hidden, pass->keys, (uint32_t)i + 1};
  const Normed            normed = {&h->norm, PETSC_TRUE, &pass->a[i], &pass->dr[i]};

  PetscFunctionBegin;
  if (dropout.rate > 0) WeftDropoutApply(&dropout, &pass->dr[i], &pass->dr[i]);
  PetscCall(Norms(pass, 1, &normed, gradient));
  PetscCall(Dense(pass, h, &pass->dr[i], in, din, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient of what is read becomes that of the features. */
static PetscErrorCode Read(WeftPass pass, const WeftPassTraining *training, WeftBlock *dread)
{
  const WeftDropout dropout = {training->dropout, pass->keys, 0};
  const size_t      unread = pass->net->read_first * pass->ld * WeftPrecisionBytes(pass->net->precision);

  PetscFunctionBegin;
  if (unread) memset(pass->dfeatures.values.v, 0, unread);
  if (dropout.rate > 0) WeftDropoutApply(&dropout, dread, dread);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Layer(WeftPass pass, int i, WeftBlock *gradient)
{
  const WeftNetwork      *net = pass->net;
  const WeftNetworkLayer *l = &net->layer[i];
  const WeftBlock         w = WeftNetworkView(net, l->weights, l->rows, l->group_size);
  WeftBlock               gw = Piece(gradient, l->weights, l->rows, l->group_size);
  WeftBlock               dv = WeftBlockRows(&pass->dfeatures, l->pooled_at, l->pools);
  WeftBlock               ds = WeftBlockRows(&pass->dfeatures, l->single_at, l->groups * l->group_size);
  WeftBlock               u = pass->x, du;
  const Normed normed[] = {{&l->pooled, PETSC_FALSE, &pass->y[i], &dv}, {&l->single, PETSC_TRUE, &pass->h[i], &ds}};

  PetscFunctionBegin;
  PetscCall(Norms(pass, l->read_single ? 2 : 1, normed, gradient));
  PetscCall(WeftPoolBackward(l, &pass->y[i], &dv, &pass->h[i], l->read_single ? &ds : NULL));
  if (i) {
    u = WeftBlockRows(&pass->features, net->layer[i - 1].pooled_at, l->inputs);
    du = WeftBlockRows(&pass->dfeatures, net->layer[i - 1].pooled_at, l->inputs);
    WeftMaskedInputs(l, &w, &pass->h[i], &du);
  }
  PetscCall(WeftMaskedWeights(l, &u, &pass->h[i], &gw));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPassBackward(WeftPass pass, const WeftPassTraining *training, WeftBlock *gradient)
{
  const WeftNetwork *net = pass->net;
  const int          last = net->nhidden - 1;
  const WeftBlock   *read = net->nlayers ? &pass->read : &pass->x;
  WeftBlock          dread = WeftBlockRows(&pass->dfeatures, net->read_first, WeftNetworkRead(net));
  WeftBlock         *wanted = net->nlayers ? &dread : NULL; /* samples want no gradient */

  PetscFunctionBegin;
  memset(gradient->values.v, 0, net->parameters.cols * WeftPrecisionBytes(net->precision));
  Bias(pass, gradient);
  PetscCall(Dense(pass, &net->output, &pass->logits, last < 0 ? read : &pass->r[last],
                  last < 0 ? wanted : &pass->dr[last], gradient));
  for (int i = last; i >= 0; --i)
    PetscCall(Hidden(pass, i, i ? &pass->r[i - 1] : read, i ? &pass->dr[i - 1] : wanted, training, gradient));
  if (net->nlayers) PetscCall(Read(pass, training, &dread));
  for (int i = net->nlayers - 1; i >= 0; --i) PetscCall(Layer(pass, i, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}
