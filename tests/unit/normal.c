/* Row panels, covariance and normal equations against plain sums over all samples.   ranks: 1 2 3 4 6 */
#include "wefttest.h"
#include <weft/normal.h>
#include <weft/random.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 1401, M = 9, C = 5, CONSTANT = 4, DOUBLE_OF = 2 };

static WeftBlock all_y, all_x; /* every sample, on every rank: 4 of the outputs repeat 2, or do not vary */

/* Outputs with means and units far apart; output M - 1 equals DOUBLE_OF where `twice`. */
static void MakeAll(WeftPrecision precision, PetscBool twice)
{
  Ok(WeftBlockCreate(SAMPLES, M, precision, &all_y));
  Ok(WeftBlockCreate(SAMPLES, C, precision, &all_x));
  for (size_t i = 0; i < SAMPLES; ++i) {
    WeftRandom rng;
    double     y[M], x[C];
    WeftRandomInit(&rng, 13, WEFT_STREAM_TEST, i);
    for (int g = 0; g < M; ++g) y[g] = (3 + WeftRandomNormal(&rng)) * pow(10, g - 4);
    y[CONSTANT] = 0.1;
    if (twice) y[M - 1] = y[DOUBLE_OF];
    for (int j = 0; j < C; ++j) x[j] = 2 - j + 1e3 * y[1] * (j + 1) - 30 * y[DOUBLE_OF] + WeftRandomNormal(&rng);
    WeftBlockSetRow(&all_y, i, y);
    WeftBlockSetRow(&all_x, i, x);
  }
}

static void DestroyAll(void)
{
  Ok(WeftBlockDestroy(&all_y));
  Ok(WeftBlockDestroy(&all_x));
}

/* This rank's samples: uneven parts, one rank has none where there are more than two. */
static void Mine(size_t *first, size_t *count)
{
  int    rank, size;
  size_t share, end;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (size > 2) --size;
  share = SAMPLES / (size_t)size + 17;
  *first = PetscMin((size_t)rank * share, SAMPLES);
  end = PetscMin(*first + share, SAMPLES);
  if (rank == size - 1) end = SAMPLES;
  if (rank == size) *first = end = SAMPLES;
  *count = end - *first;
}

/* Mean of a column over every step-th sample from `first` on, and the sum of products about the means. */
static double Mean(const WeftBlock *b, size_t j, WeftRows rows)
{
  double sum = 0, n = 0;

  for (size_t i = rows.first; i < SAMPLES; i += rows.step, ++n) sum += WeftBlockGet(b, i, j);
  return sum / n;
}

static double Product(const WeftBlock *a, size_t i, const WeftBlock *b, size_t j, WeftRows rows)
{
  const double mi = Mean(a, i, rows), mj = Mean(b, j, rows);
  double       sum = 0;

  for (size_t s = rows.first; s < SAMPLES; s += rows.step)
    sum += (WeftBlockGet(a, s, i) - mi) * (WeftBlockGet(b, s, j) - mj);
  return sum;
}

/* The normal equations of the samples of all ranks with that parity (step 2), or all of them (step 1), reduced; y in
   two parts, added in two goes. */
static WeftNormal Normal(WeftRows rows)
{
  size_t     first, count;
  WeftNormal normal;

  Mine(&first, &count);
  Ok(WeftNormalCreate(PETSC_COMM_WORLD, M, C, &normal));
  for (int part = 0; part < 2; ++part) {
    const size_t    from = first + (part ? count / 3 : 0), end = part ? first + count : first + count / 3;
    const WeftBlock x = WeftBlockRows(&all_x, from, end - from), y = WeftBlockRows(&all_y, from, end - from);
    const WeftRows  local = {(from + rows.first) % rows.step, rows.step};
    WeftBlock       parts[2];
    double          row[M];
    Ok(WeftBlockCreate(x.rows, 2, x.precision, &parts[0]));
    Ok(WeftBlockCreate(x.rows, M - 2, x.precision, &parts[1]));
    for (size_t i = 0; i < x.rows; ++i) {
      WeftBlockGetRow(&y, i, row);
      WeftBlockSetRow(&parts[0], i, row);
      WeftBlockSetRow(&parts[1], i, row + 2);
    }
    Ok(WeftNormalAdd(normal, 2, parts, &x, local));
    Ok(WeftBlockDestroy(&parts[0]));
    Ok(WeftBlockDestroy(&parts[1]));
  }
  Ok(WeftNormalReduce(normal));
  return normal;
}

static void CompareSums(WeftPrecision precision, WeftRows rows)
{
  WeftNormal     normal;
  WeftNormalSums s;

  MakeAll(precision, PETSC_FALSE);
  normal = Normal(rows);
  Ok(WeftNormalGetSums(normal, &s));
  assert_int_equal(s.samples, (SAMPLES - rows.first + rows.step - 1) / rows.step);
  assert_int_equal(s.varying, M - 1);
  for (PetscInt g = 0; g < M; ++g) {
    const double square = Product(&all_y, (size_t)g, &all_y, (size_t)g, rows);
    assert_near(s.mean_y[g], Mean(&all_y, (size_t)g, rows), 1e-12 * fabs(s.mean_y[g]));
    assert_near(s.square[g], g == CONSTANT ? 0 : square, 1e-10 * s.square[g]);
  }
  for (PetscInt i = 0; i < s.rows; ++i) {
    const size_t g = (size_t)(s.row0 + i);
    for (PetscInt j = 0; j < M; ++j)
      assert_near(s.yy[i * M + j], Product(&all_y, g, &all_y, (size_t)j, rows),
                  1e-10 * sqrt(s.square[g] * s.square[j]) + 1e-20);
    for (PetscInt j = 0; j < C; ++j)
      assert_near(s.yx[i * C + j], Product(&all_y, g, &all_x, (size_t)j, rows), 1e-8 * sqrt(s.square[g]) + 1e-8);
  }
  Ok(WeftNormalDestroy(&normal));
  DestroyAll();
}

static void test_sums(void **state)
{
  (void)state;
  CompareSums(WEFT_DOUBLE, (WeftRows){0, 1});
  CompareSums(WEFT_SINGLE, (WeftRows){0, 2});
  CompareSums(WEFT_DOUBLE, (WeftRows){1, 2});
}

/* Rows of W on every rank. */
static void Gather(const double mine[], double w[])
{
  PetscInt row0, rows;

  memset(w, 0, M * C * sizeof(double));
  Ok(WeftPanelRange(PETSC_COMM_WORLD, M, &row0, &rows));
  memcpy(w + row0 * C, mine, (size_t)(rows * C) * sizeof(double));
  MPI_Allreduce(MPI_IN_PLACE, w, M * C, MPI_DOUBLE, MPI_SUM, PETSC_COMM_WORLD);
}

/* The gradient of the ridge problem vanishes at W: yx = yy W + ridge diag(yy) W. */
static void CheckSolution(double ridge)
{
  const WeftRows rows = {0, 1};
  WeftNormal     normal = Normal(rows);
  double         mine[M * C], w[M * C], b[C];
  PetscBool      definite;

  Ok(WeftNormalSolve(normal, ridge, mine, b, &definite));
  assert_true(definite);
  Gather(mine, w);
  for (size_t j = 0; j < C; ++j) {
    double intercept = Mean(&all_x, j, rows);
    for (size_t g = 0; g < M; ++g) {
      const double square = Product(&all_y, g, &all_y, g, rows), yx = Product(&all_y, g, &all_x, j, rows);
      double       sum = ridge * square * w[g * C + j];
      intercept -= Mean(&all_y, g, rows) * w[g * C + j];
      if (g == CONSTANT) {
        assert_true(w[g * C + j] == 0);
        continue;
      }
      for (size_t h = 0; h < M; ++h) sum += Product(&all_y, g, &all_y, h, rows) * w[h * C + j];
      assert_near(sum, yx, 1e-8 * sqrt(square * Product(&all_x, j, &all_x, j, rows)));
    }
    assert_near(b[j], intercept, 1e-8 * (1 + fabs(intercept)));
  }
  Ok(WeftNormalDestroy(&normal));
}

static void test_ridge_solution(void **state)
{
  (void)state;
  MakeAll(WEFT_DOUBLE, PETSC_FALSE);
  CheckSolution(0);
  CheckSolution(0.3);
  DestroyAll();
}

/* An output given twice: no unique solution without ridge, which is reported; with ridge both have the same weight. */
static void test_repeated_output(void **state)
{
  double     mine[M * C], w[M * C];
  PetscBool  definite;
  WeftNormal normal;

  (void)state;
  MakeAll(WEFT_DOUBLE, PETSC_TRUE);
  CheckSolution(0.01);
  normal = Normal((WeftRows){0, 1});
  Ok(WeftNormalSolve(normal, 0.01, mine, NULL, &definite));
  assert_true(definite);
  Gather(mine, w);
  for (int j = 0; j < C; ++j) assert_near(w[DOUBLE_OF * C + j], w[(M - 1) * C + j], 1e-9 * fabs(w[(M - 1) * C + j]));
  Ok(WeftNormalSolve(normal, -0.5, mine, NULL, &definite)); /* what is not definite whatever the round-off */
  assert_false(definite);
  Ok(WeftNormalDestroy(&normal));
  DestroyAll();
}

static void test_no_samples(void **state)
{
  WeftNormal     normal;
  WeftNormalSums s;
  double         mine[M * C], b[C];
  PetscBool      definite;

  (void)state;
  Ok(WeftNormalCreate(PETSC_COMM_WORLD, M, C, &normal));
  Ok(WeftNormalReduce(normal));
  Ok(WeftNormalGetSums(normal, &s));
  assert_int_equal(s.samples, 0);
  assert_int_equal(s.varying, 0);
  Ok(WeftNormalSolve(normal, 0.1, mine, b, &definite));
  assert_true(definite);
  for (PetscInt i = 0; i < s.rows * C; ++i) assert_true(mine[i] == 0);
  for (int j = 0; j < C; ++j) assert_true(b[j] == 0);
  Ok(WeftNormalDestroy(&normal));
}

static void test_covariance_of_selected_rows(void **state)
{
  size_t   first, count;
  PetscInt row0, rows;
  double   mean[M], panel[M * M];

  (void)state;
  MakeAll(WEFT_SINGLE, PETSC_FALSE);
  Mine(&first, &count);
  Ok(WeftPanelRange(PETSC_COMM_WORLD, M, &row0, &rows));
  for (size_t parity = 0; parity < 2; ++parity) {
    const WeftRows  whole = {parity, 2}, local = {(first + parity) % 2, 2};
    const WeftBlock y = WeftBlockRows(&all_y, first, count);
    for (size_t j = 0; j < M; ++j) mean[j] = Mean(&all_y, j, whole);
    Ok(WeftCovariance(PETSC_COMM_WORLD, &y, local, mean, 10, panel));
    for (PetscInt i = 0; i < rows; ++i)
      for (PetscInt j = row0 + i; j < M; ++j) {
        const size_t g = (size_t)(row0 + i), h = (size_t)j;
        const double scale = mean[g] * mean[h] * SAMPLES;
        assert_near(panel[i * M + j], Product(&all_y, g, &all_y, h, whole) / 10, 1e-12 * scale);
      }
  }
  DestroyAll();
}

/* Entries of the two factors. */
static double A(PetscInt i, PetscInt j)
{
  return sin((double)(5 * i + j));
}

static double B(PetscInt i, PetscInt j)
{
  return cos((double)(3 * i - 2 * j));
}

/* Any number of rows on each rank times a matrix in row panels. */
static void test_times(void **state)
{
  const PetscInt sizes[][2] = {{7, 5}, {2, 11}, {1, 1}, {13, 3}};
  double         a[4 * 13], b[13 * 13], out[4 * 13];
  PetscInt       row0, rows;
  int            rank;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  for (int t = 0; t < 8; ++t) {
    const PetscInt  inner = sizes[t / 2][0], cols = sizes[t / 2][1], mine = (rank + t) % 4;
    const PetscBool transpose = t % 2 ? PETSC_TRUE : PETSC_FALSE;
    Ok(WeftPanelRange(PETSC_COMM_WORLD, transpose ? cols : inner, &row0, &rows));
    for (PetscInt i = 0; i < mine * inner; ++i) a[i] = A(rank + i / inner, i % inner);
    for (PetscInt i = 0; i < rows; ++i)
      for (PetscInt j = 0; j < (transpose ? inner : cols); ++j)
        b[i * (transpose ? inner : cols) + j] = transpose ? B(j, row0 + i) : B(row0 + i, j);
    Ok(WeftPanelTimes(PETSC_COMM_WORLD, transpose, (size_t)mine, inner, cols, a, b, out));
    for (PetscInt i = 0; i < mine; ++i)
      for (PetscInt j = 0; j < cols; ++j) {
        double sum = 0;
        for (PetscInt k = 0; k < inner; ++k) sum += A(rank + i, k) * B(k, j);
        assert_near(out[i * cols + j], sum, 1e-13);
      }
  }
}

static const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums),
                                          cmocka_unit_test(test_ridge_solution),
                                          cmocka_unit_test(test_repeated_output),
                                          cmocka_unit_test(test_no_samples),
                                          cmocka_unit_test(test_covariance_of_selected_rows),
                                          cmocka_unit_test(test_times)};
WEFT_TEST_MAIN(tests)
