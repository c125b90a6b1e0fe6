/* The layout of a network: which of its numbers stands where. */
#include <weft/network.h>

static PetscErrorCode AddPart(WeftNetwork *n, size_t rows, size_t cols, PetscBool statistic, PetscBool decays,
                              size_t *first, const char group[], const char name[])
{
  WeftNetworkPart *part = &n->part[n->nparts];
  size_t          *used = statistic ? &n->statistics.cols : &n->parameters.cols;

  PetscFunctionBegin;
  PetscCheck(n->nparts < WEFT_NETWORK_MAX_PARTS, PETSC_COMM_SELF, PETSC_ERR_PLIB, "a network of too many parts");
  *part = (WeftNetworkPart){.rows = rows, .cols = cols, .first = *used, .statistic = statistic, .decays = decays};
  snprintf(part->name, sizeof(part->name), "%s/%s", group, name);
  *first = *used;
  *used += rows * (cols ? cols : 1);
  ++n->nparts;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddNorm(WeftNetwork *n, WeftNetworkNorm *norm, const char group[])
{
  PetscFunctionBegin;
  PetscCall(AddPart(n, norm->channels, 0, PETSC_FALSE, PETSC_FALSE, &norm->scale, group, "scale"));
  PetscCall(AddPart(n, norm->channels, 0, PETSC_FALSE, PETSC_FALSE, &norm->shift, group, "shift"));
  PetscCall(AddPart(n, norm->channels, 0, PETSC_TRUE, PETSC_FALSE, &norm->mean, group, "mean"));
  PetscCall(AddPart(n, norm->channels, 0, PETSC_TRUE, PETSC_FALSE, &norm->variance, group, "variance"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckIndices(const int index[], size_t count, size_t bound, const char what[])
{
  PetscFunctionBegin;
  for (size_t i = 0; index && i < count; ++i)
    PetscCheck(index[i] >= 0 && (size_t)index[i] < bound, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
               "%s %d is not below %zu", what, index[i], bound);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckLayer(const WeftNetworkLayer *l)
{
  const size_t connections = WeftNetworkConnections(l);

  PetscFunctionBegin;
  for (size_t g = 0; g < l->groups; ++g)
    PetscCheck(l->start[g] <= l->start[g + 1], PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "starts that descend");
  PetscCall(CheckIndices(l->input, connections, l->inputs, "input"));
  PetscCall(CheckIndices(l->row, connections, l->rows, "row of weights"));
  PetscCheck(l->row || l->rows == connections, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "rows that are no connections");
  PetscCheck(l->pool_start || l->pools == l->groups, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "pools that are no groups");
  if (l->pool_start) PetscCall(CheckIndices(l->pool_group, l->pool_start[l->pools], l->groups, "group of a pool"));
  PetscCall(CheckIndices(l->pooled_channel, l->pools, l->pooled.channels, "channel"));
  PetscCall(CheckIndices(l->single_channel, l->groups * l->group_size, l->single.channels, "channel"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode AddLayer(WeftNetwork *n, int i)
{
  WeftNetworkLayer *l = &n->layer[i];
  const size_t      singles = l->groups * l->group_size;
  char              group[32], pooled[48], single[48];

  PetscFunctionBegin;
  snprintf(group, sizeof(group), "layers/%d", i);
  snprintf(pooled, sizeof(pooled), "%s/pooled", group);
  snprintf(single, sizeof(single), "%s/single", group);
  l->pooled = (WeftNetworkNorm){.units = l->pools, .channel = l->pooled_channel};
  l->pooled.channels = l->pooled_channels ? l->pooled_channels : l->pools;
  l->single = (WeftNetworkNorm){.units = singles, .channel = l->single_channel};
  l->single.channels = l->single_channels ? l->single_channels : singles;
  PetscCheck(l->inputs == (i ? n->layer[i - 1].pools : n->inputs), PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "layer %d has %zu inputs, which is not what comes before it", i, l->inputs);
  PetscCall(CheckLayer(l));
  PetscCall(AddPart(n, l->rows, l->group_size, PETSC_FALSE, PETSC_TRUE, &l->weights, group, "weights"));
  PetscCall(AddNorm(n, &l->pooled, pooled));
  if (l->read_single) PetscCall(AddNorm(n, &l->single, single));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Pooled units that only the next layer needs come first, so that what is read stands together. */
static void PlaceFeatures(WeftNetwork *n)
{
  n->features = 0;
  for (int pass = 0; pass < 2; ++pass) {
    n->read_first = n->features;
    for (int i = 0; i < n->nlayers; ++i) {
      if ((n->layer[i].read_pooled ? 1 : 0) != pass) continue;
      n->layer[i].pooled_at = n->features;
      n->features += n->layer[i].pools;
    }
  }
  for (int i = 0; i < n->nlayers; ++i) {
    if (!n->layer[i].read_single) continue;
    n->layer[i].single_at = n->features;
    n->features += n->layer[i].groups * n->layer[i].group_size;
  }
}

static PetscErrorCode AddDense(WeftNetwork *n)
{
  size_t in = WeftNetworkRead(n);
  char   group[32];

  PetscFunctionBegin;
  for (int i = 0; i < n->nhidden; ++i) {
    WeftNetworkDense *h = &n->hidden[i];
    h->in = in;
    h->norm = (WeftNetworkNorm){.units = h->out, .channels = h->out};
    snprintf(group, sizeof(group), "hidden/%d", i);
    PetscCall(AddPart(n, h->out, in, PETSC_FALSE, PETSC_TRUE, &h->weights, group, "weights"));
    PetscCall(AddNorm(n, &h->norm, group));
    in = h->out;
  }
  n->output = (WeftNetworkDense){.in = in, .out = n->classes};
  PetscCall(AddPart(n, n->classes, in, PETSC_FALSE, PETSC_TRUE, &n->output.weights, "output", "weights"));
  PetscCall(AddPart(n, n->classes, 0, PETSC_FALSE, PETSC_FALSE, &n->output.bias, "output", "bias"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Fill(WeftBlock *block, size_t first, size_t count)
{
  for (size_t i = 0; i < count; ++i) WeftBlockSet(block, 0, first + i, 1);
}

static void FillNorm(WeftNetwork *n, const WeftNetworkNorm *norm)
{
  Fill(&n->parameters, norm->scale, norm->channels);
  Fill(&n->statistics, norm->variance, norm->channels);
}

PetscErrorCode WeftNetworkPlan(WeftNetwork *n)
{
  PetscFunctionBegin;
  n->parameters = n->statistics = (WeftBlock){0};
  n->nparts = 0;
  for (int i = 0; i < n->nlayers; ++i) PetscCall(AddLayer(n, i));
  PlaceFeatures(n);
  PetscCall(AddDense(n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNetworkCreate(WeftNetwork *n)
{
  WeftBlock *parameters = &n->parameters, *statistics = &n->statistics;

  PetscFunctionBegin;
  PetscCall(WeftNetworkPlan(n));
  PetscCall(WeftBlockCreate(1, parameters->cols, n->precision, parameters));
  PetscCall(WeftBlockCreate(1, statistics->cols, n->precision, statistics));
  for (int i = 0; i < n->nlayers; ++i) {
    FillNorm(n, &n->layer[i].pooled);
    if (n->layer[i].read_single) FillNorm(n, &n->layer[i].single);
  }
  for (int i = 0; i < n->nhidden; ++i) FillNorm(n, &n->hidden[i].norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNetworkDestroy(WeftNetwork *n)
{
  PetscFunctionBegin;
  for (int i = 0; i < n->nlayers; ++i) {
    WeftNetworkLayer *l = &n->layer[i];
    PetscCall(PetscFree(l->start));
    PetscCall(PetscFree(l->input));
    PetscCall(PetscFree(l->row));
    PetscCall(PetscFree(l->pool_start));
    PetscCall(PetscFree(l->pool_group));
    PetscCall(PetscFree(l->pooled_channel));
    PetscCall(PetscFree(l->single_channel));
  }
  PetscCall(WeftBlockDestroy(&n->parameters));
  PetscCall(WeftBlockDestroy(&n->statistics));
  PetscFunctionReturn(PETSC_SUCCESS);
}

WeftBlock WeftNetworkView(const WeftNetwork *n, size_t first, size_t rows, size_t cols)
{
  WeftBlock view = {
    rows, cols, n->precision, {(char *)n->parameters.values.v + first * WeftPrecisionBytes(n->precision)}};

  return view;
}

size_t WeftNetworkConnections(const WeftNetworkLayer *layer)
{
  return layer->start[layer->groups];
}

size_t WeftNetworkRead(const WeftNetwork *n)
{
  return n->nlayers ? n->features - n->read_first : n->inputs;
}
