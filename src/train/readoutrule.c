/* The rules "ridge" and "softmax": the network is its output layer alone, on features that stay as they are, and one
   step fits it. */
#include "trainimpl.h"
#include <weft/readout.h>

static PetscErrorCode Create(WeftTrainer t)
{
  PetscFunctionBegin;
  PetscCheck(!t->network->nlayers && !t->network->nhidden, t->comm, PETSC_ERR_ARG_WRONG,
             "a readout is a network of an output layer alone");
  t->steps = t->steps_per_epoch = 1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Tell(WeftTrainer t, const char name[], const char description[], int n, const double values[])
{
  WeftBlock *block;

  PetscFunctionBegin;
  PetscCall(WeftTrainerAddFigure(t, name, description, (size_t)n, &block));
  WeftBlockSetRow(block, 0, values);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TellFit(WeftTrainer t, const WeftReadout *r)
{
  const double iterations = r->iterations;

  PetscFunctionBegin;
  PetscCall(Tell(t, "penalty", "of the squared weights of standardised features", 1, &r->penalty));
  PetscCall(Tell(t, "iterations", "of the optimiser; 0: closed form", 1, &iterations));
  if (!r->tried) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(Tell(t, "tried_penalty", "penalties tried on held-out samples", r->tried, r->tried_penalty));
  PetscCall(Tell(t, "held_out_accuracy", "fraction of right answers on the held-out samples with each", r->tried,
                 r->tried_accuracy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fit(WeftTrainer t, WeftReadoutKind kind)
{
  const WeftReadoutSamples samples = {&t->train->x, t->train->labels, t->train->row0};
  WeftNetwork             *net = t->network;
  WeftReadoutSettings      settings;
  WeftReadout              r;

  PetscFunctionBegin;
  PetscCall(WeftReadoutSettingsFromOptions(&settings));
  PetscCall(WeftReadoutFit(t->comm, kind, &settings, (int)net->classes, &samples, &r));
  t->stopped = r.stopped;
  if (t->stopped) {
    PetscCall(WeftReadoutDestroy(&r));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (size_t i = 0; i < net->classes; ++i) {
    for (size_t j = 0; j < net->inputs; ++j)
      WeftBlockSet(&net->parameters, 0, net->output.weights + i * net->inputs + j, WeftBlockGet(&r.weights, i, j));
    WeftBlockSet(&net->parameters, 0, net->output.bias + i, r.bias[i]);
  }
  PetscCall(TellFit(t, &r));
  PetscCall(WeftReadoutDestroy(&r));
  PetscCall(WeftTrainEvaluate(t->comm, net, t->train, &t->score));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FitRidge(WeftTrainer t)
{
  PetscFunctionBegin;
  PetscCall(Fit(t, WEFT_READOUT_RIDGE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FitSoftmax(WeftTrainer t)
{
  PetscFunctionBegin;
  PetscCall(Fit(t, WEFT_READOUT_SOFTMAX));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftTrainingRule WeftTrainingRuleRidge = {"ridge", Create, FitRidge, NULL, NULL, NULL, PETSC_TRUE};
const WeftTrainingRule WeftTrainingRuleSoftmax = {"softmax", Create, FitSoftmax, NULL, NULL, NULL, PETSC_TRUE};
