/* The dictionary step against a certified optimum, and what goes with the dictionary.   ranks: 1 2 3 4 */
#include "wefttest.h"
#include "slowdict.h"
#include <weft/dict.h>
#include <weft/random.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The small problems: samples < atoms makes A singular; even groups have short atoms, odd ones atoms past the bound. */
typedef struct {
  int    d, k, p, samples;
  double factor[4]; /* w_g = factor[g % 4] of the group's strongest input */
} Case;

static const Case cases[] = {
  {11, 12, 1, 60, {0, 0.2, 0.05, 1.3}},   {11, 12, 1, 7, {0.2, 0, 0.1, 0.4}},    {11, 12, 3, 60, {0.1, 0.3, 0, 1.3}},
  {11, 12, 4, 60, {0.05, 0.2, 0.1, 0.3}}, {11, 12, 4, 60, {0, 0.3, 1.3, 0.3}},   {11, 12, 4, 7, {0.1, 0.3, 0.2, 0.3}},
  {11, 12, 4, 60, {0, 0, 0, 0}},          {2, 12, 4, 30, {0.1, 0.3, 0.05, 0.3}}, {9, 68, 4, 200, {0.8, 0.7, 0.8, 0.9}},
  {9, 66, 3, 200, {0.8, 0.7, 0.8, 0.9}},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]), MAX_NUMBERS = 612 };

/* Sparse codes Z whose groups are used very unequally, and X = Z D₀ᵀ + noise: A = ZᵀZ/n, B = XᵀZ/n. */
static void MakeProblem(const Case *c, SlowDict *s)
{
  WeftRandom rng;
  double    *z = malloc((size_t)c->k * sizeof(double)), *atoms = calloc((size_t)(c->d * c->k), sizeof(double));

  SlowDictCreate(c->d, c->k, c->p, s);
  WeftRandomInit(&rng, 5, WEFT_STREAM_TEST, (uint64_t)(c - cases));
  for (int i = 0; i < c->d * c->k; ++i)
    atoms[i] = (i % c->k / c->p % 2 ? 2.5 : 0.2) * (WeftRandomUniform(&rng) < 0.5 ? WeftRandomNormal(&rng) : 0);
  for (int n = 0; n < c->samples; ++n) {
    memset(z, 0, (size_t)c->k * sizeof(double));
    for (int a = 0, on = 0; a < c->k; ++a) {
      if (a % c->p == 0) on = WeftRandomUniform(&rng) < 0.7 / (1 + a / c->p % 3);
      z[a] = on ? WeftRandomNormal(&rng) / (1 + a % 3) : 0;
    }
    for (int a = 0; a < c->k; ++a)
      for (int e = 0; e < c->k; ++e) s->a[a * c->k + e] += z[a] * z[e] / c->samples;
    for (int j = 0; j < c->d; ++j) {
      double x = 0.1 * WeftRandomNormal(&rng);
      for (int a = 0; a < c->k; ++a) x += atoms[j * c->k + a] * z[a];
      for (int a = 0; a < c->k; ++a) s->b[j * c->k + a] += x * z[a] / c->samples;
    }
  }
  for (int g = 0; g < c->k / c->p; ++g) {
    double most = 0;
    for (int j = 0; j < c->d; ++j) most = fmax(most, SlowDictRowNorm(s, s->b, j, g));
    s->w[g] = c->factor[g % 4] * most;
  }
  free(z);
  free(atoms);
}

/* Random columns, some shorter than the bound, and a first group of zeros. */
static void MakeStart(const SlowDict *s, uint64_t key, double D[])
{
  WeftRandom rng;

  WeftRandomInit(&rng, 6, WEFT_STREAM_TEST, key);
  for (int i = 0; i < s->d * s->k; ++i) D[i] = i % s->k < s->p ? 0 : WeftRandomNormal(&rng);
  for (int a = s->p; a < s->k; ++a) {
    const double norm = SlowDictAtomNorm(s, D, a);
    for (int j = 0; j < s->d; ++j) D[j * s->k + a] /= norm * (1 + a % 2);
  }
}

/* A problem on the ranks of a communicator. */
typedef struct {
  SlowDict slow;
  WeftDict dict;
  Mat      A, B, D;
} Problem;

/* Local rows of a matrix from all of it. */
static void Fill(Mat M, int k, const double values[])
{
  PetscInt first, end;
  double  *local;

  Ok(MatGetOwnershipRange(M, &first, &end));
  Ok(MatDenseGetArray(M, &local));
  for (PetscInt j = first; j < end; ++j)
    for (int a = 0; a < k; ++a) local[a * (end - first) + j - first] = values[j * k + a];
  Ok(MatDenseRestoreArray(M, &local));
}

/* Local rows of a matrix against all of it. */
static void CheckLocal(Mat M, int k, const double expected[], double tolerance)
{
  PetscInt first, end;
  double  *local;

  Ok(MatGetOwnershipRange(M, &first, &end));
  Ok(MatDenseGetArray(M, &local));
  for (PetscInt j = first; j < end; ++j)
    for (int a = 0; a < k; ++a) assert_near(local[a * (end - first) + j - first], expected[j * k + a], tolerance);
  Ok(MatDenseRestoreArray(M, &local));
}

static void ProblemCreate(MPI_Comm comm, const Case *c, Problem *q)
{
  MakeProblem(c, &q->slow);
  Ok(WeftDictCreate(comm, c->d, c->k, c->p, &q->dict));
  Ok(WeftDictGetMat(q->dict, &q->D));
  Ok(WeftDictCreateLike(q->dict, &q->B));
  Ok(MatCreateSeqDense(PETSC_COMM_SELF, c->k, c->k, NULL, &q->A));
  Fill(q->A, c->k, q->slow.a);
  Fill(q->B, c->k, q->slow.b);
}

static void ProblemDestroy(Problem *q)
{
  Ok(MatDestroy(&q->A));
  Ok(MatDestroy(&q->B));
  Ok(WeftDictDestroy(&q->dict));
  SlowDictDestroy(&q->slow);
}

/* All of D on every rank. */
static void Fetch(const Problem *q, double D[])
{
  WeftBlock atoms;

  Ok(WeftBlockCreate((size_t)q->slow.k, (size_t)q->slow.d, WEFT_DOUBLE, &atoms));
  Ok(WeftDictGather(q->dict, &atoms));
  for (int j = 0; j < q->slow.d; ++j)
    for (int a = 0; a < q->slow.k; ++a) D[j * q->slow.k + a] = WeftBlockGet(&atoms, (size_t)a, (size_t)j);
  Ok(WeftBlockDestroy(&atoms));
}

/* From a random start, at most so many iterations. */
static void Run(Problem *q, uint64_t key, double rtol, int iterations, double D[], WeftDictResult *result)
{
  MakeStart(&q->slow, key, D);
  Fill(q->D, q->slow.k, D);
  Ok(WeftDictSetTolerances(q->dict, rtol, iterations));
  Ok(WeftDictStep(q->dict, q->A, q->B, q->slow.w, result));
  Fetch(q, D);
}

static void CheckFeasible(const SlowDict *s, const double D[])
{
  for (int a = 0; a < s->k; ++a) assert_true(SlowDictAtomNorm(s, D, a) <= 1 + 1e-12);
}

/* Where the certified gradient is under the weight, every optimum has a zero; where it is over it, none has.
   Returns the number of zeros. */
static int CheckZeros(const SlowDict *s, const double certified[], const double D[])
{
  double gradient[MAX_NUMBERS];
  int    zeros = 0;

  SlowDictGradient(s, certified, gradient);
  for (int j = 0; j < s->d; ++j) {
    for (int g = 0; g < s->k / s->p; ++g) {
      const double steep = SlowDictRowNorm(s, gradient, j, g), norm = SlowDictRowNorm(s, D, j, g);
      if (steep < (1 - 1e-5) * s->w[g]) assert_true(norm == 0);
      if (steep > (1 + 1e-5) * s->w[g] && s->w[g] > 0) assert_true(norm > 0);
      zeros += norm == 0 ? 1 : 0;
    }
  }
  return zeros;
}

/* What the optima have between them, to show that the problems are of all kinds. */
typedef struct {
  int zeros, rows, bound, atoms;
} Census;

static void CheckOptimum(const Case *c, Census *census)
{
  Problem        q;
  WeftDictResult result;
  double         certified[MAX_NUMBERS], D[MAX_NUMBERS], least, scale;

  ProblemCreate(PETSC_COMM_WORLD, c, &q);
  SlowDictSolve(&q.slow, 1e-13, 40000, certified);
  CheckFeasible(&q.slow, certified);
  least = SlowDictValue(&q.slow, certified);
  scale = fabs(least);
  assert_true(SlowDictGap(&q.slow, certified) <= 1e-12 * scale);
  Run(&q, 1, 1e-14, 20000, D, &result);
  assert_true(result.converged);
  assert_near(SlowDictValue(&q.slow, D), least, 1e-12 * scale);
  assert_near(result.after, least, 1e-12 * scale);
  assert_true(SlowDictGap(&q.slow, D) <= 1e-10 * scale);
  CheckFeasible(&q.slow, D);
  census->zeros += CheckZeros(&q.slow, certified, D);
  census->rows += c->d * c->k / c->p;
  for (int a = 0; a < c->k; ++a) census->bound += SlowDictAtomNorm(&q.slow, D, a) > 1 - 1e-10 ? 1 : 0;
  census->atoms += c->k;
  ProblemDestroy(&q);
}

static void test_optimum(void **state)
{
  Census census = {0};

  (void)state;
  for (int i = 0; i < CASES; ++i) CheckOptimum(&cases[i], &census);
  assert_true(census.zeros > census.rows / 4 && census.zeros < census.rows * 3 / 4);
  assert_true(census.bound > census.atoms / 4 && census.bound < census.atoms * 3 / 4);
}

/* The certificate's own check: it bounds what any other feasible D can gain. */
static void test_gap_bounds(void **state)
{
  SlowDict s;
  double   D[MAX_NUMBERS], E[MAX_NUMBERS];

  (void)state;
  for (int i = 0; i < CASES; ++i) {
    MakeProblem(&cases[i], &s);
    for (uint64_t key = 0; key < 20; ++key) {
      MakeStart(&s, key, D);
      MakeStart(&s, key + 100, E);
      for (int l = 0; l < s.d * s.k && key % 2; ++l) E[l] = 0.9 * D[l] + 0.1 * E[l];
      assert_true(SlowDictValue(&s, D) - SlowDictValue(&s, E) <= SlowDictGap(&s, D));
    }
    SlowDictDestroy(&s);
  }
}

/* One row V = (3, 0.5), threshold 1, bound 1: shrinking the row and then scaling would give (1, 0.336). */
static void test_corner(void **state)
{
  static const double identity[4] = {1, 0, 0, 1}, v[2] = {3, 0.5}, weight[1] = {1};
  WeftDict            dict;
  WeftDictResult      result;
  WeftBlock           atoms;
  Mat                 A, B;

  (void)state;
  Ok(WeftDictCreate(PETSC_COMM_WORLD, 1, 2, 2, &dict));
  Ok(WeftDictSetTolerances(dict, 1e-14, 1000));
  Ok(WeftDictCreateLike(dict, &B));
  Ok(MatCreateSeqDense(PETSC_COMM_SELF, 2, 2, NULL, &A));
  Fill(A, 2, identity);
  Fill(B, 2, v);
  Ok(WeftDictStep(dict, A, B, weight, &result));
  Ok(WeftBlockCreate(2, 1, WEFT_DOUBLE, &atoms));
  Ok(WeftDictGather(dict, &atoms));
  assert_near(WeftBlockGet(&atoms, 0, 0), 1, 1e-12);
  assert_near(WeftBlockGet(&atoms, 1, 0), 0.254, 5e-4);
  Ok(WeftBlockDestroy(&atoms));
  Ok(MatDestroy(&A));
  Ok(MatDestroy(&B));
  Ok(WeftDictDestroy(&dict));
}

/* The map alone: with A = 1 the metric is 0.55, and one iteration from zero is the optimum with that for A. */
static void test_map(void **state)
{
  const Case    *c = &cases[3];
  Problem        q;
  WeftDictResult result;
  double         D[MAX_NUMBERS], mapped[MAX_NUMBERS] = {0}, most = 0;

  (void)state;
  ProblemCreate(PETSC_COMM_WORLD, c, &q);
  memset(q.slow.a, 0, (size_t)(c->k * c->k) * sizeof(double));
  for (int a = 0; a < c->k; ++a) q.slow.a[a * c->k + a] = 1;
  for (int l = 0; l < c->d * c->k; ++l) q.slow.b[l] *= 1 + l % c->k % 3; /* norms within a group that differ */
  Fill(q.A, c->k, q.slow.a);
  Fill(q.B, c->k, q.slow.b);
  Fill(q.D, c->k, mapped);
  Ok(WeftDictSetTolerances(q.dict, 0, 1));
  Ok(WeftDictStep(q.dict, q.A, q.B, q.slow.w, &result));
  Fetch(&q, mapped);
  for (int a = 0; a < c->k; ++a) q.slow.a[a * c->k + a] = 0.55;
  assert_true(SlowDictSolve(&q.slow, 1e-14, 40000, D) <= 1e-13 * fabs(SlowDictValue(&q.slow, D)));
  for (int l = 0; l < c->d * c->k; ++l) most = fmax(most, fabs(mapped[l] - D[l]));
  assert_near(most, 0, 1e-10);
  ProblemDestroy(&q);
}

/* From any start, whatever the number of iterations and the accuracy of the proximal map. */
static void test_never_rises(void **state)
{
  (void)state;
  for (int i = 0; i < CASES; ++i) {
    Problem        q;
    WeftDictResult result;
    double         D[MAX_NUMBERS], last = 0, start;

    ProblemCreate(PETSC_COMM_WORLD, &cases[i], &q);
    for (int n = 0; n <= 30; ++n) {
      MakeStart(&q.slow, (uint64_t)i, D);
      start = SlowDictValue(&q.slow, D);
      Run(&q, (uint64_t)i, i % 2 ? 1e-3 : 1e-12, n % 16, D, &result);
      assert_near(result.before, start, 1e-12 * fabs(start));
      assert_near(result.after, SlowDictValue(&q.slow, D), 1e-12 * fabs(start));
      assert_true(result.iterations <= n % 16 && result.after <= result.before);
      if (n % 16) assert_true(result.after <= last);
      last = result.after;
      CheckFeasible(&q.slow, D);
    }
    assert_true(last < start);
    ProblemDestroy(&q);
  }
}

/* After a file in single precision, norms may be a little over the bound. */
static void test_start_over_bound(void **state)
{
  Problem        q;
  WeftDictResult result;
  double         D[MAX_NUMBERS];

  (void)state;
  ProblemCreate(PETSC_COMM_WORLD, &cases[3], &q);
  Run(&q, 1, 1e-14, 20000, D, &result);
  for (int i = 0; i < q.slow.d * q.slow.k; ++i) D[i] *= 1 + 1e-6;
  Fill(q.D, q.slow.k, D);
  Ok(WeftDictStep(q.dict, q.A, q.B, q.slow.w, &result));
  Fetch(&q, D);
  CheckFeasible(&q.slow, D);
  assert_true(SlowDictGap(&q.slow, D) <= 1e-10 * fabs(result.after));
  ProblemDestroy(&q);
}

/* Single precision enters the products only: D is feasible to rounding, its zeros are exact, and F as near its optimum
   as the gradient is known. Dense and sparse products, as the cases have them. */
static void test_single(void **state)
{
  (void)state;
  for (int i = 0; i < CASES; ++i) {
    Problem        q;
    WeftDictResult result;
    double         D[MAX_NUMBERS], full, last = 0, start;

    ProblemCreate(PETSC_COMM_WORLD, &cases[i], &q);
    Run(&q, 1, 1e-14, 20000, D, &result);
    full = result.after;
    Ok(WeftDictSetPrecision(q.dict, WEFT_SINGLE));
    for (int n = 1; n <= 2048; n *= 2) {
      MakeStart(&q.slow, 1, D);
      start = SlowDictValue(&q.slow, D);
      Run(&q, 1, 1e-7, n, D, &result);
      assert_near(result.after, SlowDictValue(&q.slow, D), 1e-6 * fabs(start - full));
      if (n > 1) assert_true(SlowDictValue(&q.slow, D) <= last + 1e-10 * fabs(full));
      last = SlowDictValue(&q.slow, D);
      CheckFeasible(&q.slow, D);
    }
    assert_near(last, full, 1e-6 * fabs(full));
    assert_true(CheckZeros(&q.slow, D, D) > 0 || cases[i].factor[1] == 0);
    ProblemDestroy(&q);
  }
}

/* The same D on every number of ranks as on one. */
static void test_ranks(void **state)
{
  int rank, size;

  (void)state;
  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  for (int i = 0; i < 2 * CASES; ++i) {
    Problem        q;
    WeftDictResult result;
    MPI_Comm       comm;
    double         D[MAX_NUMBERS], alone[MAX_NUMBERS], most = 0;
    const double   rtol = i < CASES ? 1e-3 : 0;

    ProblemCreate(PETSC_COMM_SELF, &cases[i % CASES], &q);
    Run(&q, 3, rtol, 12, alone, &result);
    ProblemDestroy(&q);
    MPI_Comm_split(PETSC_COMM_WORLD, rank < size - i % size, 0, &comm);
    ProblemCreate(comm, &cases[i % CASES], &q);
    Run(&q, 3, rtol, 12, D, &result);
    for (int l = 0; l < q.slow.d * q.slow.k; ++l) most = fmax(most, fabs(D[l] - alone[l]));
    assert_near(most, 0, 1e-12);
    ProblemDestroy(&q);
    MPI_Comm_free(&comm);
  }
}

/* A removed group stays zero, whatever the statistics say, and the others come to their optimum without it. */
static void test_removed(void **state)
{
  (void)state;
  for (int forget = 0; forget < 2; ++forget) {
    Problem        q;
    WeftDictResult result;
    unsigned char *alive;
    double         certified[MAX_NUMBERS], D[MAX_NUMBERS];

    ProblemCreate(PETSC_COMM_WORLD, &cases[3], &q);
    MakeStart(&q.slow, 1, D);
    Fill(q.D, q.slow.k, D);
    Ok(WeftDictRemoveGroup(q.dict, 1, forget ? q.A : NULL, forget ? q.B : NULL));
    Ok(WeftDictGetAlive(q.dict, &alive));
    assert_true(alive[0] && !alive[1] && alive[2] && WeftDictCountAlive(q.dict) == 2);
    Ok(WeftDictSetTolerances(q.dict, 1e-14, 20000));
    Ok(WeftDictStep(q.dict, q.A, q.B, q.slow.w, &result));
    Fetch(&q, D);
    for (int a = 0; a < 4; ++a) assert_true(SlowDictAtomNorm(&q.slow, D, 4 + a) == 0);
    for (int l = 0; l < 12 * 12; ++l) q.slow.a[l] *= l / 12 / 4 != 1 && l % 12 / 4 != 1;
    for (int l = 0; l < q.slow.d * 12; ++l) q.slow.b[l] *= l % 12 / 4 != 1;
    if (forget) CheckLocal(q.A, 12, q.slow.a, 0);
    if (forget) CheckLocal(q.B, 12, q.slow.b, 0);
    SlowDictSolve(&q.slow, 1e-13, 40000, certified);
    assert_near(result.after, SlowDictValue(&q.slow, certified), 1e-12 * fabs(result.after));
    ProblemDestroy(&q);
  }
}

static void test_atoms(void **state)
{
  Problem q;
  double  D[MAX_NUMBERS], atom[16];

  (void)state;
  ProblemCreate(PETSC_COMM_WORLD, &cases[3], &q);
  MakeStart(&q.slow, 1, D);
  for (int j = 0; j < q.slow.d; ++j) atom[j] = 3 * D[j * 12 + 7];
  Fill(q.D, 12, D);
  Ok(WeftDictSetAtom(q.dict, 2, atom));
  memset(atom, 0, sizeof(atom));
  Ok(WeftDictSetAtom(q.dict, 5, atom));
  for (int j = 0; j < q.slow.d; ++j) {
    D[j * 12 + 2] = D[j * 12 + 7] / SlowDictAtomNorm(&q.slow, D, 7);
    D[j * 12 + 5] = 0;
  }
  CheckLocal(q.D, 12, D, 1e-15);
  ProblemDestroy(&q);
}

/* Gather in both precisions, the strongest input of each group and the connections, against plain loops. */
static void test_measures(void **state)
{
  Problem    q;
  double     D[MAX_NUMBERS] = {0}, strongest[3], penalty, expected = 0;
  PetscInt64 nonzeros, count = 0;

  (void)state;
  ProblemCreate(PETSC_COMM_WORLD, &cases[3], &q);
  MakeStart(&q.slow, 1, D);
  for (int j = 0; j < q.slow.d; j += 3) memset(D + j * 12 + 4, 0, 4 * sizeof(double));
  Fill(q.D, 12, D);
  Ok(WeftDictStrongest(q.dict, q.D, strongest));
  Ok(WeftDictConnections(q.dict, q.slow.w, &nonzeros, &penalty));
  for (int g = 0; g < 3; ++g) {
    double most = 0;
    for (int j = 0; j < q.slow.d; ++j) {
      const double norm = SlowDictRowNorm(&q.slow, D, j, g);
      most = fmax(most, norm);
      count += norm > 0;
      expected += q.slow.w[g] * norm;
    }
    assert_near(strongest[g], most, 1e-14);
  }
  assert_true(nonzeros == count);
  assert_near(penalty, expected, 1e-13);
  Ok(WeftDictConnections(q.dict, NULL, &nonzeros, NULL));
  assert_true(nonzeros == count);
  for (int precision = 0; precision < 2; ++precision) {
    WeftBlock atoms;
    Ok(WeftBlockCreate(12, (size_t)q.slow.d, precision ? WEFT_DOUBLE : WEFT_SINGLE, &atoms));
    Ok(WeftDictGather(q.dict, &atoms));
    for (int l = 0; l < q.slow.d * 12; ++l)
      assert_near(WeftBlockGet(&atoms, (size_t)(l % 12), (size_t)(l / 12)), D[l], precision ? 0 : 1e-7);
    Ok(WeftBlockDestroy(&atoms));
  }
  ProblemDestroy(&q);
}

static const struct CMUnitTest tests[] = {
  cmocka_unit_test(test_gap_bounds), cmocka_unit_test(test_optimum),          cmocka_unit_test(test_corner),
  cmocka_unit_test(test_map),        cmocka_unit_test(test_never_rises),      cmocka_unit_test(test_single),
  cmocka_unit_test(test_ranks),      cmocka_unit_test(test_start_over_bound), cmocka_unit_test(test_removed),
  cmocka_unit_test(test_atoms),      cmocka_unit_test(test_measures),
};
WEFT_TEST_MAIN(tests)
