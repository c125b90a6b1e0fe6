/* What of a trainer goes into a file and comes back. */
#include "trainimpl.h"

static const char *const number_names[] = {"step", "seconds", "rate", "loss", "correct", "samples"};
enum { NUMBERS = sizeof(number_names) / sizeof(number_names[0]) };

PetscErrorCode WeftTrainerRecord(WeftTrainer t, WeftNetworkRecord *r)
{
  const double now[NUMBERS] = {(double)t->step, t->seconds, t->rate, t->score.loss, t->score.correct, t->score.samples};

  PetscFunctionBegin;
  r->rule = t->rule->name;
  r->columns = WEFT_TRAINED_FIELDS;
  r->column_name = WeftTrainedNames;
  r->column_note = WeftTrainedNotes;
  r->entries = t->entries;
  r->history = t->history;
  r->room = (size_t)(t->steps / t->steps_per_epoch);
  r->test_accuracy = NAN;
  if (t->entries) r->test_accuracy = t->history[(t->entries - 1) * WEFT_TRAINED_FIELDS + WEFT_TRAINED_TEST_ACCURACY];
  r->nscalars = NUMBERS;
  for (int i = 0; i < NUMBERS; ++i) {
    t->numbers[i] = now[i];
    r->scalar_name[i] = number_names[i];
    r->scalar[i] = &t->numbers[i];
  }
  r->nfigures = t->nfigures;
  for (int i = 0; i < t->nfigures; ++i) {
    r->figure_name[i] = t->figure[i].name;
    r->figure_note[i] = t->figure[i].description;
    r->figure[i] = &t->figure[i].values;
  }
  r->nstate = t->nstate;
  for (int i = 0; i < t->nstate; ++i) {
    r->state_name[i] = t->state[i].name;
    r->state_note[i] = t->state[i].description;
    r->state[i] = &t->state[i].values;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTrainerRestore(WeftTrainer t, const WeftNetworkRecord *r)
{
  PetscFunctionBegin;
  t->step = (PetscInt64)t->numbers[0];
  t->seconds = t->numbers[1];
  t->rate = t->numbers[2];
  t->score = (WeftScore){t->numbers[3], t->numbers[4], t->numbers[5]};
  t->entries = r->entries;
  WeftUserCheck(t->numbers[0] >= 0 && t->step <= t->steps && t->entries == (size_t)(t->step / t->steps_per_epoch),
                t->comm, "-resume: /state/step of the network file is %lld after %zu epochs of %lld steps: damaged",
                (long long)t->step, t->entries, (long long)t->steps_per_epoch);
  PetscFunctionReturn(PETSC_SUCCESS);
}

double WeftTrainMemory(const WeftTrainSettings *s, const WeftNetwork *net, PetscInt64 samples, PetscInt64 tests,
                       int ranks)
{
  const double real = (double)WeftPrecisionBytes(net->precision), kept = s->average > 0 ? 6 : 4;
  double       units = (double)(net->inputs + 2 * net->features + net->classes), connections = 0;

  if (net->nlayers) units += (double)WeftNetworkRead(net);
  for (int i = 0; i < net->nlayers; ++i) {
    const WeftNetworkLayer *l = &net->layer[i];
    units += (double)(l->groups * l->group_size + l->pools);
    connections += (double)WeftNetworkConnections(l);
  }
  for (int i = 0; i < net->nhidden; ++i) units += 3 * (double)net->hidden[i].out;
  return (double)(samples + tests) * ((double)net->inputs * real + 4) + kept * real * (double)net->parameters.cols +
         4 * connections + real * units * ((double)s->batch_size / ranks + WEFT_TRAIN_LANES) + real * units * 256;
}
