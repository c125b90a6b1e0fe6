/* Linear readouts: the choice of the penalty on held-out samples, and what a readout is worth. */
#include "readoutimpl.h"
#include <math.h>

enum { RIDGE, DECAY, HELD_OUT, TAO_TYPE }; /* places in the table */

const WeftOption WeftReadoutOptions[] = {
  [RIDGE] = {"-weft_readout_ridge", "R", NULL,
             "rule ridge: penalty of its weights; if not given, the best of a grid on held-out samples"},
  [DECAY] = {"-weft_readout_decay", "R", "1e-3",
             "rule softmax: penalty of its weights; negative: the best of a grid on held-out samples"},
  [HELD_OUT] = {"-weft_readout_held_out", "N", "10",
                "every N-th training sample is held out where a penalty is chosen"},
  [TAO_TYPE] = {"-weft_readout_tao_type", "lmvm|blmvm|cg|bncg|bqnls", "lmvm",
                "rule softmax: PETSc's optimiser, of those that want a gradient alone"},
  {"-weft_readout_tao_max_it", "N", "500", "rule softmax: iterations, at most"},
  {"-weft_readout_tao_gttol", "R", "1e-4", "rule softmax: norm of the gradient at the end, over that at the start"},
  {"-weft_readout_tao_monitor", NULL, NULL, "rule softmax: print each iteration"},
  {NULL, NULL, NULL, NULL}};

PetscErrorCode WeftReadoutSettingsFromOptions(WeftReadoutSettings *s)
{
  const WeftOption *t = WeftReadoutOptions;
  char              text[64];
  double            gttol;
  PetscInt64        iterations;
  PetscBool         given;
  int               type;

  PetscFunctionBegin;
  PetscCall(WeftReadoutTaoOptions(&gttol, &iterations)); /* a mistake in them is found now, not when TAO is made */
  PetscCall(WeftOptionsGetChoice(t, t[TAO_TYPE].name, t[TAO_TYPE].argument, &type));
  PetscCall(WeftOptionsGetText(t, t[RIDGE].name, sizeof(text), text, &given));
  s->ridge = -1;
  if (given) PetscCall(WeftOptionsGetReal(t, t[RIDGE].name, 0, 1e9, &s->ridge));
  PetscCall(WeftOptionsGetReal(t, t[DECAY].name, -1, 1e9, &s->decay));
  PetscCall(WeftOptionsGetInt(t, t[HELD_OUT].name, 2, 1000000, &s->held_out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscBool WeftReadoutIsIn(const WeftReadoutProblem *p, WeftReadoutPart part, size_t row)
{
  const PetscInt64 every = p->settings->held_out;

  if (part == WEFT_PART_ALL) return PETSC_TRUE;
  if (every <= 0) return part == WEFT_PART_FIT ? PETSC_TRUE : PETSC_FALSE;
  return ((p->samples->row0 + (PetscInt64)row) % every == every - 1) == (part == WEFT_PART_HELD) ? PETSC_TRUE
                                                                                                 : PETSC_FALSE;
}

/* ---- what a readout answers ---- */

PetscErrorCode WeftReadoutLogits(const WeftBlock *x, size_t first, const WeftBlock *o, const double bias[],
                                 WeftBlock *logits)
{
  const size_t    rows = PetscMin((size_t)WEFT_READOUT_ROWS, x->rows - first);
  const WeftBlock part = WeftBlockRows(x, first, rows);

  PetscFunctionBegin;
  logits->rows = rows;
  PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1, &part, o, 0, logits));
  for (size_t i = 0; i < rows; ++i)
    for (size_t c = 0; c < logits->cols; ++c) WeftBlockSet(logits, i, c, WeftBlockGet(logits, i, c) + bias[c]);
  PetscFunctionReturn(PETSC_SUCCESS);
}

double WeftReadoutSoften(int classes, double logits[], int label, int *most)
{
  const double answer = logits[label];
  double       largest, sum = 0;

  *most = 0;
  for (int c = 1; c < classes; ++c)
    if (logits[c] > logits[*most]) *most = c;
  largest = logits[*most];
  for (int c = 0; c < classes; ++c) {
    logits[c] = exp(logits[c] - largest);
    sum += logits[c];
  }
  for (int c = 0; c < classes; ++c) logits[c] /= sum;
  return log(sum) + largest - answer;
}

PetscErrorCode WeftReadoutCount(const WeftReadoutProblem *p, WeftReadoutPart part, const WeftReadout *r, double sums[3])
{
  const WeftBlock *x = p->samples->x;
  WeftBlock        o, logits;
  double          *row;

  PetscFunctionBegin;
  sums[0] = sums[1] = sums[2] = 0;
  PetscCall(WeftBlockCreate(r->weights.rows, r->weights.cols, x->precision, &o));
  for (size_t c = 0; c < o.rows; ++c) WeftBlockSetRow(&o, c, r->weights.values.d + c * o.cols);
  PetscCall(WeftBlockCreate(WEFT_READOUT_ROWS, (size_t)r->classes, x->precision, &logits));
  PetscCall(PetscMalloc1(r->classes, &row));
  for (size_t first = 0; first < x->rows; first += WEFT_READOUT_ROWS) {
    PetscCall(WeftReadoutLogits(x, first, &o, r->bias, &logits));
    for (size_t i = 0; i < logits.rows; ++i) {
      int most;
      if (!WeftReadoutIsIn(p, part, first + i)) continue;
      WeftBlockGetRow(&logits, i, row);
      sums[1] += WeftReadoutSoften(r->classes, row, p->samples->labels[first + i], &most);
      sums[0] += most == p->samples->labels[first + i];
      sums[2] += 1;
    }
  }
  PetscCall(PetscFree(row));
  PetscCall(WeftBlockDestroy(&logits));
  PetscCall(WeftBlockDestroy(&o));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftReadoutScore(MPI_Comm comm, const WeftReadout *r, const WeftReadoutSamples *samples,
                                double *accuracy, double *cross_entropy)
{
  const WeftReadoutSettings settings = {0};
  const WeftReadoutProblem  problem = {comm, r->classes, samples, &settings};
  double                    sums[3];

  PetscFunctionBegin;
  PetscCall(WeftReadoutCount(&problem, WEFT_PART_ALL, r, sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, comm));
  *accuracy = sums[0] / sums[2];
  *cross_entropy = sums[1] / sums[2];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- fitting ---- */

/* Has any rank been asked to stop? */
static PetscErrorCode LookForStop(const WeftReadoutProblem *p, WeftReadout *r)
{
  PetscFunctionBegin;
  if (!r->stopped) PetscCall(WeftAnyRank(p->comm, WeftStopRequested(), &r->stopped));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One penalty, fitted to one part of the samples and judged on the held-out part. */
static PetscErrorCode Try(const WeftReadoutMethod *method, const WeftReadoutProblem *p, void *data, double penalty,
                          WeftReadout *r)
{
  double    sums[3];
  PetscBool ok;

  PetscFunctionBegin;
  r->penalty = penalty;
  PetscCall(LookForStop(p, r));
  if (r->stopped) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*method->fit)(p, data, r, &ok));
  if (!ok || r->stopped) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftReadoutCount(p, WEFT_PART_HELD, r, sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 3, MPI_DOUBLE, MPI_SUM, p->comm));
  r->tried_penalty[r->tried] = penalty;
  r->tried_accuracy[r->tried++] = sums[2] > 0 ? sums[0] / sums[2] : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Of equally good penalties the heaviest, which comes first. */
static PetscErrorCode ChoosePenalty(const WeftReadoutMethod *method, const WeftReadoutProblem *p, WeftReadout *r,
                                    double *penalty)
{
  void *data;
  int   best = 0;

  PetscFunctionBegin;
  PetscCall((*method->prepare)(p, WEFT_PART_FIT, &data));
  for (const double *grid = method->grid; *grid >= 0; ++grid) PetscCall(Try(method, p, data, *grid, r));
  PetscCall((*method->destroy)(data));
  if (r->stopped) PetscFunctionReturn(PETSC_SUCCESS);
  WeftUserCheck(r->tried, p->comm, "no penalty gives a readout: are the features finite numbers?");
  for (int i = 1; i < r->tried; ++i)
    if (r->tried_accuracy[i] > r->tried_accuracy[best]) best = i;
  *penalty = r->tried_penalty[best];
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftReadoutFit(MPI_Comm comm, WeftReadoutKind kind, const WeftReadoutSettings *settings, int classes,
                              const WeftReadoutSamples *samples, WeftReadout *r)
{
  const WeftReadoutMethod *method = kind == WEFT_READOUT_RIDGE ? &WeftReadoutRidge : &WeftReadoutSoftmax;
  const WeftReadoutProblem p = {comm, classes, samples, settings};
  double                   penalty = kind == WEFT_READOUT_RIDGE ? settings->ridge : settings->decay;
  double                   n = (double)samples->x->rows;
  PetscBool                ok;
  void                    *data;

  PetscFunctionBegin;
  *r = (WeftReadout){.classes = classes};
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_DOUBLE, MPI_SUM, comm));
  WeftUserCheck(n > 0, comm, "there are no samples to fit a readout to");
  PetscCall(WeftBlockCreate((size_t)classes, samples->x->cols, WEFT_DOUBLE, &r->weights));
  PetscCall(PetscCalloc1(classes, &r->bias));
  if (penalty < 0) PetscCall(ChoosePenalty(method, &p, r, &penalty));
  r->penalty = penalty;
  PetscCall(LookForStop(&p, r));
  if (r->stopped) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*method->prepare)(&p, WEFT_PART_ALL, &data));
  PetscCall((*method->fit)(&p, data, r, &ok));
  PetscCall((*method->destroy)(data));
  WeftUserCheck(ok || r->stopped, comm,
                "the readout has no solution with a penalty of %g: a heavier one, or finite features?", penalty);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftReadoutDestroy(WeftReadout *r)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&r->weights));
  PetscCall(PetscFree(r->bias));
  PetscFunctionReturn(PETSC_SUCCESS);
}
