#include "stackimpl.h"

const WeftOption WeftLayerOptions[] = {
  {"-weft_atoms", "K", "1024", "atoms (units) offered"},
  {"-weft_group_size", "P", "4", "atoms per group (pool); divides the atoms"},
  {"-weft_batch_size", "N", "1000", "samples per batch; 0: all"},
  {"-weft_iterations", "T", "160", "batches in all; 0: the atoms as they start, lambda alone follows its target"},
  {"-weft_epochs", "E", NULL, "passes over the data, instead of -weft_iterations"},
  {"-weft_target_activity", "A", "0.04", "fraction of alive groups active in a sample; 0: no feedback"},
  {"-weft_target_density", "R", "0.05", "fraction of inputs that a group connects to; 0: no feedback"},
  {"-weft_freeze_fraction", "F", "0.6",
   "part of the run after which the weights stay as they are; 0: from the first batch"},
  {"-weft_sparsity", "S", "0.5", "lambda / lambda_max at the start"},
  {"-weft_connectivity_penalty", "G", "0.1", "gamma_rel at the start"},
  {"-weft_width_penalty", "M", "0", "mu / mu_max"},
  {"-weft_start", "exemplars|dense|sparse|local|principal", "exemplars",
   "atoms at the start: samples, random (on all, random or correlated inputs), principal components"},
  {"-weft_precision", "single|double", "single", "numbers of the hot path; certificates are in double"},
  {NULL, NULL, NULL, NULL}};

PetscErrorCode WeftLayerCheckStart(const WeftLayerSettings *s)
{
  const PetscBool connected = s->start == WEFT_START_SPARSE || s->start == WEFT_START_LOCAL ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBegin;
  WeftUserCheck(!connected || s->target_density > 0, PETSC_COMM_WORLD,
                "-weft_start sparse and local take the number of inputs of a group from -weft_target_density: it must "
                "not be 0");
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLayerSettingsFromOptions(WeftLayerSettings *s)
{
  const WeftOption *t = WeftLayerOptions;
  const PetscInt64  many = 2147483647; /* atoms and iterations are counted in 32 bits in places */
  PetscBool         given;
  char              text[64];
  int               precision, start;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetInt(t, "-weft_atoms", 1, many, &s->atoms));
  PetscCall(WeftOptionsGetInt(t, "-weft_group_size", 1, 1024, &s->group_size));
  PetscCall(WeftOptionsGetInt(t, "-weft_batch_size", 0, many, &s->batch_size));
  PetscCall(WeftOptionsGetInt(t, "-weft_iterations", 0, many, &s->iterations));
  PetscCall(WeftOptionsGetText(t, "-weft_epochs", sizeof(text), text, &given));
  s->epochs = 0;
  if (given) PetscCall(WeftOptionsGetReal(t, "-weft_epochs", 1e-6, 1e6, &s->epochs));
  PetscCall(WeftOptionsGetReal(t, "-weft_target_activity", 0, 1, &s->target_activity));
  PetscCall(WeftOptionsGetReal(t, "-weft_target_density", 0, 1, &s->target_density));
  PetscCall(WeftOptionsGetReal(t, "-weft_freeze_fraction", 0, 1, &s->freeze_fraction));
  PetscCall(WeftOptionsGetReal(t, "-weft_sparsity", 0, 1e3, &s->sparsity));
  PetscCall(WeftOptionsGetReal(t, "-weft_connectivity_penalty", 0, 1, &s->connectivity_penalty));
  PetscCall(WeftOptionsGetReal(t, "-weft_width_penalty", 0, 1e3, &s->width_penalty));
  PetscCall(WeftOptionsGetChoice(t, "-weft_precision", "single|double", &precision));
  s->precision = precision ? WEFT_DOUBLE : WEFT_SINGLE;
  PetscCall(WeftOptionsGetChoice(t, "-weft_start", "exemplars|dense|sparse|local|principal", &start));
  s->start = (WeftStart)start;
  WeftUserCheck(s->atoms % s->group_size == 0, PETSC_COMM_WORLD,
                "-weft_atoms %lld is not a multiple of -weft_group_size %lld", (long long)s->atoms,
                (long long)s->group_size);
  PetscCall(WeftLayerCheckStart(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

WeftPrecision WeftLayerSums(WeftPrecision precision, PetscInt64 batch, PetscInt64 n, int ranks)
{
  const PetscInt64 most = 16384; /* samples: their sums are still right to five digits and more */

  return precision == WEFT_SINGLE && batch > 0 && batch < n && batch / ranks <= most ? WEFT_SINGLE : WEFT_DOUBLE;
}

static PetscErrorCode CreateParts(WeftLayer l, PetscInt64 row0)
{
  const WeftLayerSettings *s = &l->settings;
  const size_t             G = (size_t)(s->atoms / s->group_size);
  const int                p = (int)s->group_size;
  int                      size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(l->comm, &size));
  PetscCall(WeftBatchesCreate(l->n, row0, (PetscInt64)l->x->rows, s->batch_size, s->seed, &l->batches));
  if (s->epochs > 0) l->settings.iterations = PetscMax(1, (PetscInt64)(s->epochs * (double)l->batches.per_epoch + 0.5));
  PetscCall(WeftDictCreate(l->comm, (PetscInt)l->d, (PetscInt)s->atoms, p, &l->dict));
  PetscCall(WeftDictSetPrecision(l->dict, s->precision));
  PetscCall(WeftCoderCreate(&l->coder));
  PetscCall(WeftStatisticsCreate((size_t)l->d, (size_t)s->atoms, p,
                                 WeftLayerSums(s->precision, s->batch_size, l->n, size), &l->statistics));
  PetscCall(MatCreateSeqDense(PETSC_COMM_SELF, (PetscInt)s->atoms, (PetscInt)s->atoms, NULL, &l->A));
  PetscCall(WeftDictCreateLike(l->dict, &l->B));
  PetscCall(PetscCalloc3(G, &l->weights.gamma, G, &l->weights.eta, G, &l->usage));
  PetscCall(PetscCalloc1(G, &l->idle));
  PetscCall(WeftCodeStoreCreate(l->x->rows, (int)G, p, s->precision, &l->codes));
  PetscCall(WeftBlockCreate((size_t)s->atoms, (size_t)l->d, s->precision, &l->atoms));
  PetscCall(WeftBlockCreate((size_t)s->atoms, (size_t)s->atoms, s->precision, &l->gram));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLayerCreate(MPI_Comm comm, const WeftLayerSettings *settings, PetscInt64 n, PetscInt64 row0,
                               const WeftBlock *x, WeftLayer *layer)
{
  WeftLayer l;

  PetscFunctionBegin;
  PetscCall(PetscNew(&l));
  l->comm = comm;
  l->settings = *settings;
  l->learner = &WeftLearnerSparseCoding;
  l->n = n;
  l->d = (PetscInt64)x->cols;
  l->x = x;
  l->weights.connectivity = settings->connectivity_penalty;
  PetscCall(CreateParts(l, row0));
  *layer = l;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is needed while it is learned, and only then. */
static PetscErrorCode DestroyWork(WeftLayer l)
{
  PetscFunctionBegin;
  PetscCall(WeftBatchesDestroy(&l->batches));
  PetscCall(WeftCoderDestroy(&l->coder));
  PetscCall(WeftStatisticsDestroy(&l->statistics));
  PetscCall(MatDestroy(&l->A));
  PetscCall(MatDestroy(&l->B));
  PetscCall(PetscFree(l->idle));
  PetscCall(WeftCodeStoreDestroy(&l->codes));
  PetscCall(WeftBlockDestroy(&l->gram));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLayerRelease(WeftLayer l)
{
  const WeftCodeStore shape = {.groups = l->codes.groups, .group_size = l->codes.group_size};

  PetscFunctionBegin;
  PetscCall(DestroyWork(l));
  l->codes = shape;
  l->x = NULL;
  PetscCall(WeftDictSettle(l->dict, l->settings.precision));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLayerDestroy(WeftLayer *layer)
{
  WeftLayer l = *layer;

  PetscFunctionBegin;
  if (!l) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DestroyWork(l));
  PetscCall(WeftDictDestroy(&l->dict));
  PetscCall(PetscFree3(l->weights.gamma, l->weights.eta, l->usage));
  PetscCall(WeftBlockDestroy(&l->atoms));
  PetscCall(PetscFree(l->history.values));
  PetscCall(PetscFree(*layer));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLayerSetStart(WeftLayer layer, const WeftBlock *atoms, double lambda)
{
  PetscFunctionBegin;
  PetscCheck(!atoms || (atoms->rows == layer->atoms.rows && atoms->cols == layer->atoms.cols), PETSC_COMM_SELF,
             PETSC_ERR_ARG_SIZ, "%zu atoms of %zu inputs for a layer of %zu and %zu", atoms->rows, atoms->cols,
             layer->atoms.rows, layer->atoms.cols);
  PetscCheck(lambda >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "lambda %g", lambda);
  layer->start_atoms = atoms;
  layer->start_lambda = lambda;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLayerSetPrep(WeftLayer layer, WeftPrep prep)
{
  PetscFunctionBegin;
  layer->prep = prep;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt64 WeftLayerFreezeIteration(const WeftLayer layer)
{
  return (PetscInt64)(layer->settings.freeze_fraction * (double)layer->settings.iterations + 0.5);
}

PetscErrorCode WeftLayerGetSample(WeftLayer l, PetscInt64 i, double sample[])
{
  const PetscInt64 local = i - l->batches.row0;

  PetscFunctionBegin;
  for (PetscInt64 j = 0; j < l->d; ++j) sample[j] = 0;
  if (local >= 0 && local < l->batches.rows) WeftBlockGetRow(l->x, (size_t)local, sample);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sample, (int)l->d, MPI_DOUBLE, MPI_SUM, l->comm)); /* all but one are zero */
  PetscFunctionReturn(PETSC_SUCCESS);
}
