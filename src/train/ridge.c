/* The ridge readout: one-hot labels by least squares, from normal equations that are summed once for all penalties. */
#include "readoutimpl.h"
#include <weft/normal.h>

static const double ridges[] = {1, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6, -1};

static PetscErrorCode OneHot(const WeftReadoutProblem *p, WeftBlock *targets)
{
  const size_t n = p->samples->x->rows;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(n, (size_t)p->classes, WEFT_SINGLE, targets));
  for (size_t i = 0; i < n; ++i) WeftBlockSet(targets, i, (size_t)p->samples->labels[i], 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(const WeftReadoutProblem *p, WeftReadoutPart part, void **data)
{
  const WeftBlock *x = p->samples->x;
  const PetscInt64 every = part == WEFT_PART_ALL || p->settings->held_out <= 0 ? 1 : p->settings->held_out;
  WeftNormal       normal;
  WeftBlock        targets;

  PetscFunctionBegin;
  PetscCall(WeftNormalCreate(p->comm, (PetscInt)x->cols, p->classes, &normal));
  PetscCall(OneHot(p, &targets));
  for (size_t first = 0; first < PetscMin((size_t)every, x->rows); ++first)
    if (WeftReadoutIsIn(p, part, first))
      PetscCall(WeftNormalAdd(normal, 1, x, &targets, (WeftRows){first, (size_t)every}));
  PetscCall(WeftBlockDestroy(&targets));
  PetscCall(WeftNormalReduce(normal));
  *data = normal;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All rows of W from the ranks' panels [rows, classes], as O = Wᵀ on every rank. */
static PetscErrorCode Gather(MPI_Comm comm, const double panel[], PetscInt rows, WeftBlock *o)
{
  const size_t m = o->cols, classes = o->rows;
  int          size, *counts, *starts;
  double      *w;
  MPI_Datatype row;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(PetscMalloc3(size, &counts, size, &starts, m * classes, &w));
  for (int r = 0; r < size; ++r) {
    PetscInt row0, count;
    WeftPanelRangeOf(size, r, (PetscInt)m, &row0, &count);
    starts[r] = (int)row0;
    counts[r] = (int)count;
  }
  PetscCallMPI(MPI_Type_contiguous((int)classes, MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Allgatherv(panel, (int)rows, row, w, counts, starts, row, comm));
  PetscCallMPI(MPI_Type_free(&row));
  for (size_t j = 0; j < m; ++j)
    for (size_t c = 0; c < classes; ++c) o->values.d[c * m + j] = w[j * classes + c];
  PetscCall(PetscFree3(counts, starts, w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fit(const WeftReadoutProblem *p, void *data, WeftReadout *r, PetscBool *ok)
{
  WeftNormalSums sums;
  double        *panel;

  PetscFunctionBegin;
  PetscCall(WeftNormalGetSums(data, &sums));
  PetscCall(PetscCalloc1((size_t)sums.rows * (size_t)p->classes, &panel));
  PetscCall(WeftNormalSolve(data, r->penalty, panel, r->bias, ok));
  if (*ok) PetscCall(Gather(p->comm, panel, sums.rows, &r->weights));
  PetscCall(PetscFree(panel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void *data)
{
  WeftNormal normal = data;

  PetscFunctionBegin;
  PetscCall(WeftNormalDestroy(&normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftReadoutMethod WeftReadoutRidge = {Prepare, Fit, Destroy, ridges};
