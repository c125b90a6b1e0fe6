/* The options of training. */
#include "trainimpl.h"
#include <stdlib.h>
#include <string.h>

const WeftOption WeftTrainOptions[] = {
  {"-weft_train_rule", "backprop|ridge|softmax", "backprop",
   "training rule: backprop (back-propagation), or a linear readout of the structure's responses: ridge or softmax"},
  {"-weft_train_layers", "L", "0", "layers of the structure that are used, the first so many; 0: all"},
  {"-weft_train_samples", "N", "0", "training samples that are used, the first so many; 0: all"},
  {"-weft_train_epochs", "E", "8", "passes over the data"},
  {"-weft_train_batch_size", "N", "120", "samples per step, over all ranks"},
  {"-weft_train_optimiser", "adam|sgd", "adam", "adam, or sgd (with momentum)"},
  {"-weft_train_rate", "R", NULL, "greatest learning rate; if not given, 0.004 for adam and 0.1 for sgd"},
  {"-weft_train_momentum", "R", "0.9", "momentum of sgd"},
  {"-weft_train_decay", "R", "0.05", "weight decay, times the rate, of weights but not of norms and biases"},
  {"-weft_train_schedule", "constant|step|cosine", "cosine", "of the learning rate; cosine goes to zero at the end"},
  {"-weft_train_warmup", "E", "0.3", "epochs over which the rate grows from zero"},
  {"-weft_train_step_epochs", "E", "3", "schedule step: epochs between steps"},
  {"-weft_train_step_factor", "R", "0.1", "schedule step: what a step multiplies the rate by"},
  {"-weft_train_label_smoothing", "R", "0.05", "part of a label that is spread over all classes"},
  {"-weft_train_dropout", "R", "0.3", "part of the features that dense layers do not see in a step"},
  {"-weft_train_dropout_hidden", "R", "0", "the same of the units of hidden layers"},
  {"-weft_train_average", "R", "0",
   "running average of the weights, which is then the result: part kept per step; 0: none"},
  {"-weft_train_hidden", "N[,N..]", "128", "units of the dense hidden layers; 0: none"},
  {"-weft_train_units", "pooled|single|both", "both",
   "what dense layers read: pooled units, single ones of the first layer, or both"},
  {"-weft_train_readout_from", "all|last", "all", "whose pooled units dense layers read: all layers' or the last's"},
  {"-weft_train_pool", "N", "1", "groups of a layer that one pooled unit pools"},
  {"-weft_train_input", "raw|whitened", "raw",
   "samples as the network sees them: whitened as learned, or raw (normalised and centred)"},
  {"-weft_precision", "single|double", "single", "numbers of the hot path"},
  {NULL, NULL, NULL, NULL}};

static PetscErrorCode Real(const char name[], double low, double high, double *value)
{
  PetscFunctionBegin;
  PetscCall(WeftOptionsGetReal(WeftTrainOptions, name, low, high, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Choice(const char name[], const char choices[], int *value)
{
  PetscFunctionBegin;
  PetscCall(WeftOptionsGetChoice(WeftTrainOptions, name, choices, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHidden(WeftTrainSettings *s)
{
  char  text[256], copy[256];
  char *end;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetText(WeftTrainOptions, "-weft_train_hidden", sizeof(text), text, NULL));
  memcpy(copy, text, sizeof(copy));
  s->nhidden = 0;
  for (char *save, *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
    const long units = strtol(word, &end, 10);
    WeftUserCheck(!*end && units >= 0 && units <= 1000000 && s->nhidden < WEFT_NETWORK_MAX_HIDDEN, PETSC_COMM_WORLD,
                  "-weft_train_hidden %s: up to %d whole numbers with commas between them are wanted", text,
                  WEFT_NETWORK_MAX_HIDDEN);
    if (units) s->hidden[s->nhidden++] = (int)units;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadOptimiser(WeftTrainSettings *s)
{
  int       optimiser, schedule;
  char      text[64];
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(Choice("-weft_train_optimiser", "adam|sgd", &optimiser));
  PetscCall(Choice("-weft_train_schedule", "constant|step|cosine", &schedule));
  s->optimiser = (WeftOptimiser)optimiser;
  s->schedule = (WeftSchedule)schedule;
  s->rate = s->optimiser == WEFT_OPTIMISER_ADAM ? 0.004 : 0.1;
  PetscCall(WeftOptionsGetText(WeftTrainOptions, "-weft_train_rate", sizeof(text), text, &given));
  if (given) PetscCall(Real("-weft_train_rate", 0, 100, &s->rate));
  PetscCall(Real("-weft_train_momentum", 0, 0.9999, &s->momentum));
  PetscCall(Real("-weft_train_decay", 0, 100, &s->decay));
  PetscCall(Real("-weft_train_warmup", 0, 1e6, &s->warmup));
  PetscCall(Real("-weft_train_step_epochs", 1e-6, 1e6, &s->step_epochs));
  PetscCall(Real("-weft_train_step_factor", 0, 1, &s->step_factor));
  PetscCall(Real("-weft_train_label_smoothing", 0, 0.999, &s->label_smoothing));
  PetscCall(Real("-weft_train_dropout", 0, 0.99, &s->dropout));
  PetscCall(Real("-weft_train_dropout_hidden", 0, 0.99, &s->dropout_hidden));
  PetscCall(Real("-weft_train_average", 0, 0.999999, &s->average));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainSettingsFromOptions(WeftTrainSettings *s)
{
  PetscInt64 value;
  int        units, from, input, precision;

  PetscFunctionBegin;
  *s = (WeftTrainSettings){0};
  PetscCall(ReadOptimiser(s));
  PetscCall(ReadHidden(s));
  PetscCall(WeftOptionsGetInt(WeftTrainOptions, "-weft_train_epochs", 1, 1000000, &value));
  s->epochs = (int)value;
  PetscCall(WeftOptionsGetInt(WeftTrainOptions, "-weft_train_batch_size", 1, 1 << 24, &s->batch_size));
  PetscCall(WeftOptionsGetInt(WeftTrainOptions, "-weft_train_samples", 0, INT64_MAX, &s->samples));
  PetscCall(WeftOptionsGetInt(WeftTrainOptions, "-weft_train_layers", 0, WEFT_NETWORK_MAX_LAYERS, &value));
  s->layers = (int)value;
  PetscCall(WeftOptionsGetInt(WeftTrainOptions, "-weft_train_pool", 1, 1000000, &value));
  s->pool = (int)value;
  PetscCall(Choice("-weft_train_units", "pooled|single|both", &units));
  s->pooled = units != 1 ? PETSC_TRUE : PETSC_FALSE;
  s->single = units != 0 ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(Choice("-weft_train_readout_from", "all|last", &from));
  s->from_last = from ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(Choice("-weft_train_input", "whitened|raw", &input));
  s->whitened = input ? PETSC_FALSE : PETSC_TRUE;
  PetscCall(Choice("-weft_precision", "single|double", &precision));
  s->precision = precision ? WEFT_DOUBLE : WEFT_SINGLE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
