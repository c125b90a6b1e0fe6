/* What weft learn says of a run. All collective. */
#pragma once
#include <weft/cost.h>
#include <weft/data.h>
#include <weft/layers.h>

/* What the run will hold on a rank, above what the fullest rank holds now. */
extern PetscErrorCode WeftLearnMemory(MPI_Comm comm, const WeftStackSettings *settings, const WeftDataInfo *data,
                                      WeftMemory *memory, PetscInt64 *now);
/* Before memory is taken: a note of that. */
extern PetscErrorCode WeftTellMemory(MPI_Comm comm, const WeftStackSettings *settings, const WeftDataInfo *data);
/* A note where samples are few: their covariance is mostly noise then, and atoms learn samples by heart. */
extern PetscErrorCode WeftTellFewSamples(MPI_Comm comm, const WeftStackSettings *settings, const WeftDataInfo *data);
/* One line on the layer that was learned last. */
extern PetscErrorCode WeftTellLayer(const WeftStack stack);
/* How the run ended: with a checkpoint in the file, or all of it. */
extern PetscErrorCode WeftTellStopped(const WeftStack stack, const char path[]);
extern PetscErrorCode WeftTellWritten(const WeftStack stack, const char path[]);
