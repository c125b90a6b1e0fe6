#include <weft/dict.h>

static const size_t max_message = (size_t)1 << 26; /* numbers per reduction: MPI counts are 32 bits */

PetscErrorCode WeftStatisticsCreate(size_t d, size_t k, int group_size, WeftStatistics *s)
{
  PetscFunctionBegin;
  *s = (WeftStatistics){.d = d, .k = k, .group_size = group_size, .groups = (int)(k / (size_t)group_size)};
  PetscCall(PetscCalloc3(k * k, &s->a, k * d, &s->b, (size_t)s->groups, &s->count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsDestroy(WeftStatistics *s)
{
  PetscFunctionBegin;
  PetscCall(PetscFree3(s->a, s->b, s->count));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsClear(WeftStatistics *s)
{
  const size_t p = (size_t)s->group_size;

  PetscFunctionBegin;
  s->samples = 0;
  for (size_t i = 0; i < s->k; ++i) PetscCall(PetscArrayzero(s->a + i * s->k + i / p * p, s->k - i / p * p));
  PetscCall(PetscArrayzero(s->b, s->k * s->d));
  PetscCall(PetscArrayzero(s->count, s->groups));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The entries of some samples' codes in the order of their groups: whatever is added for a group then stays in cache,
   and a group's samples can be added several at a time. */
typedef struct {
  size_t *start;  /* [G + 1] */
  size_t *entry;  /* in the codes */
  size_t *sample; /* that the entry is of */
} ByGroup;

enum { TILE = 1024 }; /* samples put in order at a time */

static PetscErrorCode Order(const WeftCodes *codes, size_t first, size_t end, ByGroup *o)
{
  const size_t G = (size_t)codes->groups, from = codes->start[first], n = codes->start[end] - from;

  PetscFunctionBegin;
  PetscCall(PetscMalloc3(G + 1, &o->start, n, &o->entry, n, &o->sample));
  PetscCall(PetscArrayzero(o->start, G + 1));
  for (size_t e = from; e < from + n; ++e) ++o->start[codes->group[e] + 1];
  for (size_t g = 0; g < G; ++g) o->start[g + 1] += o->start[g];
  for (size_t i = end; i-- > first;) { /* from the back: a group's end moves down to its start */
    for (size_t e = codes->start[i]; e < codes->start[i + 1]; ++e) {
      const size_t at = --o->start[codes->group[e] + 1];
      o->entry[at] = e;
      o->sample[at] = i;
    }
  }
  for (size_t g = 0; g < G; ++g) o->start[g] = o->start[g + 1];
  o->start[G] = n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum += Σ z_e x_e over four samples, in both precisions of x. */
WEFT_SIMD static void AddFourSingle(size_t n, const double z[4], const float *const x[4], double *sum)
{
  const double z0 = z[0], z1 = z[1], z2 = z[2], z3 = z[3];
  const float *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];

  for (size_t j = 0; j < n; ++j)
    sum[j] += (z0 * (double)x0[j] + z1 * (double)x1[j]) + (z2 * (double)x2[j] + z3 * (double)x3[j]);
}

WEFT_SIMD static void AddFourDouble(size_t n, const double z[4], const double *const x[4], double *sum)
{
  const double  z0 = z[0], z1 = z[1], z2 = z[2], z3 = z[3];
  const double *x0 = x[0], *x1 = x[1], *x2 = x[2], *x3 = x[3];

  for (size_t j = 0; j < n; ++j) sum[j] += (z0 * x0[j] + z1 * x1[j]) + (z2 * x2[j] + z3 * x3[j]);
}

/* Rows gp .. gp + p − 1 of Σ z xᵀ: up to four samples, the same one with weight 0 where there are fewer. */
static void AddCorrelations(WeftStatistics *s, const WeftBlock *x, const WeftCodes *codes, const ByGroup *o, size_t g)
{
  const size_t p = (size_t)s->group_size, end = o->start[g + 1];

  for (size_t at = o->start[g]; at < end; at += 4) {
    const float  *single[4];
    const double *full[4];
    for (size_t l = 0; l < 4; ++l) {
      const size_t row = o->sample[at + l < end ? at + l : at] * s->d;
      single[l] = x->values.s + row;
      full[l] = x->values.d + row;
    }
    for (size_t i = 0; i < p; ++i) {
      double z[4];
      for (size_t l = 0; l < 4; ++l) z[l] = at + l < end ? codes->value[o->entry[at + l] * p + i] : 0;
      if (x->precision == WEFT_SINGLE)
        AddFourSingle(s->d, z, single, s->b + (g * p + i) * s->d);
      else
        AddFourDouble(s->d, z, full, s->b + (g * p + i) * s->d);
    }
  }
}

/* Row [k] += z times a sample's code. */
static inline __attribute__((always_inline)) void AddCode(size_t p, size_t active, double z, const int *group,
                                                          const double *value, double *row)
{
  for (size_t f = 0; f < active; ++f)
    for (size_t j = 0; j < p; ++j) row[(size_t)group[f] * p + j] += z * value[f * p + j];
}

/* Rows gp .. gp + p − 1 of Σ z zᵀ from column gp on: a sample's groups ascend. The usual group sizes are told to the
 * compiler: its inner loop is p long. */
WEFT_SIMD static void AddOuter(WeftStatistics *s, const WeftCodes *codes, const ByGroup *o, size_t g)
{
  const size_t p = (size_t)s->group_size;

  for (size_t at = o->start[g]; at < o->start[g + 1]; ++at) {
    const size_t  first = o->entry[at], active = codes->start[o->sample[at] + 1] - first;
    const int    *group = codes->group + first;
    const double *value = codes->value + first * p;
    for (size_t i = 0; i < p; ++i) {
      const double z = value[i];
      double      *row = s->a + (g * p + i) * s->k;
      if (p == 1)
        AddCode(1, active, z, group, value, row);
      else if (p == 4)
        AddCode(4, active, z, group, value, row);
      else
        AddCode(p, active, z, group, value, row);
    }
  }
}

PetscErrorCode WeftStatisticsAdd(WeftStatistics *s, const WeftBlock *x, const WeftCodes *codes)
{
  ByGroup order;

  PetscFunctionBegin;
  PetscCheck(codes->samples == x->rows && x->cols == s->d, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "%zu codes for %zu samples", codes->samples, x->rows);
  PetscCall(WeftEventBegin(WEFT_EVENT_STATISTICS));
  for (size_t first = 0; first < x->rows; first += TILE) {
    PetscCall(Order(codes, first, PetscMin(first + TILE, x->rows), &order));
    for (size_t g = 0; g < (size_t)s->groups; ++g) {
      s->count[g] += (double)(order.start[g + 1] - order.start[g]);
      AddOuter(s, codes, &order, g);
      AddCorrelations(s, x, codes, &order, g);
    }
    PetscCall(PetscFree3(order.start, order.entry, order.sample));
  }
  s->samples += (PetscInt64)x->rows;
  PetscCall(WeftEventEnd(WEFT_EVENT_STATISTICS));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How a message's numbers travel: buffers of n of them, and how they are read. */
static MPI_Datatype Travels(WeftPrecision precision)
{
  return precision == WEFT_SINGLE ? MPI_FLOAT : MPI_DOUBLE;
}

static void Pack(size_t n, const double *from, WeftPrecision precision, void *packed, size_t at)
{
  if (precision == WEFT_SINGLE)
    for (size_t i = 0; i < n; ++i) ((float *)packed)[at + i] = (float)from[i];
  else
    (void)PetscMemcpy((double *)packed + at, from, n * sizeof(double));
}

/* to = (1 − weight) to + factor from. Where weight is 1 what stood there does not count, NaN or not. */
static void Fold(size_t n, double weight, double factor, WeftPrecision precision, const void *from, size_t at,
                 double *to)
{
  const float  *s = (const float *)from + at;
  const double *d = (const double *)from + at;
  const double  keep = 1 - weight;

  if (weight == 1) (void)PetscArrayzero(to, n);
  if (precision == WEFT_SINGLE)
    for (size_t i = 0; i < n; ++i) to[i] = keep * to[i] + factor * (double)s[i];
  else
    for (size_t i = 0; i < n; ++i) to[i] = keep * to[i] + factor * d[i];
}

/* Rows [first, end) of the upper triangle from row first on, as many as fit a message; at least one. */
static size_t TriangleRows(size_t k, size_t first, size_t *numbers)
{
  size_t end = first;

  for (*numbers = 0; end < k && (end == first || *numbers + (k - end) <= max_message); ++end) *numbers += k - end;
  return end;
}

/* The lower triangle from the upper one, in squares that stay in cache. */
static void Mirror(size_t k, double *a)
{
  const size_t edge = 32;

  for (size_t i0 = 0; i0 < k; i0 += edge)
    for (size_t j0 = i0; j0 < k; j0 += edge)
      for (size_t j = j0; j < PetscMin(j0 + edge, k); ++j)
        for (size_t i = i0; i < PetscMin(i0 + edge, j); ++i) a[j * k + i] = a[i * k + j];
}

/* A is symmetric: its upper triangle travels. */
static PetscErrorCode FoldTriangle(MPI_Comm comm, const WeftStatistics *s, WeftPrecision precision, double weight,
                                   double factor, double *a)
{
  const size_t k = s->k;
  size_t       numbers;
  void        *packed;

  PetscFunctionBegin;
  (void)TriangleRows(k, 0, &numbers); /* the first message is the longest */
  PetscCall(PetscMalloc(numbers * WeftPrecisionBytes(precision), &packed));
  for (size_t first = 0, end; first < k; first = end) {
    size_t at = 0;
    end = TriangleRows(k, first, &numbers);
    for (size_t i = first; i < end; at += k - i, ++i) Pack(k - i, s->a + i * k + i, precision, packed, at);
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, packed, (int)numbers, Travels(precision), MPI_SUM, comm));
    at = 0;
    for (size_t i = first; i < end; at += k - i, ++i) Fold(k - i, weight, factor, precision, packed, at, a + i * k + i);
  }
  Mirror(k, a);
  PetscCall(PetscFree(packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Packs `atoms` atoms for a reduce-scatter: for each rank its rows of each atom, column after column. */
static void PackAtoms(const WeftStatistics *s, size_t first, size_t atoms, int size, const PetscInt ranges[],
                      WeftPrecision precision, void *packed)
{
  size_t at = 0;

  for (int r = 0; r < size; ++r) {
    const size_t rows = (size_t)(ranges[r + 1] - ranges[r]);
    for (size_t a = first; a < first + atoms; ++a, at += rows)
      Pack(rows, s->b + a * s->d + ranges[r], precision, packed, at);
  }
}

/* A rank's rows of some atoms are consecutive columns of its part of B. */
static PetscErrorCode FoldRows(MPI_Comm comm, const WeftStatistics *s, WeftPrecision precision, double weight,
                               double factor, const PetscInt ranges[], double *b)
{
  const size_t chunk = PetscMin(PetscMax(max_message / s->d, 1), s->k), bytes = WeftPrecisionBytes(precision);
  size_t       rows;
  int          size, rank, *counts;
  void        *packed, *mine;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  rows = (size_t)(ranges[rank + 1] - ranges[rank]);
  PetscCall(PetscMalloc1(size, &counts));
  PetscCall(PetscMalloc(chunk * s->d * bytes, &packed));
  PetscCall(PetscMalloc(chunk * rows * bytes, &mine));
  for (size_t first = 0; first < s->k; first += chunk) {
    const size_t atoms = PetscMin(chunk, s->k - first);
    PackAtoms(s, first, atoms, size, ranges, precision, packed);
    for (int r = 0; r < size; ++r) counts[r] = (int)((size_t)(ranges[r + 1] - ranges[r]) * atoms);
    PetscCallMPI(MPI_Reduce_scatter(packed, mine, counts, Travels(precision), MPI_SUM, comm));
    Fold(rows * atoms, weight, factor, precision, mine, 0, b + first * rows);
  }
  PetscCall(PetscFree(mine));
  PetscCall(PetscFree(packed));
  PetscCall(PetscFree(counts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Samples, and for each group in how many of them it is active and Σ ‖z_g‖², in one reduction. */
static PetscErrorCode ReduceGroups(MPI_Comm comm, const WeftStatistics *s, double usage[], double sizes[],
                                   PetscInt64 *n)
{
  const size_t G = (size_t)s->groups, p = (size_t)s->group_size;
  double      *sums, scale;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(1 + 2 * G, &sums));
  sums[0] = (double)s->samples;
  for (size_t g = 0; g < G; ++g) {
    sums[1 + g] = s->count[g];
    for (size_t a = g * p; a < (g + 1) * p; ++a) sums[1 + G + g] += s->a[a * s->k + a];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)(1 + 2 * G), MPI_DOUBLE, MPI_SUM, comm));
  *n = (PetscInt64)sums[0];
  scale = *n ? 1 / sums[0] : 0;
  for (size_t g = 0; g < G; ++g) {
    usage[g] = scale * sums[1 + g];
    if (sizes) sizes[g] = PetscSqrtReal(scale * sums[1 + G + g]);
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The upper triangle of the sums, which need no message, into all of A. */
static void FoldAlone(const WeftStatistics *s, double weight, double factor, double *a)
{
  for (size_t i = 0; i < s->k; ++i) Fold(s->k - i, weight, factor, WEFT_DOUBLE, s->a, i * s->k + i, a + i * s->k + i);
  Mirror(s->k, a);
}

static PetscErrorCode FoldMatrices(MPI_Comm comm, const WeftStatistics *s, WeftPrecision precision, double weight,
                                   PetscInt64 n, Mat A, Mat B)
{
  const double    factor = n ? weight / (double)n : 0;
  const PetscInt *ranges;
  double         *a, *b;
  int             size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCall(MatGetOwnershipRanges(B, &ranges));
  PetscCall(MatDenseGetArray(A, &a));
  PetscCall(MatDenseGetArray(B, &b));
  if (size == 1) {
    FoldAlone(s, weight, factor, a);
    Fold(s->k * s->d, weight, factor, WEFT_DOUBLE, s->b, 0, b);
  } else {
    PetscCall(FoldTriangle(comm, s, precision, weight, factor, a));
    PetscCall(FoldRows(comm, s, precision, weight, factor, ranges, b));
  }
  PetscCall(MatDenseRestoreArray(B, &b));
  PetscCall(MatDenseRestoreArray(A, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsFold(MPI_Comm comm, const WeftStatistics *s, WeftPrecision precision, double weight, Mat A,
                                  Mat B, double usage[], double sizes[], PetscInt64 *n)
{
  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_REDUCE));
  PetscCall(ReduceGroups(comm, s, usage, sizes, n));
  if (A && B) PetscCall(FoldMatrices(comm, s, precision, weight, *n, A, B));
  PetscCall(WeftEventEnd(WEFT_EVENT_REDUCE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsReduce(MPI_Comm comm, const WeftStatistics *s, Mat A, Mat B, double usage[], PetscInt64 *n)
{
  PetscFunctionBegin;
  PetscCall(WeftStatisticsFold(comm, s, WEFT_DOUBLE, 1, A, B, usage, NULL, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Columns gp .. gp + p − 1 of the local rows. */
static PetscErrorCode ZeroColumns(Mat M, int group_size, PetscInt g)
{
  PetscInt rows, lda;
  double  *values;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(M, &rows, NULL));
  PetscCall(MatDenseGetLDA(M, &lda));
  PetscCall(MatDenseGetArray(M, &values));
  for (PetscInt a = g * group_size; a < (g + 1) * group_size; ++a)
    PetscCall(PetscArrayzero(values + (size_t)a * (size_t)lda, rows));
  PetscCall(MatDenseRestoreArray(M, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsForgetGroup(Mat A, Mat B, int group_size, PetscInt g)
{
  PetscInt k;
  double  *values;

  PetscFunctionBegin;
  PetscCall(ZeroColumns(B, group_size, g));
  PetscCall(ZeroColumns(A, group_size, g));
  PetscCall(MatGetSize(A, &k, NULL));
  PetscCall(MatDenseGetArray(A, &values));
  for (PetscInt a = 0; a < k; ++a)
    for (PetscInt i = g * group_size; i < (g + 1) * group_size; ++i) values[(size_t)a * (size_t)k + (size_t)i] = 0;
  PetscCall(MatDenseRestoreArray(A, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}
