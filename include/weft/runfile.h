/* The run file: checkpoint and result are one HDF5 file (README, "The run file"). All functions are collective. */
#pragma once
#include <weft/data.h>
#include <weft/layers.h>

enum { WEFT_SCHEMA = 1 };

/* What the file says beside the layer itself. */
typedef struct {
  const char         *options; /* YAML as run */
  const WeftDataInfo *data;    /* picture shape */
  PetscInt64          seed;
  PetscInt64          data_checksum; /* of the samples as read: WeftBlockChecksum() over all ranks */
} WeftRunInfo;

/* WeftRunFileWrite - writes path beside itself and renames: all layers of the stack, one at least. complete: a result,
   without what a resume needs; else a checkpoint, in which the last layer is the one being learned. A disk that is full
   is a user's mistake; what was at path stays. Each rank writes its rows of the dictionaries, connectivities,
   whitenings and B, and its samples' codes; rank 0 the rest. */
extern PetscErrorCode WeftRunFileWrite(const char path[], const WeftRunInfo *info, const WeftStack stack,
                                       PetscBool complete);

/* WeftRunFileVerify - before a run file, a network file or the like is used: a user's mistake that names the dataset
   where one is not as it was written. A file without checksums, of before there were any, passes with a note. option
   names what gave the path. */
extern PetscErrorCode WeftRunFileVerify(MPI_Comm comm, const char option[], const char path[]);

/* What stands at path. */
typedef enum { WEFT_RUN_MISSING, WEFT_RUN_CHECKPOINT, WEFT_RUN_COMPLETE } WeftRunState;

/* WeftRunFileInspect - a file that cannot be read in full as HDF5, no run file, or of another schema is a user's
   mistake. option names what gave the path. A missing file is WEFT_RUN_MISSING. */
extern PetscErrorCode WeftRunFileInspect(MPI_Comm comm, const char option[], const char path[], WeftRunState *state);

/* WeftRunFileCheckOptions - a user's mistake that names the first difference, where the file was begun with other
   options (YAML as in WeftRunInfo) than these, but for the names in `free` (with their dash, NULL-ended). Numbers are
   compared as numbers. */
extern PetscErrorCode WeftRunFileCheckOptions(MPI_Comm comm, const char path[], const char options[],
                                              const char *const free[]);
/* WeftRunFileCheckData - a user's mistake where the file was begun with other samples than those of data_path. */
extern PetscErrorCode WeftRunFileCheckData(MPI_Comm comm, const char path[], const char data_path[],
                                           PetscInt64 data_checksum);

/* The preprocessing of layer `index`, for this rank. */
extern PetscErrorCode WeftRunFileReadPrep(MPI_Comm comm, const char path[], int index, WeftPrep prep);
/* WeftRunFileReadLayer - the state of a checkpoint into a layer made with the same settings and data, at any rank
   count; other settings are a user's mistake that names the first that differs. index: of the checkpoint's last layer,
   which is the one being learned. */
extern PetscErrorCode WeftRunFileReadLayer(const char path[], int index, WeftLayer layer);
/* WeftRunFileReadLearned - what a learned layer keeps, into a new one of its settings. */
extern PetscErrorCode WeftRunFileReadLearned(const char path[], int index, WeftLayer layer);
/* WeftRunFileReadStack - a new stack as the checkpoint has it: its learned layers, and the state of the last. */
extern PetscErrorCode WeftRunFileReadStack(const char path[], WeftStack stack);
