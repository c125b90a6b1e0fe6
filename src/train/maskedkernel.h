/* The loops of masked.c for REAL = float and double: it includes this once for each. A row holds one unit's or input's
   values over a batch, ld of them, a multiple of the LANES of a vector, so that a connection is p multiply-adds of
   whole vectors. Vectors are GNU C's, as in the coder's products. */

#define LANES (64 / sizeof(REAL))
typedef REAL NAME(Vector) __attribute__((vector_size(64), aligned(sizeof(REAL)), may_alias));
typedef REAL NAME(Half) __attribute__((vector_size(32)));
typedef REAL NAME(Quarter) __attribute__((vector_size(16)));

/* h = Σ_c w_c u_c for some atoms of a group and some vectors of the batch, both constants. */
static inline __attribute__((always_inline)) void NAME(Forward)(const WeftConnections *c, const REAL *w, const REAL *u,
                                                                size_t ld, int atoms, int vectors, REAL *h)
{
  NAME(Vector) sum[4][4] = {{{0}}};

  for (size_t i = 0; i < c->count; ++i) {
    const REAL *weight = w + (c->row ? (size_t)c->row[i] : i) * c->p;
    const NAME(Vector) *in = (const NAME(Vector) *)(u + (size_t)c->input[i] * ld);
    for (int v = 0; v < vectors; ++v)
      for (int a = 0; a < atoms; ++a) sum[a][v] += weight[a] * in[v];
  }
  for (int a = 0; a < atoms; ++a)
    for (int v = 0; v < vectors; ++v) ((NAME(Vector) *)(h + (size_t)a * ld))[v] = sum[a][v];
}

/* u += Σ_a w_a dh_a for each connection of a group. */
static inline __attribute__((always_inline)) void NAME(Inputs)(const WeftConnections *c, const REAL *w, const REAL *dh,
                                                               size_t ld, int atoms, int vectors, REAL *du)
{
  NAME(Vector) h[4][4];

  for (int a = 0; a < atoms; ++a)
    for (int v = 0; v < vectors; ++v) h[a][v] = ((const NAME(Vector) *)(dh + (size_t)a * ld))[v];
  for (size_t i = 0; i < c->count; ++i) {
    const REAL *from = w + (c->row ? (size_t)c->row[i] : i) * c->p;
    NAME(Vector) *out = (NAME(Vector) *)(du + (size_t)c->input[i] * ld), sum[4];
    REAL weight[4];
    for (int a = 0; a < atoms; ++a) weight[a] = from[a];
    for (int v = 0; v < vectors; ++v) sum[v] = out[v];
    for (int a = 0; a < atoms; ++a)
      for (int v = 0; v < vectors; ++v) sum[v] += weight[a] * h[a][v];
    for (int v = 0; v < vectors; ++v) out[v] = sum[v];
  }
}

/* The sum over a vector's lanes, halved and halved again: a chain of additions would take longer than what it adds up.
 */
static inline __attribute__((always_inline)) REAL NAME(Sum)(NAME(Vector) v)
{
  union {
    NAME(Vector) whole;
    NAME(Half) half[2];
  } two = {v};
  union {
    NAME(Half) whole;
    NAME(Quarter) quarter[2];
  } four = {two.half[0] + two.half[1]};
  const NAME(Quarter) q = four.quarter[0] + four.quarter[1];

  return LANES == 16 ? (q[0] + q[1]) + (q[2 % (LANES / 4)] + q[3 % (LANES / 4)]) : q[0] + q[1];
}

/* sums_c += u_c dh lane by lane, of the rows of weights that the connections have: [row][p] vectors, whose lanes are
   added up later. */
static inline __attribute__((always_inline)) void NAME(Weights)(const WeftConnections *c, const REAL *u, const REAL *dh,
                                                                size_t ld, int atoms, int vectors, NAME(Vector) * sums)
{
  NAME(Vector) h[4][4];

  for (int a = 0; a < atoms; ++a)
    for (int v = 0; v < vectors; ++v) h[a][v] = ((const NAME(Vector) *)(dh + (size_t)a * ld))[v];
  for (size_t i = 0; i < c->count; ++i) {
    const NAME(Vector) *in = (const NAME(Vector) *)(u + (size_t)c->input[i] * ld);
    NAME(Vector) *to = sums + (c->row ? (size_t)c->row[i] : i) * c->p, sum[4];
    for (int a = 0; a < atoms; ++a) sum[a] = to[a];
    for (int v = 0; v < vectors; ++v)
      for (int a = 0; a < atoms; ++a) sum[a] += in[v] * h[a][v];
    for (int a = 0; a < atoms; ++a) to[a] = sum[a];
  }
}

/* Constants unroll, so each width and number of atoms is its own code: from 4 vectors at a time to what is left. */
#define WIDTHS(call)                                                                                                   \
  for (size_t v = 0; v < ld / LANES; v += 4) {                                                                         \
    const size_t at = v * LANES, left = ld / LANES - v;                                                                \
    if (left >= 4)                                                                                                     \
      call(4);                                                                                                         \
    else if (left == 3)                                                                                                \
      call(3);                                                                                                         \
    else if (left == 2)                                                                                                \
      call(2);                                                                                                         \
    else                                                                                                               \
      call(1);                                                                                                         \
  }
#define CALL4(vectors) CALL(4, vectors)
#define CALL3(vectors) CALL(3, vectors)
#define CALL2(vectors) CALL(2, vectors)
#define CALL1(vectors) CALL(1, vectors)
#define ATOMS(p)                                                                                                       \
  for (size_t a = 0; a < (p); a += 4) {                                                                                \
    const size_t rest = (p)-a;                                                                                         \
    if (rest >= 4)                                                                                                     \
      WIDTHS(CALL4) else if (rest == 3) WIDTHS(CALL3) else if (rest == 2) WIDTHS(CALL2) else WIDTHS(CALL1)             \
  }

WEFT_SIMD static void NAME(GroupForward)(const WeftConnections *c, const REAL *w, const REAL *u, size_t ld, REAL *h){
#define CALL(atoms, vectors) NAME(Forward)(c, w + a, u + at, ld, atoms, vectors, h + a * ld + at)
  ATOMS(c->p)
#undef CALL
}

WEFT_SIMD static void NAME(GroupInputs)(const WeftConnections *c, const REAL *w, const REAL *dh, size_t ld, REAL *du){
#define CALL(atoms, vectors) NAME(Inputs)(c, w + a, dh + a * ld + at, ld, atoms, vectors, du + at)
  ATOMS(c->p)
#undef CALL
}

WEFT_SIMD
  static void NAME(GroupWeights)(const WeftConnections *c, const REAL *u, const REAL *dh, size_t ld, REAL *sums){
#define CALL(atoms, vectors) NAME(Weights)(c, u + at, dh + a * ld + at, ld, atoms, vectors, (NAME(Vector) *)sums + a)
    ATOMS(c->p)
#undef CALL
  }

/* gw_i += the lanes of sums_i, which become 0. */
WEFT_SIMD static void NAME(AddLanes)(size_t count, REAL *sums, REAL *gw)
{
  NAME(Vector) *from = (NAME(Vector) *)sums;

  for (size_t i = 0; i < count; ++i) {
    gw[i] += NAME(Sum)(from[i]);
    from[i] = (NAME(Vector)){0};
  }
}

/* y = max(0, sqrt(Σ h² + ε) − t) over the rows of a pool. */
WEFT_SIMD static void NAME(Pool)(size_t count, const size_t row[], const REAL *h, size_t ld, double epsilon,
                                 double threshold, REAL *y)
{
  const REAL t = (REAL)threshold;

  for (size_t i = 0; i < ld; ++i) y[i] = (REAL)epsilon;
  for (size_t k = 0; k < count; ++k) {
    const REAL *r = h + row[k] * ld;
    WEFT_VECTOR_LOOP()
    for (size_t i = 0; i < ld; ++i) y[i] += r[i] * r[i];
  }
  WEFT_VECTOR_LOOP()
  for (size_t i = 0; i < ld; ++i) {
    const REAL over = (REAL)sqrt(y[i]) - t;
    y[i] = over > 0 ? over : 0;
  }
}

/* dy <- dy / (norm of the pool), 0 under the threshold; then h <- h dy (+ ds): the gradient in h's place. */
WEFT_SIMD static void NAME(PoolBackward)(size_t count, const size_t row[], const REAL *y, size_t ld, double threshold,
                                         REAL *dy, REAL *h, const REAL *ds)
{
  const REAL t = (REAL)threshold;

  WEFT_VECTOR_LOOP()
  for (size_t i = 0; i < ld; ++i) dy[i] = y[i] > 0 ? dy[i] / (y[i] + t) : 0;
  for (size_t k = 0; k < count; ++k) {
    REAL       *r = h + row[k] * ld;
    const REAL *s = ds ? ds + row[k] * ld : NULL;
    if (s) {
      WEFT_VECTOR_LOOP()
      for (size_t i = 0; i < ld; ++i) r[i] = r[i] * dy[i] + s[i];
    } else {
      WEFT_VECTOR_LOOP()
      for (size_t i = 0; i < ld; ++i) r[i] *= dy[i];
    }
  }
}
#undef WIDTHS
#undef ATOMS
#undef CALL4
#undef CALL3
#undef CALL2
#undef CALL1
#undef LANES
