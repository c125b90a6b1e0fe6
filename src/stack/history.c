#include <weft/stack.h>

const char *const WeftHistoryNames[WEFT_HISTORY_FIELDS] = {
  "iteration", "objective", "reconstruction",       "active_fraction", "connection_density", "max_gap", "mean_gap",
  "seconds",   "lambda",    "connectivity_penalty", "alive_groups",    "reseeded",           "removed"};

const char *const WeftHistoryNotes[WEFT_HISTORY_FIELDS] = {
  "batches before this one",
  "J on the batch, after its code step and before the dictionary step",
  "half the mean squared residual per sample on the batch",
  "mean fraction of alive groups that are active in a sample of the batch",
  "connections (nonzeros of C) / (inputs x alive groups), after the dictionary step",
  "largest certified relative duality gap of a sample of the batch",
  "mean certified relative duality gap over the batch",
  "cumulative wall time, over resumed runs too",
  "absolute weight lambda that the batch was coded with",
  "relative connectivity weight gamma_rel of the dictionary step, after the ramp",
  "groups alive after the iteration",
  "groups re-seeded in the iteration",
  "groups removed in the iteration"};

PetscErrorCode WeftHistoryAppend(WeftHistory *history, const double entry[WEFT_HISTORY_FIELDS])
{
  PetscFunctionBegin;
  if (history->length == history->capacity) {
    history->capacity = 2 * history->capacity + 64;
    PetscCall(PetscRealloc(history->capacity * WEFT_HISTORY_FIELDS * sizeof(double), &history->values));
  }
  PetscCall(PetscArraycpy(history->values + history->length * WEFT_HISTORY_FIELDS, entry, WEFT_HISTORY_FIELDS));
  ++history->length;
  PetscFunctionReturn(PETSC_SUCCESS);
}
