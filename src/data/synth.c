#include "dataimpl.h"
#include "synthimpl.h"

enum { MOST_LEAVES = 1 << 20 }; /* never reached: a picture is covered after a few leaves a pixel */

/* Training and test pictures take alternate indices, so no picture is in both, whatever their numbers. */
static PetscErrorCode Draw(WeftCanvas *canvas, uint64_t seed, WeftSplit split, PetscInt64 index, uint8_t pixels[],
                           int32_t *label)
{
  WeftRandom rng;
  WeftShape  shape;
  int class;

  PetscFunctionBegin;
  WeftRandomInit(&rng, seed, WEFT_STREAM_SYNTH, 2 * (uint64_t)index + (split == WEFT_TEST ? 1 : 0));
  WeftCanvasClear(canvas);
  WeftFigureDraw(&rng, canvas->size, canvas->channels, &shape, &class);
  WeftCanvasPaint(canvas, &shape);
  for (int i = 0; i < MOST_LEAVES && canvas->open; ++i) {
    WeftLeafDraw(&rng, canvas->size, canvas->channels, &shape);
    WeftCanvasPaint(canvas, &shape);
  }
  WeftCanvasGetPixels(canvas, pixels);
  *label = class;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSynthDraw(const WeftSynth *synth, WeftSplit split, PetscInt64 index, uint8_t pixels[],
                             int32_t *label)
{
  WeftCanvas canvas;

  PetscFunctionBegin;
  PetscCall(WeftCanvasCreate(synth->size, synth->channels, &canvas));
  PetscCall(Draw(&canvas, synth->seed, split, index, pixels, label));
  PetscCall(WeftCanvasDestroy(&canvas));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(void *ctx, WeftSplit split, PetscInt64 row0, PetscInt64 rows, void *x, int32_t *y,
                           WeftProblem problem)
{
  const WeftSynth *synth = ctx;
  const PetscInt64 features = (PetscInt64)synth->size * synth->size * synth->channels;
  WeftCanvas       canvas;

  PetscFunctionBegin;
  (void)problem;
  PetscCall(WeftCanvasCreate(synth->size, synth->channels, &canvas));
  for (PetscInt64 i = 0; i < rows; ++i)
    PetscCall(Draw(&canvas, synth->seed, split, row0 + i, (uint8_t *)x + i * features, &y[i]));
  PetscCall(WeftCanvasDestroy(&canvas));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSynthWrite(MPI_Comm comm, const WeftSynth *synth, const char output[], WeftDataInfo *info)
{
  WeftSynth            copy = *synth;
  const WeftDataRecipe recipe = {
    .bytes = PETSC_TRUE, .scale = 1.0 / 255, .shared = PETSC_TRUE, .what = "synth", .fill = Fill, .ctx = &copy};

  PetscFunctionBegin;
  *info = (WeftDataInfo){.features = (PetscInt64)synth->size * synth->size * synth->channels,
                         .classes = WEFT_SYNTH_CLASSES,
                         .shape = {synth->size, synth->size, synth->channels},
                         .pixel_order = "planes"};
  for (int split = 0; split < WEFT_NUM_SPLITS; ++split) {
    info->samples[split] = synth->samples[split];
    info->labelled[split] = synth->samples[split] ? PETSC_TRUE : PETSC_FALSE;
  }
  snprintf(info->source, sizeof(info->source), "synthetic: dead leaves behind one of ten figures, seed %llu",
           (unsigned long long)synth->seed);
  PetscCall(WeftDataWrite(comm, output, &recipe, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}
