/* Products for a block of atoms, for REAL = float and double: product.c includes this once for each. */

/* A's columns in panels of n atoms side by side, filled up with zeros: row after row, as A lies in memory. */
WEFT_SIMD static void NAME(Pack)(size_t k, size_t n, size_t ld, const double *a, REAL *panels)
{
  for (size_t i = 0; i < k; ++i, a += k) {
    REAL *panel = panels + i * ld;
    for (size_t first = 0; first < k; first += n, panel += k * ld) {
      const size_t m = n < k - first ? n : k - first;
      for (size_t c = 0; c < m; ++c) panel[c] = (REAL)a[first + c];
      for (size_t c = m; c < ld; ++c) panel[c] = 0;
    }
  }
}

/* out [WIDTH] += Σ_i v_i a_i, for four and for one row of the panel; the numbers v are ld apart. */
static inline __attribute__((always_inline)) void NAME(AddFour)(const REAL *v, size_t ld, const REAL *a, size_t lda,
                                                                REAL *out)
{
  const REAL v0 = v[0], v1 = v[ld], v2 = v[2 * ld], v3 = v[3 * ld];

  for (size_t c = 0; c < WIDTH; ++c)
    out[c] += (v0 * a[c] + v1 * a[lda + c]) + (v2 * a[2 * lda + c] + v3 * a[3 * lda + c]);
}

static inline __attribute__((always_inline)) void NAME(AddOne)(REAL v, const REAL *a, REAL *out)
{
  for (size_t c = 0; c < WIDTH; ++c) out[c] += v * a[c];
}

/* Adds n rows of one group, in x [rows, p], times p rows of A's panel to the product [rows, ld], which is row-major. */
WEFT_SIMD static void NAME(AddGroup)(size_t n, size_t p, const int row[], const REAL *x, size_t rows, const REAL *a,
                                     size_t ld, REAL *product)
{
  for (size_t c = 0; c < ld; c += WIDTH) {
    for (size_t e = 0; e < n; ++e) {
      REAL       *out = product + (size_t)row[e] * ld + c;
      const REAL *v = x + row[e];
      size_t      i = 0;
      for (; i + 4 <= p; i += 4) NAME(AddFour)(v + i * rows, rows, a + i * ld + c, ld, out);
      for (; i < p; ++i) NAME(AddOne)(v[i * rows], a + i * ld + c, out);
    }
  }
}

/* The block's products += atoms of x [rows, n p] times their rows of A's panel. */
static void NAME(AddProduct)(WeftStep s, size_t n, const size_t count[], const int row[], const REAL *x, const REAL *a)
{
  const PetscBLASInt rows = (PetscBLASInt)s->rows, width = (PetscBLASInt)s->atoms, inner = (PetscBLASInt)(n * s->p);
  const PetscBLASInt ld = (PetscBLASInt)s->ld;
  const REAL         one = 1;

  if (!n) return;
  if (!s->sparse) {
    GEMM("N", "T", &rows, &width, &inner, &one, x, &rows, a, &ld, &one, s->panel, &rows);
    return;
  }
  for (size_t g = 0; g < n; ++g) NAME(AddGroup)
  (count[g], s->p, row + g * s->rows, x + g * s->p * s->rows, s->rows, a + g * s->p * s->ld, s->ld, s->panel);
}

WEFT_SIMD static double NAME(Dot)(size_t n, const REAL *x, const REAL *y)
{
  double part[16] = {0};
  double sum = 0;
  size_t i = 0;

  for (; i + 16 <= n; i += 16)
    for (size_t l = 0; l < 16; ++l) part[l] += (double)x[i + l] * (double)y[i + l];
  for (; i < n; ++i) part[0] += (double)x[i] * (double)y[i];
  for (size_t l = 0; l < 16; ++l) sum += part[l];
  return sum;
}

/* ⟨x, product⟩ over the block, x [rows, width] */
static double NAME(Inner)(const WeftStep s, const size_t count[], const int row[], const REAL *x)
{
  const REAL *product = s->panel;
  double      sum = 0;

  if (!s->sparse) return NAME(Dot)(s->rows * s->atoms, x, product);
  for (size_t a = 0; a < s->atoms; ++a) {
    const size_t g = a / s->p;
    const int   *r = row + g * s->rows;
    for (size_t e = 0; e < count[g]; ++e)
      sum += (double)x[a * s->rows + (size_t)r[e]] * (double)product[(size_t)r[e] * s->ld + a];
  }
  return sum;
}

/* minus = B − product, column-major whatever the product is. */
WEFT_SIMD static void NAME(Subtract)(size_t rows, size_t atoms, size_t ld, PetscBool transposed, const double *b,
                                     const REAL *product, double *minus)
{
  if (!transposed) {
    for (size_t i = 0; i < rows * atoms; ++i) minus[i] = b[i] - (double)product[i];
    return;
  }
  for (size_t first = 0; first < rows; first += 16) {
    const size_t end = PetscMin(first + 16, rows);
    for (size_t c = 0; c < atoms; ++c)
      for (size_t j = first; j < end; ++j) minus[c * rows + j] = b[c * rows + j] - (double)product[j * ld + c];
  }
}

/* Of A, the block's [k, ld]. */
static const REAL *NAME(Panel)(const WeftStep s)
{
  return (const REAL *)s->panels + s->first / s->width * s->k * s->ld;
}

/* Left, own and right of the block one after the other; what is to be counted once and what by half falls off. */
static double NAME(Form)(WeftStep s)
{
  const size_t  g0 = s->first / s->p, own = s->atoms / s->p, end = g0 + own;
  const size_t *count = s->filled.count;
  const int    *row = s->filled.row;
  const REAL   *x = s->copy, *a = NAME(Panel)(s), *y = x + s->first * s->rows;
  double        half = 0;

  NAME(AddProduct)(s, g0, count, row, x, a);
  half -= 0.5 * NAME(Inner)(s, count + g0, row + g0 * s->rows, y);
  NAME(AddProduct)(s, own, count + g0, row + g0 * s->rows, y, a + s->first * s->ld);
  half -= 0.5 * NAME(Inner)(s, count + g0, row + g0 * s->rows, y);
  NAME(AddProduct)
  (s, s->groups - end, count + end, row + end * s->rows, x + end * s->p * s->rows, a + end * s->p * s->ld);
  half += NAME(Inner)(s, count + g0, row + g0 * s->rows, y);
  NAME(Subtract)(s->rows, s->atoms, s->ld, s->sparse, s->b + s->first * s->rows, s->panel, s->minus);
  return half;
}

static double NAME(Curvature)(WeftStep s)
{
  const REAL *a = NAME(Panel)(s), *change = s->change;

  NAME(AddProduct)(s, s->atoms / s->p, s->moved.count, s->moved.row, change, a + s->first * s->ld);
  return NAME(Inner)(s, s->moved.count, s->moved.row, change);
}

WEFT_SIMD static void NAME(Copy)(size_t n, const double *x, const double *minus, REAL *to)
{
  if (minus)
    for (size_t i = 0; i < n; ++i) to[i] = (REAL)(x[i] - minus[i]);
  else
    for (size_t i = 0; i < n; ++i) to[i] = (REAL)x[i];
}

static void NAME(Scatter)(size_t n, const int row[], const double *x, const double *minus, REAL *to)
{
  for (size_t i = 0; i < n; ++i) to[row[i]] = (REAL)(minus ? x[i] - minus[i] : x[i]);
}
