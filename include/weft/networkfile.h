/* The network file: checkpoint and result are one HDF5 file (README, "The network file"). All functions are collective.
 */
#pragma once
#include <weft/data.h>
#include <weft/network.h>
#include <weft/prep.h>
#include <weft/runfile.h>

enum { WEFT_NETWORK_MAX_SCALARS = 16, WEFT_NETWORK_MAX_STATE = 16 };

/* What the file says beside the network. The caller's pointers. */
typedef struct {
  const char         *options;   /* YAML as run */
  const char         *rule;      /* what trained it */
  const char         *structure; /* where the structure came from, as text */
  const WeftDataInfo *data;      /* picture shape */
  PetscInt64          seed;
  PetscInt64          data_checksum;   /* of the training samples as read */
  PetscInt64          labels_checksum; /* of their labels */
  PetscInt64          test_checksum;   /* of the test samples and their labels; 0: none that are labelled */
  double              test_accuracy;   /* NaN: no test samples */
  /* the history: columns [entries] of an array [entries, columns] */
  int                columns;
  const char *const *column_name, *const *column_note;
  size_t  entries;
  double *history; /* room for all entries when reading */
  size_t  room;    /* entries that history has room for */
  /* what the rule tells of its result, below /readout */
  int         nfigures;
  const char *figure_name[WEFT_NETWORK_MAX_STATE], *figure_note[WEFT_NETWORK_MAX_STATE];
  WeftBlock  *figure[WEFT_NETWORK_MAX_STATE]; /* one row each */
  /* what a resume needs beside the network */
  int         nscalars, nstate;
  const char *scalar_name[WEFT_NETWORK_MAX_SCALARS];
  double     *scalar[WEFT_NETWORK_MAX_SCALARS];
  const char *state_name[WEFT_NETWORK_MAX_STATE], *state_note[WEFT_NETWORK_MAX_STATE];
  WeftBlock  *state[WEFT_NETWORK_MAX_STATE]; /* one row each */
} WeftNetworkRecord;

/* WeftNetworkFileWrite - writes path beside itself and renames. prep: of the samples; NULL: the network's inputs
   are not samples but features of the structure. complete: a result, without what
   a resume needs. A disk that is full is a user's mistake; what was at path stays. */
extern PetscErrorCode WeftNetworkFileWrite(MPI_Comm comm, const char path[], const WeftNetworkRecord *record,
                                           const WeftNetwork *network, WeftPrep prep, PetscBool complete);

/* WeftNetworkFileInspect - what stands at path. A file that is damaged, no network, or of another schema is a user's
   mistake. option names what gave the path. */
extern PetscErrorCode WeftNetworkFileInspect(MPI_Comm comm, const char option[], const char path[],
                                             WeftRunState *state);
/* WeftNetworkFileRead - the network and the preprocessing of its samples; the caller destroys both. precision: of the
   numbers, whatever the file's. */
extern PetscErrorCode WeftNetworkFileRead(MPI_Comm comm, const char option[], const char path[],
                                          WeftPrecision precision, WeftNetwork *network, WeftPrep *prep);
/* WeftNetworkFileResume - parameters, statistics, history, scalars and state of a checkpoint into a network and a
   record that were made as when it was begun; what does not fit is a user's mistake. */
extern PetscErrorCode WeftNetworkFileResume(MPI_Comm comm, const char path[], WeftNetworkRecord *record,
                                            WeftNetwork *network);
/* WeftNetworkFileCheckLabels - a user's mistake where the file was begun with other labels of the training samples, or
   other test samples, than data_path has, whose checksums the record holds. A file of before there were such checksums
   passes with a note. */
extern PetscErrorCode WeftNetworkFileCheckLabels(MPI_Comm comm, const char path[], const char data_path[],
                                                 const WeftNetworkRecord *record);
/* WeftNetworkFileCheckStructure - a user's mistake where the file was begun with another structure than this, as
   WeftStructureDescribe() tells it: "PATH CHECKSUM". The path may differ. */
extern PetscErrorCode WeftNetworkFileCheckStructure(MPI_Comm comm, const char path[], const char structure[]);
