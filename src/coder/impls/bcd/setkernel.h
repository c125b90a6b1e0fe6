/* From all groups to a sample's working set and back, for REAL = float and double: bcd.c includes this once for each.
   What a loop calls is inlined into it, so that it is compiled for each processor once. */

#define INLINE static inline __attribute__((always_inline))

/* out_g = Σ_j in_gj turn_gj for one group, turn_gj [p]: Q_gᵀ in_g with b->into, Q_g in_g with b->back. */
INLINE void NAME(Rotate)(size_t p, const REAL *restrict turn, const REAL *restrict in, REAL *restrict out)
{
  for (size_t i = 0; i < p; ++i) out[i] = in[0] * turn[i];
  for (size_t j = 1; j < p; ++j)
    for (size_t i = 0; i < p; ++i) out[i] += in[j] * turn[j * p + i];
}

/* Rows of G Q become those of Qᵀ G Q for group g, some columns at a time; work: room for p ROTATE_COLUMNS. */
INLINE void NAME(RotateRows)(size_t k, size_t p, const REAL *turn, REAL *rows, REAL *work)
{
  for (size_t first = 0; first < k; first += ROTATE_COLUMNS) {
    const size_t cols = PetscMin((size_t)ROTATE_COLUMNS, k - first);
    for (size_t i = 0; i < p; ++i)
      for (size_t j = 0; j < cols; ++j) work[i * ROTATE_COLUMNS + j] = turn[i] * rows[first + j];
    for (size_t m = 1; m < p; ++m)
      for (size_t i = 0; i < p; ++i)
        for (size_t j = 0; j < cols; ++j) work[i * ROTATE_COLUMNS + j] += turn[m * p + i] * rows[m * k + first + j];
    for (size_t i = 0; i < p; ++i)
      for (size_t j = 0; j < cols; ++j) rows[i * k + first + j] = work[i * ROTATE_COLUMNS + j];
  }
}

INLINE void NAME(RotateBy)(const WeftCoder coder, BCD *b, size_t p)
{
  const size_t k = coder->k, G = (size_t)coder->groups;
  const REAL  *from = coder->gram.values.v, *diagonal = b->diagonal.values.v, *into = b->into.values.v;
  REAL        *gram = b->gram.values.v;

  for (size_t a = 0; a < k; ++a)
    for (size_t g = 0; g < G; ++g) NAME(Rotate)(p, into + g * p * p, from + a * k + g * p, gram + a * k + g * p);
  for (size_t g = 0; g < G; ++g) {
    REAL *rows = gram + g * p * k;
    NAME(RotateRows)(k, p, into + g * p * p, rows, b->local.values.v);
    for (size_t i = 0; i < p; ++i)
      for (size_t j = 0; j < p; ++j) rows[i * k + g * p + j] = i == j ? diagonal[g * p + i] : 0;
  }
}

/* Qᵀ G Q, with exactly diagonal blocks. */
WEFT_SIMD static void NAME(RotateGram)(const WeftCoder coder, BCD *b){
  WEFT_BY_GROUP_SIZE(coder->group_size, p, NAME(RotateBy)(coder, b, (size_t)p))}

INLINE REAL NAME(SquaresBy)(size_t groups, size_t p, const REAL *q, REAL *square)
{
  REAL most = 0;

  for (size_t g = 0; g < groups; ++g) {
    REAL sum = 0;
    for (size_t i = 0; i < p; ++i) sum += q[g * p + i] * q[g * p + i];
    square[g] = sum;
  }
  WEFT_VECTOR_LOOP(reduction(max : most))
  for (size_t g = 0; g < groups; ++g) most = square[g] > most ? square[g] : most;
  return most;
}

/* ‖q_g‖² of all groups of row j; returns the largest. */
WEFT_SIMD static double NAME(Squares)(const WeftCoder coder, BCD *b, size_t j)
{
  const REAL *q = (const REAL *)b->q.values.v + j * coder->k;
  REAL        most;

  WEFT_BY_GROUP_SIZE(coder->group_size, p,
                     most = NAME(SquaresBy)((size_t)coder->groups, (size_t)p, q, b->square.values.v))
  return (double)most;
}

/* c·z, q·z and the penalty of row j without ridges, from its nonzeros. */
INLINE void NAME(SumsBy)(const WeftCoder coder, const BCD *b, const REAL *c, size_t j, int p, double *cz, double *qz,
                         double *penalty)
{
  const WeftCoderNonzeros *nz = &b->nonzeros;
  const REAL              *value = nz->value.values.v, *q = (const REAL *)b->q.values.v + j * coder->k;

  *cz = *qz = *penalty = 0;
  for (size_t l = nz->start[j]; l < nz->start[j + 1];) {
    const int g = nz->column[l] / p;
    double    square = 0;
    for (; l < nz->start[j + 1] && nz->column[l] / p == g; ++l) {
      const double z = (double)value[l];
      *cz += (double)c[nz->column[l]] * z;
      *qz += (double)q[nz->column[l]] * z;
      square += z * z;
    }
    *penalty += coder->threshold * sqrt(square);
  }
}

/* The gap of row j without ridges and at λ > 0, from its nonzeros and the largest ‖q_g‖. */
static double NAME(WholeGap)(const WeftCoder coder, const BCD *b, const WeftCoderBatch *batch, size_t j, double largest)
{
  const WeftCoderProblem problem = {coder->threshold, coder->groups, NULL, PETSC_FALSE, NULL, 0, largest};
  const REAL            *c = (const REAL *)batch->c.values.v + b->index[j] * coder->k;
  const double           square = batch->square[b->index[j]];
  double                 cz, qz, penalty, primal, gap;
  WeftCoderParts         parts;

  WEFT_BY_GROUP_SIZE(coder->group_size, p, NAME(SumsBy)(coder, b, c, j, p, &cz, &qz, &penalty))
  parts = (WeftCoderParts){square, square - cz, PetscMax(square - cz - qz, 0.0), penalty};
  WeftCoderGap(&problem, &parts, &primal, &gap);
  return gap;
}

WEFT_SIMD static REAL NAME(Largest)(size_t n, const REAL *v)
{
  REAL most = 0;

  WEFT_VECTOR_LOOP(reduction(max : most))
  for (size_t i = 0; i < n; ++i) most = v[i] > most ? v[i] : most;
  return most;
}

WEFT_SIMD static size_t NAME(CountAbove)(size_t n, const REAL *v, REAL bound)
{
  int count = 0;

  for (size_t i = 0; i < n; ++i) count += v[i] > bound;
  return (size_t)count;
}

/* The active groups of a row; returns how many. Marks them in square, so that they do not join twice. */
INLINE int NAME(ActiveGroups)(const WeftCoderNonzeros *nz, size_t row, int p, int group[], REAL *square)
{
  int count = 0;

  for (size_t l = nz->start[row]; l < nz->start[row + 1]; ++l) {
    const int g = nz->column[l] / p;
    if (count && group[count - 1] == g) continue;
    group[count++] = g;
    square[g] = 0;
  }
  return count;
}

/* The bound on ‖q_g‖² over which groups join: λ√p itself (and what the gap does not notice, as groups that could be
   active instead of others have norms just there), or more as long as that lets too many in. The worst go first, as
   one of them in the set often settles its neighbours. Where too many are equally bad, as copies of a group are, all of
   them join: no bound would part them. */
static REAL NAME(EntryBound)(const WeftCoder coder, double target, const REAL *square, int active)
{
  const size_t G = (size_t)coder->groups;
  const double t = coder->threshold, most = sqrt((double)NAME(Largest)(G, square));
  const size_t room = PetscMax(FIRST_ATOMS / (size_t)coder->group_size, (size_t)active) + 1;
  double       enter = PetscMax(t * (1.0 + 0.1 * target), active ? 0.0 : t + FIRST_PART * (most - t));
  REAL         bound = (REAL)(enter * enter);

  for (size_t count = NAME(CountAbove)(G, square, bound); count > room;) {
    REAL further;
    enter += 0.25 * (most - enter);
    further = (REAL)(enter * enter);
    count = NAME(CountAbove)(G, square, further);
    if (!count || !(further > bound)) break;
    bound = further;
  }
  return bound;
}

/* The working set of a row, whose squares are in b: its active groups, then those that join. Returns how many. */
static int NAME(ChooseSet)(const WeftCoder coder, BCD *b, size_t row, double target, int group[], int *joined)
{
  REAL *square = b->square.values.v, bound;
  int   active, count;

  WEFT_BY_GROUP_SIZE(coder->group_size, p, active = NAME(ActiveGroups)(&b->nonzeros, row, p, group, square))
  count = active;
  bound = NAME(EntryBound)(coder, target, square, active);
  for (int first = 0; first < coder->groups; first += SCAN_GROUPS) {
    const int last = PetscMin(first + SCAN_GROUPS, coder->groups);
    int       any = 0;
    for (int g = first; g < last; ++g) any |= square[g] > bound;
    for (int g = first; g < last && any; ++g)
      if (square[g] > bound) group[count++] = g;
  }
  *joined = count - active;
  return count;
}

/* Rows of the Gram matrix of a sample's working set: those of group g, which is at the given place in it. */
INLINE void NAME(GatherBy)(size_t k, size_t p, const REAL *rows, const int *group, size_t n, size_t ld, REAL *to)
{
  for (size_t i = 0; i < p; ++i, rows += k, to += ld) {
    for (size_t s = 0; s < n; ++s)
      for (size_t l = 0; l < p; ++l) to[s * p + l] = rows[(size_t)group[s] * p + l];
    for (size_t l = n * p; l < ld; ++l) to[l] = 0;
  }
}

INLINE void NAME(GatherAll)(const WeftCoder coder, BCD *b, size_t p)
{
  const size_t k = coder->k;
  const Sets  *s = &b->sets;

  for (int g = 0; g < coder->groups; ++g) {
    const REAL *rows = (const REAL *)b->gram.values.v + (size_t)g * p * k;
    if (g + 1 < coder->groups && s->head[g + 1] < s->head[g + 2]) /* the next rows come while these are read */
      for (size_t j = 0; j < p * k; j += 64 / sizeof(REAL)) __builtin_prefetch(rows + p * k + j);
    for (size_t e = s->head[g]; e < s->head[g + 1]; ++e) {
      const size_t j = (size_t)s->sample[e], n = s->start[j + 1] - s->start[j], ld = Padded(n * p);
      NAME(GatherBy)
      (k, p, rows, s->group + s->start[j], n, ld,
       (REAL *)s->gram.values.v + s->offset[j] + (size_t)s->place[e] * p * ld);
    }
  }
}

/* The Gram matrices of all sets: a row of the whole stays in cache while every sample that needs it takes its part. */
WEFT_SIMD static void NAME(Gather)(const WeftCoder coder, BCD *b)
{
  WEFT_BY_GROUP_SIZE(coder->group_size, p, NAME(GatherAll)(coder, b, (size_t)p))
}
