#include "planted.h"
#include "wefttest.h"
#include <weft/random.h>
#include <math.h>
#include <stdlib.h>

PetscBool PlantedConnects(const Planted *p, int g, PetscInt64 j)
{
  const PetscInt64 start = g * p->d / p->groups;

  return (j - start + p->d) % p->d < p->inputs ? PETSC_TRUE : PETSC_FALSE;
}

/* Entries of either sign between 1/2 and 1 before scaling: no connection is weak. */
void PlantedAtom(const Planted *p, int a, double atom[])
{
  WeftRandom rng;
  double     square = 0;

  WeftRandomInit(&rng, 2 * p->seed, WEFT_STREAM_TEST, (uint64_t)a);
  for (PetscInt64 j = 0; j < p->d; ++j) {
    const double u = 2 * WeftRandomUniform(&rng) - 1, value = u < 0 ? (u - 1) / 2 : (u + 1) / 2;
    atom[j] = PlantedConnects(p, a / p->group_size, j) ? value : 0.0;
    square += atom[j] * atom[j];
  }
  for (PetscInt64 j = 0; j < p->d; ++j) atom[j] /= sqrt(square);
}

/* Adds group g with a coefficient of norm 1 to 2 in any direction: so a whole group explains what no atom does. */
static void AddGroup(const Planted *p, int g, WeftRandom *rng, double x[])
{
  const double radius = 1 + WeftRandomUniform(rng);
  double      *atom = malloc((size_t)p->d * sizeof(double)), *z = malloc((size_t)p->group_size * sizeof(double));
  double       square = 0;

  for (int a = 0; a < p->group_size; ++a) {
    z[a] = WeftRandomNormal(rng);
    square += z[a] * z[a];
  }
  for (int a = 0; a < p->group_size; ++a) {
    PlantedAtom(p, g * p->group_size + a, atom);
    for (PetscInt64 j = 0; j < p->d; ++j) x[j] += radius * z[a] / sqrt(square) * atom[j];
  }
  free(atom);
  free(z);
}

void PlantedSample(const Planted *p, PetscInt64 i, double x[])
{
  WeftRandom rng;

  WeftRandomInit(&rng, 2 * p->seed + 1, WEFT_STREAM_TEST, (uint64_t)i);
  for (PetscInt64 j = 0; j < p->d; ++j) x[j] = p->noise * WeftRandomNormal(&rng);
  for (int e = 0; e < p->active; ++e) {
    const int g = (int)WeftRandomBelow(&rng, (uint64_t)p->groups);
    if (g < p->groups - p->rare || WeftRandomUniform(&rng) < 0.1) AddGroup(p, g, &rng, x);
  }
  for (PetscInt64 j = 0; p->zero_every && i % p->zero_every == 0 && j < p->d; ++j) x[j] = 0;
}

void PlantedShare(MPI_Comm comm, const Planted *p, WeftPrecision precision, PetscInt64 *row0, WeftBlock *x)
{
  int        rank, size;
  PetscInt64 rows;
  double    *sample = malloc((size_t)p->d * sizeof(double));

  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
  WeftDataRange(p->n, rank, size, row0, &rows);
  Ok(WeftBlockCreate((size_t)rows, (size_t)p->d, precision, x));
  for (PetscInt64 i = 0; i < rows; ++i) {
    PlantedSample(p, *row0 + i, sample);
    WeftBlockSetRow(x, (size_t)i, sample);
  }
  free(sample);
}

WeftLayerSettings PlantedSettings(int atoms, int group_size, PetscInt64 iterations)
{
  return (WeftLayerSettings){.atoms = atoms,
                             .group_size = group_size,
                             .iterations = iterations,
                             .sparsity = 0.3,
                             .connectivity_penalty = 0.1,
                             .precision = WEFT_DOUBLE,
                             .seed = 1};
}

void PlantedLayerCreate(MPI_Comm comm, const Planted *planted, const WeftLayerSettings *settings, PlantedLayer *p)
{
  PetscInt64 row0;

  p->comm = comm;
  PlantedShare(comm, planted, settings->precision, &row0, &p->x);
  Ok(WeftLayerCreate(comm, settings, planted->n, row0, &p->x, &p->layer));
}

void PlantedLayerDestroy(PlantedLayer *p)
{
  Ok(WeftLayerDestroy(&p->layer));
  Ok(WeftBlockDestroy(&p->x));
}

void PlantedLayerLearn(PlantedLayer *p)
{
  const WeftLayerHooks quiet = {.every = 1e9, .quiet = PETSC_TRUE};
  PetscBool            stopped;

  Ok(WeftLayerLearn(p->layer, &quiet, &stopped));
  assert_false(stopped);
  assert_int_equal(p->layer->iteration, p->layer->settings.iterations);
  assert_int_equal(p->layer->history.length, p->layer->settings.iterations);
}

double PlantedHistory(const PlantedLayer *p, PetscInt64 t, int f)
{
  return p->layer->history.values[t * WEFT_HISTORY_FIELDS + f];
}

static void MakePrep(MPI_Comm comm, PetscInt d, WeftPrep *prep)
{
  WeftPrepParameters q;
  double            *mean = malloc((size_t)d * sizeof(double)), *whitening;

  Ok(WeftPrepCreate(comm, d, prep));
  Ok(WeftPrepGetParameters(*prep, &q));
  whitening = malloc((size_t)(q.rows * d) * sizeof(double));
  for (PetscInt j = 0; j < d; ++j) mean[j] = 1.0 / (double)(j + 3);
  for (PetscInt i = 0; i < q.rows * d; ++i) whitening[i] = sin((double)(q.row0 * d + i));
  q.mean = mean;
  q.whitening = whitening;
  q.contrast_floor = 0.7;
  q.ridge = 0.3;
  Ok(WeftPrepSetParameters(*prep, &q));
  free(mean);
  free(whitening);
}

void PlantedWrite(const char path[], const PlantedLayer *p, PetscBool complete)
{
  const WeftDataInfo  data = {.samples = {p->layer->n}, .features = p->layer->d};
  const WeftRunInfo   info = {.options = PLANTED_OPTIONS, .data = &data, .seed = 1, .data_checksum = PLANTED_CHECKSUM};
  struct _n_WeftStack stack = {.comm = p->comm, .count = 1, .layers = {{.layer = p->layer}}};

  MakePrep(p->comm, (PetscInt)p->layer->d, &stack.layers[0].prep);
  Ok(WeftRunFileWrite(path, &info, &stack, complete));
  Ok(WeftPrepDestroy(&stack.layers[0].prep));
}
