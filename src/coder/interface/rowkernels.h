/* Kernels on one sample's row, for REAL = float and double: gap.c includes this once for each. Sums are in double. */

/* Norms of the groups of u, or of u - r z where z is given; returns the largest. */
static double NAME(GroupNorms)(const WeftCoder coder, const REAL *u, const REAL *z, double norms[])
{
  const int p = coder->group_size;
  double    most = 0;

  for (int g = 0; g < coder->groups; ++g) {
    const double r = z ? coder->ridge[g] : 0;
    double       sum = 0;
    for (int i = 0; i < p; ++i) {
      const double v = (double)u[g * p + i] - (z ? r * (double)z[g * p + i] : 0.0);
      sum += v * v;
    }
    norms[g] = PetscSqrtReal(sum);
    most = norms[g] > most || !(norms[g] == norms[g]) ? norms[g] : most; /* what is not a number must not get lost */
  }
  return most;
}

static inline __attribute__((always_inline)) double NAME(LargestSquare)(size_t groups, size_t p, const REAL *u)
{
  double most = 0;

  for (size_t g = 0; g < groups; ++g) {
    double sum = 0;
    for (size_t i = 0; i < p; ++i) sum += (double)u[g * p + i] * (double)u[g * p + i];
    most = sum > most || !(sum == sum) ? sum : most; /* what is not a number must not get lost */
  }
  return most;
}

/* The largest of the group norms. */
WEFT_SIMD static double NAME(LargestNorm)(const WeftCoder coder, const REAL *u)
{
  double most;

  WEFT_BY_GROUP_SIZE(coder->group_size, p, most = NAME(LargestSquare)((size_t)coder->groups, (size_t)p, u))
  return sqrt(most);
}

/* t sum |z_g| + 1/2 sum r_g |z_g|^2 */
static double NAME(Penalty)(const WeftCoder coder, const REAL *z)
{
  const int p = coder->group_size;
  double    sum = 0;

  for (int g = 0; g < coder->groups; ++g) {
    double square = 0;
    for (int i = 0; i < p; ++i) square += (double)z[g * p + i] * (double)z[g * p + i];
    if (square > 0) sum += coder->threshold * PetscSqrtReal(square) + 0.5 * coder->ridge[g] * square;
  }
  return sum;
}

/* Each group in place: the minimiser of  t|z| + 1/2 r|z|^2 + 1/2 s|z - v|^2,  r its ridge or 0. */
static void NAME(Shrink)(const WeftCoder coder, double s, PetscBool with_ridge, REAL *v)
{
  const int p = coder->group_size;

  for (int g = 0; g < coder->groups; ++g, v += p) {
    double square = 0, scale = 0, norm;
    for (int i = 0; i < p; ++i) square += (double)v[i] * (double)v[i];
    norm = PetscSqrtReal(square);
    if (s * norm > coder->threshold) scale = (s - coder->threshold / norm) / (s + (with_ridge ? coder->ridge[g] : 0.0));
    for (int i = 0; i < p; ++i) v[i] = (REAL)(scale * (double)v[i]);
  }
}

WEFT_SIMD static double NAME(Dot)(size_t n, const REAL *a, const REAL *b)
{
  double part[8] = {0}; /* a fixed order of summation that the compiler can keep in vector registers */
  size_t j = 0;

  for (; j + 8 <= n; j += 8)
    for (size_t l = 0; l < 8; ++l) part[l] += (double)a[j + l] * (double)b[j + l];
  for (; j < n; ++j) part[0] += (double)a[j] * (double)b[j];
  return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

/* |a - b|^2 and |a|^2 */
static double NAME(Distance)(size_t n, const REAL *a, const REAL *b, double *square)
{
  double sum = 0;

  *square = 0;
  for (size_t j = 0; j < n; ++j) {
    const double v = (double)a[j] - (double)b[j];
    sum += v * v;
    *square += (double)a[j] * (double)a[j];
  }
  return sum;
}
