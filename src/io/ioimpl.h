/* What writing and reading a run file share. */
#pragma once
#include <weft/runfile.h>
#include <weft/output.h>

/* What must not change between a checkpoint and its resumption, as integers. */
typedef struct {
  const char *name, *option; /* attribute of /state; what the user would change */
  PetscInt64  value;
} WeftRunKey;
enum { WEFT_RUN_KEYS = 8 };
extern void WeftRunKeys(const WeftLayer layer, WeftRunKey keys[WEFT_RUN_KEYS]);

/* Scalars of a layer's state that are not in its arrays: written and read by the same list. */
typedef struct {
  const char *name;
  double     *value;
} WeftRunScalar;
enum { WEFT_RUN_SCALARS = 8 };
extern void WeftRunScalars(WeftLayer layer, WeftRunScalar scalars[WEFT_RUN_SCALARS]);

/* What every file says of how it came about: versions, time, ranks, memory; seed, whether it is complete, and the shape
   of the pictures. Collective. */
extern PetscErrorCode WeftFileStamp(MPI_Comm comm, hid_t file, const WeftDataInfo *data, PetscInt64 seed,
                                    PetscBool complete);
