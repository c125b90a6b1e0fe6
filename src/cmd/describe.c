#include "cmd.h"

PetscErrorCode WeftCmdDescribeData(const char verb[], const char path[], const WeftDataInfo *info)
{
  char shape[128] = "", classes[64] = "";

  PetscFunctionBegin;
  if (info->shape[0])
    snprintf(shape, sizeof(shape), " (%lldx%lldx%lld%s%s)", (long long)info->shape[0], (long long)info->shape[1],
             (long long)info->shape[2], info->shape[2] > 1 ? ", " : "", info->shape[2] > 1 ? info->pixel_order : "");
  if (info->classes) snprintf(classes, sizeof(classes), ", %lld classes", (long long)info->classes);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "weft %s: %s: %lld training and %lld test samples of %lld features%s%s; %s\n",
                        verb, path, (long long)info->samples[WEFT_TRAIN], (long long)info->samples[WEFT_TEST],
                        (long long)info->features, shape, classes, info->source));
  PetscFunctionReturn(PETSC_SUCCESS);
}
