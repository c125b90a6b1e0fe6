/* One run at a time writes an output file. */
#pragma once
#include <weft/sys.h>

/* WeftLockTake - a user's mistake that names the file and who writes it where another run does: its host, process and
   since when. Held until WeftLockRelease(), or until the process ends, however that happens: the kernel holds the lock,
   not the file `path.lock`, and one that a killed run left behind is cleared by the next. A run that is just being
   killed is waited for, 5 s (WEFT_LOCK_PATIENCE in the environment: another number). Where files cannot be locked the
   run goes on, with a note. Rank 0 holds it. A lock file that is another user's and that this one may not write is
   refused, too, held or left behind. A path that is a symbolic link becomes the one it leads to, on all ranks: names of
   one file share one lock, and what is written replaces the file and not the link. Collective. option names what gave
   the path. One lock at a time. */
extern PetscErrorCode WeftLockTake(MPI_Comm comm, const char option[], char path[PETSC_MAX_PATH_LEN]);
/* WeftLockRelease - removes `path.lock` too. Not collective; WeftFinalize() and WeftAbort() call it. */
extern void WeftLockRelease(void);
