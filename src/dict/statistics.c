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

WEFT_SIMD static void AddSingle(size_t n, double scale, const float *x, double *sum)
{
  for (size_t j = 0; j < n; ++j) sum[j] += scale * (double)x[j];
}

WEFT_SIMD static void AddDouble(size_t n, double scale, const double *x, double *sum)
{
  for (size_t j = 0; j < n; ++j) sum[j] += scale * x[j];
}

static void AddCorrelation(WeftStatistics *s, const WeftBlock *x, size_t row, size_t atom, double z)
{
  double *sum = s->b + atom * s->d;

  if (x->precision == WEFT_SINGLE)
    AddSingle(s->d, z, x->values.s + row * s->d, sum);
  else
    AddDouble(s->d, z, x->values.d + row * s->d, sum);
}

/* z zᵀ over the active groups of a sample. */
static void AddOuter(WeftStatistics *s, const int group[], const double value[], size_t active)
{
  const size_t p = (size_t)s->group_size;

  for (size_t e = 0; e < active; ++e) {
    for (size_t i = 0; i < p; ++i) {
      double *row = s->a + ((size_t)group[e] * p + i) * s->k;
      for (size_t f = 0; f < active; ++f)
        for (size_t j = 0; j < p; ++j) row[(size_t)group[f] * p + j] += value[e * p + i] * value[f * p + j];
    }
  }
}

PetscErrorCode WeftStatisticsAdd(WeftStatistics *s, const WeftBlock *x, const WeftCodes *codes)
{
  const size_t p = (size_t)s->group_size;

  PetscFunctionBegin;
  PetscCheck(codes->samples == x->rows && x->cols == s->d, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "%zu codes for %zu samples", codes->samples, x->rows);
  PetscCall(WeftEventBegin(WEFT_EVENT_STATISTICS));
  for (size_t i = 0; i < x->rows; ++i) {
    const size_t first = codes->start[i], active = codes->start[i + 1] - first;
    AddOuter(s, codes->group + first, codes->value + first * p, active);
    for (size_t e = first; e < first + active; ++e) {
      s->count[codes->group[e]] += 1;
      for (size_t j = 0; j < p; ++j) AddCorrelation(s, x, i, (size_t)codes->group[e] * p + j, codes->value[e * p + j]);
    }
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
