/* Reading a structure from a finished run's file. */
#include "ioimpl.h"
#include <weft/structure.h>
#include <limits.h>
#include <math.h>

/* What each part of a layer is summed under. */
enum { SUM_DICTIONARY, SUM_WHITENING, SUM_MEAN, SUM_NUMBERS, SUM_SHARED, SUM_PARTS };

/* One layer as it is read. */
typedef struct {
  WeftStructure       structure;
  WeftStructureLayer *layer;
  hid_t               file;
  int                 index, rank, group_size;
  PetscInt64          d, k, G;
  char                path[64];
} Reader;

/* "/layers/N/name", until the next call. */
static const char *Path(Reader *r, const char name[])
{
  snprintf(r->path, sizeof(r->path), "/layers/%d%s%s", r->index, name[0] ? "/" : "", name);
  return r->path;
}

/* Adds rows [row0, ...) of a part to this rank's checksum. */
static void Sum(Reader *r, int part, PetscInt64 row0, const WeftBlock *rows)
{
  const uint64_t place = ((uint64_t)r->index * SUM_PARTS + (uint64_t)part) << 40;

  r->structure->checksum += WeftBlockChecksum(rows, place + (uint64_t)row0);
}

/* A small array that every rank reads, in double. */
static PetscErrorCode ReadColumn(Reader *r, const char name[], PetscInt64 length, double values[])
{
  PetscInt64 dims[1] = {length};

  PetscFunctionBegin;
  PetscCall(WeftH5Expect(r->structure->comm, r->file, Path(r, name), 1, dims));
  PetscCall(WeftH5ReadRows(r->structure->comm, r->file, Path(r, name), 0, length, H5T_NATIVE_DOUBLE, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadReal(Reader *r, const char name[], double *value)
{
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(WeftH5GetReal(r->file, Path(r, ""), name, value, &found));
  WeftUserCheck(found && isfinite(*value) && *value >= 0, r->structure->comm, "%s: %s lacks a valid %s: damaged",
                r->structure->path, Path(r, ""), name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's rows of a matrix [nrows, cols], in double, whose checksum is taken; the caller destroys them. */
static PetscErrorCode ReadPanel(Reader *r, const char name[], int part, PetscInt64 cols, PetscInt64 row0,
                                PetscInt64 rows, WeftBlock *panel)
{
  PetscInt64 dims[2] = {r->d, cols};

  PetscFunctionBegin;
  PetscCall(WeftH5Expect(r->structure->comm, r->file, Path(r, name), 2, dims));
  PetscCall(WeftBlockCreate((size_t)rows, (size_t)cols, WEFT_DOUBLE, panel));
  PetscCall(WeftH5ReadRows(r->structure->comm, r->file, Path(r, name), row0, rows, H5T_NATIVE_DOUBLE, panel->values.v));
  Sum(r, part, row0, panel);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPrep(Reader *r)
{
  WeftPrepParameters q;
  WeftBlock          whitening, mean;

  PetscFunctionBegin;
  PetscCall(WeftPrepCreate(r->structure->comm, (PetscInt)r->d, &r->layer->prep));
  PetscCall(WeftPrepGetParameters(r->layer->prep, &q));
  PetscCall(ReadPanel(r, "whitening", SUM_WHITENING, r->d, q.row0, q.rows, &whitening));
  PetscCall(WeftBlockCreate(1, (size_t)r->d, WEFT_DOUBLE, &mean));
  PetscCall(ReadColumn(r, "mean", r->d, mean.values.d));
  if (!r->rank) Sum(r, SUM_MEAN, 0, &mean);
  PetscCall(ReadReal(r, "contrast_floor", &q.contrast_floor));
  PetscCall(ReadReal(r, "whitening_ridge", &q.ridge));
  WeftUserCheck(q.contrast_floor > 0, r->structure->comm, "%s: contrast_floor of %s is 0: damaged", r->structure->path,
                Path(r, ""));
  q.whitening = whitening.values.d;
  q.mean = mean.values.d;
  PetscCall(WeftPrepSetParameters(r->layer->prep, &q));
  PetscCall(WeftBlockDestroy(&mean));
  PetscCall(WeftBlockDestroy(&whitening));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The dictionary [d, k] as atoms [k, d] on every rank, by way of the object that spreads its rows. */
static PetscErrorCode ReadAtoms(Reader *r)
{
  WeftDict  dict;
  Mat       D;
  PetscInt  row0, end, lda;
  WeftBlock rows;
  double   *values;

  PetscFunctionBegin;
  PetscCall(WeftDictCreate(r->structure->comm, (PetscInt)r->d, (PetscInt)r->k, r->group_size, &dict));
  PetscCall(WeftDictGetMat(dict, &D));
  PetscCall(MatGetOwnershipRange(D, &row0, &end));
  PetscCall(MatDenseGetLDA(D, &lda));
  PetscCall(ReadPanel(r, "dictionary", SUM_DICTIONARY, r->k, row0, end - row0, &rows));
  PetscCall(MatDenseGetArrayWrite(D, &values));
  WeftBlockToColumns(&rows, values, (size_t)lda);
  PetscCall(MatDenseRestoreArrayWrite(D, &values));
  PetscCall(WeftBlockDestroy(&rows));
  PetscCall(WeftBlockCreate((size_t)r->k, (size_t)r->d, r->structure->precision, &r->layer->atoms));
  PetscCall(WeftDictGather(dict, &r->layer->atoms));
  PetscCall(WeftDictDestroy(&dict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool Connects(const WeftStructureLayer *layer, int g, size_t j)
{
  const int p = layer->responder.group_size;

  for (int a = g * p; layer->responder.alive[g] && a < (g + 1) * p; ++a)
    if (WeftBlockGet(&layer->atoms, (size_t)a, j) != 0) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscErrorCode FindConnections(WeftStructureLayer *layer)
{
  const int    G = layer->responder.groups;
  const size_t d = layer->atoms.cols;
  size_t       count = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(G + 1, &layer->start));
  for (int g = 0; g < G; ++g)
    for (size_t j = 0; j < d; ++j) count += Connects(layer, g, j);
  PetscCall(PetscMalloc1(count, &layer->input));
  count = 0;
  for (int g = 0; g < G; ++g) {
    for (size_t j = 0; j < d; ++j)
      if (Connects(layer, g, j)) layer->input[count++] = (int)j;
    layer->start[g + 1] = count;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What μ weighs in exact codes, r_g = μ√p/η_g, where the file says what η was; else NULL. */
static PetscErrorCode ReadRidge(Reader *r, double **ridge)
{
  PetscBool found = PETSC_FALSE;

  PetscFunctionBegin;
  *ridge = NULL;
  if (r->layer->mu > 0) PetscCall(WeftH5Exists(r->file, Path(r, "eta"), &found));
  if (!found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(r->G, ridge));
  PetscCall(ReadColumn(r, "eta", r->G, *ridge));
  for (PetscInt64 g = 0; g < r->G; ++g) {
    WeftUserCheck((*ridge)[g] > 0, r->structure->comm, "%s: %s has a value that is not positive: damaged",
                  r->structure->path, Path(r, "eta"));
    (*ridge)[g] = r->layer->mu * sqrt((double)r->group_size) / (*ridge)[g];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The few numbers beside the matrices: λ, what is alive, r, p and the contrast floor. */
static PetscErrorCode SumNumbers(Reader *r)
{
  const WeftResponder *of = &r->layer->responder;
  const size_t         G = (size_t)r->G;
  WeftPrepParameters   q;
  WeftBlock            numbers;

  PetscFunctionBegin;
  if (r->rank) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftPrepGetParameters(r->layer->prep, &q));
  PetscCall(WeftBlockCreate(1, 3 + 2 * G, WEFT_DOUBLE, &numbers));
  numbers.values.d[0] = of->lambda;
  numbers.values.d[1] = r->group_size;
  numbers.values.d[2] = q.contrast_floor;
  for (size_t g = 0; g < G; ++g) {
    numbers.values.d[3 + g] = of->alive[g];
    numbers.values.d[3 + G + g] = of->ridge ? of->ridge[g] : 0;
  }
  Sum(r, SUM_NUMBERS, 0, &numbers);
  PetscCall(WeftBlockDestroy(&numbers));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* λ, μ and what is alive make the atoms answer. */
static PetscErrorCode ReadResponder(Reader *r)
{
  double         lambda, *ridge, *values;
  unsigned char *alive;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(r->G, &values, r->G, &alive));
  PetscCall(ReadReal(r, "lambda", &lambda));
  PetscCall(ReadReal(r, "mu", &r->layer->mu));
  PetscCall(ReadColumn(r, "alive", r->G, values));
  for (PetscInt64 g = 0; g < r->G; ++g) alive[g] = values[g] > 0;
  PetscCall(ReadRidge(r, &ridge));
  PetscCall(WeftResponderCreate(&r->layer->atoms, r->group_size, lambda, alive, ridge, &r->layer->responder));
  PetscCall(PetscFree(ridge));
  PetscCall(PetscFree2(values, alive));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d, k, G and p, which must make sense together; d_before: the groups of the layer below, 0 for the first. */
static PetscErrorCode ReadShape(Reader *r, PetscInt64 d_before)
{
  const MPI_Comm comm = r->structure->comm;
  const char    *file = r->structure->path;
  PetscInt64     dims[2] = {-1, -1}, alive[1] = {-1}, p = 0;
  PetscBool      found;

  PetscFunctionBegin;
  PetscCall(WeftH5Expect(comm, r->file, Path(r, "dictionary"), 2, dims));
  PetscCall(WeftH5Expect(comm, r->file, Path(r, "alive"), 1, alive));
  PetscCall(WeftH5GetInts(r->file, Path(r, ""), "group_size", 1, &p, &found));
  r->d = dims[0];
  r->k = dims[1];
  r->G = alive[0];
  WeftUserCheck(found && p > 0 && r->G > 0 && r->d > 0 && r->d < INT_MAX && r->k < INT_MAX && p == r->k / r->G &&
                  p * r->G == r->k,
                comm, "%s: %s has %lld atoms of %lld inputs in %lld groups of %lld: damaged", file, Path(r, ""),
                (long long)r->k, (long long)r->d, (long long)r->G, (long long)p);
  WeftUserCheck(!d_before || r->d == d_before, comm, "%s: %s has %lld inputs, the layer below it %lld outputs: damaged",
                file, Path(r, ""), (long long)r->d, (long long)d_before);
  r->group_size = (int)p;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a shared layer answers is other than what its groups would. */
static PetscErrorCode CountOutputs(Reader *r)
{
  const WeftShared *shared = &r->layer->shared;
  const int         K = shared->settings.prototypes, width = (int)WeftSharedWindow(shared) * r->group_size;
  WeftLattice       outputs;
  WeftBlock         atoms = {(size_t)K, (size_t)width, WEFT_DOUBLE, {shared->atoms}};

  PetscFunctionBegin;
  r->layer->outputs = r->G;
  if (!K) PetscFunctionReturn(PETSC_SUCCESS);
  WeftUserCheck(shared->input.inputs == r->d && shared->group_size == r->group_size, r->structure->comm,
                "%s: %s is of another layer: damaged", r->structure->path, Path(r, "shared"));
  PetscCall(WeftSharedOutputs(shared, &outputs));
  r->layer->outputs = outputs.inputs;
  PetscCall(WeftLatticeDestroy(&outputs));
  if (!r->rank) Sum(r, SUM_SHARED, shared->settings.pool, &atoms);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLayer(Reader *r)
{
  const PetscInt64 d_before = r->index ? r->layer[-1].outputs : 0;

  PetscFunctionBegin;
  PetscCall(ReadShape(r, d_before));
  PetscCall(ReadPrep(r));
  PetscCall(ReadAtoms(r));
  PetscCall(ReadResponder(r));
  PetscCall(SumNumbers(r));
  PetscCall(PetscMalloc1(r->G, &r->layer->usage));
  PetscCall(ReadColumn(r, "usage", r->G, r->layer->usage));
  PetscCall(FindConnections(r->layer));
  PetscCall(WeftSharedRead(r->structure->comm, r->file, r->structure->path, r->index, &r->layer->shared));
  PetscCall(CountOutputs(r));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLayers(WeftStructure s, hid_t file)
{
  Reader    r = {.structure = s, .file = file};
  PetscBool more = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(s->comm, &r.rank));
  for (r.index = 0; more; r.index += more ? 1 : 0) PetscCall(WeftH5Exists(file, Path(&r, ""), &more));
  s->count = r.index;
  PetscCall(PetscCalloc1(s->count, &s->layers));
  for (r.index = 0; r.index < s->count; ++r.index) {
    r.layer = &s->layers[r.index];
    PetscCall(ReadLayer(&r));
  }
  s->features = (PetscInt64)s->layers[0].atoms.cols;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &s->checksum, 1, MPI_UINT64_T, MPI_SUM, s->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckFinished(MPI_Comm comm, const char option[], const char path[])
{
  WeftRunState state;

  PetscFunctionBegin;
  PetscCall(WeftRunFileInspect(comm, option, path, &state));
  WeftUserCheck(state != WEFT_RUN_MISSING, comm, "%s %s: no such file", option, path);
  WeftUserCheck(state == WEFT_RUN_COMPLETE, comm,
                "%s %s: a checkpoint of a run that is not finished: weft learn -resume -o %s, with the options it was "
                "begun with, finishes it",
                option, path, path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStructureOpen(MPI_Comm comm, const char option[], const char path[], WeftPrecision precision,
                                 WeftStructure *structure)
{
  WeftStructure s;
  hid_t         file;
  PetscBool     found;

  PetscFunctionBegin;
  PetscCall(CheckFinished(comm, option, path));
  PetscCall(WeftRunFileVerify(comm, option, path));
  PetscCall(PetscNew(&s));
  s->comm = comm;
  s->precision = precision;
  snprintf(s->path, sizeof(s->path), "%s", path);
  PetscCall(WeftH5OpenRead(comm, option, path, &file));
  PetscCall(WeftH5GetInts(file, "/", "shape", 3, s->shape, &found));
  PetscCall(WeftH5GetText(file, "/", "pixel_order", sizeof(s->pixel_order), s->pixel_order, &found));
  PetscCall(ReadLayers(s, file));
  WeftH5Close(file);
  *structure = s;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftStructureClose(WeftStructure *structure)
{
  WeftStructure s = *structure;

  PetscFunctionBegin;
  if (!s) PetscFunctionReturn(PETSC_SUCCESS);
  for (int l = 0; l < s->count; ++l) {
    PetscCall(WeftResponderDestroy(&s->layers[l].responder));
    PetscCall(WeftPrepDestroy(&s->layers[l].prep));
    PetscCall(WeftBlockDestroy(&s->layers[l].atoms));
    PetscCall(PetscFree(s->layers[l].usage));
    PetscCall(PetscFree(s->layers[l].start));
    PetscCall(PetscFree(s->layers[l].input));
    PetscCall(WeftSharedDestroy(&s->layers[l].shared));
  }
  PetscCall(PetscFree(s->layers));
  PetscCall(PetscFree(*structure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftStructureDescribe(const WeftStructure s, size_t size, char text[])
{
  snprintf(text, size, "%s %016llx", s->path, (unsigned long long)s->checksum);
}

PetscErrorCode WeftStructureCheckWidth(const WeftStructure s, const char option[], const char path[],
                                       PetscInt64 features)
{
  PetscFunctionBegin;
  WeftUserCheck(features == s->features, s->comm,
                "%s %s: samples of %lld features, where the structure of %s has %lld inputs; give data like those it "
                "was learned from",
                option, path, (long long)features, s->path, (long long)s->features);
  PetscFunctionReturn(PETSC_SUCCESS);
}
