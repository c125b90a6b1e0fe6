/* Samples through a network. */
#include "passimpl.h"

static const size_t line = 64; /* bytes: rows of whole vectors begin at one */

static size_t FillUp(size_t samples)
{
  return (PetscMax(samples, 1) + WEFT_TRAIN_LANES - 1) / WEFT_TRAIN_LANES * WEFT_TRAIN_LANES;
}

/* Cuts a block of so many rows from the pass's memory; memory NULL: counts alone. */
static void Cut(WeftPass pass, size_t rows, WeftBlock *block)
{
  const size_t bytes = rows * FillUp(pass->capacity) * WeftPrecisionBytes(pass->net->precision);

  *block = (WeftBlock){rows, 0, pass->net->precision, {pass->memory ? (char *)pass->memory + pass->used : NULL}};
  pass->used += (bytes + line - 1) / line * line;
}

static void CutAll(WeftPass pass)
{
  WeftNetwork *net = pass->net;

  pass->used = 0;
  Cut(pass, net->inputs, &pass->x);
  for (int i = 0; i < net->nlayers; ++i) {
    Cut(pass, net->layer[i].groups * net->layer[i].group_size, &pass->h[i]);
    Cut(pass, net->layer[i].pools, &pass->y[i]);
  }
  Cut(pass, net->features, &pass->features);
  Cut(pass, net->features, &pass->dfeatures);
  Cut(pass, net->nlayers ? WeftNetworkRead(net) : 0, &pass->read);
  for (int i = 0; i < net->nhidden; ++i) {
    Cut(pass, net->hidden[i].out, &pass->a[i]);
    Cut(pass, net->hidden[i].out, &pass->r[i]);
    Cut(pass, net->hidden[i].out, &pass->dr[i]);
  }
  Cut(pass, net->classes, &pass->logits);
}

PetscErrorCode WeftPassCreate(MPI_Comm comm, WeftNetwork *net, size_t samples, WeftPass *pass)
{
  const size_t statistics = net->statistics.cols;
  void        *memory;

  PetscFunctionBegin;
  PetscCall(PetscNew(pass));
  (*pass)->comm = comm;
  (*pass)->net = net;
  (*pass)->capacity = samples;
  CutAll(*pass);
  PetscCheck(!posix_memalign(&memory, line, PetscMax((*pass)->used, 1)), PETSC_COMM_SELF, PETSC_ERR_MEM,
             "no room for %zu bytes of activations", (*pass)->used);
  memset(memory, 0, (*pass)->used);
  (*pass)->memory = memory;
  CutAll(*pass);
  PetscCall(PetscMalloc3(statistics / 2 + 1, &(*pass)->moments, statistics + 1, &(*pass)->sums, statistics / 2 + 1,
                         &(*pass)->variance));
  PetscCall(PetscCalloc1(FillUp(samples), &(*pass)->keys));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPassDestroy(WeftPass *pass)
{
  PetscFunctionBegin;
  if (!*pass) PetscFunctionReturn(PETSC_SUCCESS);
  free((*pass)->memory);
  PetscCall(PetscFree3((*pass)->moments, (*pass)->sums, (*pass)->variance));
  PetscCall(PetscFree((*pass)->keys));
  PetscCall(PetscFree(*pass));
  PetscFunctionReturn(PETSC_SUCCESS);
}

WeftBlock WeftPassRows(const WeftBlock *block, size_t first, size_t rows)
{
  return WeftBlockRows(block, first, rows);
}

WeftMoments *WeftPassMoments(WeftPass pass, const WeftNetworkNorm *norm)
{
  return pass->moments + norm->mean / 2;
}

static void SetColumns(WeftPass pass, size_t ld)
{
  const WeftNetwork *net = pass->net;

  pass->ld = ld;
  pass->x.cols = pass->features.cols = pass->dfeatures.cols = pass->read.cols = pass->logits.cols = ld;
  for (int i = 0; i < net->nlayers; ++i) pass->h[i].cols = pass->y[i].cols = ld;
  for (int i = 0; i < net->nhidden; ++i) pass->a[i].cols = pass->r[i].cols = pass->dr[i].cols = ld;
}

/* A vector's samples are turned at a time: as many rows are read side by side. */
#define TURN(type, from, to)                                                                                           \
  for (size_t first = 0; first < ld; first += WEFT_TRAIN_LANES) {                                                      \
    const type *row[WEFT_TRAIN_LANES];                                                                                 \
    for (size_t i = 0; i < WEFT_TRAIN_LANES; ++i) {                                                                    \
      const size_t s = PetscMin(first + i, count - 1);                                                                 \
      row[i] = (from) + (index ? index[s] : s) * d;                                                                    \
    }                                                                                                                  \
    for (size_t j = 0; j < d; ++j)                                                                                     \
      for (size_t i = 0; i < WEFT_TRAIN_LANES; ++i) (to)[j * ld + first + i] = row[i][j];                              \
  }

/* What fills up are copies of the last sample; a rank without samples has zeros. */
PetscErrorCode WeftPassLoad(WeftPass pass, const WeftBlock *x, size_t count, const size_t index[])
{
  const size_t d = x->cols, ld = FillUp(count);

  PetscFunctionBegin;
  PetscCheck(count <= pass->capacity && d == pass->net->inputs, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "%zu samples of %zu inputs", count, d);
  pass->count = count;
  SetColumns(pass, ld);
  if (!count)
    memset(pass->x.values.v, 0, d * ld * WeftPrecisionBytes(x->precision));
  else if (x->precision == WEFT_SINGLE)
    TURN(float, x->values.s, pass->x.values.s)
  else
    TURN(double, x->values.d, pass->x.values.d)
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPassFeatures(WeftPass pass, const WeftBlock **features)
{
  PetscFunctionBegin;
  *features = pass->net->nlayers ? &pass->read : &pass->x;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPassLogits(WeftPass pass, const WeftBlock **logits)
{
  PetscFunctionBegin;
  *logits = &pass->logits;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPassLoss(WeftPass pass, const int32_t labels[], double smoothing, WeftScore *score)
{
  PetscFunctionBegin;
  PetscCall(WeftLoss(&pass->logits, pass->count, labels, smoothing, PETSC_TRUE, score));
  PetscFunctionReturn(PETSC_SUCCESS);
}
