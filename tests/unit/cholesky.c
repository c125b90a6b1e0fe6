/* The distributed Cholesky factor against LAPACK's serial one.   ranks: 1 2 3 4 6 */
#include "wefttest.h"
#include <weft/cholesky.h>
#include <weft/random.h>
#include <petscblaslapack.h>
#include <math.h>
#include <stdlib.h>

enum { ORDER = 37, BLOCK = 4 }; /* ten blocks: more than any of the grids has rows or columns */

/* Entry (i, j) of a symmetric matrix that is positive definite where shift is above about 2 sqrt(d). */
static double Entry(PetscInt i, PetscInt j, double shift)
{
  WeftRandom rng;

  WeftRandomInit(&rng, 12, WEFT_STREAM_TEST, (uint64_t)(PetscMin(i, j) * 4096 + PetscMax(i, j)));
  return WeftRandomNormal(&rng) + (i == j ? shift : 0);
}

static double RightHandSide(PetscInt i, PetscInt c)
{
  return cos((double)(7 * i + 3 * c));
}

/* This rank's rows; the entries below the diagonal are no numbers: they must not matter. */
static double *Panel(MPI_Comm comm, PetscInt d, double shift)
{
  PetscInt row0, rows;
  double  *panel;

  Ok(WeftPanelRange(comm, d, &row0, &rows));
  panel = calloc((size_t)(rows * d + 1), sizeof(double));
  for (PetscInt i = 0; i < rows; ++i)
    for (PetscInt j = 0; j < d; ++j) panel[i * d + j] = j < row0 + i ? (double)NAN : Entry(row0 + i, j, shift);
  return panel;
}

/* LAPACK's answer on every rank: x is [m, d] as Fortran's [d, m]. */
static void Serial(PetscInt d, PetscInt m, double shift, double x[], double *logdet)
{
  const PetscBLASInt n = (PetscBLASInt)d, nrhs = (PetscBLASInt)m;
  PetscBLASInt       info;
  double            *c = malloc((size_t)(d * d) * sizeof(double));

  for (PetscInt i = 0; i < d; ++i)
    for (PetscInt j = 0; j < d; ++j) c[i * d + j] = Entry(i, j, shift);
  for (PetscInt k = 0; k < m; ++k)
    for (PetscInt i = 0; i < d; ++i) x[k * d + i] = RightHandSide(i, k);
  LAPACKpotrf_("U", &n, c, &n, &info);
  assert_int_equal(info, 0);
  LAPACKpotrs_("U", &n, &nrhs, c, &n, x, &n, &info);
  *logdet = 0;
  for (PetscInt i = 0; i < d; ++i) *logdet += 2 * log(c[i * d + i]);
  free(c);
}

static void Compare(MPI_Comm comm, PetscInt d, PetscInt block, PetscInt m)
{
  const double shift = 4 * sqrt((double)d) + 2;
  double      *panel = Panel(comm, d, shift), *serial = malloc((size_t)(d * m) * sizeof(double)), *b, expected, logdet;
  PetscInt     row0, rows;
  PetscBool    definite;
  WeftCholesky cholesky;

  Ok(WeftPanelRange(comm, d, &row0, &rows));
  b = malloc((size_t)(rows * m + 1) * sizeof(double));
  Serial(d, m, shift, serial, &expected);
  for (PetscInt i = 0; i < rows; ++i)
    for (PetscInt k = 0; k < m; ++k) b[i * m + k] = RightHandSide(row0 + i, k);
  Ok(WeftCholeskyCreate(comm, d, block, &cholesky));
  Ok(WeftCholeskyFactor(cholesky, panel, &definite));
  assert_true(definite);
  Ok(WeftCholeskyLogDet(cholesky, &logdet));
  assert_near(logdet, expected, 1e-11 * (fabs(expected) + 1));
  Ok(WeftCholeskySolve(cholesky, m, b));
  for (PetscInt i = 0; i < rows; ++i)
    for (PetscInt k = 0; k < m; ++k) assert_near(b[i * m + k], serial[k * d + row0 + i], 1e-12);
  Ok(WeftCholeskyDestroy(&cholesky));
  free(panel);
  free(serial);
  free(b);
}

static void test_against_serial(void **state)
{
  const PetscInt sides[] = {1, 2, 3, 11, 40, 100};

  (void)state;
  for (int i = 0; i < 6; ++i) Compare(PETSC_COMM_WORLD, ORDER, BLOCK, sides[i]);
  Compare(PETSC_COMM_WORLD, ORDER, 64, 5);
  Compare(PETSC_COMM_WORLD, 150, 16, 33);
}

static void test_orders_below_the_rank_count(void **state)
{
  (void)state;
  for (PetscInt d = 1; d <= 9; ++d) Compare(PETSC_COMM_WORLD, d, 64, 3);
}

/* Ranks that are not in the communicator take no part, and grids are given back. */
static void test_part_of_the_ranks_many_times(void **state)
{
  MPI_Comm comm;
  int      rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_split(PETSC_COMM_WORLD, rank % 2, -rank, &comm);
  for (int i = 0; i < 40; ++i) Compare(comm, 10 + rank % 2, 2, 3);
  MPI_Comm_free(&comm);
}

/* Wherever the matrix fails, all ranks learn it, and the object takes the next one. */
static void test_not_definite_is_reported(void **state)
{
  const double poison[] = {-1, 0, (double)NAN};
  PetscInt     row0, rows;
  WeftCholesky cholesky;
  double      *panel, before = 0;
  PetscBool    definite;

  (void)state;
  Ok(WeftPanelRange(PETSC_COMM_WORLD, ORDER, &row0, &rows));
  panel = Panel(PETSC_COMM_WORLD, ORDER, 40);
  Ok(WeftCholeskyCreate(PETSC_COMM_WORLD, ORDER, BLOCK, &cholesky));
  for (int p = 0; p < 3; ++p)
    for (PetscInt at = 0; at < ORDER; ++at) {
      double *entry = row0 <= at && at < row0 + rows ? &panel[(at - row0) * ORDER + at] : &before;
      before = *entry;
      *entry = poison[p];
      Ok(WeftCholeskyFactor(cholesky, panel, &definite));
      assert_false(definite);
      *entry = before;
    }
  Ok(WeftCholeskyFactor(cholesky, panel, &definite));
  assert_true(definite);
  Ok(WeftCholeskyDestroy(&cholesky));
  free(panel);
}

/* Else the other tests would prove nothing about the distribution. */
static void test_every_process_holds_a_part(void **state)
{
  int          size, grid_rows, grid_cols, block, local_rows, local_cols;
  long         part, all;
  WeftCholesky cholesky;

  (void)state;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  Ok(WeftCholeskyCreate(PETSC_COMM_WORLD, ORDER, 64, &cholesky));
  Ok(WeftCholeskyGrid(cholesky, &grid_rows, &grid_cols, &block, &local_rows, &local_cols));
  Ok(WeftCholeskyDestroy(&cholesky));
  assert_int_equal(grid_rows * grid_cols, size);
  assert_int_equal(grid_rows, size >= 4 ? 2 : 1);
  assert_true(local_rows > 0 && local_cols > 0);
  part = (long)local_rows * local_cols;
  MPI_Allreduce(&part, &all, 1, MPI_LONG, MPI_SUM, PETSC_COMM_WORLD);
  assert_int_equal(all, ORDER * ORDER);
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(test_every_process_holds_a_part), cmocka_unit_test(test_against_serial),
  cmocka_unit_test(test_orders_below_the_rank_count), cmocka_unit_test(test_part_of_the_ranks_many_times),
  cmocka_unit_test(test_not_definite_is_reported)};
WEFT_TEST_MAIN(tests)
