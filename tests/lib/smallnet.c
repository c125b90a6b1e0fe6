#include "smallnet.h"
#include <weft/random.h>
#include <weft/data.h>

enum { INPUTS = 9, GROUPS = 6, P = 3, CLASSES = 4 };

/* Connections to about half of the inputs; to all where dense. */
static PetscErrorCode Connect(const SmallNet *what, size_t inputs, WeftRandom *rng, WeftNetworkLayer *l)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(l->groups + 1, &l->start));
  PetscCall(PetscMalloc1(l->groups * inputs, &l->input));
  l->inputs = inputs;
  l->start[0] = 0;
  for (size_t g = 0; g < l->groups; ++g) {
    l->start[g + 1] = l->start[g];
    for (size_t j = 0; j < inputs; ++j)
      if (what->dense || j == g % inputs || WeftRandomUniform(rng) < 0.5) l->input[l->start[g + 1]++] = (int)j;
  }
  l->rows = l->start[l->groups];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Connections share rows of weights, some within a group. */
static PetscErrorCode Tie(WeftNetworkLayer *l)
{
  const size_t count = l->rows;

  PetscFunctionBegin;
  l->rows = (count + 2) / 3;
  PetscCall(PetscMalloc1(count, &l->row));
  for (size_t c = 0; c < count; ++c) l->row[c] = (int)(c * 5 % l->rows);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Three pools of 2, 1 and 2 groups; the fourth group is in none. */
static PetscErrorCode Pool(WeftNetworkLayer *l)
{
  static const size_t start[] = {0, 2, 3, 5};
  static const int    group[] = {4, 0, 2, 1, 5};

  PetscFunctionBegin;
  l->pools = 3;
  PetscCall(PetscMalloc1(4, &l->pool_start));
  PetscCall(PetscMalloc1(5, &l->pool_group));
  PetscCall(PetscArraycpy(l->pool_start, start, 4));
  PetscCall(PetscArraycpy(l->pool_group, group, 5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Share(WeftNetworkLayer *l)
{
  const size_t singles = l->groups * l->group_size;

  PetscFunctionBegin;
  l->pooled_channels = 2;
  l->single_channels = 4;
  PetscCall(PetscMalloc1(l->pools, &l->pooled_channel));
  PetscCall(PetscMalloc1(singles, &l->single_channel));
  for (size_t i = 0; i < l->pools; ++i) l->pooled_channel[i] = (int)(i % 2);
  for (size_t i = 0; i < singles; ++i) l->single_channel[i] = (int)(i * i % 4);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SmallNetCreate(const SmallNet *what, WeftPrecision precision, WeftNetwork *net)
{
  WeftRandom rng;

  PetscFunctionBegin;
  WeftRandomInit(&rng, 5, WEFT_STREAM_TEST, 0);
  *net = (WeftNetwork){.precision = precision, .inputs = INPUTS, .classes = CLASSES};
  net->nlayers = what->layers;
  net->pool_epsilon = 1e-3;
  net->norm_epsilon = 1e-5;
  for (int i = 0; i < what->layers; ++i) {
    WeftNetworkLayer *l = &net->layer[i];
    *l = (WeftNetworkLayer){.groups = GROUPS, .group_size = P, .pools = GROUPS, .threshold = what->threshold};
    PetscCall(Connect(what, i ? net->layer[i - 1].pools : INPUTS, &rng, l));
    if (what->tied) PetscCall(Tie(l));
    if (what->pools) PetscCall(Pool(l));
    if (what->channels) PetscCall(Share(l));
    l->read_single = what->single && !i ? PETSC_TRUE : PETSC_FALSE;
    l->read_pooled = what->from_last && i < what->layers - 1 ? PETSC_FALSE : PETSC_TRUE;
  }
  net->nhidden = what->hidden;
  for (int i = 0; i < what->hidden; ++i) net->hidden[i].out = 5 + (size_t)i;
  PetscCall(WeftNetworkCreate(net));
  for (size_t i = 0; i < net->parameters.cols; ++i)
    WeftBlockSet(&net->parameters, 0, i, WeftBlockGet(&net->parameters, 0, i) + 0.5 * WeftRandomNormal(&rng));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SmallNetSamples(const WeftNetwork *net, PetscInt64 n, int rank, int size, WeftSamples *s)
{
  PetscInt64 rows;

  PetscFunctionBegin;
  s->n = n;
  WeftDataRange(n, rank, size, &s->row0, &rows);
  PetscCall(WeftBlockCreate((size_t)rows, net->inputs, net->precision, &s->x));
  PetscCall(PetscMalloc1((size_t)rows, &s->labels));
  for (PetscInt64 i = 0; i < rows; ++i) {
    WeftRandom rng;
    WeftRandomInit(&rng, 6, WEFT_STREAM_TEST, (uint64_t)(s->row0 + i));
    s->labels[i] = (int32_t)WeftRandomBelow(&rng, net->classes);
    for (size_t j = 0; j < net->inputs; ++j)
      WeftBlockSet(&s->x, (size_t)i, j, WeftRandomNormal(&rng) + ((int32_t)j == s->labels[i] ? 2 : 0));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode SmallNetSamplesDestroy(WeftSamples *s)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&s->x));
  PetscCall(PetscFree(s->labels));
  PetscFunctionReturn(PETSC_SUCCESS);
}
