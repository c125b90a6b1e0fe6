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

/* D's copy, and which of its rows are not zero, unless the last pass left them so. */
static PetscErrorCode Start(WeftStep s)
{
  size_t entries = 0;

  PetscFunctionBegin;
  for (size_t g = 0; g < s->groups; ++g) {
    const size_t first = g * s->p * s->rows;
    if (s->fresh) {
      WeftProductCopy(s, s->rows * s->p, s->d + first, NULL, s->copy, first);
      s->filled.count[g] = WeftRowsSelect(s->rows, s->p, s->d + first, 0, s->filled.row + g * s->rows);
    }
    entries += s->filled.count[g];
  }
  s->sparse = (double)entries < sparse_below * (double)s->rows * (double)s->groups ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscLogFlops(2.0 * (double)(s->sparse ? entries : s->rows * s->groups) * (double)s->p * (double)s->k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Σ ‖x_j‖ over the rows of x [n, p]; square [n]: scratch. */
WEFT_SIMD static double SumOfNorms(size_t n, size_t p, const double *x, double *square)
{
  double part[LANES] = {0};
  size_t j = 0;

  for (size_t i = 0; i < n; ++i) square[i] = 0;
  for (size_t a = 0; a < p; ++a)
    for (size_t i = 0; i < n; ++i) square[i] += x[a * n + i] * x[a * n + i];
  for (; j + LANES <= n; j += LANES)
    for (size_t l = 0; l < LANES; ++l) part[l] += PetscSqrtReal(square[j + l]);
  for (; j < n; ++j) part[0] += PetscSqrtReal(square[j]);
  return Total(part);
}

/* What group g adds to F(D), the quadratic part aside. */
static double PointValue(const WeftStep s, size_t g)
{
  const size_t  n = s->filled.count[g], first = g * s->p * s->rows;
  const int    *row = s->filled.row + g * s->rows;
  const double *y = s->d + first, *b = s->b + first;
  double        sum = 0;

  if (n == s->rows)
    return (s->weight[g] > 0 ? s->weight[g] * SumOfNorms(n, s->p, y, s->tile) : 0) - Dot(n * s->p, y, b);
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

/* out may be x, as rows ascend. */
static void Gather(size_t n, const int row[], const double *x, double *out)
{
  for (size_t e = 0; e < n; ++e) out[e] = x[row[e]];
}

/* out = x + m y */
WEFT_SIMD static void AddScaled(size_t n, const double *x, double m, const double *y, double *out)
{
  for (size_t i = 0; i < n; ++i) out[i] = x[i] + m * y[i];
}

/* Column i of group g of T. */
static void FormColumn(WeftStep s, size_t g, size_t i, double m, double *t)
{
  const size_t  a = g * s->p + i, n = s->filled.count[g];
  const int    *row = s->filled.row + g * s->rows;
  const double *minus = s->minus + (a - s->first) * s->rows, *d = s->d + a * s->rows;

  if (s->sparse) {
    (void)PetscArraycpy(t, minus, s->rows);
    for (size_t e = 0; e < n; ++e) t[row[e]] += m * d[row[e]];
  } else {
    AddScaled(s->rows, minus, m, d, t);
  }
}

/* T = m D − gradient of group g, of which the rows over the threshold are kept: whether a row is zero does not depend
   on ν. */
static void FormGroup(WeftStep s, size_t g)
{
  const size_t local = g - s->first / s->p, block = local * s->p * s->rows;
  const double scale = s->stretch * s->kappa[s->first / s->width];
  double      *t = s->t + block;
  int         *row = s->kept.row + local * s->rows;
  size_t       n;

  for (size_t i = 0; i < s->p; ++i) FormColumn(s, g, i, scale * s->diagonal[g * s->p + i], t + i * s->rows);
  n = s->kept.count[local] = WeftRowsSelect(s->rows, s->p, t, s->weight[g], row);
  if (n < s->rows)
    for (size_t i = 0; i < s->p; ++i) Gather(n, row, t + i * s->rows, t + i * s->rows);
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
  const double tiny = 1e-300; /* where both are zero */
  double       part[LANES] = {0};
  size_t       i = 0;

  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; ++l)
      part[l] += cross[i + l] / (PetscSqrtReal(before[i + l]) + PetscSqrtReal(after[i + l]) + tiny);
  for (; i < n; ++i) part[0] += cross[i] / (PetscSqrtReal(before[i]) + PetscSqrtReal(after[i]) + tiny);
  return Total(part);
}

/* How many rows of the block's group `local`, g of all, may change, and which: no need to say if all, of all kept. */
static size_t MovedRows(WeftStep s, size_t local, size_t g)
{
  const size_t n1 = s->filled.count[g], n2 = s->kept.count[local];
  const int   *row1 = s->filled.row + g * s->rows, *row2 = s->kept.row + local * s->rows;
  int         *row = s->moved.row + local * s->rows;

  if (n1 < s->rows && n2 < s->rows) return WeftRowsUnite(n1, row1, n2, row2, row);
  if (n2 < s->rows || s->sparse) (void)PetscArraycpy(row, n1 == s->rows ? row1 : row2, s->rows);
  return s->rows;
}

/* Column a of D and, in d_new, of the kept rows' values. row [n]: where they may differ. scratch [3 rows]. */
static Move MoveColumn(WeftStep s, size_t a, size_t n, const int row[], double *scratch)
{
  const size_t  local = a / s->p - s->first / s->p, rows = s->rows, kept = s->kept.count[local];
  const int    *to = s->kept.row + local * rows;
  const double *d = s->d + a * rows, *value = s->value + (a - s->first) * rows;
  const double *minus = s->minus + (a - s->first) * rows;
  double       *d_new = s->d_new + a * rows;

  if (kept == rows) {
    (void)PetscArraycpy(d_new, value, rows);
    return (Move){rows, d, value, minus};
  }
  (void)PetscArrayzero(d_new, rows);
  for (size_t e = 0; e < kept; ++e) d_new[to[e]] = value[e];
  Gather(n, row, d, scratch);
  Gather(n, row, d_new, scratch + rows);
  Gather(n, row, minus, scratch + 2 * rows);
  return (Move){n, scratch, scratch + rows, scratch + 2 * rows};
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
    if (s->sparse) {
      WeftProductScatter(s, m.n, row, m.to, m.from, s->change, (a - s->first) * rows);
      WeftProductScatter(s, m.n, row, m.to, NULL, s->copy, a * rows);
    } else {
      WeftProductCopy(s, rows, s->d_new + a * rows, s->d + a * rows, s->change, (a - s->first) * rows);
      WeftProductCopy(s, rows, s->d_new + a * rows, NULL, s->copy, a * rows);
    }
  }
  if (s->weight[g] > 0) sums[0] += s->weight[g] * NormRise(n, squares, squares + rows, squares + 2 * rows);
  s->moved.count[local] = n;
  if (s->filled.count[g] == rows && s->kept.count[local] == rows) return;
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
