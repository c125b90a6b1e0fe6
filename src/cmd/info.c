#include "cmd.h"

static const WeftOption options[] = {{"-json", NULL, NULL, "print one JSON object"}, {NULL, NULL, NULL, NULL}};
static PetscErrorCode   RunInfo(const char word[])
{
  PetscFunctionBegin;
  (void)word;
  PetscFunctionReturn(PETSC_SUCCESS);
}
const WeftVerb WeftVerbInfo = {"info",    "FILE", "tell what a run file holds", "  weft info run.h5 [-json]\n",
                               {options}, RunInfo};
const WeftVerb WeftVerbLearn = {"learn", NULL, "l", "", {options}, RunInfo};
