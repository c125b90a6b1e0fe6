#include "synthimpl.h"
#include <math.h>
#include <string.h>

PetscErrorCode WeftCanvasCreate(int size, int channels, WeftCanvas *canvas)
{
  PetscFunctionBegin;
  *canvas = (WeftCanvas){.size = size, .channels = channels, .side = size * WEFT_SUBSAMPLES};
  PetscCall(PetscMalloc1((size_t)canvas->side * (size_t)canvas->side, &canvas->covered));
  PetscCall(PetscMalloc1((size_t)size * (size_t)size * (size_t)channels, &canvas->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCanvasDestroy(WeftCanvas *canvas)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(canvas->covered));
  PetscCall(PetscFree(canvas->sums));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftCanvasClear(WeftCanvas *canvas)
{
  const size_t subsamples = (size_t)canvas->side * (size_t)canvas->side;

  memset(canvas->covered, 0, subsamples);
  memset(canvas->sums, 0, (size_t)canvas->size * (size_t)canvas->size * (size_t)canvas->channels * sizeof(float));
  canvas->open = (int)subsamples;
}

static void Cover(WeftCanvas *canvas, int row, int col, const float colour[])
{
  const size_t pixel = (size_t)(row / WEFT_SUBSAMPLES) * (size_t)canvas->size + (size_t)(col / WEFT_SUBSAMPLES);

  canvas->covered[(size_t)row * (size_t)canvas->side + (size_t)col] = 1;
  --canvas->open;
  for (int c = 0; c < canvas->channels; ++c) canvas->sums[pixel * (size_t)canvas->channels + (size_t)c] += colour[c];
}

/* The first and last subsample of a row or column that a disc of this radius about `centre` reaches. */
static void Reach(double centre, double radius, int side, int *first, int *last)
{
  const double low = (centre - radius) * WEFT_SUBSAMPLES - 0.5, high = (centre + radius) * WEFT_SUBSAMPLES - 0.5;

  *first = low > 0 ? (int)ceil(low) : 0;
  *last = high < side - 1 ? (int)floor(high) : side - 1;
}

void WeftCanvasPaint(WeftCanvas *canvas, const WeftShape *shape)
{
  const double cosine = cos(shape->angle) / shape->radius, sine = sin(shape->angle) / shape->radius;
  int          row0, row1, col0, col1;

  Reach(shape->y, shape->radius, canvas->side, &row0, &row1);
  for (int row = row0; row <= row1; ++row) {
    const double   dy = (row + 0.5) / WEFT_SUBSAMPLES - shape->y;
    const uint8_t *covered = canvas->covered + (size_t)row * (size_t)canvas->side;

    Reach(shape->x, sqrt(fmax(shape->radius * shape->radius - dy * dy, 0)), canvas->side, &col0, &col1);
    for (int col = col0; col <= col1; ++col) {
      const double dx = (col + 0.5) / WEFT_SUBSAMPLES - shape->x;

      if (covered[col]) continue;
      if (shape->inside(cosine * dx + sine * dy, cosine * dy - sine * dx, shape->proportion))
        Cover(canvas, row, col, shape->colour);
    }
  }
}

void WeftCanvasGetPixels(const WeftCanvas *canvas, uint8_t pixels[])
{
  const size_t n = (size_t)canvas->size * (size_t)canvas->size, channels = (size_t)canvas->channels;
  const float  scale = 255.0F / (WEFT_SUBSAMPLES * WEFT_SUBSAMPLES);

  for (size_t c = 0; c < channels; ++c)
    for (size_t i = 0; i < n; ++i) pixels[c * n + i] = (uint8_t)lrintf(scale * canvas->sums[i * channels + c]);
}
