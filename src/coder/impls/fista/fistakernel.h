/* The arithmetic of a step for REAL = float and double: fista.c includes this once for each. */

/* next = y + q(y) / L */
static void NAME(GradientStep)(Iterates *it)
{
  const size_t count = it->rows.n * it->y.cols;
  const REAL   step = (REAL)(1.0 / it->lipschitz), *y = it->y.values.v, *q_y = it->q_y.values.v;
  REAL        *next = it->next.values.v;

  for (size_t i = 0; i < count; ++i) next[i] = y[i] + step * q_y[i];
}

/* Of the steps s = next − y of sample j. */
static Step NAME(Judge)(const Iterates *it, size_t j)
{
  const size_t k = it->y.cols, at = j * k;
  const REAL  *z = (REAL *)it->z.values.v + at, *y = (REAL *)it->y.values.v + at, *q_y = (REAL *)it->q_y.values.v + at;
  const REAL  *next = (REAL *)it->next.values.v + at, *q_next = (REAL *)it->q_next.values.v + at;
  double       curvature = 0, square = 0, uphill = 0;

  for (size_t a = 0; a < k; ++a) {
    const double s = (double)next[a] - (double)y[a];
    curvature += s * ((double)q_y[a] - (double)q_next[a]);
    square += s * s;
    uphill -= s * ((double)next[a] - (double)z[a]);
  }
  return (Step){curvature, square, uphill > 0 ? PETSC_TRUE : PETSC_FALSE};
}

/* y_j = next_j + beta (next_j − z_j), and the same of q, which is affine. */
static void NAME(Extrapolate)(Iterates *it, size_t j, double beta)
{
  const size_t k = it->y.cols, at = j * k;
  const REAL  *z = (REAL *)it->z.values.v + at, *next = (REAL *)it->next.values.v + at;
  const REAL  *q = (REAL *)it->q.values.v + at, *q_next = (REAL *)it->q_next.values.v + at, b = (REAL)beta;
  REAL        *y = (REAL *)it->y.values.v + at, *q_y = (REAL *)it->q_y.values.v + at;

  for (size_t a = 0; a < k; ++a) {
    y[a] = next[a] + b * (next[a] - z[a]);
    q_y[a] = q_next[a] + b * (q_next[a] - q[a]);
  }
}
