#include <weft/panel.h>
#include <petscblaslapack.h>
#include <limits.h>

static const size_t max_message = (size_t)1 << 27; /* numbers in one message: MPI counts in 32 bits */

void WeftPanelRangeOf(int size, int rank, PetscInt d, PetscInt *row0, PetscInt *rows)
{
  *rows = d / size + (rank < d % size ? 1 : 0);
  *row0 = rank * (d / size) + PetscMin((PetscInt)rank, d % size);
}

PetscErrorCode WeftPanelRange(MPI_Comm comm, PetscInt d, PetscInt *row0, PetscInt *rows)
{
  int rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  WeftPanelRangeOf(size, rank, d, row0, rows);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPanelReduce(MPI_Comm comm, int root, size_t n, double values[])
{
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (size_t first = 0; first < n; first += max_message) {
    const int count = (int)PetscMin(max_message, n - first);
    PetscCallMPI(
      MPI_Reduce(rank == root ? MPI_IN_PLACE : values + first, values + first, count, MPI_DOUBLE, MPI_SUM, root, comm));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Broadcast(MPI_Comm comm, int root, size_t n, double values[])
{
  PetscFunctionBegin;
  for (size_t first = 0; first < n; first += max_message)
    PetscCallMPI(MPI_Bcast(values + first, (int)PetscMin(max_message, n - first), MPI_DOUBLE, root, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* out gets the part that the panel of B's rows [first, first + count) gives. Row-major C = A B is column-major
   C' = B' A'. */
static PetscErrorCode TimesPanel(PetscBool transpose, size_t rows, PetscInt inner, PetscInt cols, PetscInt first,
                                 PetscInt count, const double a[], const double panel[], double out[])
{
  const PetscBLASInt n = (PetscBLASInt)rows, c = (PetscBLASInt)cols, p = (PetscBLASInt)count, k = (PetscBLASInt)inner;
  const double       unit = 1, zero = 0, *beta = first ? &unit : &zero;

  PetscFunctionBegin;
  if (!rows) PetscFunctionReturn(PETSC_SUCCESS);
  if (transpose) /* these columns of the product */
    PetscCallBLAS("BLASgemm", BLASgemm_("T", "N", &p, &n, &k, &unit, panel, &k, a, &k, &zero, out + first, &c));
  else /* a term of every number */
    PetscCallBLAS("BLASgemm", BLASgemm_("N", "N", &c, &n, &p, &unit, panel, &c, a + first, &k, beta, out, &c));
  PetscCall(PetscLogFlops(2.0 * (double)rows * (double)count * (double)(transpose ? inner : cols)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftPanelTimes(MPI_Comm comm, PetscBool transpose, size_t rows, PetscInt inner, PetscInt cols,
                              const double a[], const double b[], double out[])
{
  const PetscInt height = transpose ? cols : inner, width = transpose ? inner : cols;
  PetscInt       first, count;
  double        *other;
  int            rank, size;

  PetscFunctionBegin;
  PetscCheck(rows <= INT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "too many rows for BLAS");
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  WeftPanelRangeOf(size, 0, height, &first, &count); /* rank 0's panel is the largest */
  PetscCall(PetscMalloc1((size_t)count * (size_t)width, &other));
  for (int r = 0; r < size; ++r) {
    WeftPanelRangeOf(size, r, height, &first, &count);
    const size_t n = (size_t)count * (size_t)width;
    if (!count) break;
    if (r == rank) PetscCall(PetscArraycpy(other, b, n));
    PetscCall(Broadcast(comm, r, n, other));
    PetscCall(TimesPanel(transpose, rows, inner, cols, first, count, a, other, out));
  }
  PetscCall(PetscFree(other));
  PetscFunctionReturn(PETSC_SUCCESS);
}
