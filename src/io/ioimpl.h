/* What writing and reading a run file share. */
#pragma once
#include <weft/runfile.h>
#include <weft/output.h>
#include <weft/share.h>

/* "/layers/N" or "/history/N", and what follows: "/alive" or "". */
typedef struct {
  char text[96];
} WeftRunPath;
extern WeftRunPath WeftRunLayerPath(int layer, const char rest[]);
extern WeftRunPath WeftRunHistoryPath(int layer, const char rest[]);
extern WeftRunPath WeftRunColumnPath(int layer, int field); /* of a field of the history */

/* What must not change between a checkpoint and its resumption, as integers. */
typedef struct {
  const char *name, *option; /* attribute of /state; what the user would change */
  PetscInt64  value;
} WeftRunKey;
enum { WEFT_RUN_KEYS = 8 };
extern void WeftRunKeys(const WeftLayer layer, WeftRunKey keys[WEFT_RUN_KEYS]);

/* Scalars of a layer's state that are not in its arrays, and the weights that are attributes of its group: written and
   read by the same lists. */
typedef struct {
  const char *name;
  double     *value;
} WeftRunScalar;
enum { WEFT_RUN_SCALARS = 8, WEFT_RUN_WEIGHTS = 5 };
extern void WeftRunScalars(WeftLayer layer, WeftRunScalar scalars[WEFT_RUN_SCALARS]);
extern void WeftRunWeights(WeftLayer layer, WeftRunScalar weights[WEFT_RUN_WEIGHTS]);

/* What every file says of how it came about: versions, time, ranks, memory; seed, whether it is complete, and the shape
   of the pictures. Collective. */
extern PetscErrorCode WeftFileStamp(MPI_Comm comm, hid_t file, const WeftDataInfo *data, PetscInt64 seed,
                                    PetscBool complete);

/* A shared layer: written where it has prototypes; read where the file has one, else it has none. Bytes that it takes.
   Collective. */
extern PetscErrorCode WeftSharedWrite(MPI_Comm comm, hid_t file, int index, const WeftShared *shared);
extern PetscErrorCode WeftSharedRead(MPI_Comm comm, hid_t file, const char path[], int index, WeftShared *shared);
extern PetscInt64     WeftSharedBytes(const WeftShared *shared);

/* /information of a file: every layer measured so far; the first `layers` of them, all of which were kept. */
extern PetscErrorCode WeftRunWriteInformation(const WeftStack stack, hid_t file);
extern PetscErrorCode WeftRunReadInformation(WeftStack stack, hid_t file, int layers);
