/* The arithmetic of an iteration for REAL = float and double: admm.c includes this once for each. */

/* w's optimality in q: rho u = q − r w where w is optimal. From q in the place of z to that u, there and in next. */
static void NAME(FirstMultiplier)(const WeftCoder coder, Splitting *s)
{
  const size_t count = s->rows.n * coder->k, p = (size_t)coder->group_size;
  const REAL  *w = s->w.values.v;
  REAL        *z = s->z.values.v, *next = s->next.values.v;

  for (size_t i = 0; i < count; ++i) {
    const double r = coder->ridge[i % coder->k / p];
    next[i] = z[i] = (REAL)(((double)z[i] - r * (double)w[i]) / s->rho);
  }
}

/* From c in the place of z to what z is solved from: c + rho (w − u). */
static void NAME(RightSide)(Splitting *s)
{
  const size_t count = s->rows.n * s->z.cols;
  const REAL   rho = (REAL)s->rho, *w = s->w.values.v, *u = s->u.values.v;
  REAL        *z = s->z.values.v;

  for (size_t i = 0; i < count; ++i) z[i] += rho * (w[i] - u[i]);
}

/* The over-relaxed z plus u, in the places of z and of the next w. */
static void NAME(Relax)(Splitting *s)
{
  const size_t count = s->rows.n * s->z.cols;
  const REAL   over = (REAL)relaxation, under = (REAL)(1.0 - relaxation), *w = s->w.values.v, *u = s->u.values.v;
  REAL        *z = s->z.values.v, *next = s->next.values.v;

  for (size_t i = 0; i < count; ++i) next[i] = z[i] = over * z[i] + under * w[i] + u[i];
}

/* u_j = z_j − next_j, z being what next was shrunk from. The residuals are the changes of u (primal) and w (dual). */
static Residuals NAME(Multiplier)(Splitting *s, size_t j)
{
  const size_t k = s->z.cols, at = j * k;
  const REAL  *z = (REAL *)s->z.values.v + at, *w = (REAL *)s->w.values.v + at, *next = (REAL *)s->next.values.v + at;
  REAL        *u = (REAL *)s->u.values.v + at;
  Residuals    r = {0, 0, 0, 0};

  for (size_t a = 0; a < k; ++a) {
    const double v = (double)z[a] - (double)next[a], du = v - (double)u[a], dw = (double)next[a] - (double)w[a];
    r.primal += du * du;
    r.dual += dw * dw;
    r.code += (double)next[a] * (double)next[a];
    r.multiplier += v * v;
    u[a] = (REAL)v;
  }
  return r;
}

static void NAME(ScaleMultiplier)(Splitting *s, double by)
{
  const size_t count = s->rows.n * s->u.cols;
  REAL        *u = s->u.values.v;

  for (size_t i = 0; i < count; ++i) u[i] *= (REAL)by;
}
