/* Networks to compare a learned one with: other connections, or none. */
#include "trainimpl.h"
#include <weft/kind.h>
#include <weft/random.h>
#include <stdlib.h>

const WeftOption WeftKindOptions[] = {
  {"-structure_kind", "learned|learned-random-weights|random-mask|dense|mlp", "learned",
   "connections of the network; mlp has no groups"},
  {"-weft_train_match", "width|parameters", "width",
   "kinds dense and mlp: the learned network's width, or no more parameters than it has (parameters)"},
  {NULL, NULL, NULL, NULL}};

PetscErrorCode WeftKindSettingsFromOptions(WeftKindSettings *s)
{
  int kind, match;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetChoice(WeftKindOptions, "-structure_kind",
                                 "learned|learned-random-weights|random-mask|dense|mlp", &kind));
  PetscCall(WeftOptionsGetChoice(WeftKindOptions, "-weft_train_match", "width|parameters", &match));
  s->kind = (WeftKind)kind;
  s->match = (WeftMatch)match;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static int CompareInputs(const void *a, const void *b)
{
  const int x = *(const int *)a, y = *(const int *)b;

  return (x > y) - (x < y);
}

/* Each connection gets a weight, and each unit a norm, of its own. */
static PetscErrorCode Untie(WeftNetworkLayer *l)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(l->row));
  PetscCall(PetscFree(l->pooled_channel));
  PetscCall(PetscFree(l->single_channel));
  l->pooled_channels = l->single_channels = 0;
  l->rows = WeftNetworkConnections(l);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each group's connections, as many as there were, to inputs drawn at random (the first of a shuffle). */
static PetscErrorCode DrawConnections(uint64_t seed, int layer, WeftNetworkLayer *l)
{
  int *inputs;

  PetscFunctionBegin;
  PetscCall(Untie(l));
  PetscCall(PetscMalloc1(l->inputs, &inputs));
  for (size_t g = 0; g < l->groups; ++g) {
    const size_t count = l->start[g + 1] - l->start[g];
    WeftRandom   rng;
    WeftRandomInit(&rng, seed, WEFT_STREAM_SUPPORT, ((uint64_t)layer << 40) + g);
    for (size_t j = 0; j < l->inputs; ++j) inputs[j] = (int)j;
    for (size_t i = 0; i < count; ++i) {
      const size_t j = i + (size_t)WeftRandomBelow(&rng, l->inputs - i);
      l->input[l->start[g] + i] = inputs[j];
      inputs[j] = inputs[i];
    }
    qsort(l->input + l->start[g], count, sizeof(int), CompareInputs);
  }
  PetscCall(PetscFree(inputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeArrays(WeftNetworkLayer *l)
{
  PetscFunctionBegin;
  PetscCall(Untie(l));
  PetscCall(PetscFree(l->start));
  PetscCall(PetscFree(l->input));
  PetscCall(PetscFree(l->pool_start));
  PetscCall(PetscFree(l->pool_group));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* `groups` groups, each connected to all inputs, in pools of `pool`. */
static PetscErrorCode ConnectAll(size_t inputs, size_t groups, size_t pool, WeftNetworkLayer *l)
{
  PetscFunctionBegin;
  PetscCall(FreeArrays(l));
  l->inputs = inputs;
  l->groups = groups;
  l->rows = groups * inputs;
  l->pools = (groups + pool - 1) / pool;
  PetscCall(PetscMalloc1(groups + 1, &l->start));
  PetscCall(PetscMalloc1(l->rows, &l->input));
  for (size_t g = 0; g <= groups; ++g) l->start[g] = g * inputs;
  for (size_t c = 0; c < l->rows; ++c) l->input[c] = (int)(c % inputs);
  if (pool == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(l->pools + 1, &l->pool_start));
  PetscCall(PetscMalloc1(groups, &l->pool_group));
  for (size_t q = 0; q <= l->pools; ++q) l->pool_start[q] = PetscMin(q * pool, groups);
  for (size_t g = 0; g < groups; ++g) l->pool_group[g] = (int)g;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* So many parts of `whole` of them, one at least. */
static size_t Portion(size_t count, size_t part, size_t whole)
{
  return PetscMax(1, count * part / whole);
}

static PetscErrorCode MakeDense(const WeftTrainSettings *s, size_t part, size_t whole, WeftNetwork *net)
{
  PetscFunctionBegin;
  for (int i = 0; i < net->nlayers; ++i)
    PetscCall(ConnectAll(i ? net->layer[i - 1].pools : net->inputs, Portion(net->layer[i].groups, part, whole),
                         (size_t)s->pool, &net->layer[i]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Hidden layers take the place of the masked ones. */
static PetscErrorCode MakeMLP(const WeftTrainSettings *s, size_t part, size_t whole, WeftNetwork *net)
{
  const int nlayers = net->nlayers;

  PetscFunctionBegin;
  WeftUserCheck(nlayers + s->nhidden <= WEFT_NETWORK_MAX_HIDDEN, PETSC_COMM_WORLD,
                "-structure_kind mlp: %d layers and %d hidden ones (-weft_train_hidden) are more than %d", nlayers,
                s->nhidden, WEFT_NETWORK_MAX_HIDDEN);
  for (int i = 0; i < nlayers; ++i) {
    WeftNetworkLayer *l = &net->layer[i];
    net->hidden[i] = (WeftNetworkDense){.out = Portion(l->groups * l->group_size, part, whole)};
    PetscCall(FreeArrays(l));
    *l = (WeftNetworkLayer){0};
  }
  for (int i = 0; i < s->nhidden; ++i) net->hidden[nlayers + i] = (WeftNetworkDense){.out = (size_t)s->hidden[i]};
  net->nhidden = nlayers + s->nhidden;
  net->nlayers = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What networks are made from. */
typedef struct {
  const WeftKindSettings  *kind;
  const WeftTrainSettings *settings;
  int                      nlayers;
  const WeftTrainSource   *source;
  size_t                   inputs, classes;
} Maker;

/* The network of a kind with part/whole of its width, without first weights. */
static PetscErrorCode Make(const Maker *m, WeftKind kind, size_t part, size_t whole, WeftNetwork *net)
{
  PetscFunctionBegin;
  *net = (WeftNetwork){0};
  PetscCall(WeftTrainPlan(m->settings, m->nlayers, m->source, m->inputs, m->classes, net));
  if (kind == WEFT_KIND_RANDOM_MASK)
    for (int i = 0; i < net->nlayers; ++i) PetscCall(DrawConnections(m->settings->seed, i, &net->layer[i]));
  if (kind == WEFT_KIND_DENSE) PetscCall(MakeDense(m->settings, part, whole, net));
  if (kind == WEFT_KIND_MLP) PetscCall(MakeMLP(m->settings, part, whole, net));
  PetscCall(WeftNetworkCreate(net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CountParameters(const Maker *m, WeftKind kind, size_t part, size_t whole, size_t *count)
{
  WeftNetwork net;

  PetscFunctionBegin;
  PetscCall(Make(m, kind, part, whole, &net));
  *count = net.parameters.cols;
  PetscCall(WeftNetworkDestroy(&net));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The largest part of 65536 that has no more parameters than the learned network, by bisection. */
static PetscErrorCode MatchParameters(const Maker *m, size_t *part)
{
  const size_t whole = 65536;
  size_t       most, count, low = 1, high = whole + 1;

  PetscFunctionBegin;
  PetscCall(CountParameters(m, WEFT_KIND_LEARNED, 1, 1, &most));
  PetscCall(CountParameters(m, m->kind->kind, low, whole, &count));
  WeftUserCheck(count <= most, PETSC_COMM_WORLD,
                "-weft_train_match parameters: with one unit a layer there are %zu, the learned network has %zu", count,
                most);
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    PetscCall(CountParameters(m, m->kind->kind, middle, whole, &count));
    if (count <= most)
      low = middle;
    else
      high = middle;
  }
  *part = low;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftKindBuild(const WeftKindSettings *kind, const WeftTrainSettings *settings, int nlayers,
                             const WeftTrainSource source[], size_t inputs, size_t classes, WeftNetwork *net)
{
  const Maker     maker = {kind, settings, nlayers, source, inputs, classes};
  const PetscBool resized = kind->kind == WEFT_KIND_DENSE || kind->kind == WEFT_KIND_MLP ? PETSC_TRUE : PETSC_FALSE;
  size_t          part = 65536;

  PetscFunctionBegin;
  if (resized && kind->match == WEFT_MATCH_PARAMETERS) PetscCall(MatchParameters(&maker, &part));
  PetscCall(Make(&maker, kind->kind, part, 65536, net));
  PetscCall(WeftTrainStartRandom(settings, net));
  if (kind->kind == WEFT_KIND_LEARNED) PetscCall(WeftTrainStartLearned(settings, nlayers, source, net));
  PetscFunctionReturn(PETSC_SUCCESS);
}
