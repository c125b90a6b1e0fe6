#include "ioimpl.h"

static WeftRunPath Path(const char root[], int layer, const char rest[])
{
  WeftRunPath path;

  snprintf(path.text, sizeof(path.text), "/%s/%d%s", root, layer, rest);
  return path;
}

WeftRunPath WeftRunLayerPath(int layer, const char rest[])
{
  return Path("layers", layer, rest);
}

WeftRunPath WeftRunHistoryPath(int layer, const char rest[])
{
  return Path("history", layer, rest);
}

WeftRunPath WeftRunColumnPath(int layer, int field)
{
  WeftRunPath path;

  snprintf(path.text, sizeof(path.text), "/history/%d/%s", layer, WeftHistoryNames[field]);
  return path;
}

void WeftRunKeys(const WeftLayer l, WeftRunKey keys[WEFT_RUN_KEYS])
{
  const WeftLayerSettings *s = &l->settings;
  const WeftRunKey         all[WEFT_RUN_KEYS] = {
            {"samples", "-data", l->n},
            {"features", "-data", l->d},
            {"atoms", "-weft_atoms", s->atoms},
            {"group_size", "-weft_group_size", s->group_size},
            {"batch_size", "-weft_batch_size", l->batches.per_epoch == 1 ? 0 : s->batch_size},
            {"iterations", "-weft_iterations", s->iterations},
            {"precision", "-weft_precision", s->precision == WEFT_SINGLE ? 32 : 64},
            {"seed", "-seed", (PetscInt64)s->seed},
  };

  for (int i = 0; i < WEFT_RUN_KEYS; ++i) keys[i] = all[i];
}

void WeftRunScalars(WeftLayer l, WeftRunScalar scalars[WEFT_RUN_SCALARS])
{
  const WeftRunScalar all[WEFT_RUN_SCALARS] = {
    {"lambda", &l->weights.lambda},
    {"lambda_max", &l->weights.lambda_max},
    {"mu", &l->weights.mu},
    {"mu_max", &l->weights.mu_max},
    {"connectivity_penalty", &l->weights.connectivity},
    {"eta_floor", &l->weights.eta_floor},
    {"seconds", &l->seconds},
    {"objective", &l->final_objective},
  };

  for (int i = 0; i < WEFT_RUN_SCALARS; ++i) scalars[i] = all[i];
}

void WeftRunWeights(WeftLayer l, WeftRunScalar weights[WEFT_RUN_WEIGHTS])
{
  const WeftRunScalar all[WEFT_RUN_WEIGHTS] = {
    {"lambda", &l->weights.lambda},
    {"mu", &l->weights.mu},
    {"lambda_max", &l->weights.lambda_max},
    {"mu_max", &l->weights.mu_max},
    {"connectivity_penalty", &l->weights.connectivity},
  };

  for (int i = 0; i < WEFT_RUN_WEIGHTS; ++i) weights[i] = all[i];
}
