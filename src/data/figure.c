/* The labelled shapes: ten forms that differ in outline or in holes. Each lies in the unit disc. */
#include "synthimpl.h"
#include <math.h>

#define YES(condition) return (condition) ? PETSC_TRUE : PETSC_FALSE

static PetscBool Disc(double u, double v, double hole)
{
  YES(u * u + v * v <= 0.81 && u * u + v * v >= hole * hole);
}

static PetscBool Ring(double u, double v, double unused)
{
  (void)unused;
  return Disc(u, v, 0.5);
}

/* The half side of a square is 0.7, so that its corners stay in the disc. */
static PetscBool Square(double u, double v, double hole)
{
  const double m = fmax(fabs(u), fabs(v));

  YES(m <= 0.7 && m >= hole);
}

static PetscBool Frame(double u, double v, double unused)
{
  (void)unused;
  return Square(u, v, 0.38);
}

/* Equilateral, its top at v = -1 (rows count downwards). */
static PetscBool Triangle(double u, double v, double unused)
{
  (void)unused;
  YES(v <= 0.5 && v >= sqrt(3.0) * fabs(u) - 1);
}

static PetscBool BarAcross(double u, double v, double unused)
{
  (void)unused;
  YES(fabs(u) <= 0.95 && fabs(v) <= 0.25);
}

static PetscBool BarDown(double u, double v, double unused)
{
  return BarAcross(v, u, unused);
}

static PetscBool Plus(double u, double v, double unused)
{
  YES(BarAcross(u, v, unused) || BarDown(u, v, unused));
}

static PetscBool Cross(double u, double v, double unused)
{
  return Plus((u + v) * M_SQRT1_2, (v - u) * M_SQRT1_2, unused);
}

/* Five points: folded to one half point, a straight edge from the tip (radius 1) to the notch (radius 0.4). */
static PetscBool Star(double u, double v, double unused)
{
  const double fifth = 2 * M_PI / 5, angle = atan2(u, -v), notch = 0.4;
  const double folded = fabs(angle - fifth * round(angle / fifth)), r = hypot(u, v);
  const double x = r * cos(folded), y = r * sin(folded), nx = notch * cos(fifth / 2), ny = notch * sin(fifth / 2);

  (void)unused;
  YES((1 - x) * ny >= (1 - nx) * y);
}

static const struct {
  const char *name;
  WeftInside  inside;
} figures[WEFT_SYNTH_CLASSES] = {{"disc", Disc},
                                 {"ring", Ring},
                                 {"square", Square},
                                 {"frame", Frame},
                                 {"triangle", Triangle},
                                 {"plus", Plus},
                                 {"cross", Cross},
                                 {"horizontal bar", BarAcross},
                                 {"vertical bar", BarDown},
                                 {"star", Star}};

const char *WeftSynthClass(int label)
{
  return figures[label].name;
}

/* Darker or lighter than most leaves by a random contrast. */
static void DrawColour(WeftRandom *rng, int channels, float colour[])
{
  const double sign = WeftRandomBelow(rng, 2) ? 1 : -1, grey = 0.5 + sign * (0.3 + 0.2 * WeftRandomUniform(rng));

  for (int c = 0; c < channels; ++c) {
    const double value = channels == 1 ? grey : grey - sign * 0.3 * WeftRandomUniform(rng);
    colour[c] = (float)value;
  }
}

void WeftFigureDraw(WeftRandom *rng, int size, int channels, WeftShape *figure, int *label)
{
  *label = (int)WeftRandomBelow(rng, WEFT_SYNTH_CLASSES);
  figure->inside = figures[*label].inside;
  figure->proportion = 0;
  figure->radius = size * (0.22 + 0.16 * WeftRandomUniform(rng));
  figure->x = figure->radius + (size - 2 * figure->radius) * WeftRandomUniform(rng);
  figure->y = figure->radius + (size - 2 * figure->radius) * WeftRandomUniform(rng);
  figure->angle = 0.2 * (2 * WeftRandomUniform(rng) - 1);
  DrawColour(rng, channels, figure->colour);
}
