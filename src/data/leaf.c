/* The dead-leaves model of natural images (Lee, Mumford & Huang 2001): shapes that occlude one another, with radius
   density ~ r^-3 between two bounds, so that the statistics are nearly the same at every scale. */
#include "synthimpl.h"
#include <math.h>

static const double least_radius = 1.5; /* pixels; the greatest radius is the picture's side */

static PetscBool Ellipse(double u, double v, double proportion)
{
  const double w = v / proportion;

  return u * u + w * w <= 1 ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool Rectangle(double u, double v, double proportion)
{
  const double half = 1 / sqrt(1 + proportion * proportion); /* of the long side: the corners lie on the circle */

  return fabs(u) <= half && fabs(v) <= half * proportion ? PETSC_TRUE : PETSC_FALSE;
}

/* The radius of a leaf that can touch the picture. Leaves fall uniformly over the plane; one of radius r touches a
   picture of side S if its centre lies in a square of side S + 2r, so the density is r^-3 (S + 2r)^2: three power laws,
   one of which is chosen by its weight and inverted. */
static double DrawRadius(WeftRandom *rng, double side)
{
  const double a = least_radius, b = side;
  const double weight[3] = {side * side * (1 / (a * a) - 1 / (b * b)) / 2, 4 * side * (1 / a - 1 / b), 4 * log(b / a)};
  double       which = WeftRandomUniform(rng) * (weight[0] + weight[1] + weight[2]);
  const double u = WeftRandomUniform(rng);

  if (which < weight[0]) return 1 / sqrt(1 / (a * a) - u * (1 / (a * a) - 1 / (b * b)));
  if (which < weight[0] + weight[1]) return 1 / (1 / a - u * (1 / a - 1 / b));
  return a * pow(b / a, u);
}

void WeftLeafDraw(WeftRandom *rng, int size, int channels, WeftShape *leaf)
{
  const double radius = DrawRadius(rng, size);
  double       grey;

  leaf->radius = radius;
  leaf->x = WeftRandomUniform(rng) * (size + 2 * radius) - radius;
  leaf->y = WeftRandomUniform(rng) * (size + 2 * radius) - radius;
  leaf->angle = M_PI * WeftRandomUniform(rng);
  leaf->proportion = 0.4 + 0.6 * WeftRandomUniform(rng);
  leaf->inside = WeftRandomBelow(rng, 2) ? Ellipse : Rectangle;
  grey = 0.2 + 0.6 * WeftRandomUniform(rng);
  for (int c = 0; c < channels; ++c)
    leaf->colour[c] = (float)(channels == 1 ? grey : grey + 0.2 * (2 * WeftRandomUniform(rng) - 1));
}
