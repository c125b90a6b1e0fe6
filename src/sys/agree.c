#include <weft/lock.h>
#include <weft/output.h>
#include <unistd.h>

static const double patience = 3; /* seconds */

/* A call that all ranks make together failed on this rank, and in it others may wait for this one for ever. The write
   is lost either way, so a rank that was only slow loses nothing either. Those that failed too come one after another.
 */
static void WaitOrEnd(int rank, const char what[], MPI_Request *request)
{
  const double end = MPI_Wtime() + patience + 0.2 * PetscMin(rank, 50);
  int          done = 0;

  while (!done && MPI_Wtime() < end) {
    MPI_Test(request, &done, MPI_STATUS_IGNORE);
    if (!done) usleep(1000);
  }
  if (done) return;
  fprintf(stderr, "weft: error: %s: %s (on rank %d)%s\n", what, WeftH5Reason(), rank,
          WeftOutputDiscardAll() ? "; what was there before is untouched" : "");
  fflush(stderr);
  WeftLockRelease();
  MPI_Abort(MPI_COMM_WORLD, WEFT_EXIT_USER);
}

PetscErrorCode WeftH5Agree(MPI_Comm comm, const char what[], PetscBool failed, PetscBool *any, char reason[256])
{
  int         rank, size, mine, first;
  MPI_Request request;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  mine = failed ? rank : size;
  /* The call that fails leaves nothing to wait for. NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker) */
  PetscCallMPI(MPI_Iallreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm, &request));
  if (failed) WaitOrEnd(rank, what, &request);
  PetscCallMPI(MPI_Wait(&request, MPI_STATUS_IGNORE));
  *any = first < size ? PETSC_TRUE : PETSC_FALSE;
  if (!*any) PetscFunctionReturn(PETSC_SUCCESS);
  snprintf(reason, 256, "%s", WeftH5Reason());
  PetscCallMPI(MPI_Bcast(reason, 256, MPI_CHAR, first, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
