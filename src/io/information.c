/* /information: what the layers of a run tell of their input. */
#include "ioimpl.h"

enum { LAYER, BITS, BITS_PLAIN, ENTROPY_BITS, BITS_FULL, RIDGE, KEPT, COLUMNS };

static const struct {
  const char *path, *note, *units;
} columns[COLUMNS] = {
  {"/information/layer", "layer", "1"},
  {"/information/bits", "decoder bits of this layer's responses and those of the kept ones before it", "bit"},
  {"/information/bits_plain", "the same without weights: each direction of the input counts alike", "bit"},
  {"/information/entropy_bits", "noise-floor Gaussian entropy of the same responses", "bit"},
  {"/information/bits_full", "decoder bits by determinants; not a number where samples are too few", "bit"},
  {"/information/ridge", "ridge of the decoder", "1"},
  {"/information/kept", "1: the layer is in /layers; 0: it added too little and was the last that was tried", "1"}};

static double Get(const WeftStack stack, int i, int column)
{
  const WeftInformationResult *r = &stack->depth[i].information;
  const double                 values[COLUMNS] = {
                    i, r->bits, r->bits_plain, r->entropy_bits, r->bits_full, r->ridge, stack->depth[i].kept};

  return values[column];
}

PetscErrorCode WeftRunWriteInformation(const WeftStack stack, hid_t file)
{
  double values[WEFT_MAX_LAYERS];

  PetscFunctionBegin;
  if (!stack->measured) PetscFunctionReturn(PETSC_SUCCESS);
  for (int c = 0; c < COLUMNS; ++c) {
    const hid_t type = c == LAYER ? H5T_STD_I32LE : c == KEPT ? H5T_STD_U8LE : H5T_IEEE_F64LE;
    for (int i = 0; i < stack->measured; ++i) values[i] = Get(stack, i, c);
    PetscCall(WeftH5WriteSmall(stack->comm, file, columns[c].path, type, H5T_NATIVE_DOUBLE, stack->measured, 0, values,
                               (WeftH5Note){columns[c].note, columns[c].units, "measured layer"}));
  }
  PetscCall(WeftH5SetReal(file, "/information", "min_gain", stack->settings.min_gain));
  PetscCall(WeftH5SetText(file, "/information", "estimator",
                          "ridge regression of the input's principal components from the responses, fitted on samples "
                          "of even index, scored on odd ones; bits = -1/2 sum log2(1 - w R2), w = min(variance of the "
                          "component, 1)"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunReadInformation(WeftStack stack, hid_t file, int layers)
{
  double     values[COLUMNS][WEFT_MAX_LAYERS];
  PetscInt64 length = layers;

  PetscFunctionBegin;
  if (!layers) PetscFunctionReturn(PETSC_SUCCESS);
  for (int c = 0; c < COLUMNS; ++c) {
    PetscCall(WeftH5Expect(stack->comm, file, columns[c].path, 1, &length));
    PetscCall(WeftH5ReadRows(stack->comm, file, columns[c].path, 0, layers, H5T_NATIVE_DOUBLE, values[c]));
  }
  for (int i = 0; i < layers; ++i) {
    stack->depth[i] = (WeftDepth){.kept = values[KEPT][i] > 0 ? PETSC_TRUE : PETSC_FALSE};
    stack->depth[i].information = (WeftInformationResult){.bits = values[BITS][i],
                                                          .bits_plain = values[BITS_PLAIN][i],
                                                          .entropy_bits = values[ENTROPY_BITS][i],
                                                          .bits_full = values[BITS_FULL][i],
                                                          .ridge = values[RIDGE][i]};
  }
  stack->measured = layers;
  PetscFunctionReturn(PETSC_SUCCESS);
}
