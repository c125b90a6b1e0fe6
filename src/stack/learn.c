/* The loop around a learner: history, progress, checkpoints, stop signals. */
#include "stackimpl.h"
#include <math.h>

/* Rank 0's clock and any rank's signal decide for all. */
static PetscErrorCode Decide(WeftLayer l, double since, double every, PetscBool *checkpoint, PetscBool *stop)
{
  int rank, flags[2];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(l->comm, &rank));
  flags[0] = !rank && since >= every;
  flags[1] = WeftStopRequested() ? 1 : 0;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, flags, 2, MPI_INT, MPI_MAX, l->comm));
  *checkpoint = flags[0] ? PETSC_TRUE : PETSC_FALSE;
  *stop = flags[1] ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Report(WeftProgress *progress, PetscInt64 done, const double entry[])
{
  char detail[128];

  PetscFunctionBegin;
  snprintf(detail, sizeof(detail), "J %.4g, active %.2f %%, density %.2f %%", entry[WEFT_HISTORY_OBJECTIVE],
           100 * entry[WEFT_HISTORY_ACTIVE_FRACTION], 100 * entry[WEFT_HISTORY_CONNECTION_DENSITY]);
  PetscCall(WeftProgressUpdate(progress, done, detail));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All ranks have the same entry. */
static PetscErrorCode CheckFinite(const WeftLayer l, const double entry[])
{
  PetscFunctionBegin;
  for (int f = 0; f < WEFT_HISTORY_FIELDS; ++f)
    WeftUserCheck(isfinite(entry[f]), l->comm,
                  "layer %d, iteration %lld: %s is not a finite number; the last checkpoint stands (weft learn -help: "
                  "-weft_precision double, -weft_contrast_floor)",
                  l->index, (long long)l->iteration, WeftHistoryNames[f]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One batch, its entry in the history, and the time it took. */
static PetscErrorCode Advance(WeftLayer l, double entry[])
{
  const double begin = MPI_Wtime();
  double       took;

  PetscFunctionBegin;
  PetscCall((*l->learner->iterate)(l, entry));
  took = MPI_Wtime() - begin;
  PetscCallMPI(MPI_Bcast(&took, 1, MPI_DOUBLE, 0, l->comm));
  l->seconds += took;
  entry[WEFT_HISTORY_SECONDS] = l->seconds;
  PetscCall(CheckFinite(l, entry));
  PetscCall(WeftHistoryAppend(&l->history, entry));
  ++l->iteration;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftLayerLearn(WeftLayer l, const WeftLayerHooks *hooks, PetscBool *stopped)
{
  const PetscInt64 T = l->settings.iterations;
  double           entry[WEFT_HISTORY_FIELDS], begin = MPI_Wtime(), *last = hooks->last ? hooks->last : &begin;
  PetscBool        save = PETSC_FALSE;
  char             what[32];
  WeftProgress     progress;

  PetscFunctionBegin;
  *stopped = PETSC_FALSE;
  l->index = hooks->index;
  if (!l->iteration) PetscCall((*l->learner->start)(l));
  snprintf(what, sizeof(what), "learn layer %d", hooks->index);
  PetscCall(WeftProgressBegin(&progress, l->comm, what, l->iteration, T));
  if (hooks->quiet) progress.active = PETSC_FALSE;
  while (l->iteration < T && !*stopped) {
    PetscCall(Advance(l, entry));
    PetscCall(Report(&progress, l->iteration, entry));
    PetscCall(Decide(l, MPI_Wtime() - *last, hooks->every, &save, stopped));
    if (l->iteration == T) *stopped = PETSC_FALSE; /* nothing is left to stop */
    if ((save || *stopped) && hooks->checkpoint) {
      PetscCall((*hooks->checkpoint)(l, hooks->ctx));
      *last = MPI_Wtime();
    }
  }
  PetscCall(WeftProgressEnd(&progress));
  if (!*stopped) PetscCall((*l->learner->finish)(l));
  PetscFunctionReturn(PETSC_SUCCESS);
}
