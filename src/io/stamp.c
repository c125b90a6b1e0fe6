/* What every file says of how it came about. */
#include "ioimpl.h"
#include <string.h>
#include <time.h>

static PetscErrorCode StampVersions(hid_t file)
{
  char        text[MPI_MAX_LIBRARY_VERSION_STRING];
  unsigned    major, minor, release;
  int         length;
  PetscInt    petsc[3];
  const char *version, *git;

  PetscFunctionBegin;
  WeftVersion(&version, &git);
  PetscCall(WeftH5SetText(file, "/", "weft_version", version));
  PetscCall(WeftH5SetText(file, "/", "git", git));
  PetscCall(PetscGetVersionNumber(&petsc[0], &petsc[1], &petsc[2], NULL));
  snprintf(text, sizeof(text), "%d.%d.%d", (int)petsc[0], (int)petsc[1], (int)petsc[2]);
  PetscCall(WeftH5SetText(file, "/", "petsc", text));
  WeftH5(H5get_libversion(&major, &minor, &release));
  snprintf(text, sizeof(text), "%u.%u.%u", major, minor, release);
  PetscCall(WeftH5SetText(file, "/", "hdf5", text));
  PetscCallMPI(MPI_Get_library_version(text, &length));
  text[strcspn(text, ",\n")] = 0;
  PetscCall(WeftH5SetText(file, "/", "mpi", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Attributes must be the same on every rank, the time too. */
static PetscErrorCode StampTime(MPI_Comm comm, hid_t file)
{
  long long now = (long long)time(NULL);
  char      text[64];
  time_t    seconds;
  struct tm utc;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Bcast(&now, 1, MPI_LONG_LONG, 0, comm));
  seconds = (time_t)now;
  gmtime_r(&seconds, &utc);
  strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
  PetscCall(WeftH5SetText(file, "/", "created", text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftFileStamp(MPI_Comm comm, hid_t file, const WeftDataInfo *data, PetscInt64 seed, PetscBool complete)
{
  PetscInt64 peak;
  int        size;

  PetscFunctionBegin;
  PetscCall(WeftPeakMemory(comm, &peak));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(WeftH5SetInt(file, "/", "weft_schema", WEFT_SCHEMA));
  PetscCall(WeftH5SetInt(file, "/", "ranks", size));
  PetscCall(WeftH5SetInt(file, "/", "seed", seed));
  PetscCall(WeftH5SetInt(file, "/", "complete", complete ? 1 : 0));
  PetscCall(WeftH5SetInt(file, "/", "peak_bytes_per_rank", peak));
  PetscCall(StampTime(comm, file));
  PetscCall(StampVersions(file));
  if (data->shape[0]) {
    PetscCall(WeftH5SetInts(file, "/", "shape", 3, data->shape));
    PetscCall(WeftH5SetText(file, "/", "pixel_order", data->pixel_order));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
