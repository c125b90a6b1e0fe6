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
  PetscFunctionBegin;
  s->samples = 0;
  PetscCall(PetscArrayzero(s->a, s->k * s->k));
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

/* Rows gp .. gp + p − 1 of Σ z zᵀ. The usual group sizes are told to the compiler: its inner loop is p long. */
WEFT_SIMD static void AddOuter(WeftStatistics *s, const WeftCodes *codes, const ByGroup *o, size_t g)
{
  const size_t p = (size_t)s->group_size;

  for (size_t at = o->start[g]; at < o->start[g + 1]; ++at) {
    const size_t  first = codes->start[o->sample[at]], active = codes->start[o->sample[at] + 1] - first;
    const int    *group = codes->group + first;
    const double *value = codes->value + first * p;
    for (size_t i = 0; i < p; ++i) {
      const double z = codes->value[o->entry[at] * p + i];
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

static PetscErrorCode ReduceA(MPI_Comm comm, const WeftStatistics *s, double scale, Mat A)
{
  const size_t total = s->k * s->k;
  double      *values;

  PetscFunctionBegin;
  PetscCall(MatDenseGetArrayWrite(A, &values));
  for (size_t first = 0; first < total; first += max_message) {
    const size_t n = PetscMin(max_message, total - first);
    PetscCallMPI(MPI_Allreduce(s->a + first, values + first, (int)n, MPI_DOUBLE, MPI_SUM, comm));
  }
  for (size_t i = 0; i < total; ++i) values[i] *= scale;
  PetscCall(MatDenseRestoreArrayWrite(A, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Packs `atoms` atoms for a reduce-scatter: for each rank its rows of each atom, column after column. */
static void PackAtoms(const WeftStatistics *s, size_t first, size_t atoms, int size, const PetscInt ranges[],
                      double *packed)
{
  for (int r = 0; r < size; ++r) {
    const size_t rows = (size_t)(ranges[r + 1] - ranges[r]);
    for (size_t a = first; a < first + atoms; ++a, packed += rows)
      (void)PetscMemcpy(packed, s->b + a * s->d + ranges[r], rows * sizeof(double));
  }
}

/* A rank's rows of some atoms are consecutive columns of its part of B, so they arrive in place. */
static PetscErrorCode ReduceB(MPI_Comm comm, const WeftStatistics *s, double scale, Mat B)
{
  const size_t    chunk = PetscMin(PetscMax(max_message / s->d, 1), s->k);
  const PetscInt *ranges;
  PetscInt        rows;
  int             size, rank, *counts;
  double         *packed, *values;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(comm, &size));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(MatGetOwnershipRanges(B, &ranges));
  rows = ranges[rank + 1] - ranges[rank];
  PetscCall(PetscMalloc2(chunk * s->d, &packed, size, &counts));
  PetscCall(MatDenseGetArrayWrite(B, &values));
  for (size_t first = 0; first < s->k; first += chunk) {
    const size_t atoms = PetscMin(chunk, s->k - first);
    PackAtoms(s, first, atoms, size, ranges, packed);
    for (int r = 0; r < size; ++r) counts[r] = (int)((size_t)(ranges[r + 1] - ranges[r]) * atoms);
    PetscCallMPI(MPI_Reduce_scatter(packed, values + first * (size_t)rows, counts, MPI_DOUBLE, MPI_SUM, comm));
  }
  for (size_t i = 0; i < (size_t)rows * s->k; ++i) values[i] *= scale;
  PetscCall(MatDenseRestoreArrayWrite(B, &values));
  PetscCall(PetscFree2(packed, counts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStatisticsReduce(MPI_Comm comm, const WeftStatistics *s, Mat A, Mat B, double usage[], PetscInt64 *n)
{
  long long mine = s->samples, all;
  double    scale;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_REDUCE));
  PetscCallMPI(MPI_Allreduce(&mine, &all, 1, MPI_LONG_LONG, MPI_SUM, comm));
  *n = all;
  scale = all ? 1.0 / (double)all : 0.0;
  PetscCallMPI(MPI_Allreduce(s->count, usage, s->groups, MPI_DOUBLE, MPI_SUM, comm));
  for (int g = 0; g < s->groups; ++g) usage[g] *= scale;
  PetscCall(ReduceA(comm, s, scale, A));
  PetscCall(ReduceB(comm, s, scale, B));
  PetscCall(WeftEventEnd(WEFT_EVENT_REDUCE));
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
