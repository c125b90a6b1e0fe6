/* Sums of all ranks into running means. What was folded is cleared at once, while it is in cache. */
#include "dictimpl.h"
#include <string.h>

enum { EDGE = 8 }; /* of the squares that are mirrored: a cache line of doubles */

static const size_t max_message = (size_t)1 << 26; /* numbers per reduction: MPI counts are 32 bits */

static MPI_Datatype Travels(WeftPrecision precision)
{
  return precision == WEFT_SINGLE ? MPI_FLOAT : MPI_DOUBLE;
}

/* Sums in double that travel in single: to may be where from begins, as it stays behind. */
static void Narrow(size_t n, const double *from, char *to)
{
  for (size_t i = 0; i < n; ++i) {
    const float value = (float)from[i];
    memcpy(to + i * sizeof(float), &value, sizeof(float));
  }
}

/* to = (1 − weight) to + factor from, and from = 0. Where weight is 1 what stood there does not count, NaN or not. */
WEFT_SIMD static void FoldSingle(size_t n, double weight, double factor, float *restrict from, double *restrict to)
{
  const double keep = 1 - weight;

  if (weight == 1)
    for (size_t i = 0; i < n; ++i) to[i] = factor * (double)from[i];
  else
    for (size_t i = 0; i < n; ++i) to[i] = keep * to[i] + factor * (double)from[i];
  memset(from, 0, n * sizeof(float));
}

WEFT_SIMD static void FoldDouble(size_t n, double weight, double factor, double *restrict from, double *restrict to)
{
  const double keep = 1 - weight;

  if (weight == 1)
    for (size_t i = 0; i < n; ++i) to[i] = factor * from[i];
  else
    for (size_t i = 0; i < n; ++i) to[i] = keep * to[i] + factor * from[i];
  memset(from, 0, n * sizeof(double));
}

/* Numbers from `at` on of an array in that precision. */
static void Fold(size_t n, double weight, double factor, WeftPrecision precision, void *from, size_t at, double *to)
{
  if (!n) return; /* a rank without rows has no arrays */
  if (precision == WEFT_SINGLE)
    FoldSingle(n, weight, factor, (float *)from + at, to);
  else
    FoldDouble(n, weight, factor, (double *)from + at, to);
}

/* One square of the lower triangle, [n, m] at `to`, from the upper one's [m, n] at `from`. By way of a small square, as
   rows that are a power of two apart push each other out of cache. */
WEFT_SIMD static void MirrorSquare(size_t m, size_t n, size_t k, const double *from, double *to)
{
  double square[EDGE][EDGE];

  if (m == EDGE && n == EDGE) {
    for (size_t i = 0; i < EDGE; ++i)
      for (size_t j = 0; j < EDGE; ++j) square[j][i] = from[i * k + j];
    for (size_t j = 0; j < EDGE; ++j)
      for (size_t i = 0; i < EDGE; ++i) to[j * k + i] = square[j][i];
    return;
  }
  for (size_t j = 0; j < n; ++j)
    for (size_t i = 0; i < m; ++i) to[j * k + i] = from[i * k + j];
}

/* Columns [first, end) of the lower triangle from those rows of the upper one. */
static void Mirror(size_t k, size_t first, size_t end, double *a)
{
  for (size_t i = first; i < end; ++i)
    for (size_t j = i + 1; j < end; ++j) a[j * k + i] = a[i * k + j];
  for (size_t j = end; j < k; j += EDGE)
    MirrorSquare(end - first, PetscMin(EDGE, k - j), k, a + first * k + j, a + j * k + first);
}

/* A is symmetric: the sums' upper triangle travels, in place. */
static PetscErrorCode ReduceTriangle(MPI_Comm comm, WeftStatistics *s, WeftPrecision precision)
{
  const size_t total = WeftStatisticsRow(s, s->k), bytes = WeftPrecisionBytes(precision);

  PetscFunctionBegin;
  if (precision != s->precision) Narrow(total, s->a, s->a);
  for (size_t first = 0; first < total; first += max_message)
    PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, (char *)s->a + first * bytes, (int)PetscMin(max_message, total - first),
                               Travels(precision), MPI_SUM, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void FoldTriangle(WeftStatistics *s, WeftPrecision precision, double weight, double factor, double *a)
{
  const size_t k = s->k, p = (size_t)s->group_size, bytes = WeftPrecisionBytes(precision);

  for (size_t first = 0; first < k; first += EDGE) {
    const size_t end = PetscMin(first + EDGE, k);
    for (size_t i = first; i < end; ++i) {
      const size_t row = WeftStatisticsRow(s, i), below = i % p; /* numbers below the diagonal */
      memset((char *)s->a + row * bytes, 0, below * bytes);
      Fold(k - i, weight, factor, precision, s->a, row + below, a + i * k + i);
    }
    Mirror(k, first, end, a);
  }
}

/* Packs `atoms` atoms for a reduce-scatter: for each rank its rows of each atom, column after column. */
static void PackAtoms(WeftStatistics *s, WeftPrecision precision, size_t first, size_t atoms, int size,
                      const PetscInt ranges[], char *packed)
{
  const size_t bytes = WeftPrecisionBytes(precision), own = WeftPrecisionBytes(s->precision);

  for (int r = 0; r < size; ++r) {
    const size_t rows = (size_t)(ranges[r + 1] - ranges[r]);
    char        *from = (char *)s->b + (first * s->d + (size_t)ranges[r]) * own;
    for (size_t a = 0; a < atoms; ++a, packed += rows * bytes, from += s->d * own) {
      if (precision == s->precision)
        memcpy(packed, from, rows * bytes);
      else
        Narrow(rows, (const double *)from, packed);
      memset(from, 0, rows * own);
    }
  }
}

/* A rank's rows of some atoms are consecutive columns of its part of B. */
static PetscErrorCode FoldRows(MPI_Comm comm, WeftStatistics *s, WeftPrecision precision, double weight, double factor,
                               const PetscInt ranges[], double *b)
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
    PackAtoms(s, precision, first, atoms, size, ranges, packed);
    for (int r = 0; r < size; ++r) counts[r] = (int)((size_t)(ranges[r + 1] - ranges[r]) * atoms);
    PetscCallMPI(MPI_Reduce_scatter(packed, mine, counts, Travels(precision), MPI_SUM, comm));
    Fold(rows * atoms, weight, factor, precision, mine, 0, b + first * rows);
  }
  PetscCall(PetscFree(mine));
  PetscCall(PetscFree(packed));
  PetscCall(PetscFree(counts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Diagonal(const WeftStatistics *s, size_t i)
{
  const size_t at = WeftStatisticsRow(s, i) + i % (size_t)s->group_size;

  return s->precision == WEFT_SINGLE ? (double)((const float *)s->a)[at] : ((const double *)s->a)[at];
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
    for (size_t i = g * p; i < (g + 1) * p; ++i) sums[1 + G + g] += Diagonal(s, i);
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

/* The sums are spent then: as good as cleared, but that narrow numbers left the rear of wide ones' place. */
static PetscErrorCode FoldMatrices(MPI_Comm comm, int size, WeftStatistics *s, WeftPrecision precision, double weight,
                                   double factor, Mat A, Mat B)
{
  const PetscInt *ranges;
  double         *a, *b;

  PetscFunctionBegin;
  PetscCall(MatGetOwnershipRanges(B, &ranges));
  PetscCall(MatDenseGetArray(A, &a));
  PetscCall(MatDenseGetArray(B, &b));
  if (size > 1) PetscCall(ReduceTriangle(comm, s, precision));
  FoldTriangle(s, precision, weight, factor, a);
  if (size > 1)
    PetscCall(FoldRows(comm, s, precision, weight, factor, ranges, b));
  else
    Fold(s->k * s->d, weight, factor, precision, s->b, 0, b);
  PetscCall(MatDenseRestoreArray(B, &b));
  PetscCall(MatDenseRestoreArray(A, &a));
  if (precision != s->precision) PetscCall(WeftStatisticsClear(s));
  PetscCall(PetscArrayzero(s->count, s->groups));
  s->samples = 0;
  s->empty = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsFold(MPI_Comm comm, WeftStatistics *s, WeftPrecision precision, double weight, Mat A,
                                  Mat B, double usage[], double sizes[], PetscInt64 *n)
{
  int size;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_REDUCE));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (size == 1 || s->precision == WEFT_SINGLE) precision = s->precision;
  PetscCall(ReduceGroups(comm, s, usage, sizes, n));
  if (A && B) PetscCall(FoldMatrices(comm, size, s, precision, weight, *n ? weight / (double)*n : 0, A, B));
  PetscCall(WeftEventEnd(WEFT_EVENT_REDUCE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsReduce(MPI_Comm comm, WeftStatistics *s, Mat A, Mat B, double usage[], PetscInt64 *n)
{
  PetscFunctionBegin;
  PetscCall(WeftStatisticsFold(comm, s, WEFT_DOUBLE, 1, A, B, usage, NULL, n));
  PetscFunctionReturn(PETSC_SUCCESS);
}
