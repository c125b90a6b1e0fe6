#include "blockcyclic.h"
#include <limits.h>
#include <math.h>

static const PetscBLASInt one = 1;
static const PetscBLASInt tops_repeat = 15; /* the WHAT of blacs_set that makes combine operations repeatable */

/* The largest divisor of size that is not above its root: every rank has a place on the grid. */
static int NearSquareRows(int size)
{
  int rows = (int)sqrt((double)size);

  while (size % rows) --rows;
  return rows;
}

/* ScaLAPACK counts in 32 bits, and the work space of the decomposition is about two local matrices. Row and column 0 of
   the grid hold the most, so that all ranks come to the same verdict. */
static PetscErrorCode CheckSizes(MPI_Comm comm, PetscInt n, PetscInt block, int grid_rows, int grid_cols)
{
  const double cycle_rows = (double)block * grid_rows, cycle_cols = (double)block * grid_cols;
  const double rows = PetscMin((double)n, ceil((double)n / cycle_rows) * (double)block),
               cols = PetscMin((double)n, ceil((double)n / cycle_cols) * (double)block);
  const double panel = ceil((double)n / ((double)grid_rows * grid_cols)) * (double)n;
  const double work = 2.0 * rows * cols + 8.0 * (double)n + (rows + cols + 4.0 * (double)block) * (double)block;

  PetscFunctionBegin;
  WeftUserCheck(PetscMax(work, panel) <= (double)INT_MAX, comm,
                "a matrix of order %" PetscInt_FMT " on %d ranks passes ScaLAPACK's 32-bit sizes: use more ranks", n,
                grid_rows * grid_cols);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The global index of each of count local ones. */
static PetscErrorCode GlobalIndices(PetscBLASInt count, PetscBLASInt block, PetscBLASInt mine, PetscBLASInt processes,
                                    PetscBLASInt **indices)
{
  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count, indices));
  for (PetscBLASInt l = 0; l < count; ++l) (*indices)[l] = (l / block * processes + mine) * block + l % block;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void Describe(PetscBLASInt context, PetscBLASInt rows, PetscBLASInt cols, PetscBLASInt row_block,
                     PetscBLASInt col_block, PetscBLASInt first_col_process, PetscBLASInt leading,
                     WeftDescriptor descriptor)
{
  const WeftDescriptor d = {1, context, rows, cols, row_block, col_block, 0, first_col_process, PetscMax(leading, 1)};

  for (int i = 0; i < 9; ++i) descriptor[i] = d[i];
}

/* The last messages that a grid sent stay with BLACS until it is told of the end, and with them the communicator that
   they went through, even though the grid is long gone. MPI goes on. */
static PetscErrorCode EndBlacs(void)
{
  PetscFunctionBegin;
  Cblacs_exit(1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftGridCreate(MPI_Comm comm, PetscInt n, PetscInt block, WeftGrid *grid)
{
  static PetscBool   ends = PETSC_FALSE;
  const PetscBLASInt zero = 0;
  int                size, grid_rows, grid_cols;

  PetscFunctionBegin;
  if (!ends) PetscCall(PetscRegisterFinalize(EndBlacs));
  ends = PETSC_TRUE;
  PetscCheck(n >= 1 && block >= 1, comm, PETSC_ERR_ARG_OUTOFRANGE, "order and block size must be positive");
  PetscCallMPI(MPI_Comm_size(comm, &size));
  grid_rows = NearSquareRows(size);
  grid_cols = size / grid_rows;
  /* As many blocks as processes in the longer direction, where the order allows it. */
  block = PetscMax(PetscMin(block, n / grid_cols), 1);
  PetscCall(CheckSizes(comm, n, block, grid_rows, grid_cols));
  *grid = (WeftGrid){.comm = comm, .n = (PetscBLASInt)n, .block = (PetscBLASInt)block};
  grid->system = Csys2blacs_handle(comm);
  grid->square = grid->line = grid->system;
  Cblacs_gridinit(&grid->square, "R", grid_rows, grid_cols);
  Cblacs_gridinit(&grid->line, "R", 1, size);
  /* By default sums are taken in the order in which messages arrive, and no two runs agree to the last bit. */
  Cblacs_set(grid->square, tops_repeat, &one);
  Cblacs_gridinfo(grid->square, &grid->grid_rows, &grid->grid_cols, &grid->my_row, &grid->my_col);
  grid->local_rows = numroc_(&grid->n, &grid->block, &grid->my_row, &zero, &grid->grid_rows);
  grid->local_cols = numroc_(&grid->n, &grid->block, &grid->my_col, &zero, &grid->grid_cols);
  PetscCall(GlobalIndices(grid->local_rows, grid->block, grid->my_row, grid->grid_rows, &grid->rows));
  PetscCall(GlobalIndices(grid->local_cols, grid->block, grid->my_col, grid->grid_cols, &grid->cols));
  Describe(grid->square, grid->n, grid->n, grid->block, grid->block, 0, grid->local_rows, grid->descriptor);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftGridDestroy(WeftGrid *grid)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(grid->rows));
  PetscCall(PetscFree(grid->cols));
  Cblacs_gridexit(grid->square);
  Cblacs_gridexit(grid->line);
  Cfree_blacs_system_handle(grid->system);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftGridDescribe(const WeftGrid *grid, PetscInt height, PetscBLASInt *local_rows,
                                WeftDescriptor descriptor)
{
  const PetscBLASInt zero = 0, processes = grid->grid_rows * grid->grid_cols;
  const PetscBLASInt block = (PetscBLASInt)PetscMax(PetscMin((PetscInt)grid->block, height / grid->grid_rows), 1);
  const double       most = ceil((double)height / block / grid->grid_rows) * block * PetscMax(grid->local_cols, 1);
  const double       panel = ceil((double)grid->n / processes) * (double)height;
  PetscBool          too_large;

  PetscFunctionBegin;
  PetscCall(WeftAnyRank(grid->comm, PetscMax(most, panel) > (double)INT_MAX, &too_large));
  WeftUserCheck(!too_large, grid->comm,
                "%" PetscInt_FMT " right-hand sides of order %d on %d ranks pass ScaLAPACK's 32-bit sizes: use more "
                "ranks",
                height, (int)grid->n, (int)processes);
  const PetscBLASInt h = (PetscBLASInt)height;
  *local_rows = numroc_(&h, &block, &grid->my_row, &zero, &grid->grid_rows);
  Describe(grid->square, h, grid->n, block, grid->block, 0, *local_rows, descriptor);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftGridAllocate(const WeftGrid *grid, double **local)
{
  PetscFunctionBegin;
  PetscCall(PetscCalloc1((size_t)grid->local_rows * (size_t)grid->local_cols + 1, local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The panels are no block-cyclic layout where their widths differ, but two: the first n mod P processes hold one column
   more than the rest. Each of the two is. Exactly one of `to` and `from` is a panel. */
static void MovePanels(const WeftGrid *grid, PetscBLASInt height, const WeftDescriptor descriptor, PetscBool to_grid,
                       const double from[], double to[])
{
  const PetscBLASInt processes = grid->grid_rows * grid->grid_cols, narrow = grid->n / processes,
                     wider = grid->n % processes;
  const PetscBLASInt widths[2] = {narrow + 1, narrow}, counts[2] = {wider, processes - wider};
  PetscBLASInt       first_process = 0, first_col = 1;

  for (int part = 0; part < 2; ++part) {
    const PetscBLASInt cols = widths[part] * counts[part];
    WeftDescriptor     panel;
    if (!cols) continue;
    Describe(grid->line, height, cols, height, widths[part], first_process, height, panel);
    if (to_grid)
      pdgemr2d_(&height, &cols, from, &one, &one, panel, to, &one, &first_col, descriptor, &grid->line);
    else
      pdgemr2d_(&height, &cols, from, &one, &first_col, descriptor, to, &one, &one, panel, &grid->line);
    first_process += counts[part];
    first_col += cols;
  }
}

PetscErrorCode WeftGridFromPanels(const WeftGrid *grid, PetscBLASInt height, const double panel[],
                                  const WeftDescriptor descriptor, double local[])
{
  double none = 0;

  PetscFunctionBegin;
  MovePanels(grid, height, descriptor, PETSC_TRUE, panel ? panel : &none, local);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftGridToPanels(const WeftGrid *grid, PetscBLASInt height, const double local[],
                                const WeftDescriptor descriptor, double panel[])
{
  double none = 0;

  PetscFunctionBegin;
  MovePanels(grid, height, descriptor, PETSC_FALSE, local, panel ? panel : &none);
  PetscFunctionReturn(PETSC_SUCCESS);
}
