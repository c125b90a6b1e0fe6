/* How much there is in use, and what happens where there is no more. PETSc 3.18 tells of an allocation that failed with
   its arguments shifted: the caller's line number stands where the error code should, and goes up the call chain as if
   it were one. So its allocators are wrapped, whichever are in use (-malloc_debug goes on working): the handler of
   errors keeps what they say to itself, and the wrapper says it as it is, PETSC_ERR_MEM. */
#include <weft/memory.h>
#include <string.h>
#include <sys/resource.h>

static PetscErrorCode (*their_malloc)(size_t, PetscBool, int, const char[], const char[], void **);
static PetscErrorCode (*their_realloc)(size_t, int, const char[], const char[], void **);
static enum { OUTSIDE, ASKING, REFUSED } state = OUTSIDE;

PetscBool WeftMemoryRefused(const char fun[], PetscErrorType p)
{
  if (state == ASKING && p == PETSC_ERROR_INITIAL && fun &&
      (!strcmp(fun, "PetscMallocAlign") || !strcmp(fun, "PetscReallocAlign")))
    state = REFUSED;
  return state == REFUSED ? PETSC_TRUE : PETSC_FALSE;
}

/* What an allocation that returned ierr returns. */
static PetscErrorCode Answer(PetscErrorCode ierr, size_t bytes, int line, const char fun[], const char file[])
{
  const PetscBool refused = state == REFUSED ? PETSC_TRUE : PETSC_FALSE;

  state = OUTSIDE;
  if (!refused) return ierr;
  return PetscError(PETSC_COMM_SELF, line, fun, file, PETSC_ERR_MEM, PETSC_ERROR_INITIAL,
                    "%.1f MB are wanted and not to be had", (double)bytes / 1e6);
}

static PetscErrorCode Malloc(size_t bytes, PetscBool clear, int line, const char fun[], const char file[], void **p)
{
  state = ASKING;
  return Answer((*their_malloc)(bytes, clear, line, fun, file, p), bytes, line, fun, file);
}

static PetscErrorCode Realloc(size_t bytes, int line, const char fun[], const char file[], void **p)
{
  state = ASKING;
  return Answer((*their_realloc)(bytes, line, fun, file, p), bytes, line, fun, file);
}

/* PetscMallocSet() would refuse: under -malloc_debug PETSc has called it itself. */
void WeftMemoryStart(void)
{
  their_malloc = PetscTrMalloc;
  their_realloc = PetscTrRealloc;
  PetscTrMalloc = Malloc;
  PetscTrRealloc = Realloc;
}

void WeftMemoryStop(void)
{
  if (PetscTrMalloc == Malloc) PetscTrMalloc = their_malloc;
  if (PetscTrRealloc == Realloc) PetscTrRealloc = their_realloc;
}

PetscErrorCode WeftPeakMemory(MPI_Comm comm, PetscInt64 *bytes)
{
  struct rusage usage;
  long long     mine = 0;

  PetscFunctionBegin;
  if (!getrusage(RUSAGE_SELF, &usage)) mine = (long long)usage.ru_maxrss * 1024; /* Linux counts in KiB */
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &mine, 1, MPI_LONG_LONG, MPI_MAX, comm));
  *bytes = mine;
  PetscFunctionReturn(PETSC_SUCCESS);
}
