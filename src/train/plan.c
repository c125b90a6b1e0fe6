/* The network of a learned structure: living groups, connected where their atoms are not zero. */
#include "trainimpl.h"
#include <weft/random.h>

static const double pool_epsilon = 1e-6, norm_epsilon = 1e-5;

/* Does the group connect to input j? Its atoms have common zeros, but for those of norm zero. */
static PetscBool Connects(const WeftTrainSource *source, size_t g, size_t j)
{
  for (size_t a = 0; a < (size_t)source->group_size; ++a)
    if (WeftBlockGet(source->atoms, g * (size_t)source->group_size + a, j) != 0) return PETSC_TRUE;
  return PETSC_FALSE;
}

static size_t Groups(const WeftTrainSource *source)
{
  return source->atoms->rows / (size_t)source->group_size;
}

/* place[j]: the input that the source's input j is in the network, −1 for none. The groups that live, in turn. */
static void PlaceGroups(const WeftTrainSource *source, int pool, int place[], size_t *alive)
{
  *alive = 0;
  for (size_t g = 0; g < Groups(source); ++g) {
    place[g] = source->alive[g] ? (int)(*alive / (size_t)pool) : -1;
    *alive += source->alive[g] ? 1 : 0;
  }
}

/* One group's connections, each input once, as pools of several groups below are one input; input may be NULL. */
static size_t Connect(const WeftTrainSource *source, size_t g, const int place[], int input[])
{
  size_t count = 0;
  int    last = -1;

  for (size_t j = 0; j < source->atoms->cols; ++j) {
    const int at = place ? place[j] : (int)j;
    if (at < 0 || at == last || !Connects(source, g, j)) continue;
    last = at;
    if (input) input[count] = at;
    ++count;
  }
  return count;
}

static PetscErrorCode PlanConnections(const WeftTrainSource *source, const int place[], WeftNetworkLayer *l)
{
  size_t at = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(l->groups + 1, &l->start));
  l->start[0] = 0;
  for (size_t g = 0; g < Groups(source); ++g) {
    if (!source->alive[g]) continue;
    l->start[at + 1] = l->start[at] + Connect(source, g, place, NULL);
    ++at;
  }
  PetscCall(PetscMalloc1(l->start[at], &l->input));
  at = 0;
  for (size_t g = 0; g < Groups(source); ++g)
    if (source->alive[g]) Connect(source, g, place, l->input + l->start[at++]);
  l->rows = l->start[l->groups];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Runs of `pool` groups; the last may be shorter. */
static PetscErrorCode PlanPools(size_t pool, WeftNetworkLayer *l)
{
  PetscFunctionBegin;
  l->pools = (l->groups + pool - 1) / pool;
  if (pool == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(l->pools + 1, &l->pool_start));
  PetscCall(PetscMalloc1(l->groups, &l->pool_group));
  for (size_t q = 0; q <= l->pools; ++q) l->pool_start[q] = PetscMin(q * pool, l->groups);
  for (size_t g = 0; g < l->groups; ++g) l->pool_group[g] = (int)g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlanLayer(const WeftTrainSettings *s, int i, const WeftTrainSource source[], size_t inputs,
                                WeftNetworkLayer *l)
{
  size_t groups;
  int   *place = NULL, *own;

  PetscFunctionBegin;
  *l = (WeftNetworkLayer){.inputs = inputs};
  if (source[i].shared) {
    PetscCall(WeftTrainPlanShared(source[i].shared, l));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (i && !source[i - 1].shared) { /* what a shared layer answers is all there */
    PetscCall(PetscMalloc1(Groups(&source[i - 1]), &place));
    PlaceGroups(&source[i - 1], s->pool, place, &groups);
  }
  PetscCall(PetscMalloc1(Groups(&source[i]), &own));
  PlaceGroups(&source[i], s->pool, own, &groups);
  PetscCall(PetscFree(own));
  l->groups = groups;
  l->group_size = (size_t)source[i].group_size;
  PetscCall(PlanConnections(&source[i], place, l));
  PetscCall(PlanPools((size_t)s->pool, l));
  PetscCall(PetscFree(place));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainPlan(const WeftTrainSettings *s, int nlayers, const WeftTrainSource source[], size_t inputs,
                             size_t classes, WeftNetwork *net)
{
  PetscFunctionBegin;
  WeftUserCheck(
    s->pooled || !source[0].shared, PETSC_COMM_WORLD,
    "-weft_train_units single: of shared layers the dense layers read the pooled units; give pooled or both");
  net->precision = s->precision;
  net->inputs = inputs;
  net->classes = classes;
  net->whitened = s->whitened;
  net->pool_epsilon = pool_epsilon;
  net->norm_epsilon = norm_epsilon;
  net->nlayers = nlayers;
  for (int i = 0; i < nlayers; ++i) {
    WeftNetworkLayer *l = &net->layer[i];
    PetscCall(PlanLayer(s, i, source, i ? net->layer[i - 1].pools : inputs, l));
    l->read_pooled = s->pooled && (i == nlayers - 1 || !s->from_last) ? PETSC_TRUE : PETSC_FALSE;
    l->read_single = s->single && !i && !source[i].shared ? PETSC_TRUE : PETSC_FALSE;
  }
  net->nhidden = s->nhidden;
  for (int i = 0; i < s->nhidden; ++i) net->hidden[i].out = (size_t)s->hidden[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One stream of numbers for each row, so that they do not depend on where the row stands in the network. */
static void Uniform(const WeftTrainSettings *s, WeftNetwork *net, int block, size_t first, size_t rows, size_t cols,
                    double bound)
{
  for (size_t r = 0; r < rows; ++r) {
    WeftRandom rng;
    WeftRandomInit(&rng, s->seed, WEFT_STREAM_WEIGHT, ((uint64_t)block << 40) + r);
    for (size_t c = 0; c < cols; ++c)
      WeftBlockSet(&net->parameters, 0, first + r * cols + c, bound * (2 * WeftRandomUniform(&rng) - 1));
  }
}

PetscErrorCode WeftTrainStartRandom(const WeftTrainSettings *s, WeftNetwork *net)
{
  PetscFunctionBegin;
  for (int i = 0; i < net->nlayers; ++i) {
    const WeftNetworkLayer *l = &net->layer[i];
    const double            each = (double)WeftNetworkConnections(l) / (double)PetscMax(l->groups, 1);
    Uniform(s, net, i, l->weights, l->rows, l->group_size, PetscSqrtReal(3 / PetscMax(each, 1)));
  }
  for (int i = 0; i < net->nhidden; ++i) {
    const WeftNetworkDense *h = &net->hidden[i];
    Uniform(s, net, 100 + i, h->weights, h->out, h->in, PetscSqrtReal(1 / (double)h->in));
  }
  Uniform(s, net, 200, net->output.weights, net->output.out, net->output.in, PetscSqrtReal(1 / (double)net->output.in));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An atom's numbers at the group's connections, at norm 1. Where several inputs of the source are one, their sum. */
static void StartAtom(const WeftTrainSource *source, const int place[], size_t atom, size_t a, WeftNetwork *net,
                      const WeftNetworkLayer *l, size_t group)
{
  const size_t count = l->start[group + 1] - l->start[group];
  const int   *input = l->input + l->start[group];
  double       square = 0;

  for (size_t c = 0; c < count; ++c)
    WeftBlockSet(&net->parameters, 0, l->weights + (l->start[group] + c) * l->group_size + a, 0);
  for (size_t j = 0; j < source->atoms->cols; ++j)
    if (!place || place[j] >= 0) square += PetscSqr(WeftBlockGet(source->atoms, atom, j));
  for (size_t j = 0, c = 0; j < source->atoms->cols && c < count && square > 0; ++j) {
    const int    at = place ? place[j] : (int)j;
    const double v = WeftBlockGet(source->atoms, atom, j) / PetscSqrtReal(square);
    while (c < count && at >= 0 && input[c] < at) ++c;
    if (at >= 0 && c < count && input[c] == at) {
      const size_t w = l->weights + (l->start[group] + c) * l->group_size + a;
      WeftBlockSet(&net->parameters, 0, w, WeftBlockGet(&net->parameters, 0, w) + v);
    }
  }
}

PetscErrorCode WeftTrainStartLearned(const WeftTrainSettings *s, int nlayers, const WeftTrainSource source[],
                                     WeftNetwork *net)
{
  PetscFunctionBegin;
  for (int i = 0; i < nlayers; ++i) {
    const size_t p = (size_t)source[i].group_size;
    size_t       groups, at = 0;
    int         *place = NULL;
    if (source[i].shared) {
      PetscCall(WeftTrainStartShared(source[i].shared, net, &net->layer[i]));
      continue;
    }
    if (i && !source[i - 1].shared) {
      PetscCall(PetscMalloc1(Groups(&source[i - 1]), &place));
      PlaceGroups(&source[i - 1], s->pool, place, &groups);
    }
    for (size_t g = 0; g < Groups(&source[i]); ++g) {
      if (!source[i].alive[g]) continue;
      for (size_t a = 0; a < p; ++a) StartAtom(&source[i], place, g * p + a, a, net, &net->layer[i], at);
      ++at;
    }
    PetscCall(PetscFree(place));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
