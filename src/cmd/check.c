#include "check.h"
#include <weft/coder.h>
#include <weft/dict.h>
#include <weft/prep.h>

const WeftOption WeftCheckOptions[] = {
  {"-check", NULL, NULL, "check options and files, and stop: nothing is computed or written"},
  {NULL, NULL, NULL, NULL}};

PetscErrorCode WeftCheckAsked(PetscBool *asked)
{
  PetscFunctionBegin;
  PetscCall(WeftOptionsGetFlag(WeftCheckOptions, "-check", asked));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCheckCoder(void)
{
  WeftCoder coder;

  PetscFunctionBegin;
  PetscCall(WeftCoderCreate(&coder));
  PetscCall(WeftCoderSetFromOptions(coder));
  PetscCall(WeftCoderDestroy(&coder));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Objects as small as can be read their options as the real ones will. */
static PetscErrorCode CheckLayer(void)
{
  WeftDict dict;
  WeftPrep prep;

  PetscFunctionBegin;
  PetscCall(WeftCheckCoder());
  PetscCall(WeftDictCreate(PETSC_COMM_WORLD, 1, 1, 1, &dict));
  PetscCall(WeftDictSetFromOptions(dict));
  PetscCall(WeftDictDestroy(&dict));
  PetscCall(WeftPrepCreate(PETSC_COMM_WORLD, 1, &prep));
  PetscCall(WeftPrepSetFromOptions(prep));
  PetscCall(WeftPrepDestroy(&prep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCheckLayers(int layers)
{
  PetscErrorCode ierr;

  PetscFunctionBegin;
  for (int i = 0; i < layers; ++i) {
    WeftOptionsLayer(i);
    ierr = CheckLayer();
    WeftOptionsLayer(-1);
    PetscCall(ierr);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCheckTell(const WeftDataInfo *info, const char more[])
{
  char test[64] = "";

  PetscFunctionBegin;
  if (info->samples[WEFT_TEST])
    snprintf(test, sizeof(test), " training and %lld test", (long long)info->samples[WEFT_TEST]);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "options and files are in order: %lld%s samples x %lld inputs%s\n",
                        (long long)info->samples[WEFT_TRAIN], test, (long long)info->features, more));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCheckMemory(double bytes, size_t size, char more[])
{
  int ranks;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  snprintf(more, size, ranks > 1 ? ", about %.0f MB on each of %d ranks" : ", about %.0f MB on %d rank", bytes / 1e6,
           ranks);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftCheckAwaits(const char path[], WeftRunState state, size_t size, char more[])
{
  snprintf(more, size, "; %s is not %s yet", path, state == WEFT_RUN_MISSING ? "there" : "finished");
}
