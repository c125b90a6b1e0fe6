/* Information of made-up samples, spread unevenly over the ranks. */
#pragma once
#include "wefttest.h"
#include <weft/information.h>

enum { MOST = 128 }; /* columns */

/* Sample i, its input x [d] and outputs y [m]. */
typedef void (*Draw)(size_t i, double x[], double y[]);

typedef struct {
  size_t n, d, m;
  Draw   draw;
} Problem;

/* With the outputs in `parts` blocks, all given `times` times. */
extern WeftInformationResult MeasureParts(const Problem *p, WeftPrecision precision, int parts, int times);
extern WeftInformationResult Measure(size_t n, size_t d, size_t m, Draw draw); /* one block, in double */
/* A number of variance 1 for sample i. */
extern double Normal(size_t i, size_t which);
/* Nine inputs that sum to zero (so one direction is dropped), seven outputs far apart in mean and unit. */
extern void DrawMixed(size_t i, double x[], double y[]);
