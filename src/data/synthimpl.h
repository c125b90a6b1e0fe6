/* The canvas and the shapes of the synthetic pictures. */
#pragma once
#include <weft/random.h>
#include <weft/synth.h>

enum { WEFT_SUBSAMPLES = 2 }; /* a side of a pixel: what antialiases the edges */

/* Painted from front to back: a subsample keeps the first colour it gets. */
typedef struct {
  int      size, channels, side; /* pixels a side; subsamples a side */
  uint8_t *covered;              /* [side side] */
  float   *sums;                 /* [size size channels] colours of a pixel's subsamples, added up */
  int      open;                 /* subsamples not yet covered */
} WeftCanvas;

/* Is the point (u, v) within the shape? Every shape lies in the unit disc. */
typedef PetscBool (*WeftInside)(double u, double v, double proportion);

/* A shape in place; lengths in pixels. */
typedef struct {
  double     x, y, radius, angle;
  double     proportion; /* the shape's own meaning: of a leaf, its short side over its long one */
  float      colour[3];  /* in [0, 1] */
  WeftInside inside;
} WeftShape;

/* None of these is collective. */
extern PetscErrorCode WeftCanvasCreate(int size, int channels, WeftCanvas *canvas);
extern PetscErrorCode WeftCanvasDestroy(WeftCanvas *canvas);
extern void           WeftCanvasClear(WeftCanvas *canvas);
extern void           WeftCanvasPaint(WeftCanvas *canvas, const WeftShape *shape);
/* The mean colour of every pixel, plane by plane. What is open counts as black. */
extern void WeftCanvasGetPixels(const WeftCanvas *canvas, uint8_t pixels[]);

/* A leaf whose place, size, form and colour are random; radius density ~ r^-3. */
extern void WeftLeafDraw(WeftRandom *rng, int size, int channels, WeftShape *leaf);
/* A labelled shape of a random class at a random place, whole within the picture. */
extern void WeftFigureDraw(WeftRandom *rng, int size, int channels, WeftShape *figure, int *label);
