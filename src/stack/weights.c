/* The weights of the objective find themselves: method section 2. */
#include "stackimpl.h"

static const double ramp_fraction = 0.2; /* of the run, over which γ grows to its full size */
static const double eta_floor = 1e-3;    /* of the mean η of the first batch */

/* Row sums over a block of correlations: max over groups of ‖c_g‖ for λ_max, Σ ‖S_t(c_g)‖² for η. */
static void Correlations(const WeftLayer l, const WeftBlock *c, double threshold, double *sum_most, double squares[])
{
  const size_t p = (size_t)l->settings.group_size, G = c->cols / p;

  for (size_t i = 0; i < c->rows; ++i) {
    double most = 0;
    for (size_t g = 0; g < G; ++g) {
      double square = 0, norm;
      for (size_t a = 0; a < p; ++a) {
        const double v = WeftBlockGet(c, i, g * p + a);
        square += v * v;
      }
      norm = PetscSqrtReal(square);
      most = PetscMax(most, norm);
      if (squares && norm > threshold) squares[g] += (norm - threshold) * (norm - threshold);
    }
    *sum_most += most;
  }
}

/* One pass over the batch's correlations with the atoms. sums: [1 + G] this rank's, zeroed here. */
static PetscErrorCode CorrelationPass(WeftLayer l, const WeftBlock *x, double threshold, double sums[])
{
  const size_t rows = 256, G = (size_t)(l->settings.atoms / l->settings.group_size);
  WeftBlock    c;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(sums, 1 + G));
  PetscCall(WeftBlockCreate(rows, (size_t)l->settings.atoms, x->precision, &c));
  for (size_t first = 0; first < x->rows; first += rows) {
    const WeftBlock part = WeftBlockRows(x, first, PetscMin(rows, x->rows - first));
    c.rows = part.rows;
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1.0, &part, &l->atoms, 0.0, &c));
    Correlations(l, &c, threshold, &sums[0], sums + 1);
  }
  PetscCall(WeftBlockDestroy(&c));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, (int)(1 + G), MPI_DOUBLE, MPI_SUM, l->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftWeightsStart(WeftLayer l)
{
  const PetscInt64 G = l->settings.atoms / l->settings.group_size;
  const double     root_p = PetscSqrtReal((double)l->settings.group_size);
  WeftWeights     *w = &l->weights;
  WeftBatch        batch;
  double          *sums, most = 0, mean = 0, n;

  PetscFunctionBegin;
  PetscCall(WeftBatchLoad(l, 0, &batch));
  PetscCall(PetscMalloc1((size_t)(1 + G), &sums));
  n = (double)batch.count;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_DOUBLE, MPI_SUM, l->comm));
  PetscCall(CorrelationPass(l, &batch.x, 0, sums));
  w->lambda_max = sums[0] / n / root_p;
  WeftUserCheck(w->lambda_max > 0, l->comm, "the samples of the first batch are all zero after preprocessing");
  w->lambda = l->start_lambda > 0 ? l->start_lambda : l->settings.sparsity * w->lambda_max;
  PetscCall(CorrelationPass(l, &batch.x, w->lambda * root_p, sums));
  for (PetscInt64 g = 0; g < G; ++g) {
    w->eta[g] = PetscSqrtReal(sums[1 + g] / n);
    most = PetscMax(most, w->eta[g]);
    mean += w->eta[g] / (double)G;
  }
  w->mu_max = most / root_p;
  w->mu = l->settings.width_penalty * w->mu_max;
  w->eta_floor = eta_floor * (mean > 0 ? mean : w->lambda_max);
  for (PetscInt64 g = 0; g < G; ++g) w->eta[g] = PetscMax(w->eta[g], w->eta_floor);
  PetscCall(PetscFree(sums));
  PetscCall(WeftBatchDestroy(&batch));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftWeightsRidge(const WeftLayer l, double ridge[])
{
  const PetscInt64 G = l->settings.atoms / l->settings.group_size;

  for (PetscInt64 g = 0; g < G; ++g)
    ridge[g] = l->weights.mu * PetscSqrtReal((double)l->settings.group_size) / l->weights.eta[g];
}

PetscErrorCode WeftWeightsUpdateEta(WeftLayer l)
{
  const PetscInt64 G = l->settings.atoms / l->settings.group_size;

  PetscFunctionBegin;
  PetscCall(WeftGroupSizes(l, l->A, l->weights.eta));
  for (PetscInt64 g = 0; g < G; ++g) l->weights.eta[g] = PetscMax(l->weights.eta[g], l->weights.eta_floor);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* γ grows linearly over the first part of the run (no longer than up to the freeze). */
static double Ramp(const WeftLayer l)
{
  const double freeze = (double)WeftLayerFreezeIteration(l);
  const double length = PetscMin(ramp_fraction * (double)l->settings.iterations, freeze);

  return length > 0 ? PetscMin(1.0, (double)(l->iteration + 1) / length) : 1.0;
}

PetscErrorCode WeftWeightsUpdateGamma(WeftLayer l, double *relative)
{
  const PetscInt64 G = l->settings.atoms / l->settings.group_size;
  const double     root_p = PetscSqrtReal((double)l->settings.group_size);

  PetscFunctionBegin;
  *relative = Ramp(l) * l->weights.connectivity;
  if (l->iteration > 0 && l->weights.frozen) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftDictStrongest(l->dict, l->B, l->weights.gamma));
  for (PetscInt64 g = 0; g < G; ++g) l->weights.gamma[g] *= *relative / root_p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static double Clip(double value, double bound)
{
  return PetscMax(-bound, PetscMin(bound, value));
}

void WeftWeightsFollow(WeftLayer l, double activity, double density)
{
  const WeftLayerSettings *s = &l->settings;
  WeftWeights             *w = &l->weights;

  if (w->frozen) return;
  if (s->target_activity > 0)
    w->lambda *= PetscExpReal(Clip(0.2 * (activity - s->target_activity) / s->target_activity, 0.2));
  if (s->target_density > 0 && (double)l->iteration >= ramp_fraction * (double)s->iterations)
    w->connectivity *= PetscExpReal(Clip(0.05 * (density - s->target_density) / s->target_density, 0.05));
  w->connectivity = PetscMin(w->connectivity, 0.99); /* at 1 the strongest input would go too */
}
