/* Dictionaries to start from other than samples: from random numbers, from the inputs' correlations, from their
   principal components. No picture shape is read. */
#include "stackimpl.h"
#include <weft/random.h>
#include <weft/spectral.h>
#include <math.h>

static const double least_variance = 1e-6; /* of the largest: below it a direction or an input does not vary */

static PetscInt64 Groups(const WeftLayer l)
{
  return l->settings.atoms / l->settings.group_size;
}

static PetscErrorCode SumOverRanks(WeftLayer l, PetscInt64 n, double values[])
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_DOUBLE, MPI_SUM, l->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- random atoms ---- */

/* Atoms of independent normal numbers on their group's support, [G, m] inputs; NULL: on all inputs. */
static PetscErrorCode SetRandomAtoms(WeftLayer l, const PetscInt support[], PetscInt64 m)
{
  WeftRandom rng;
  double    *atom;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(l->d, &atom));
  for (PetscInt64 a = 0; a < l->settings.atoms; ++a) {
    const PetscInt *inputs = support ? support + a / l->settings.group_size * m : NULL;
    WeftRandomInit(&rng, l->settings.seed, WEFT_STREAM_ATOM, (uint64_t)a);
    PetscCall(PetscArrayzero(atom, l->d));
    for (PetscInt64 i = 0; i < (support ? m : l->d); ++i) atom[inputs ? inputs[i] : i] = WeftRandomNormal(&rng);
    PetscCall(WeftDictSetAtom(l->dict, (PetscInt)a, atom));
  }
  PetscCall(PetscFree(atom));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many inputs a group connects to at the target density. */
static PetscErrorCode SupportSize(WeftLayer l, PetscInt64 *m)
{
  PetscFunctionBegin;
  PetscCall(WeftLayerCheckStart(&l->settings));
  *m = PetscMax(1, PetscMin(l->d, (PetscInt64)(l->settings.target_density * (double)l->d + 0.5)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* For each group the first m of a shuffle of all inputs (Fisher & Yates). */
static PetscErrorCode StartSparse(WeftLayer l)
{
  PetscInt64 m = 1;
  PetscInt  *support, *inputs;
  WeftRandom rng;

  PetscFunctionBegin;
  PetscCall(SupportSize(l, &m));
  PetscCall(PetscMalloc2((size_t)(Groups(l) * m), &support, l->d, &inputs));
  for (PetscInt64 g = 0; g < Groups(l); ++g) {
    WeftRandomInit(&rng, l->settings.seed, WEFT_STREAM_SUPPORT, (uint64_t)g);
    for (PetscInt64 j = 0; j < l->d; ++j) inputs[j] = (PetscInt)j;
    for (PetscInt64 i = 0; i < m; ++i) {
      const PetscInt64 j = i + (PetscInt64)WeftRandomBelow(&rng, (uint64_t)(l->d - i));
      support[g * m + i] = inputs[j];
      inputs[j] = inputs[i];
    }
  }
  PetscCall(SetRandomAtoms(l, support, m));
  PetscCall(PetscFree2(support, inputs));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what whitening knows of the inputs ---- */

/* W = U diag(s + r)^(-1/2) U', so its eigenvectors are those of the covariance of the contrast-normalised inputs, the
   leading ones those of its smallest eigenvalues w, and s = w^(-2) − r. As r is the ridge's fraction of the mean of s,
   the mean of w^(-2) tells it. */
typedef struct {
  WeftSpectral  of;
  const double *w; /* ascending */
  double        r;
  PetscInt      row0, rows; /* this rank's panel */
} Spectrum;

static double Variance(double w, void *ctx)
{
  return 1 / (w * w) - *(const double *)ctx;
}

static PetscErrorCode SpectrumCreate(WeftLayer l, Spectrum *s)
{
  WeftPrepParameters q;
  double             mean = 0;

  PetscFunctionBegin;
  PetscCheck(l->prep, l->comm, PETSC_ERR_ORDER,
             "call WeftLayerSetPrep() first: this start takes the correlations of "
             "the inputs from the preprocessing");
  PetscCall(WeftPrepGetParameters(l->prep, &q));
  s->row0 = q.row0;
  s->rows = q.rows;
  PetscCall(WeftSpectralCreate(l->comm, q.d, 64, &s->of));
  PetscCall(WeftSpectralDecompose(s->of, q.whitening));
  s->w = WeftSpectralValues(s->of);
  for (PetscInt i = 0; i < q.d; ++i) mean += 1 / (s->w[i] * s->w[i]) / (double)q.d;
  s->r = mean * q.ridge / (1 + q.ridge);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- local ---- */

typedef struct {
  double   strength;
  PetscInt input;
} Neighbour;

/* The strongest first; of equals the first input. */
static int CompareNeighbours(const void *left, const void *right)
{
  const Neighbour *a = left, *b = right;

  if (a->strength != b->strength) return a->strength > b->strength ? -1 : 1;
  return a->input < b->input ? -1 : a->input > b->input;
}

/* This rank's rows of the covariance, and all variances; an input that does not vary has none. The caller's to free. */
static PetscErrorCode Covariance(WeftLayer l, Spectrum *s, double **panel, double **variance)
{
  const size_t d = (size_t)l->d;
  double       most = 0;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)s->rows * d, panel));
  PetscCall(PetscCalloc1(d, variance));
  PetscCall(WeftSpectralFunction(s->of, Variance, &s->r, *panel));
  for (size_t i = 0; i < (size_t)s->rows; ++i) (*variance)[(size_t)s->row0 + i] = (*panel)[i * d + (size_t)s->row0 + i];
  PetscCall(SumOverRanks(l, l->d, *variance)); /* each is zero on all ranks but one */
  for (size_t j = 0; j < d; ++j) most = PetscMax(most, (*variance)[j]);
  for (size_t j = 0; j < d; ++j)
    if (!((*variance)[j] > least_variance * most)) (*variance)[j] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The m inputs most correlated, with either sign, with that of the covariance's row: itself first. */
static void Nearest(const double row[], const double variance[], PetscInt64 d, PetscInt64 m, Neighbour all[],
                    PetscInt inputs[])
{
  for (PetscInt64 j = 0; j < d; ++j)
    all[j] = (Neighbour){variance[j] > 0 ? fabs(row[j]) / sqrt(variance[j]) : 0, (PetscInt)j};
  qsort(all, (size_t)d, sizeof(all[0]), CompareNeighbours);
  for (PetscInt64 i = 0; i < m; ++i) inputs[i] = all[i].input;
}

/* A varying input at random for each group, and those most correlated with it. Each rank knows its own inputs'. */
static PetscErrorCode LocalSupports(WeftLayer l, Spectrum *s, PetscInt64 m, PetscInt support[])
{
  double    *panel, *variance;
  Neighbour *all;
  WeftRandom rng;

  PetscFunctionBegin;
  PetscCall(Covariance(l, s, &panel, &variance));
  PetscCall(PetscMalloc1(l->d, &all));
  PetscCall(PetscArrayzero(support, Groups(l) * m));
  for (PetscInt64 g = 0; g < Groups(l); ++g) {
    PetscInt64 centre, row;
    WeftRandomInit(&rng, l->settings.seed, WEFT_STREAM_SUPPORT, (uint64_t)g);
    do {
      centre = (PetscInt64)WeftRandomBelow(&rng, (uint64_t)l->d);
    } while (!(variance[centre] > 0));
    row = centre - s->row0;
    if (row >= 0 && row < s->rows) Nearest(panel + row * l->d, variance, l->d, m, all, support + g * m);
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, support, (int)(Groups(l) * m), MPIU_INT, MPI_SUM, l->comm));
  PetscCall(PetscFree(all));
  PetscCall(PetscFree(panel));
  PetscCall(PetscFree(variance));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode StartLocal(WeftLayer l)
{
  PetscInt64 m = 1;
  PetscInt  *support;
  Spectrum   s;

  PetscFunctionBegin;
  PetscCall(SupportSize(l, &m));
  PetscCall(SpectrumCreate(l, &s));
  PetscCall(PetscMalloc1((size_t)(Groups(l) * m), &support));
  PetscCall(LocalSupports(l, &s, m, support));
  PetscCall(SetRandomAtoms(l, support, m));
  PetscCall(PetscFree(support));
  PetscCall(WeftSpectralDestroy(&s.of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- principal ---- */

/* Its largest entry is positive: a sign that does not depend on who computed it. */
static void SetSign(PetscInt64 d, double vector[])
{
  PetscInt64 most = 0;

  for (PetscInt64 j = 1; j < d; ++j)
    if (fabs(vector[j]) > fabs(vector[most]) * (1 + 1e-6)) most = j;
  if (vector[most] < 0)
    for (PetscInt64 j = 0; j < d; ++j) vector[j] = -vector[j];
}

/* The leading eigenvectors one after the other. Groups for which there is none left are removed. */
static PetscErrorCode StartPrincipal(WeftLayer l)
{
  const PetscInt64 p = l->settings.group_size;
  PetscInt64       count = 0, filled;
  double          *panel, *atom;
  Spectrum         s;

  PetscFunctionBegin;
  PetscCall(SpectrumCreate(l, &s));
  while (count < l->d && Variance(s.w[count], &s.r) > least_variance * Variance(s.w[0], &s.r)) ++count;
  filled = PetscMin(count / p, Groups(l));
  PetscCall(PetscMalloc2((size_t)s.rows * (size_t)l->d, &panel, l->d, &atom));
  PetscCall(WeftSpectralVectors(s.of, panel));
  for (PetscInt64 a = 0; a < filled * p; ++a) {
    PetscCall(PetscArrayzero(atom, l->d));
    if (a >= s.row0 && a < s.row0 + s.rows) PetscCall(PetscArraycpy(atom, panel + (a - s.row0) * l->d, l->d));
    PetscCall(SumOverRanks(l, l->d, atom));
    SetSign(l->d, atom);
    PetscCall(WeftDictSetAtom(l->dict, (PetscInt)a, atom));
  }
  for (PetscInt64 g = filled; g < Groups(l); ++g) PetscCall(WeftDictRemoveGroup(l->dict, (PetscInt)g, NULL, NULL));
  PetscCall(PetscFree2(panel, atom));
  PetscCall(WeftSpectralDestroy(&s.of));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStartAtoms(WeftLayer l)
{
  PetscFunctionBegin;
  switch (l->settings.start) {
  case WEFT_START_DENSE:
    PetscCall(SetRandomAtoms(l, NULL, 0));
    break;
  case WEFT_START_SPARSE:
    PetscCall(StartSparse(l));
    break;
  case WEFT_START_LOCAL:
    PetscCall(StartLocal(l));
    break;
  case WEFT_START_PRINCIPAL:
    PetscCall(StartPrincipal(l));
    break;
  default:
    SETERRQ(l->comm, PETSC_ERR_ARG_OUTOFRANGE, "start %d", (int)l->settings.start);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
