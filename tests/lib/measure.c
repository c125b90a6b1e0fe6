#include "measure.h"
#include <weft/random.h>
#include <math.h>

/* This rank's samples: uneven parts; none on the last of more than two ranks. */
static void Mine(size_t n, size_t *first, size_t *count)
{
  int    rank, size;
  size_t end, share;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  MPI_Comm_size(PETSC_COMM_WORLD, &size);
  if (size > 2) --size;
  share = n / (size_t)size + 3;
  *first = rank == size ? n : PetscMin((size_t)rank * share, n);
  end = rank >= size - 1 ? n : PetscMin(*first + share, n);
  *count = end - *first;
}

WeftInformationResult MeasureParts(const Problem *p, WeftPrecision precision, int parts, int times)
{
  WeftInformationResult result;
  WeftInformation       info;
  WeftBlock             x, y[8];
  size_t                first, count, widths[8];
  double                xi[MOST], yi[MOST];

  Mine(p->n, &first, &count);
  Ok(WeftBlockCreate(count, p->d, precision, &x));
  for (size_t b = 0; b < (size_t)parts; ++b) {
    widths[b] = p->m / (size_t)parts + (b < p->m % (size_t)parts);
    for (int t = 0; t < times; ++t) Ok(WeftBlockCreate(count, widths[b], precision, &y[t * parts + (int)b]));
  }
  for (size_t i = 0; i < count; ++i) {
    p->draw(first + i, xi, yi);
    WeftBlockSetRow(&x, i, xi);
    for (int t = 0; t < times; ++t)
      for (size_t b = 0, at = 0; b < (size_t)parts; at += widths[b++])
        WeftBlockSetRow(&y[t * parts + (int)b], i, yi + at);
  }
  Ok(WeftInformationCreate(PETSC_COMM_WORLD, &x, (PetscInt64)first, &info));
  Ok(WeftInformationMeasure(info, parts * times, y, &result));
  Ok(WeftInformationDestroy(&info));
  Ok(WeftBlockDestroy(&x));
  for (int b = 0; b < parts * times; ++b) Ok(WeftBlockDestroy(&y[b]));
  return result;
}

WeftInformationResult Measure(size_t n, size_t d, size_t m, Draw draw)
{
  return MeasureParts(&(Problem){n, d, m, draw}, WEFT_DOUBLE, 1, 1);
}

double Normal(size_t i, size_t which)
{
  WeftRandom rng;

  WeftRandomInit(&rng, which, WEFT_STREAM_TEST, i);
  return WeftRandomNormal(&rng);
}

void DrawMixed(size_t i, double x[], double y[])
{
  double mean = 0;

  for (size_t j = 0; j < 9; ++j) mean += (x[j] = (1 + (double)j) * Normal(i, j)) / 9;
  for (size_t j = 0; j < 9; ++j) x[j] -= mean;
  for (size_t g = 0; g < 7; ++g)
    y[g] = pow(10, (double)g - 4) * (5 + fabs(x[g] + 0.5 * x[g + 1] + 2 * Normal(i, 20 + g)) + x[g + 2]);
}
