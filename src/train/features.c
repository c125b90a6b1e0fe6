/* The features of readouts: pooled responses of a structure's layers, side by side. */
#include <weft/readout.h>

static size_t Width(const WeftStructure structure, WeftReadoutLayers layers, int i)
{
  return i < layers.first ? 0 : (size_t)structure->layers[i].outputs;
}

size_t WeftReadoutWidth(const WeftStructure structure, WeftReadoutLayers layers)
{
  size_t width = 0;

  for (int i = 0; i < layers.count; ++i) width += Width(structure, layers, i);
  return width;
}

/* A layer's responses into columns [first, ...) of the features. */
static void Place(const WeftBlock *y, size_t first, WeftBlock *features)
{
  const size_t bytes = WeftPrecisionBytes(y->precision);

  for (size_t i = 0; i < y->rows; ++i)
    (void)PetscMemcpy((char *)features->values.v + (i * features->cols + first) * bytes,
                      (const char *)y->values.v + i * y->cols * bytes, y->cols * bytes);
}

PetscErrorCode WeftReadoutFeatures(WeftStructure structure, WeftReadoutLayers layers, const WeftBlock *x,
                                   WeftBlock *features)
{
  size_t     first = 0;
  WeftBlock *y;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(layers.count, &y));
  for (int i = 0; i < layers.count; ++i)
    PetscCall(WeftBlockCreate(x->rows, Width(structure, layers, i), x->precision, &y[i]));
  PetscCall(WeftStructureApplyAll(structure, layers.count, WEFT_FEEDFORWARD, x, y, NULL));
  PetscCall(WeftBlockCreate(x->rows, WeftReadoutWidth(structure, layers), x->precision, features));
  for (int i = 0; i < layers.count; ++i) {
    Place(&y[i], first, features);
    first += y[i].cols;
    PetscCall(WeftBlockDestroy(&y[i]));
  }
  PetscCall(PetscFree(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}
