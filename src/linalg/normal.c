#include <weft/normal.h>
#include <weft/cholesky.h>
#include "rows.h"
#include <petscblaslapack.h>
#include <limits.h>
#include <math.h>

struct _n_WeftNormal {
  MPI_Comm   comm;
  PetscInt   m, c, row0, rows;
  PetscInt64 samples; /* of this rank; of all after the reduction */
  PetscBool  reduced;
  double    *mean_y, *mean_x; /* before the reduction: this rank's first sample, from which its sums are taken, as a
                                 number that hardly varies would otherwise drown in round-off */
  double *sum_y, *sum_x;      /* of this rank, from there; NULL after the reduction */
  double *yy, *yx;            /* [m, m] upper triangle and [m, c] of this rank; row panels after the reduction */
  double *square;
};

static const double constant = 1e-20; /* a variance below this share of the mean square is round-off */
static const int    block = 64;       /* ScaLAPACK's */

PetscErrorCode WeftNormalCreate(MPI_Comm comm, PetscInt m, PetscInt c, WeftNormal *normal)
{
  WeftNormal s;

  PetscFunctionBegin;
  PetscCheck(m >= 1 && c >= 1, comm, PETSC_ERR_ARG_OUTOFRANGE, "outputs and targets must be positive");
  PetscCall(PetscNew(&s));
  *normal = s;
  s->comm = comm;
  s->m = m;
  s->c = c;
  PetscCall(WeftPanelRange(comm, m, &s->row0, &s->rows));
  PetscCall(PetscCalloc3(m, &s->mean_y, c, &s->mean_x, m, &s->square));
  PetscCall(PetscCalloc2(m, &s->sum_y, c, &s->sum_x));
  PetscCall(PetscCalloc1((size_t)m * (size_t)m, &s->yy));
  PetscCall(PetscCalloc1((size_t)m * (size_t)c, &s->yx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormalDestroy(WeftNormal *normal)
{
  WeftNormal s = *normal;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree3(s->mean_y, s->mean_x, s->square));
  PetscCall(PetscFree2(s->sum_y, s->sum_x));
  PetscCall(PetscFree(s->yy));
  PetscCall(PetscFree(s->yx));
  PetscCall(PetscFree(*normal));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFit(WeftNormal s, int parts, const WeftBlock y[], const WeftBlock *x)
{
  size_t cols = 0;

  PetscFunctionBegin;
  PetscCheck(!s->reduced, PETSC_COMM_SELF, PETSC_ERR_ORDER, "the sums are reduced already");
  for (int p = 0; p < parts; ++p) {
    cols += y[p].cols;
    PetscCheck(y[p].rows == x->rows, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%zu outputs for %zu targets", y[p].rows,
               x->rows);
  }
  PetscCheck(cols == (size_t)s->m && x->cols == (size_t)s->c, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "%zu outputs and %zu targets, not %" PetscInt_FMT " and %" PetscInt_FMT, cols, x->cols, s->m, s->c);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void AddRows(size_t count, size_t cols, const double values[], double sum[])
{
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j < cols; ++j) sum[j] += values[i * cols + j];
}

/* The sums' share of count samples, less the shift, in y [count, m] and x [count, c]. */
static PetscErrorCode AddChunk(WeftNormal s, size_t count, const double y[], const double x[])
{
  const double       unit = 1;
  const PetscBLASInt m = (PetscBLASInt)s->m, c = (PetscBLASInt)s->c, n = (PetscBLASInt)count;

  PetscFunctionBegin;
  PetscCallBLAS("BLASsyrk", BLASsyrk_("L", "N", &m, &n, &unit, y, &m, &unit, s->yy, &m));
  PetscCallBLAS("BLASgemm", BLASgemm_("N", "T", &c, &m, &n, &unit, x, &c, y, &m, &unit, s->yx, &c));
  AddRows(count, (size_t)m, y, s->sum_y);
  AddRows(count, (size_t)c, x, s->sum_x);
  s->samples += (PetscInt64)count;
  PetscCall(PetscLogFlops((double)count * (double)m * (double)(m + 2 * c)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormalAdd(WeftNormal s, int parts, const WeftBlock y[], const WeftBlock *x, WeftRows rows)
{
  const size_t m = (size_t)s->m, c = (size_t)s->c, samples = WeftRowsCount(rows, x);
  double      *chunk_y, *chunk_x;

  PetscFunctionBegin;
  PetscCall(CheckFit(s, parts, y, x));
  if (!samples) PetscFunctionReturn(PETSC_SUCCESS);
  if (!s->samples) {
    WeftBlockGetRow(x, rows.first, s->mean_x);
    for (size_t p = 0, at = 0; p < (size_t)parts; at += y[p++].cols) WeftBlockGetRow(&y[p], rows.first, s->mean_y + at);
  }
  PetscCall(PetscMalloc2(WEFT_ROWS_CHUNK * m, &chunk_y, WEFT_ROWS_CHUNK * c, &chunk_x));
  for (size_t first = 0; first < samples; first += WEFT_ROWS_CHUNK) {
    const size_t count = PetscMin((size_t)WEFT_ROWS_CHUNK, samples - first);
    WeftRowsCentre(x, rows, first, count, s->mean_x, 0, c, chunk_x);
    for (size_t p = 0, at = 0; p < (size_t)parts; at += y[p++].cols)
      WeftRowsCentre(&y[p], rows, first, count, s->mean_y + at, 0, m, chunk_y + at);
    PetscCall(AddChunk(s, count, chunk_y, chunk_x));
  }
  PetscCall(PetscFree2(chunk_y, chunk_x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The means over all ranks, [m] and then [c]; *samples: in all. */
static PetscErrorCode Means(WeftNormal s, PetscInt64 *samples, double means[])
{
  const double n = (double)s->samples;
  const size_t count = (size_t)s->m + (size_t)s->c;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&s->samples, samples, 1, MPIU_INT64, MPI_SUM, s->comm));
  for (PetscInt i = 0; i < s->m; ++i) means[i] = s->sum_y[i] + n * s->mean_y[i];
  for (PetscInt j = 0; j < s->c; ++j) means[s->m + j] = s->sum_x[j] + n * s->mean_x[j];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, means, (int)count, MPI_DOUBLE, MPI_SUM, s->comm));
  for (size_t i = 0; *samples && i < count; ++i) means[i] /= (double)*samples;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's sums as they would be from the means of all ranks on: with s from shift a over n samples,
   sum (y - mean)(x - mean)' = sum (y - a)(x - a)' - n (own - a)(own - a)' + n (own - mean)(own - mean)'. */
static void Centre(WeftNormal s, const double mean_y[], const double mean_x[])
{
  const size_t m = (size_t)s->m, c = (size_t)s->c;
  const double n = (double)s->samples;

  for (size_t i = 0; s->samples && i < m; ++i) {
    const double inside = s->sum_y[i] / n, outside = s->mean_y[i] - mean_y[i] + inside;
    for (size_t j = i; j < m; ++j)
      s->yy[i * m + j] += outside * (n * (s->mean_y[j] - mean_y[j]) + s->sum_y[j]) - inside * s->sum_y[j];
    for (size_t j = 0; j < c; ++j)
      s->yx[i * c + j] += outside * (n * (s->mean_x[j] - mean_x[j]) + s->sum_x[j]) - inside * s->sum_x[j];
  }
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < i; ++j) s->yy[i * m + j] = s->yy[j * m + i];
}

/* The [m, cols] sums of all ranks, of which this one keeps its row panel. */
static PetscErrorCode Scatter(WeftNormal s, PetscInt cols, double **sums)
{
  double  *panel;
  PetscInt first, count;
  int      size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(s->comm, &size));
  for (int r = 0; r < size; ++r) {
    WeftPanelRangeOf(size, r, s->m, &first, &count);
    PetscCall(WeftPanelReduce(s->comm, r, (size_t)count * (size_t)cols, *sums + (size_t)first * (size_t)cols));
  }
  if (size == 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1((size_t)s->rows * (size_t)cols + 1, &panel));
  PetscCall(PetscArraycpy(panel, *sums + (size_t)s->row0 * (size_t)cols, (size_t)s->rows * (size_t)cols));
  PetscCall(PetscFree(*sums));
  *sums = panel;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The diagonal of yy on every rank, with what is round-off of a constant output made zero. */
static PetscErrorCode Squares(WeftNormal s)
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(s->square, s->m));
  for (PetscInt i = 0; i < s->rows; ++i) {
    const double square = s->yy[(size_t)i * (size_t)s->m + (size_t)(s->row0 + i)], mean = s->mean_y[s->row0 + i];
    s->square[s->row0 + i] = square <= constant * (square + (double)s->samples * mean * mean) ? 0 : square;
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, s->square, (int)s->m, MPI_DOUBLE, MPI_SUM, s->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormalReduce(WeftNormal s)
{
  PetscInt64 samples;
  double    *means;

  PetscFunctionBegin;
  PetscCheck(!s->reduced, s->comm, PETSC_ERR_ORDER, "the sums are reduced already");
  PetscCall(PetscCalloc1((size_t)(s->m + s->c), &means));
  PetscCall(Means(s, &samples, means));
  Centre(s, means, means + s->m);
  PetscCall(Scatter(s, s->m, &s->yy));
  PetscCall(Scatter(s, s->c, &s->yx));
  s->samples = samples;
  PetscCall(PetscArraycpy(s->mean_y, means, s->m));
  PetscCall(PetscArraycpy(s->mean_x, means + s->m, s->c));
  PetscCall(Squares(s));
  PetscCall(PetscFree2(s->sum_y, s->sum_x));
  PetscCall(PetscFree(means));
  s->reduced = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormalRotate(WeftNormal s, const double panel[])
{
  const size_t c = (size_t)s->c;
  double      *turned, *mean;
  PetscInt     row0, rows;

  PetscFunctionBegin;
  PetscCheck(s->reduced, s->comm, PETSC_ERR_ORDER, "call WeftNormalReduce() first");
  PetscCall(PetscMalloc1((size_t)s->rows * c + 1, &turned));
  PetscCall(WeftPanelTimes(s->comm, PETSC_TRUE, (size_t)s->rows, s->c, s->c, s->yx, panel, turned));
  PetscCall(PetscFree(s->yx));
  s->yx = turned;
  PetscCall(WeftPanelRange(s->comm, s->c, &row0, &rows));
  PetscCall(PetscCalloc1(c, &mean));
  for (size_t i = 0; i < (size_t)rows; ++i)
    for (size_t j = 0; j < c; ++j) mean[(size_t)row0 + i] += panel[i * c + j] * s->mean_x[j];
  PetscCallMPI(MPI_Allreduce(mean, s->mean_x, (int)s->c, MPI_DOUBLE, MPI_SUM, s->comm));
  PetscCall(PetscFree(mean));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormalMerge(WeftNormal s, const WeftNormal o)
{
  const size_t m = (size_t)s->m, c = (size_t)s->c, row0 = (size_t)s->row0;
  const double n = (double)(s->samples + o->samples), share = n > 0 ? (double)o->samples / n : 0,
               between = share * (double)s->samples;

  PetscFunctionBegin;
  PetscCheck(s->reduced && o->reduced, s->comm, PETSC_ERR_ORDER, "call WeftNormalReduce() first");
  PetscCheck(s->m == o->m && s->c == o->c, s->comm, PETSC_ERR_ARG_SIZ, "normal equations of other sizes");
  for (size_t i = 0; i < (size_t)s->rows; ++i) {
    const double apart = between * (o->mean_y[row0 + i] - s->mean_y[row0 + i]);
    for (size_t j = 0; j < m; ++j) s->yy[i * m + j] += o->yy[i * m + j] + apart * (o->mean_y[j] - s->mean_y[j]);
    for (size_t j = 0; j < c; ++j) s->yx[i * c + j] += o->yx[i * c + j] + apart * (o->mean_x[j] - s->mean_x[j]);
  }
  for (size_t i = 0; i < m; ++i) s->mean_y[i] += share * (o->mean_y[i] - s->mean_y[i]);
  for (size_t j = 0; j < c; ++j) s->mean_x[j] += share * (o->mean_x[j] - s->mean_x[j]);
  s->samples += o->samples;
  PetscCall(Squares(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormalGetSums(WeftNormal s, WeftNormalSums *sums)
{
  PetscFunctionBegin;
  PetscCheck(s->reduced, s->comm, PETSC_ERR_ORDER, "call WeftNormalReduce() first");
  *sums = (WeftNormalSums){.samples = s->samples,
                           .m = s->m,
                           .c = s->c,
                           .row0 = s->row0,
                           .rows = s->rows,
                           .mean_y = s->mean_y,
                           .mean_x = s->mean_x,
                           .square = s->square,
                           .yy = s->yy,
                           .yx = s->yx};
  for (PetscInt i = 0; i < s->m; ++i) sums->varying += s->square[i] != 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's rows of the equations for outputs of unit variance. */
static void Scaled(const WeftNormalSums *s, double ridge, const double scale[], double matrix[], double rhs[])
{
  const size_t m = (size_t)s->m, c = (size_t)s->c;

  for (size_t i = 0, g = (size_t)s->row0; i < (size_t)s->rows; ++i, ++g) {
    for (size_t j = 0; j < m; ++j) matrix[i * m + j] = s->yy[i * m + j] * scale[g] * scale[j];
    matrix[i * m + g] = scale[g] > 0 ? 1 + ridge : 1;
    for (size_t j = 0; j < c; ++j) rhs[i * c + j] = s->yx[i * c + j] * scale[g];
  }
}

static PetscErrorCode Intercept(MPI_Comm comm, const WeftNormalSums *s, const double coefficients[], double intercept[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(intercept, s->c));
  for (size_t i = 0; i < (size_t)s->rows; ++i)
    for (size_t j = 0; j < (size_t)s->c; ++j)
      intercept[j] -= s->mean_y[(size_t)s->row0 + i] * coefficients[i * (size_t)s->c + j];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, intercept, (int)s->c, MPI_DOUBLE, MPI_SUM, comm));
  for (PetscInt j = 0; j < s->c; ++j) intercept[j] += s->mean_x[j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNormalSolve(WeftNormal normal, double ridge, double coefficients[], double intercept[],
                               PetscBool *definite)
{
  WeftNormalSums s;
  WeftCholesky   cholesky;
  double        *matrix, *scale;

  PetscFunctionBegin;
  PetscCall(WeftNormalGetSums(normal, &s));
  PetscCall(PetscMalloc2((size_t)s.rows * (size_t)s.m, &matrix, s.m, &scale));
  for (PetscInt i = 0; i < s.m; ++i) scale[i] = s.square[i] != 0 ? 1 / sqrt(s.square[i]) : 0;
  Scaled(&s, ridge, scale, matrix, coefficients);
  PetscCall(WeftCholeskyCreate(normal->comm, s.m, block, &cholesky));
  PetscCall(WeftCholeskyFactor(cholesky, matrix, definite));
  if (*definite) PetscCall(WeftCholeskySolve(cholesky, s.c, coefficients));
  PetscCall(WeftCholeskyDestroy(&cholesky));
  for (size_t i = 0; i < (size_t)s.rows; ++i)
    for (size_t j = 0; j < (size_t)s.c; ++j) coefficients[i * (size_t)s.c + j] *= scale[(size_t)s.row0 + i];
  PetscCall(PetscFree2(matrix, scale));
  if (*definite && intercept) PetscCall(Intercept(normal->comm, &s, coefficients, intercept));
  PetscFunctionReturn(PETSC_SUCCESS);
}
