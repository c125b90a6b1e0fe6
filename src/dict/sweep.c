/* One pass of the dictionary step over the blocks of atoms. */
#include "dictimpl.h"

/* Under this fraction of nonzero rows of groups the sparse product is the faster one: per multiplication it takes two
   to four times as long as BLAS, for its sums go through the cache. */
static const double sparse_below = 0.25;

enum { LANES = 8 }; /* sums side by side, in a fixed order that the compiler can keep in vector registers */

static inline __attribute__((always_inline)) double Total(const double part[LANES])
{
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

WEFT_SIMD static double Dot(size_t n, const double *x, const double *y)
{
  double part[LANES] = {0};
  size_t i = 0;

  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; ++l) part[l] += x[i + l] * y[i + l];
  for (; i < n; ++i) part[0] += x[i] * y[i];
  return Total(part);
}

/* d_new := D, and which of its rows are not zero. */
static PetscErrorCode Start(WeftStep s)
{
  size_t entries = 0;

  PetscFunctionBegin;
  PetscCall(PetscArraycpy(s->d_new, s->d, s->rows * s->k));
  WeftProductCopy(s, s->rows * s->k, s->d_new, s->copy, 0);
  for (size_t g = 0; g < s->groups; ++g) {
    s->filled.count[g] = WeftRowsSelect(s->rows, s->p, s->d + g * s->p * s->rows, 0, s->filled.row + g * s->rows);
    entries += s->filled.count[g];
  }
  s->sparse = (double)entries < sparse_below * (double)s->rows * (double)s->groups ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscLogFlops(2.0 * (double)(s->sparse ? entries : s->rows * s->groups) * (double)s->p * (double)s->k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What group g adds to F(D), the quadratic part aside. */
static double PointValue(const WeftStep s, size_t g)
{
  const size_t  n = s->filled.count[g], first = g * s->p * s->rows;
  const int    *row = s->filled.row + g * s->rows;
  const double *y = s->d_new + first, *b = s->b + first;
  double        sum = 0;

  if (n == s->rows && !(s->weight[g] > 0)) return -Dot(n * s->p, y, b);
  for (size_t e = 0; e < n; ++e) {
    double square = 0;
    for (size_t i = 0; i < s->p; ++i) {
      const size_t at = i * s->rows + (size_t)row[e];
      square += y[at] * y[at];
      sum -= y[at] * b[at];
    }
    sum += s->weight[g] * PetscSqrtReal(square);
  }
  return sum;
}

/* out = x + m y */
WEFT_SIMD static void AddScaled(size_t n, const double *x, double m, const double *y, double *out)
{
  for (size_t i = 0; i < n; ++i) out[i] = x[i] + m * y[i];
}

/* T = m D − gradient of group g, of which the rows over the threshold are kept: whether a row is zero does not depend
   on ν. */
static void FormGroup(WeftStep s, size_t g)
{
  const size_t local = g - s->first / s->p, block = local * s->p * s->rows;
  const double scale = s->stretch * s->kappa[s->first / s->width];
  int         *row = s->kept.row + local * s->rows;
  size_t       n;

  for (size_t i = 0; i < s->p; ++i)
    AddScaled(s->rows, s->minus + block + i * s->rows, scale * s->diagonal[g * s->p + i],
              s->d_new + (g * s->p + i) * s->rows, s->tile + i * s->rows);
  n = s->kept.count[local] = WeftRowsSelect(s->rows, s->p, s->tile, s->weight[g], row);
  for (size_t i = 0; i < s->p; ++i) {
    double *t = s->t + block + i * s->rows;
    if (n == s->rows)
      (void)PetscArraycpy(t, s->tile + i * s->rows, n);
    else
      for (size_t e = 0; e < n; ++e) t[e] = s->tile[i * s->rows + (size_t)row[e]];
  }
}

/* A column of a group before and after its move, at the rows that may have changed, and B − D A there. */
typedef struct {
  size_t        n;
  const double *from, *to, *minus;
} Move;

/* What it adds to F's rise to first order, ‖change‖² and ‖after‖². Everything is made of differences, so that its error
   shrinks with them. */
WEFT_SIMD static void AddMove(const Move *m, double sums[3])
{
  const double *from = m->from, *to = m->to, *minus = m->minus;
  double        rise[LANES] = {0}, change[LANES] = {0}, norm[LANES] = {0};
  size_t        i = 0;

  for (; i + LANES <= m->n; i += LANES) {
    for (size_t l = 0; l < LANES; ++l) {
      const double moved = to[i + l] - from[i + l];
      rise[l] -= moved * minus[i + l];
      change[l] += moved * moved;
      norm[l] += to[i + l] * to[i + l];
    }
  }
  for (; i < m->n; ++i) {
    const double moved = to[i] - from[i];
    rise[0] -= moved * minus[i];
    change[0] += moved * moved;
    norm[0] += to[i] * to[i];
  }
  sums[0] += Total(rise);
  sums[1] += Total(change);
  sums[2] += Total(norm);
}

/* The rows' norms before and after, squared, and ⟨after − before, after + before⟩. */
WEFT_SIMD static void AddSquares(const Move *m, double *before, double *after, double *cross)
{
  const double *from = m->from, *to = m->to;

  for (size_t i = 0; i < m->n; ++i) {
    before[i] += from[i] * from[i];
    after[i] += to[i] * to[i];
    cross[i] += (to[i] - from[i]) * (to[i] + from[i]);
  }
}

/* Σ ‖after‖ − ‖before‖ = Σ cross / (‖after‖ + ‖before‖) */
WEFT_SIMD static double NormRise(size_t n, const double *before, const double *after, const double *cross)
{
  double part[LANES] = {0};

  for (size_t i = 0; i < n; ++i) {
    const double both = PetscSqrtReal(before[i]) + PetscSqrtReal(after[i]);
    part[i % LANES] += both > 0 ? cross[i] / both : 0;
  }
  return Total(part);
}

static void Gather(size_t n, const int row[], const double *x, double *out)
{
  for (size_t e = 0; e < n; ++e) out[e] = x[row[e]];
}

/* Which rows of the block's group `local`, g of all, may change. */
static size_t MovedRows(WeftStep s, size_t local, size_t g)
{
  const size_t n1 = s->filled.count[g], n2 = s->kept.count[local];
  const int   *row1 = s->filled.row + g * s->rows, *row2 = s->kept.row + local * s->rows;
  int         *row = s->moved.row + local * s->rows;

  if (n1 < s->rows && n2 < s->rows) return WeftRowsUnite(n1, row1, n2, row2, row);
  (void)PetscArraycpy(row, n1 == s->rows ? row1 : row2, s->rows);
  return s->rows;
}

/* Moves column a of d_new to the kept rows' values. row [n]: where it may change. scratch [3 rows] holds the move. */
static Move MoveColumn(WeftStep s, size_t a, size_t n, const int row[], double *scratch)
{
  const size_t g = a / s->p, local = g - s->first / s->p, rows = s->rows, kept = s->kept.count[local];
  const int   *to = s->kept.row + local * rows, *from = s->filled.row + g * rows;
  double      *y = s->d_new + a * rows, *value = s->value + (a - s->first) * rows;
  double      *minus = s->minus + (a - s->first) * rows;

  if (kept == rows) {
    (void)PetscArraycpy(scratch, y, rows);
    (void)PetscArraycpy(y, value, rows);
    return (Move){rows, scratch, y, minus};
  }
  Gather(n, row, y, scratch);
  Gather(n, row, minus, scratch + 2 * rows);
  for (size_t e = 0; e < s->filled.count[g]; ++e) y[from[e]] = 0;
  for (size_t e = 0; e < kept; ++e) y[to[e]] = value[e];
  Gather(n, row, y, scratch + rows);
  return (Move){n, scratch, scratch + rows, scratch + 2 * rows};
}

/* The change of column a, zero at other rows, and the column itself, for the products. */
static void StoreColumn(WeftStep s, size_t a, const int row[], const Move *m)
{
  double *change = s->tile;

  if (m->n == s->rows) {
    for (size_t j = 0; j < m->n; ++j) change[j] = m->to[j] - m->from[j];
  } else {
    (void)PetscArrayzero(change, s->rows);
    for (size_t e = 0; e < m->n; ++e) change[row[e]] = m->to[e] - m->from[e];
  }
  WeftProductCopy(s, s->rows, change, s->change, (a - s->first) * s->rows);
  WeftProductCopy(s, s->rows, s->d_new + a * s->rows, s->copy, a * s->rows);
}

static void MoveGroup(WeftStep s, size_t g, double sums[3])
{
  const size_t local = g - s->first / s->p, rows = s->rows, n = MovedRows(s, local, g);
  const int   *row = s->moved.row + local * rows;
  double      *squares = s->tile + s->p * rows, *scratch = squares + 3 * rows;

  if (s->weight[g] > 0) (void)PetscArrayzero(squares, 3 * rows);
  for (size_t a = g * s->p; a < (g + 1) * s->p; ++a) {
    const Move m = MoveColumn(s, a, n, row, scratch);
    AddMove(&m, sums);
    if (s->weight[g] > 0) AddSquares(&m, squares, squares + rows, squares + 2 * rows);
    StoreColumn(s, a, row, &m);
  }
  if (s->weight[g] > 0) sums[0] += s->weight[g] * NormRise(n, squares, squares + rows, squares + 2 * rows);
  s->moved.count[local] = n;
  s->filled.count[g] = s->kept.count[local];
  (void)PetscArraycpy(s->filled.row + g * rows, s->kept.row + local * rows, s->kept.count[local]);
}

static PetscErrorCode MoveBlock(WeftStep s, double sums[3])
{
  const size_t g0 = s->first / s->p, end = g0 + s->atoms / s->p;
  double       curvature;

  PetscFunctionBegin;
  for (size_t g = g0; g < end; ++g) {
    s->kept.count[g - g0] = 0;
    if (s->dict->alive[g]) FormGroup(s, g);
  }
  PetscCall(WeftStepProximal(s));
  for (size_t g = g0; g < end; ++g) MoveGroup(s, g, sums);
  PetscCall(WeftProductCurvature(s, &curvature));
  sums[0] += 0.5 * curvature;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStepSweep(WeftStep s, PetscBool move)
{
  double sums[4] = {0, 0, 0, 0}, half;

  PetscFunctionBegin;
  PetscCall(Start(s));
  for (size_t b = 0; b < s->blocks; ++b) {
    s->first = b * s->width;
    s->atoms = PetscMin(s->width, s->k - s->first);
    WeftProductPack(s);
    PetscCall(WeftProductForm(s, &half));
    sums[3] += half;
    for (size_t g = s->first / s->p; g < (s->first + s->atoms) / s->p; ++g) sums[3] += PointValue(s, g);
    if (move) PetscCall(MoveBlock(s, sums));
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 4, MPI_DOUBLE, MPI_SUM, s->dict->comm));
  s->sums.rise = sums[0];
  s->sums.change = sums[1];
  s->sums.norm = sums[2];
  s->sums.f = sums[3];
  PetscFunctionReturn(PETSC_SUCCESS);
}
