#include "tell.h"

PetscErrorCode WeftLearnMemory(MPI_Comm comm, const WeftStackSettings *settings, const WeftDataInfo *data,
                               WeftMemory *memory, PetscInt64 *now)
{
  int size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  WeftStackMemory(settings, data->samples[WEFT_TRAIN], data->features, size, memory);
  PetscCall(WeftPeakMemory(comm, now));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTellMemory(MPI_Comm comm, const WeftStackSettings *settings, const WeftDataInfo *data)
{
  WeftMemory memory;
  PetscInt64 now;

  PetscFunctionBegin;
  PetscCall(WeftLearnMemory(comm, settings, data, &memory, &now));
  PetscCall(WeftBlasSay(comm));
  PetscCall(PetscFPrintf(
    comm, stderr,
    "weft: note: about %.0f MB per rank: %.0f of libraries, %.0f for the layer%s, of which %.0f are samples\n",
    ((double)now + memory.peak) / 1e6, (double)now / 1e6, memory.peak / 1e6, settings->most > 1 ? "s" : "",
    memory.samples / 1e6));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTellFewSamples(MPI_Comm comm, const WeftStackSettings *settings, const WeftDataInfo *data)
{
  const PetscInt64 n = data->samples[WEFT_TRAIN], atoms = settings->layer[0].atoms;
  const PetscInt64 few = 5 * PetscMax(data->features, atoms);

  PetscFunctionBegin;
  if (n < few)
    PetscCall(PetscFPrintf(comm, stderr,
                           "weft: note: %lld samples are few for %lld inputs and %lld atoms: what is found may be "
                           "chance; %lld or more are wanted\n",
                           (long long)n, (long long)data->features, (long long)atoms, (long long)few));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellDepth(const WeftStack stack)
{
  const int        i = stack->measured - 1;
  const WeftDepth *d = &stack->depth[i];

  PetscFunctionBegin;
  if (!i)
    PetscCall(PetscPrintf(stack->comm, "; %.2f bits\n", d->information.bits));
  else
    PetscCall(PetscPrintf(stack->comm, "; %.2f bits with those before it, gain %.2f %%: %s\n", d->information.bits,
                          100 * d->gain, d->kept ? "kept" : "not kept"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTellLayer(const WeftStack stack)
{
  const int       i = stack->measured - 1;
  const WeftLayer l = stack->depth[i].kept ? stack->layers[i].layer : stack->dropped.layer;
  const double   *last = l->history.length ? l->history.values + (l->history.length - 1) * WEFT_HISTORY_FIELDS : NULL;

  PetscFunctionBegin;
  PetscCall(PetscPrintf(stack->comm, "layer %d: %lld samples x %lld inputs: %d of %d groups of %d atoms alive", i,
                        (long long)l->n, (long long)l->d, (int)WeftDictCountAlive(l->dict), l->codes.groups,
                        l->codes.group_size));
  if (last)
    PetscCall(PetscPrintf(stack->comm,
                          ", active %.2f %% of groups per sample, connections %.2f %% of inputs per group, J %.5g, "
                          "largest certified gap %.2g, %.1f s",
                          100 * l->final_activity, 100 * last[WEFT_HISTORY_CONNECTION_DENSITY],
                          last[WEFT_HISTORY_OBJECTIVE], l->final_max_gap, l->seconds));
  PetscCall(TellDepth(stack));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTellStopped(const WeftStack stack, const char path[])
{
  const WeftLayer l = stack->layers[stack->learned].layer;

  PetscFunctionBegin;
  PetscCall(PetscPrintf(stack->comm,
                        "stopped after %lld of %lld batches of layer %d; checkpoint in %s: run again with -resume\n",
                        (long long)l->iteration, (long long)l->settings.iterations, stack->learned, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTellWritten(const WeftStack stack, const char path[])
{
  PetscInt64 bytes;

  PetscFunctionBegin;
  PetscCall(WeftPeakMemory(stack->comm, &bytes));
  PetscCall(PetscPrintf(stack->comm,
                        "written: %s, with %.0f MB per rank at most (pictures: python3 -m weftpost all %s)\n", path,
                        (double)bytes / 1e6, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}
