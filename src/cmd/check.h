/* -check: what a run would refuse is refused before it is submitted, and nothing is computed or written. Collective on
   PETSC_COMM_WORLD. */
#pragma once
#include <weft/data.h>
#include <weft/options.h>
#include <weft/runfile.h>

extern const WeftOption WeftCheckOptions[];
extern PetscErrorCode   WeftCheckAsked(PetscBool *asked);

/* The options of the coder, which a verb else reads once there is one. */
extern PetscErrorCode WeftCheckCoder(void);
/* The same of all that learns so many layers: coder, dictionary and preprocessing. */
extern PetscErrorCode WeftCheckLayers(int layers);

/* What ends the verb: one line on stdout. more: what else there is to say, ", about 220 MB on 1 rank", or "". */
extern PetscErrorCode WeftCheckTell(const WeftDataInfo *info, const char more[]);
/* The end of that line on the memory of a rank. */
extern PetscErrorCode WeftCheckMemory(double bytes, size_t size, char more[]);
/* The end of that line where an input is to be made by another step first. */
extern void WeftCheckAwaits(const char path[], WeftRunState state, size_t size, char more[]);
