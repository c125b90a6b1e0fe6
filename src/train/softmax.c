/* The softmax readout by TAO. Its variables are the weights of standardised features s_j (f_j − mean_j), s_j = 1 over
   the standard deviation, row after row of O, then b; spread over the ranks, while each rank computes the gradient of
   its own samples. What standardises the features goes into O and b, so that no second copy of them is made. */
#include "readoutimpl.h"
#include <math.h>
#include <petsctao.h>

static const double decays[] = {0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, -1};

typedef struct {
  const WeftReadoutProblem *problem;
  WeftReadoutPart           part;
  size_t                    m, classes;
  double                    n, decay;
  PetscBool                 stopped;
  double                   *mean, *scale; /* [m]; scale 0: the feature does not vary */
  double                   *theta, *raw;  /* [classes, m] and [classes]: as TAO has them; for features as they are */
  double                   *bias, *gradient;
  double                   *row;    /* [classes] */
  WeftBlock                 o;      /* raw, in the samples' precision */
  WeftBlock                 logits; /* [WEFT_READOUT_ROWS, classes] */
  WeftBlock                 piece;  /* [classes, m] gradient of some samples */
} Softmax;

static size_t Variables(const Softmax *s)
{
  return s->classes * (s->m + 1);
}

static PetscErrorCode SumOverRanks(const Softmax *s, size_t n, double values[])
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_DOUBLE, MPI_SUM, s->problem->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds f_j, or (f_j − mean_j)² where mean is given, of the part's samples; returns how many there are. */
static double AddMoments(const Softmax *s, const double mean[], double sums[])
{
  const WeftBlock *x = s->problem->samples->x;
  double           n = 0;

  for (size_t i = 0; i < x->rows; ++i) {
    if (!WeftReadoutIsIn(s->problem, s->part, i)) continue;
    for (size_t j = 0; j < s->m; ++j) {
      const double v = WeftBlockGet(x, i, j) - (mean ? mean[j] : 0);
      sums[j] += mean ? v * v : v;
    }
    n += 1;
  }
  return n;
}

static PetscErrorCode Moments(Softmax *s)
{
  const double constant = 1e-20; /* as in normal equations: a smaller variance, over the mean square, is round-off */

  PetscFunctionBegin;
  s->n = AddMoments(s, NULL, s->mean);
  PetscCall(SumOverRanks(s, 1, &s->n));
  PetscCall(SumOverRanks(s, s->m, s->mean));
  WeftUserCheck(s->n > 0, s->problem->comm, "there are no samples left to fit a readout to: too many are held out");
  for (size_t j = 0; j < s->m; ++j) s->mean[j] /= s->n;
  (void)AddMoments(s, s->mean, s->scale);
  PetscCall(SumOverRanks(s, s->m, s->scale));
  for (size_t j = 0; j < s->m; ++j) {
    const double variance = s->scale[j] / s->n, square = s->mean[j] * s->mean[j];
    WeftUserCheck(isfinite(variance), s->problem->comm, "feature %zu is not a finite number", j);
    s->scale[j] = variance > constant * square ? 1 / sqrt(variance) : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Prepare(const WeftReadoutProblem *p, WeftReadoutPart part, void **data)
{
  const WeftPrecision precision = p->samples->x->precision;
  Softmax            *s;

  PetscFunctionBegin;
  PetscCall(PetscNew(&s));
  s->problem = p;
  s->part = part;
  s->m = p->samples->x->cols;
  s->classes = (size_t)p->classes;
  PetscCall(PetscCalloc3(s->m, &s->mean, s->m, &s->scale, s->classes, &s->row));
  PetscCall(PetscCalloc4(Variables(s), &s->theta, s->classes * s->m, &s->raw, s->classes, &s->bias, Variables(s),
                         &s->gradient));
  PetscCall(WeftBlockCreate(s->classes, s->m, precision, &s->o));
  PetscCall(WeftBlockCreate(WEFT_READOUT_ROWS, s->classes, precision, &s->logits));
  PetscCall(WeftBlockCreate(s->classes, s->m, precision, &s->piece));
  PetscCall(Moments(s));
  *data = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(void *data)
{
  Softmax *s = data;

  PetscFunctionBegin;
  PetscCall(PetscFree3(s->mean, s->scale, s->row));
  PetscCall(PetscFree4(s->theta, s->raw, s->bias, s->gradient));
  PetscCall(WeftBlockDestroy(&s->o));
  PetscCall(WeftBlockDestroy(&s->logits));
  PetscCall(WeftBlockDestroy(&s->piece));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* O and b for features as they are. */
static void Unscale(Softmax *s)
{
  for (size_t c = 0; c < s->classes; ++c) {
    s->bias[c] = s->theta[s->classes * s->m + c];
    for (size_t j = 0; j < s->m; ++j) {
      s->raw[c * s->m + j] = s->theta[c * s->m + j] * s->scale[j];
      s->bias[c] -= s->raw[c * s->m + j] * s->mean[j];
    }
    WeftBlockSetRow(&s->o, c, s->raw + c * s->m);
  }
}

/* Logits become probabilities less the one-hot label, zero where a sample is not in the part; adds the cross-entropy
   and, to the gradient, what the biases get. */
static void Residuals(Softmax *s, size_t first, double *loss)
{
  double *sums = s->gradient + s->classes * s->m;

  for (size_t i = 0; i < s->logits.rows; ++i) {
    const int label = s->problem->samples->labels[first + i];
    int       most;
    WeftBlockGetRow(&s->logits, i, s->row);
    if (WeftReadoutIsIn(s->problem, s->part, first + i)) {
      *loss += WeftReadoutSoften((int)s->classes, s->row, label, &most);
      s->row[label] -= 1;
    } else {
      (void)PetscArrayzero(s->row, s->classes);
    }
    for (size_t c = 0; c < s->classes; ++c) sums[c] += s->row[c];
    WeftBlockSetRow(&s->logits, i, s->row);
  }
}

/* Sums over this rank's samples: loss, and the gradient with respect to O and b for features as they are. */
static PetscErrorCode AddSamples(Softmax *s, double *loss)
{
  const WeftBlock *x = s->problem->samples->x;

  PetscFunctionBegin;
  PetscCall(PetscArrayzero(s->gradient, Variables(s)));
  for (size_t first = 0; first < x->rows; first += WEFT_READOUT_ROWS) {
    PetscCall(WeftReadoutLogits(x, first, &s->o, s->bias, &s->logits));
    const WeftBlock rows = WeftBlockRows(x, first, s->logits.rows);
    Residuals(s, first, loss);
    PetscCall(WeftBlockGemm(PETSC_TRUE, PETSC_FALSE, 1, &s->logits, &rows, 0, &s->piece));
    for (size_t c = 0; c < s->classes; ++c)
      for (size_t j = 0; j < s->m; ++j) s->gradient[c * s->m + j] += WeftBlockGet(&s->piece, c, j);
  }
  PetscCall(PetscLogFlops(4.0 * (double)x->rows * (double)(s->m * s->classes)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From sums for features as they are to the mean for standardised ones, and the penalty. */
static double Scale(Softmax *s, double loss)
{
  const double *sums = s->gradient + s->classes * s->m;
  double        square = 0;

  for (size_t c = 0; c < s->classes; ++c)
    for (size_t j = 0; j < s->m; ++j) {
      const size_t at = c * s->m + j;
      s->gradient[at] = (s->gradient[at] - sums[c] * s->mean[j]) * s->scale[j] / s->n + s->decay * s->theta[at];
      square += s->theta[at] * s->theta[at];
    }
  for (size_t c = 0; c < s->classes; ++c) s->gradient[s->classes * s->m + c] /= s->n;
  return loss / s->n + 0.5 * s->decay * square;
}

/* TAO's variables to theta on every rank. */
static PetscErrorCode GatherTheta(Softmax *s, Vec v)
{
  const PetscInt *ranges;
  const double   *mine;
  int             rank, size, *counts, *starts;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(s->problem->comm, &rank));
  PetscCallMPI(MPI_Comm_size(s->problem->comm, &size));
  PetscCall(VecGetOwnershipRanges(v, &ranges));
  PetscCall(PetscMalloc2(size, &counts, size, &starts));
  for (int r = 0; r < size; ++r) {
    starts[r] = (int)ranges[r];
    counts[r] = (int)(ranges[r + 1] - ranges[r]);
  }
  PetscCall(VecGetArrayRead(v, &mine));
  PetscCallMPI(MPI_Allgatherv(mine, counts[rank], MPI_DOUBLE, s->theta, counts, starts, MPI_DOUBLE, s->problem->comm));
  PetscCall(VecRestoreArrayRead(v, &mine));
  PetscCall(PetscFree2(counts, starts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's part of theta or gradient into TAO's vector. */
static PetscErrorCode Share(const double all[], Vec v)
{
  PetscInt first, end;
  double  *mine;

  PetscFunctionBegin;
  PetscCall(VecGetOwnershipRange(v, &first, &end));
  PetscCall(VecGetArrayWrite(v, &mine));
  PetscCall(PetscArraycpy(mine, all + first, (size_t)(end - first)));
  PetscCall(VecRestoreArrayWrite(v, &mine));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same on every rank. */
static PetscErrorCode CheckFinite(const Softmax *s, Tao tao, double f)
{
  const WeftBlock gradient = {1, Variables(s), WEFT_DOUBLE, {s->gradient}};
  PetscInt        iteration;

  PetscFunctionBegin;
  PetscCall(TaoGetIterationNumber(tao, &iteration));
  WeftUserCheck(isfinite(f) && WeftBlockFinite(&gradient), s->problem->comm,
                "rule softmax, iteration %lld: the loss or its gradient is not a finite number (try -weft_precision "
                "double, or another -weft_readout_decay)",
                (long long)iteration);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveGradient(Tao tao, Vec v, double *f, Vec gradient, void *ctx)
{
  Softmax *s = ctx;
  double   loss = 0;

  PetscFunctionBegin;
  PetscCall(GatherTheta(s, v));
  Unscale(s);
  PetscCall(AddSamples(s, &loss));
  PetscCall(SumOverRanks(s, 1, &loss));
  PetscCall(SumOverRanks(s, Variables(s), s->gradient));
  *f = Scale(s, loss);
  PetscCall(CheckFinite(s, tao, *f));
  PetscCall(Share(s->gradient, gradient));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where it starts: what the readout holds, so that each penalty begins where the last one ended. */
static void Rescale(Softmax *s, const WeftReadout *r)
{
  for (size_t c = 0; c < s->classes; ++c) {
    double bias = r->bias[c];
    for (size_t j = 0; j < s->m; ++j) {
      const double o = s->scale[j] > 0 ? r->weights.values.d[c * s->m + j] : 0;
      s->theta[c * s->m + j] = s->scale[j] > 0 ? o / s->scale[j] : 0;
      bias += o * s->mean[j];
    }
    s->theta[s->classes * s->m + c] = bias;
  }
}

PetscErrorCode WeftReadoutTaoOptions(double *gttol, PetscInt64 *iterations)
{
  PetscFunctionBegin;
  PetscCall(WeftOptionsGetReal(WeftReadoutOptions, "-weft_readout_tao_gttol", 0, 1, gttol));
  PetscCall(WeftOptionsGetInt(WeftReadoutOptions, "-weft_readout_tao_max_it", 0, 1000000, iterations));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* TAO's own test; and where it would go on, has any rank been asked to stop? */
static PetscErrorCode TestConvergence(Tao tao, void *ctx)
{
  Softmax           *s = ctx;
  TaoConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(TaoDefaultConvergenceTest(tao, NULL));
  PetscCall(TaoGetConvergedReason(tao, &reason));
  if (reason != TAO_CONTINUE_ITERATING) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftAnyRank(s->problem->comm, WeftStopRequested(), &s->stopped));
  if (s->stopped) PetscCall(TaoSetConvergedReason(tao, TAO_DIVERGED_USER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Defaults before what the options say. */
static PetscErrorCode CreateTao(Softmax *s, Vec v, Tao *tao)
{
  double     gttol;
  PetscInt64 iterations;

  PetscFunctionBegin;
  PetscCall(WeftReadoutTaoOptions(&gttol, &iterations));
  PetscCall(TaoCreate(s->problem->comm, tao));
  PetscCall(TaoSetType(*tao, TAOLMVM));
  PetscCall(TaoSetOptionsPrefix(*tao, "weft_readout_"));
  PetscCall(TaoSetTolerances(*tao, 0, 0, gttol));
  PetscCall(TaoSetMaximumIterations(*tao, (PetscInt)iterations));
  PetscCall(TaoSetMaximumFunctionEvaluations(*tao, 100000));
  PetscCall(TaoSetObjectiveAndGradient(*tao, NULL, ObjectiveGradient, s));
  PetscCall(TaoSetConvergenceTest(*tao, TestConvergence, s));
  PetscCall(TaoSetSolution(*tao, v));
  PetscCall(TaoSetFromOptions(*tao));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A line search that finds no lower value has met the rounding of the samples' precision: that is an answer too. */
static PetscErrorCode Fit(const WeftReadoutProblem *p, void *data, WeftReadout *r, PetscBool *ok)
{
  Softmax *s = data;
  PetscInt iterations;
  Tao      tao;
  Vec      v;

  PetscFunctionBegin;
  s->decay = r->penalty;
  PetscCall(VecCreateMPI(p->comm, PETSC_DECIDE, (PetscInt)Variables(s), &v));
  Rescale(s, r);
  PetscCall(Share(s->theta, v));
  PetscCall(CreateTao(s, v, &tao));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoGetSolutionStatus(tao, &iterations, &r->loss, NULL, NULL, NULL, NULL));
  r->iterations = (int)iterations;
  r->stopped = s->stopped;
  PetscCall(GatherTheta(s, v));
  Unscale(s);
  PetscCall(PetscArraycpy(r->weights.values.d, s->raw, s->classes * s->m));
  PetscCall(PetscArraycpy(r->bias, s->bias, s->classes));
  *ok = isfinite(r->loss) ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(TaoDestroy(&tao));
  PetscCall(VecDestroy(&v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftReadoutMethod WeftReadoutSoftmax = {Prepare, Fit, Destroy, decays};
