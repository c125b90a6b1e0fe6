/* The input's side of the information measure: its eigenvectors, and determinants along them. */
#include "informationimpl.h"
#include <weft/cholesky.h>
#include <weft/spectral.h>
#include <petscblaslapack.h>
#include <math.h>

static const double smallest = 1e-6; /* an eigenvalue below that share of the largest is dropped */

/* Samples and mean of each set, over all ranks. */
static PetscErrorCode Means(WeftInformation info, double mean[])
{
  const size_t d = (size_t)info->d;
  double      *row;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(d, &row));
  for (int set = 0; set < WEFT_INFORMATION_SETS; ++set) {
    const WeftRows rows = info->rows[set];
    info->samples[set] = (PetscInt64)WeftRowsCount(rows, info->x);
    for (size_t i = rows.first; i < info->x->rows; i += rows.step) {
      WeftBlockGetRow(info->x, i, row);
      for (size_t j = 0; j < d; ++j) mean[(size_t)set * d + j] += row[j];
    }
  }
  PetscCall(PetscFree(row));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, info->samples, WEFT_INFORMATION_SETS, MPIU_INT64, MPI_SUM, info->comm));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, mean, (int)(WEFT_INFORMATION_SETS * d), MPI_DOUBLE, MPI_SUM, info->comm));
  for (size_t i = 0; i < WEFT_INFORMATION_SETS * d; ++i) mean[i] /= (double)PetscMax(info->samples[i / d], 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* panel: sum over the set of (x - mean)(x - mean)' / n, entries j >= i. */
static PetscErrorCode SetCovariance(WeftInformation info, int set, const double mean[], double panel[])
{
  PetscFunctionBegin;
  PetscCall(WeftCovariance(info->comm, info->x, info->rows[set], mean + (size_t)set * (size_t)info->d,
                           (double)PetscMax(info->samples[set], 1), panel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* all += the share of a set, of n samples in all, with its own covariance and its mean's distance from that of all. */
static void AddSet(WeftInformation info, double share, const double mean[], const double mean_all[],
                   const double covariance[], double all[])
{
  const size_t d = (size_t)info->d, row0 = (size_t)info->row0;

  for (size_t i = 0; i < (size_t)info->panel_rows; ++i)
    for (size_t j = row0 + i; j < d; ++j)
      all[i * d + j] += share *
                        (covariance[i * d + j] + (mean[row0 + i] - mean_all[row0 + i]) * (mean[j] - mean_all[j]));
}

/* The covariance of each set in panels, and of all samples in info->vectors. */
static PetscErrorCode Covariances(WeftInformation info, double *panels[])
{
  const size_t d = (size_t)info->d;
  double      *mean, *mean_all, n = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc2(WEFT_INFORMATION_SETS * d, &mean, d, &mean_all));
  PetscCall(Means(info, mean));
  for (int set = 0; set < WEFT_INFORMATION_SETS; ++set) n += (double)info->samples[set];
  n = PetscMax(n, 1);
  for (size_t i = 0; i < WEFT_INFORMATION_SETS * d; ++i) mean_all[i % d] += mean[i] * (double)info->samples[i / d] / n;
  for (int set = 0; set < WEFT_INFORMATION_SETS; ++set) {
    PetscCall(SetCovariance(info, set, mean, panels[set]));
    AddSet(info, (double)info->samples[set] / n, mean + (size_t)set * d, mean_all, panels[set], info->vectors);
  }
  PetscCall(PetscFree2(mean, mean_all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The panel's diagonal on every rank. */
static PetscErrorCode Diagonal(WeftInformation info, const double panel[], double diagonal[])
{
  PetscFunctionBegin;
  PetscCall(PetscArrayzero(diagonal, info->d));
  for (PetscInt i = 0; i < info->panel_rows; ++i)
    diagonal[info->row0 + i] = panel[(size_t)i * (size_t)info->d + (size_t)(info->row0 + i)];
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, diagonal, (int)info->d, MPI_DOUBLE, MPI_SUM, info->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From the covariance of all samples in info->vectors to eigenvectors, and the sets' covariances along them. */
static PetscErrorCode Decorrelate(WeftInformation info, double *panels[])
{
  WeftSpectral spectral;

  PetscFunctionBegin;
  PetscCall(WeftSpectralCreate(info->comm, info->d, WEFT_INFORMATION_BLOCK, &spectral));
  PetscCall(WeftSpectralDecompose(spectral, info->vectors));
  PetscCall(PetscArraycpy(info->values, WeftSpectralValues(spectral), info->d));
  while (info->first < info->d &&
         !(info->values[info->first] >= smallest * info->values[info->d - 1] && info->values[info->first] > 0))
    ++info->first;
  PetscCall(WeftSpectralVectors(spectral, info->vectors));
  for (int set = 0; set < WEFT_INFORMATION_SETS; ++set) {
    PetscCall(WeftSpectralRotate(spectral, panels[set], panels[set]));
    PetscCall(Diagonal(info, panels[set], info->variance[set]));
  }
  PetscCall(WeftSpectralDestroy(&spectral));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftInformationCreate(MPI_Comm comm, const WeftBlock *x, PetscInt64 row0, WeftInformation *information)
{
  const size_t    residues[] = {0, 2, 1}, steps[] = {4, 4, 2};
  WeftInformation info;
  double         *panels[WEFT_INFORMATION_SETS];

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_INFORMATION));
  PetscCall(PetscNew(&info));
  *information = info;
  info->comm = comm;
  info->view = *x; /* the numbers stay the caller's */
  info->x = &info->view;
  info->d = (PetscInt)x->cols;
  PetscCall(WeftPanelRange(comm, info->d, &info->row0, &info->panel_rows));
  const size_t panel = (size_t)info->panel_rows * x->cols;
  PetscCall(PetscCalloc1(panel + 1, &info->vectors));
  PetscCall(PetscMalloc1(info->d, &info->values));
  for (int set = 0; set < WEFT_INFORMATION_SETS; ++set) {
    const size_t step = steps[set];
    info->rows[set] = (WeftRows){(residues[set] + step - (size_t)row0 % step) % step, step};
    PetscCall(PetscMalloc1(info->d, &info->variance[set]));
    PetscCall(PetscMalloc1(panel + 1, &panels[set]));
  }
  PetscCall(Covariances(info, panels));
  PetscCall(Decorrelate(info, panels));
  info->covariance = panels[WEFT_ODD];
  PetscCall(PetscFree(panels[WEFT_HALF_0]));
  PetscCall(PetscFree(panels[WEFT_HALF_1]));
  PetscCall(WeftEventEnd(WEFT_EVENT_INFORMATION));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftInformationDestroy(WeftInformation *information)
{
  WeftInformation info = *information;

  PetscFunctionBegin;
  if (!info) PetscFunctionReturn(PETSC_SUCCESS);
  for (int set = 0; set < WEFT_INFORMATION_SETS; ++set) PetscCall(PetscFree(info->variance[set]));
  PetscCall(PetscFree(info->values));
  PetscCall(PetscFree(info->vectors));
  PetscCall(PetscFree(info->covariance));
  PetscCall(PetscFree(*information));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The log-determinant of a covariance in row panels along the directions kept; what is dropped becomes the identity.
   The panel is changed. */
static PetscErrorCode LogDet(WeftInformation info, double panel[], double *logdet)
{
  const size_t d = (size_t)info->d, row0 = (size_t)info->row0, first = (size_t)info->first;
  WeftCholesky cholesky;
  PetscBool    definite;

  PetscFunctionBegin;
  for (size_t i = 0; i < (size_t)info->panel_rows; ++i)
    for (size_t j = row0 + i; row0 + i < first && j < d; ++j) panel[i * d + j] = j == row0 + i ? 1 : 0;
  PetscCall(WeftCholeskyCreate(info->comm, info->d, WEFT_INFORMATION_BLOCK, &cholesky));
  PetscCall(WeftCholeskyFactor(cholesky, panel, &definite));
  if (definite)
    PetscCall(WeftCholeskyLogDet(cholesky, logdet));
  else
    *logdet = (double)NAN;
  PetscCall(WeftCholeskyDestroy(&cholesky));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows [first, first + height) of W'(yy W - yx) - yx'W, columns from `first` on, of this rank's share of the outputs.
 */
static PetscErrorCode PartialPanel(const WeftNormalSums *s, const WeftDecoder *decoder, size_t first, size_t height,
                                   double partial[])
{
  const PetscBLASInt d = (PetscBLASInt)s->c, width = (PetscBLASInt)((size_t)s->c - first), h = (PetscBLASInt)height,
                     rows = (PetscBLASInt)decoder->rows;
  const double unit = 1, zero = 0, minus = -1, *w = decoder->weights + first;

  PetscFunctionBegin;
  if (!rows) {
    PetscCall(PetscArrayzero(partial, height * (size_t)width));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCallBLAS("BLASgemm", BLASgemm_("N", "T", &width, &h, &rows, &unit, decoder->product + first, &d, w, &d, &zero,
                                      partial, &width));
  PetscCallBLAS("BLASgemm",
                BLASgemm_("N", "T", &width, &h, &rows, &minus, w, &d, s->yx + first, &d, &unit, partial, &width));
  PetscCall(PetscLogFlops(4.0 * (double)width * (double)h * (double)rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The second moment of what the decoder leaves, this rank's row panel, entries j >= i. */
static PetscErrorCode ResidualPanel(WeftInformation info, const WeftNormalSums *s, const WeftDecoder *decoder,
                                    double panel[])
{
  const size_t  d = (size_t)info->d;
  const double *bias = decoder->bias, n = (double)s->samples;
  PetscInt      first, count;
  double       *partial;
  int           rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(info->comm, &rank));
  PetscCallMPI(MPI_Comm_size(info->comm, &size));
  WeftPanelRangeOf(size, 0, info->d, &first, &count); /* rank 0's panel is the largest */
  PetscCall(PetscMalloc1((size_t)count * d, &partial));
  for (int r = 0; r < size; ++r) {
    WeftPanelRangeOf(size, r, info->d, &first, &count);
    const size_t row0 = (size_t)first, height = (size_t)count, width = d - row0;
    if (!height) break;
    PetscCall(PartialPanel(s, decoder, row0, height, partial));
    PetscCall(WeftPanelReduce(info->comm, r, height * width, partial));
    for (size_t i = 0; rank == r && i < height; ++i)
      for (size_t j = row0 + i; j < d; ++j)
        panel[i * d + j] = info->covariance[i * d + j] + partial[i * width + j - row0] / n + bias[row0 + i] * bias[j];
  }
  PetscCall(PetscFree(partial));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftInformationFull(WeftInformation info, const WeftNormalSums *odd, const WeftDecoder *decoder,
                                   double *bits)
{
  const size_t panel_size = (size_t)info->panel_rows * (size_t)info->d;
  double      *panel, before, after;

  PetscFunctionBegin;
  *bits = (double)NAN;
  if (odd->samples <= (PetscInt64)(info->d - info->first)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(panel_size + 1, &panel));
  PetscCall(PetscArraycpy(panel, info->covariance, panel_size));
  PetscCall(LogDet(info, panel, &before));
  PetscCall(ResidualPanel(info, odd, decoder, panel));
  PetscCall(LogDet(info, panel, &after));
  *bits = (before - after) / (2 * log(2));
  PetscCallMPI(MPI_Bcast(bits, 1, MPI_DOUBLE, 0, info->comm));
  PetscCall(PetscFree(panel));
  PetscFunctionReturn(PETSC_SUCCESS);
}
