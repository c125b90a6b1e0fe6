/* The distributed eigendecomposition against LAPACK's serial one, and functions of a matrix.   ranks: 1 2 3 4 6 */
#include "wefttest.h"
#include <weft/random.h>
#include <weft/spectral.h>
#include <petscblaslapack.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ORDER = 37, BLOCK = 4 }; /* ten blocks: more than any of the grids has rows or columns */

/* Entry (i, j) of the symmetric test matrix. */
static double Entry(PetscInt i, PetscInt j)
{
  WeftRandom rng;

  WeftRandomInit(&rng, 11, WEFT_STREAM_TEST, (uint64_t)(PetscMin(i, j) * 4096 + PetscMax(i, j)));
  return WeftRandomNormal(&rng);
}

/* This rank's rows. Where poisoned, the entries below the diagonal are no numbers: they must not matter. */
static double *Panel(MPI_Comm comm, PetscInt d, PetscBool poison, PetscInt *row0, PetscInt *rows)
{
  double *panel;

  Ok(WeftPanelRange(comm, d, row0, rows));
  panel = malloc((size_t)(*rows * d + 1) * sizeof(double));
  for (PetscInt i = 0; i < *rows; ++i)
    for (PetscInt j = 0; j < d; ++j) panel[i * d + j] = poison && j < *row0 + i ? (double)NAN : Entry(*row0 + i, j);
  return panel;
}

/* LAPACK's answer on every rank: eigenvector k is u[k d .. (k + 1) d). */
static void Serial(PetscInt d, double u[], double s[])
{
  PetscBLASInt n = (PetscBLASInt)d, lwork = 100 * n, info;
  double      *work = malloc((size_t)lwork * sizeof(double));

  for (PetscInt i = 0; i < d; ++i)
    for (PetscInt j = 0; j < d; ++j) u[i * d + j] = Entry(i, j);
  LAPACKsyev_("V", "L", &n, u, &n, s, work, &lwork, &info);
  assert_int_equal(info, 0);
  free(work);
}

static double Square(double s, void *ctx)
{
  return s * s + *(double *)ctx;
}

static double Bend(double s, void *ctx)
{
  return 1.0 / (2.0 + s * s) - *(double *)ctx;
}

/* Decomposes the matrix of order d and compares values, vectors and two functions with the serial answer. */
static void Compare(MPI_Comm comm, PetscInt d, PetscInt block, PetscBool poison)
{
  PetscInt row0, rows;
  double  *panel = Panel(comm, d, poison, &row0, &rows), *u = malloc((size_t)(d * d) * sizeof(double)),
         *s = malloc((size_t)d * sizeof(double)), shift = 0.25;
  const double *values;
  WeftSpectral  spectral;
  double (*const functions[])(double, void *) = {Square, Bend};

  Serial(d, u, s);
  Ok(WeftSpectralCreate(comm, d, block, &spectral));
  Ok(WeftSpectralDecompose(spectral, panel));
  values = WeftSpectralValues(spectral);
  for (PetscInt k = 0; k < d; ++k) assert_near(values[k], s[k], 1e-12 * (double)(d + 10));
  Ok(WeftSpectralVectors(spectral, panel));
  for (PetscInt k = 0; k < rows; ++k) { /* the serial vector or its negative */
    double dot = 0, norm = 0;
    for (PetscInt j = 0; j < d; ++j) {
      dot += panel[k * d + j] * u[(row0 + k) * d + j];
      norm += panel[k * d + j] * panel[k * d + j];
    }
    assert_near(fabs(dot), 1.0, 1e-10);
    assert_near(norm, 1.0, 1e-12);
  }
  for (int f = 0; f < 2; ++f) {
    Ok(WeftSpectralFunction(spectral, functions[f], &shift, panel));
    for (PetscInt i = 0; i < rows; ++i)
      for (PetscInt j = 0; j < d; ++j) {
        double sum = 0;
        for (PetscInt k = 0; k < d; ++k) sum += u[k * d + row0 + i] * functions[f](s[k], &shift) * u[k * d + j];
        assert_near(panel[i * d + j], sum, 1e-10);
      }
  }
  Ok(WeftSpectralDestroy(&spectral));
  free(panel);
  free(u);
  free(s);
}

static void test_against_serial(void **state)
{
  (void)state;
  Compare(PETSC_COMM_WORLD, ORDER, BLOCK, PETSC_FALSE);
  Compare(PETSC_COMM_WORLD, ORDER, 64, PETSC_FALSE);
  Compare(PETSC_COMM_WORLD, 150, 16, PETSC_FALSE);
}

/* U' M U for another symmetric M, of which one triangle is given. */
static void test_rotation(void **state)
{
  PetscInt     row0, rows;
  double      *panel = Panel(PETSC_COMM_WORLD, ORDER, PETSC_FALSE, &row0, &rows), *u, *s, scale = 0;
  WeftSpectral spectral;

  (void)state;
  u = malloc(ORDER * ORDER * sizeof(double));
  s = malloc(ORDER * sizeof(double));
  Serial(ORDER, u, s);
  Ok(WeftSpectralCreate(PETSC_COMM_WORLD, ORDER, BLOCK, &spectral));
  Ok(WeftSpectralDecompose(spectral, panel));
  for (PetscInt i = 0; i < rows; ++i)
    for (PetscInt j = 0; j < ORDER; ++j)
      panel[i * ORDER + j] = j < row0 + i ? (double)NAN : cos((double)((row0 + i) * j));
  Ok(WeftSpectralRotate(spectral, panel, panel));
  for (PetscInt k = 0; k < rows; ++k)
    for (PetscInt l = 0; l < ORDER; ++l) {
      double sum = 0;
      for (PetscInt i = 0; i < ORDER; ++i)
        for (PetscInt j = 0; j < ORDER; ++j) sum += u[(row0 + k) * ORDER + i] * cos((double)(i * j)) * u[l * ORDER + j];
      assert_near(fabs(panel[k * ORDER + l]), fabs(sum), 1e-10); /* an eigenvector or its negative */
      if (row0 + k == l) assert_near(panel[k * ORDER + l], sum, 1e-10);
      scale += fabs(sum);
    }
  MPI_Allreduce(MPI_IN_PLACE, &scale, 1, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
  assert_true(scale > ORDER);
  Ok(WeftSpectralDestroy(&spectral));
  free(panel);
  free(u);
  free(s);
}

static void test_one_triangle_is_enough(void **state)
{
  (void)state;
  Compare(PETSC_COMM_WORLD, ORDER, BLOCK, PETSC_TRUE);
}

/* The same rank count gives the same bits. */
static void test_repeats(void **state)
{
  PetscInt     row0, rows;
  double      *panel = Panel(PETSC_COMM_WORLD, ORDER, PETSC_FALSE, &row0, &rows), *first = NULL, shift = 0;
  const size_t bytes = (size_t)(rows * ORDER) * sizeof(double);

  (void)state;
  first = malloc(bytes);
  for (int i = 0; i < 30; ++i) {
    WeftSpectral spectral;
    double      *again = malloc(bytes);
    Ok(WeftSpectralCreate(PETSC_COMM_WORLD, ORDER, BLOCK, &spectral));
    Ok(WeftSpectralDecompose(spectral, panel));
    Ok(WeftSpectralFunction(spectral, Bend, &shift, again));
    if (i)
      assert_memory_equal(again, first, bytes);
    else
      memcpy(first, again, bytes);
    Ok(WeftSpectralDestroy(&spectral));
    free(again);
  }
  free(panel);
  free(first);
}

/* Else the other tests would prove nothing about the distribution. */
static void test_every_process_holds_a_part(void **state)
{
  static const int expected[][3] = {{1, 1, 1}, {2, 1, 2}, {3, 1, 3}, {4, 2, 2}, {6, 2, 3}};
  const PetscInt   blocks[] = {BLOCK, 64};
  int              size, grid_rows, grid_cols, block, local_rows, local_cols, known = 0;
  long             part, all;
  WeftSpectral     spectral;

  (void)state;
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (int b = 0; b < 2; ++b) {
    Ok(WeftSpectralCreate(PETSC_COMM_WORLD, ORDER, blocks[b], &spectral));
    Ok(WeftSpectralGrid(spectral, &grid_rows, &grid_cols, &block, &local_rows, &local_cols));
    Ok(WeftSpectralDestroy(&spectral));
    for (int e = 0; e < 5; ++e)
      if (expected[e][0] == size) {
        known = 1;
        assert_int_equal(grid_rows, expected[e][1]);
        assert_int_equal(grid_cols, expected[e][2]);
      }
    assert_true(known);
    assert_true(block <= blocks[b]);
    assert_true(local_rows > 0 && local_cols > 0);
    part = (long)local_rows * local_cols;
    MPI_Allreduce(&part, &all, 1, MPI_LONG, MPI_SUM, PETSC_COMM_WORLD);
    assert_int_equal(all, ORDER * ORDER);
  }
}

static void test_orders_below_the_rank_count(void **state)
{
  (void)state;
  for (PetscInt d = 1; d <= 9; ++d) Compare(PETSC_COMM_WORLD, d, 64, PETSC_FALSE);
}

/* Ranks that are not in the communicator take no part, and grids are given back. */
static void test_part_of_the_ranks_many_times(void **state)
{
  MPI_Comm comm;
  int      rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_split(PETSC_COMM_WORLD, rank % 2, -rank, &comm);
  for (int i = 0; i < 40; ++i) Compare(comm, 10 + rank % 2, 2, PETSC_FALSE);
  MPI_Comm_free(&comm);
}

static void test_ranges_join(void **state)
{
  int      rank, size;
  PetscInt row0, rows, next;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (PetscInt d = 1; d < 20; ++d) {
    Ok(WeftPanelRange(PETSC_COMM_WORLD, d, &row0, &rows));
    assert_true(rows == d / size || rows == d / size + 1);
    next = row0 + rows;
    MPI_Sendrecv_replace(&next, 1, MPIU_INT, (rank + 1) % size, 0, (rank + size - 1) % size, 0, PETSC_COMM_WORLD,
                         MPI_STATUS_IGNORE);
    assert_int_equal(next, rank ? row0 : d);
  }
}

static void test_not_a_number_is_refused(void **state)
{
  PetscInt       row0, rows;
  double        *panel = Panel(PETSC_COMM_WORLD, ORDER, PETSC_FALSE, &row0, &rows);
  WeftSpectral   spectral;
  PetscErrorCode ierr;

  (void)state;
  if (row0 <= 5 && 5 < row0 + rows) panel[(5 - row0) * ORDER + 9] = (double)NAN;
  Ok(WeftSpectralCreate(PETSC_COMM_WORLD, ORDER, BLOCK, &spectral));
  Ok(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  ierr = WeftSpectralDecompose(spectral, panel);
  Ok(PetscPopErrorHandler());
  assert_int_equal(ierr, WEFT_ERR_USER);
  Ok(WeftSpectralDestroy(&spectral));
  free(panel);
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_process_holds_a_part),
                                          cmocka_unit_test(test_against_serial),
                                          cmocka_unit_test(test_rotation),
                                          cmocka_unit_test(test_one_triangle_is_enough),
                                          cmocka_unit_test(test_orders_below_the_rank_count),
                                          cmocka_unit_test(test_part_of_the_ranks_many_times),
                                          cmocka_unit_test(test_ranges_join),
                                          cmocka_unit_test(test_repeats),
                                          cmocka_unit_test(test_not_a_number_is_refused)};
WEFT_TEST_MAIN(tests)
