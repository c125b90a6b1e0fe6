#include <weft/sys.h>
#include <sys/resource.h>

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
