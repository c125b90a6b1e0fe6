/* Groups that no sample uses: early they get new atoms, late they go. */
#include "stackimpl.h"
#include <weft/random.h>

enum { IDLE_RESEED = 3, IDLE_REMOVE = 10 }; /* batches in a row without an active sample */

PetscErrorCode WeftGroupSizes(const WeftLayer l, Mat A, double sizes[])
{
  const PetscInt64 k = l->settings.atoms, p = l->settings.group_size;
  const double    *values;

  PetscFunctionBegin;
  PetscCall(MatDenseGetArrayRead(A, &values));
  for (PetscInt64 g = 0; g < k / p; ++g) {
    double sum = 0;
    for (PetscInt64 a = g * p; a < (g + 1) * p; ++a) sum += values[a * k + a];
    sizes[g] = PetscSqrtReal(sum);
  }
  PetscCall(MatDenseRestoreArrayRead(A, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sample as an atom, with a little noise: equal samples, or one of zeros, then still make different atoms. */
static PetscErrorCode SetAtomFromSample(WeftLayer l, PetscInt64 a, WeftRandom *rng, PetscInt64 row, double atom[])
{
  double square = 0, noise;

  PetscFunctionBegin;
  PetscCall(WeftLayerGetSample(l, row, atom));
  for (PetscInt64 j = 0; j < l->d; ++j) square += atom[j] * atom[j];
  noise = 0.01 * (square > 0 ? PetscSqrtReal(square / (double)l->d) : 1.0);
  for (PetscInt64 j = 0; j < l->d; ++j) atom[j] += noise * WeftRandomNormal(rng);
  PetscCall(WeftDictSetAtom(l->dict, (PetscInt)a, atom));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StartAsGiven(WeftLayer l)
{
  double *atom;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(l->d, &atom));
  for (PetscInt64 a = 0; a < l->settings.atoms; ++a) {
    WeftBlockGetRow(l->start_atoms, (size_t)a, atom);
    PetscCall(WeftDictSetAtom(l->dict, (PetscInt)a, atom));
  }
  PetscCall(PetscFree(atom));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One sample from each of k strata, so that no two atoms start alike where there are samples enough. */
static PetscErrorCode StartFromSamples(WeftLayer l)
{
  const PetscInt64 k = l->settings.atoms;
  double          *atom;
  WeftRandom       rng;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(l->d, &atom));
  for (PetscInt64 a = 0; a < k; ++a) {
    const double start = (double)a * (double)l->n / (double)k, width = (double)l->n / (double)k;
    PetscInt64   row;
    WeftRandomInit(&rng, l->settings.seed, WEFT_STREAM_ATOM, (uint64_t)a);
    row = (PetscInt64)(start + width * WeftRandomUniform(&rng));
    PetscCall(SetAtomFromSample(l, a, &rng, PetscMin(row, l->n - 1), atom));
  }
  PetscCall(PetscFree(atom));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftGroupsStart(WeftLayer l)
{
  PetscFunctionBegin;
  if (l->start_atoms)
    PetscCall(StartAsGiven(l));
  else if (l->settings.start == WEFT_START_EXEMPLARS)
    PetscCall(StartFromSamples(l));
  else
    PetscCall(WeftStartAtoms(l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Reseed(WeftLayer l, PetscInt64 g, double atom[])
{
  const PetscInt64 p = l->settings.group_size;
  WeftRandom       rng;

  PetscFunctionBegin;
  WeftRandomInit(&rng, l->settings.seed, WEFT_STREAM_RESEED, (uint64_t)l->reseeds++);
  for (PetscInt64 a = g * p; a < (g + 1) * p; ++a)
    PetscCall(SetAtomFromSample(l, a, &rng, (PetscInt64)WeftRandomBelow(&rng, (uint64_t)l->n), atom));
  PetscCall(WeftStatisticsForgetGroup(l->A, l->B, (int)p, (PetscInt)g));
  l->idle[g] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftGroupsTend(WeftLayer l, const double batch_usage[], PetscInt *reseeded, PetscInt *removed)
{
  const PetscInt64 G = l->settings.atoms / l->settings.group_size;
  const PetscBool  early = l->weights.frozen ? PETSC_FALSE : PETSC_TRUE;
  unsigned char   *alive;
  double          *atom, *sizes;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_RESEED));
  *reseeded = *removed = 0;
  PetscCall(WeftDictGetAlive(l->dict, &alive));
  PetscCall(PetscMalloc2(l->d, &atom, G, &sizes));
  PetscCall(WeftGroupSizes(l, l->A, sizes));
  for (PetscInt64 g = 0; g < G; ++g) {
    if (!alive[g]) continue;
    l->idle[g] = batch_usage[g] > 0 ? 0 : l->idle[g] + 1;
    if (early && l->idle[g] >= IDLE_RESEED) {
      PetscCall(Reseed(l, g, atom));
      ++*reseeded;
    } else if (!early && (sizes[g] <= l->weights.eta_floor || l->idle[g] >= IDLE_REMOVE)) {
      PetscCall(WeftDictRemoveGroup(l->dict, (PetscInt)g, l->A, l->B));
      ++*removed;
    }
  }
  /* A small code of a group that is gone would otherwise pass a sample's gap as its warm start, again and again. */
  if (*removed) PetscCall(WeftCodeStoreKeep(&l->codes, alive));
  PetscCall(PetscFree2(atom, sizes));
  PetscCall(WeftEventEnd(WEFT_EVENT_RESEED));
  PetscFunctionReturn(PETSC_SUCCESS);
}
