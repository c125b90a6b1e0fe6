/* The arithmetic of block coordinate descent for REAL = float and double: bcd.c includes this once for each.
   Everything that a sample's solve calls is inlined into it, so that it is compiled for each processor once. */

#define INLINE static inline __attribute__((always_inline))

/* out_g = Σ_j in_gj turn_gj for every group, turn_gj [p]: Q_gᵀ in_g with b->into, Q_g in_g with b->back. */
INLINE void NAME(RotateGroups)(size_t groups, size_t p, const REAL *restrict turn, const REAL *restrict in,
                               REAL *restrict out)
{
  for (size_t g = 0; g < groups; ++g, turn += p * p, in += p, out += p) {
    for (size_t i = 0; i < p; ++i) out[i] = 0;
    for (size_t j = 0; j < p; ++j)
      for (size_t i = 0; i < p; ++i) out[i] += in[j] * turn[j * p + i];
  }
}

WEFT_SIMD static void NAME(Rotate)(const WeftCoder coder, const WeftBlock *turn, const REAL *in, REAL *out)
{
  const size_t G = (size_t)coder->groups;

  switch (coder->group_size) { /* constant group sizes unroll */
  case 4:
    NAME(RotateGroups)(G, 4, turn->values.v, in, out);
    break;
  default:
    NAME(RotateGroups)(G, (size_t)coder->group_size, turn->values.v, in, out);
  }
}

/* Qᵀ G Q, with exactly diagonal blocks. */
static void NAME(RotateGram)(WeftCoder coder, BCD *b)
{
  const size_t k = coder->k, p = (size_t)coder->group_size;
  REAL        *gram = b->gram.values.v;
  const REAL  *from = coder->gram.values.v, *diagonal = b->diagonal.values.v;

  for (size_t a = 0; a < k; ++a) NAME(Rotate)(coder, &b->into, from + a * k, gram + a * k);
  for (size_t g = 0; g < (size_t)coder->groups; ++g) { /* rows now: Qᵀ on the left, column by column */
    const REAL *turn = (const REAL *)b->into.values.v + g * p * p;
    REAL       *rows = gram + g * p * k, *in = b->full.values.v, *out = in + p;
    for (size_t j = 0; j < k; ++j) {
      for (size_t i = 0; i < p; ++i) in[i] = rows[i * k + j];
      NAME(RotateGroups)(1, p, turn, in, out);
      for (size_t i = 0; i < p; ++i) rows[i * k + j] = out[i];
    }
    for (size_t i = 0; i < p; ++i)
      for (size_t j = 0; j < p; ++j) rows[i * k + g * p + j] = i == j ? diagonal[g * p + i] : 0;
  }
}

/* The group's exact minimiser for p coefficients (weft/group.h), in the precision of the path. */
INLINE void NAME(GroupSolve)(int p, const REAL *diagonal, REAL ridge, const REAL *v, REAL t, REAL *z)
{
  REAL norm = 0, s = 0;

  for (int i = 0; i < p; ++i) norm += v[i] * v[i];
  if (norm <= t * t) {
    for (int i = 0; i < p; ++i) z[i] = 0;
    return;
  }
  if (!(t > 0)) {
    for (int i = 0; i < p; ++i) z[i] = diagonal[i] + ridge > 0 ? v[i] / (diagonal[i] + ridge) : 0;
    return;
  }
  for (int it = 0; it < WEFT_GROUP_MAX_NEWTON; ++it) {
    REAL phi = 0, slope = 0, step;
    for (int i = 0; i < p; ++i) {
      const REAL h = diagonal[i] + ridge, r = 1 / (h * s + t), w = v[i] * r;
      phi += w * w;
      slope += w * w * h * r;
    }
    step = slope > 0 ? phi * ((REAL)sqrt((double)phi) - 1) / slope : 0;
    s = s + step > 0 ? s + step : 0;
    if (fabs((double)step) <= (sizeof(REAL) == 4 ? 1e-6 : 1e-15) * (double)s) break;
  }
  for (int i = 0; i < p; ++i) z[i] = v[i] * s / ((diagonal[i] + ridge) * s + t);
}

/* y −= Σ_i step_i row_i over p rows of length n. */
INLINE void NAME(SubtractRows)(size_t n, int p, const REAL *step, const REAL *rows, size_t ld, REAL *y)
{
  for (int i = 0; i < p; ++i) {
    const REAL v = step[i], *row = rows + (size_t)i * ld;
    for (size_t j = 0; j < n; ++j) y[j] -= v * row[j];
  }
}

/* One sweep of exact group minimisations over the working set; q stays c − G z. Returns whether the code moved by more
   than rounding. */
INLINE PetscBool NAME(Sweep)(const WeftCoder coder, BCD *b, int p, size_t ld)
{
  const double epsilon = sizeof(REAL) == 4 ? 2.4e-7 : 4.4e-16;
  const size_t n = (size_t)b->size * (size_t)p, k = coder->k;
  REAL        *local = b->local.values.v, *z = local + k, *q = local + 2 * k, *v = local + 3 * k, *step = local + 4 * k;
  const REAL  *sub = b->sub.values.v, *diagonal = b->diagonal.values.v;
  double       moved = 0, size = 0;

  for (int s = 0; s < b->size; ++s) {
    const size_t at = (size_t)s * (size_t)p;
    const REAL  *h = diagonal + (size_t)b->set[s] * (size_t)p;
    REAL         change = 0, square = 0;
    for (int i = 0; i < p; ++i) v[i] = q[at + (size_t)i] + h[i] * z[at + (size_t)i];
    NAME(GroupSolve)(p, h, (REAL)b->ridge[s], v, (REAL)coder->threshold, step);
    for (int i = 0; i < p; ++i) {
      const REAL next = step[i];
      step[i] = next - z[at + (size_t)i];
      z[at + (size_t)i] = next;
      change += step[i] * step[i];
      square += next * next;
    }
    moved += (double)change;
    size += (double)square;
    if (change > 0) NAME(SubtractRows)(n, p, step, sub + at * ld, ld, q);
  }
  return moved > epsilon * epsilon * size ? PETSC_TRUE : PETSC_FALSE;
}

/* The gap of the problem restricted to n groups, from their c, z and q. */
INLINE double NAME(Gap)(const WeftCoder coder, int n, int p, const double *ridge, double square, const REAL *c,
                        const REAL *z, const REAL *q, double *norms)
{
  WeftCoderParts   parts = {square, square, square, 0};
  WeftCoderProblem problem = {coder->threshold, n, ridge, coder->any_ridge, norms, 0};
  double           primal, gap;

  for (int g = 0; g < n; ++g) {
    double u = 0, size = 0, correlation = 0;
    for (int i = 0; i < p; ++i) {
      const double ci = (double)c[g * p + i], zi = (double)z[g * p + i], qi = (double)q[g * p + i];
      const double gradient = coder->threshold > 0 ? qi : qi - ridge[g] * zi;
      u += gradient * gradient;
      size += zi * zi;
      correlation += ci * ci;
      parts.inner -= ci * zi;
      parts.rho_square -= (ci + qi) * zi;
    }
    norms[g] = sqrt(u);
    if (size > 0) parts.penalty += coder->threshold * sqrt(size) + 0.5 * ridge[g] * size;
    problem.scale = PetscMax(problem.scale, sqrt(correlation));
  }
  parts.rho_square = PetscMax(parts.rho_square, 0.0);
  WeftCoderGap(&problem, &parts, &primal, &gap);
  return gap;
}

/* Puts group g at the end of the working set and fills its rows and columns of the set's Gram matrix. */
INLINE void NAME(AddGroup)(const WeftCoder coder, BCD *b, int p, size_t ld, int g)
{
  const size_t k = coder->k, P = (size_t)p, at = (size_t)b->size * P;
  const REAL  *gram = (const REAL *)b->gram.values.v + (size_t)g * P * k, *full = b->full.values.v;
  REAL        *sub = b->sub.values.v, *local = b->local.values.v;

  b->set[b->size] = g;
  b->place[g] = b->size;
  b->ridge[b->size] = coder->ridge[g];
  for (int s = 0; s <= b->size; ++s) {
    for (size_t i = 0; i < P; ++i) {
      for (size_t j = 0; j < P; ++j) {
        const REAL v = gram[i * k + (size_t)b->set[s] * P + j];
        sub[(at + i) * ld + (size_t)s * P + j] = v;
        sub[((size_t)s * P + j) * ld + at + i] = v;
      }
    }
  }
  for (size_t i = 0; i < P; ++i) {
    local[at + i] = full[(size_t)g * P + i];
    local[k + at + i] = full[k + (size_t)g * P + i];
    local[2 * k + at + i] = full[2 * k + (size_t)g * P + i];
  }
  ++b->size;
}

/* Room for a working set of n groups. Growing moves what is there to the new leading dimension. */
static PetscErrorCode NAME(Reserve)(const WeftCoder coder, BCD *b, int n)
{
  const size_t p = (size_t)coder->group_size, need = (size_t)n * p, used = (size_t)b->size * p;
  WeftBlock    grown;

  PetscFunctionBegin;
  if (need <= b->sub.rows) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftBlockCreate(PetscMin(2 * need, coder->k), PetscMin(2 * need, coder->k), b->gram.precision, &grown));
  for (size_t i = 0; i < used; ++i)
    PetscCall(PetscArraycpy((REAL *)grown.values.v + i * grown.cols, (REAL *)b->sub.values.v + i * b->sub.cols, used));
  PetscCall(WeftBlockDestroy(&b->sub));
  b->sub = grown;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Lets into the working set the groups whose correlation passes the threshold by at least part of the largest excess:
   the worst first, as one of them in the set often settles its neighbours. Returns how many. */
static PetscErrorCode NAME(GrowSet)(const WeftCoder coder, BCD *b, int *added)
{
  const double t = coder->threshold;
  double       most = t, enter;
  int          count = 0;

  PetscFunctionBegin;
  for (int g = 0; g < coder->groups; ++g)
    if (b->place[g] < 0) most = PetscMax(most, b->norms[g]);
  enter = t + 0.25 * (most - t);
  for (int g = 0; g < coder->groups; ++g) count += b->place[g] < 0 && b->norms[g] > enter;
  PetscCall(NAME(Reserve)(coder, b, b->size + count));
  for (int g = 0; g < coder->groups && count; ++g)
    if (b->place[g] < 0 && b->norms[g] > enter) NAME(AddGroup)(coder, b, coder->group_size, b->sub.cols, g);
  *added = count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Sweeps until the restricted gap is at the target or the code stands still. The objective falls with every sweep, but
   the gap may rise for many: that it does not fall is no reason to stop soon. */
INLINE void NAME(SweepUntil)(const WeftCoder coder, BCD *b, int p, double square, double target)
{
  const size_t k = coder->k;
  REAL        *local = b->local.values.v;
  PetscBool    moved = PETSC_TRUE;

  for (int sweep = 0; sweep < coder->max_iterations && moved; ++sweep) {
    moved = NAME(Sweep)(coder, b, p, b->sub.cols);
    if (NAME(Gap)(coder, b->size, p, b->ridge, square, local, local + k, local + 2 * k, b->norms) <= target) break;
  }
}

WEFT_SIMD static void NAME(SolveSet)(const WeftCoder coder, BCD *b, double square, double target)
{
  switch (coder->group_size) { /* constant group sizes unroll */
  case 1:
    NAME(SweepUntil)(coder, b, 1, square, target);
    break;
  case 4:
    NAME(SweepUntil)(coder, b, 4, square, target);
    break;
  default:
    NAME(SweepUntil)(coder, b, coder->group_size, square, target);
  }
}

/* q −= G (z_new − z_old) over the working set, z_new taken over. */
WEFT_SIMD static void NAME(TakeOver)(const WeftCoder coder, BCD *b)
{
  const size_t k = coder->k, p = (size_t)coder->group_size;
  REAL        *full = b->full.values.v, *z = full + k, *q = full + 2 * k;
  const REAL  *local = (const REAL *)b->local.values.v + k, *gram = b->gram.values.v;

  for (int s = 0; s < b->size; ++s) {
    for (size_t i = 0; i < p; ++i) {
      const size_t a = (size_t)b->set[s] * p + i;
      const REAL   step = local[(size_t)s * p + i] - z[a];
      if (step == 0) continue;
      z[a] += step;
      NAME(SubtractRows)(k, 1, &step, gram + a * k, k, q);
    }
  }
}

WEFT_SIMD static double NAME(WholeGap)(const WeftCoder coder, BCD *b, double square)
{
  const REAL *full = b->full.values.v;

  return NAME(Gap)(coder, coder->groups, coder->group_size, coder->ridge, square, full, full + coder->k,
                   full + 2 * coder->k, b->norms);
}

/* Rotated c and z, q = c − G z, and the working set of the active groups. */
static PetscErrorCode NAME(Start)(WeftCoder coder, BCD *b, const WeftCoderBatch *batch, size_t i)
{
  const size_t k = coder->k, p = (size_t)coder->group_size;
  const REAL  *c = (const REAL *)batch->c.values.v + i * k, *z = (const REAL *)batch->z.values.v + i * k;
  REAL        *full = b->full.values.v;
  int          active = 0;

  PetscFunctionBegin;
  NAME(Rotate)(coder, &b->into, c, full);
  NAME(Rotate)(coder, &b->into, z, full + k);
  PetscCall(PetscArraycpy(full + 2 * k, full, k));
  b->size = 0;
  for (size_t a = 0; a < k; ++a)
    if (full[k + a] != 0)
      NAME(SubtractRows)(k, 1, full + k + a, (const REAL *)b->gram.values.v + a * k, k, full + 2 * k);
  for (int g = 0; g < coder->groups; ++g) {
    b->norms[g] = 0;
    for (size_t j = 0; j < p; ++j) b->norms[g] += fabs((double)full[k + (size_t)g * p + j]);
    active += b->norms[g] > 0;
  }
  PetscCall(NAME(Reserve)(coder, b, active));
  for (int g = 0; g < coder->groups; ++g)
    if (b->norms[g] > 0) NAME(AddGroup)(coder, b, (int)p, b->sub.cols, g);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode NAME(SolveSample)(WeftCoder coder, BCD *b, WeftCoderBatch *batch, size_t i, double target)
{
  const size_t k = coder->k, p = (size_t)coder->group_size;
  REAL        *full = b->full.values.v, *local = b->local.values.v;
  double       inner = 0.3 * target;
  int          added = 0, idle = 0;

  PetscFunctionBegin;
  PetscCall(NAME(Start)(coder, b, batch, i));
  for (int set = 0; set < b->max_sets && idle < 3; ++set) {
    if (NAME(WholeGap)(coder, b, batch->square[i]) <= target) break;
    PetscCall(NAME(GrowSet)(coder, b, &added));
    for (int s = 0; s < b->size; ++s) /* q anew from the whole: the working set's own drifts by rounding */
      PetscCall(PetscArraycpy(local + 2 * k + (size_t)s * p, full + 2 * k + (size_t)b->set[s] * p, p));
    if (!added) {
      inner *= 0.1;
      ++idle;
    }
    NAME(SolveSet)(coder, b, batch->square[i], inner);
    NAME(TakeOver)(coder, b);
  }
  for (int s = 0; s < b->size; ++s) b->place[b->set[s]] = -1;
  NAME(Rotate)(coder, &b->back, full + k, (REAL *)batch->z.values.v + i * k);
  PetscFunctionReturn(PETSC_SUCCESS);
}

#undef INLINE
