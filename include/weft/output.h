/* An output file that appears whole or not at all: written beside its final name, flushed, checked, renamed. */
#pragma once
#include <weft/h5.h>

typedef struct _n_WeftOutput *WeftOutput;

/* WeftOutputCreate - opens `path.partial` for parallel writing. Collective.
   bytes: about how much will be written; a disk without that much room is a user's mistake found here, before any of
   it is written. An older partial file of that name is replaced. */
extern PetscErrorCode WeftOutputCreate(MPI_Comm comm, const char path[], PetscInt64 bytes, WeftOutput *output);
/* WeftOutputGoesOn - a part was written. From WeftOutputCreate() on, 1800 s without that (WEFT_WRITE_PATIENCE in the
   environment: another number) end the program with a user's mistake, status 2: to start again, as 75 asks for, does
   not mend a file system that does not answer. Time in which the process was stopped, as a suspended job is, does not
   count. Not collective. */
extern void WeftOutputGoesOn(void);
/* For who computes between the parts, for however long: WeftOutputEndWrite() after a part, which is not collective, and
   WeftOutputBeginWrite() before the next, which is. WeftOutputCreate() begins, and WeftOutputCommit() too. */
extern PetscErrorCode WeftOutputBeginWrite(WeftOutput output);
extern void           WeftOutputEndWrite(WeftOutput output);
/* The HDF5 file to write to; owned by the output. Not collective. */
extern hid_t WeftOutputFile(WeftOutput output);
/* WeftOutputPush - lets the system begin to bring what was written so far to the disk while more is being made, where
   it can do so: the commit waits for less then. Not collective. */
extern void WeftOutputPush(WeftOutput output);
/* WeftOutputCommit - flushes, closes, opens again to check, and renames over path. Collective. On failure the partial
   file is removed, what stood at path still stands, and a user's mistake is raised; so it is where only the renaming
   could not be brought to the disk, and the message says that the new file stands. Frees the output. */
extern PetscErrorCode WeftOutputCommit(WeftOutput *output);
/* WeftOutputDiscard - closes and removes the partial file; what stood at path still stands. Frees the output.
 * Collective.
 */
extern PetscErrorCode WeftOutputDiscard(WeftOutput *output);
/* WeftOutputDiscardAll - removes the partial files of all outputs not committed, on any rank: it may be the only one
   that can. Was there one? Not collective. */
extern PetscBool WeftOutputDiscardAll(void);
/* WeftOutputResolve - path, where it is a symbolic link, becomes what that leads to, be there a file or not; its
   folders stay as they are written. Returns 0 or an errno value, path as it was. Not collective. */
extern int WeftOutputResolve(char path[PETSC_MAX_PATH_LEN]);
/* WeftOutputCheckNew - a user's mistake where path exists already or its folder does not or cannot be written.
   Collective; option names what gave the path ("-o"). */
extern PetscErrorCode WeftOutputCheckNew(MPI_Comm comm, const char option[], const char path[]);
/* WeftOutputCheckPath - the same for an output that may replace a file. */
extern PetscErrorCode WeftOutputCheckPath(MPI_Comm comm, const char option[], const char path[]);
