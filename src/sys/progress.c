#include <weft/sys.h>
#include <unistd.h>

enum { TERMINAL_PERIOD = 1, LOG_PERIOD = 15 }; /* seconds between two lines */

PetscErrorCode WeftProgressBegin(WeftProgress *progress, MPI_Comm comm, const char what[], PetscInt64 first,
                                 PetscInt64 total)
{
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  *progress = (WeftProgress){.comm = comm, .what = what, .total = total, .first = first};
  progress->active = rank ? PETSC_FALSE : PETSC_TRUE;
  progress->terminal = isatty(STDERR_FILENO) ? PETSC_TRUE : PETSC_FALSE;
  progress->start = MPI_Wtime();
  progress->last = progress->start;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FormatSeconds(double seconds, char text[], size_t size)
{
  const long s = (long)(seconds + 0.5);

  if (s < 60)
    snprintf(text, size, "%ld s", s);
  else if (s < 3600)
    snprintf(text, size, "%ld min %02ld s", s / 60, s % 60);
  else
    snprintf(text, size, "%ld h %02ld min", s / 3600, s / 60 % 60);
}

PetscErrorCode WeftProgressUpdate(WeftProgress *progress, PetscInt64 done, const char detail[])
{
  const double now = MPI_Wtime();
  const double period = progress->terminal ? TERMINAL_PERIOD : LOG_PERIOD;
  char         left[32];

  PetscFunctionBegin;
  if (!progress->active || done <= progress->first) PetscFunctionReturn(PETSC_SUCCESS);
  if (now - progress->last < period && done < progress->total) PetscFunctionReturn(PETSC_SUCCESS);
  progress->last = now;
  FormatSeconds((now - progress->start) / (double)(done - progress->first) * (double)(progress->total - done), left,
                sizeof(left));
  fprintf(stderr, "%s%s %lld/%lld (%lld %%), %s left%s%s%s", progress->terminal ? "\r\033[K" : "", progress->what,
          (long long)done, (long long)progress->total, (long long)(100 * done / PetscMax(progress->total, 1)), left,
          detail[0] ? "  " : "", detail, progress->terminal ? "" : "\n");
  fflush(stderr);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftProgressEnd(WeftProgress *progress)
{
  PetscFunctionBegin;
  if (progress->active && progress->terminal) fprintf(stderr, "\n");
  progress->active = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
