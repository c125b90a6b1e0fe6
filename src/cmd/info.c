#include "cmd.h"
#include <weft/h5.h>
#include <weft/json.h>
#include <weft/runfile.h>

static const WeftOption options[] = {
  {"-json", NULL, NULL, "print one JSON object"},
  {"-verify", NULL, NULL, "read all of a file, of any kind, and compare it with its checksums"},
  {NULL, NULL, NULL, NULL}};

/* What is told of a layer. */
typedef struct {
  PetscInt64 inputs, atoms, groups, alive, iterations;
  double     lambda, mu, density, usage, objective, seconds, worst_gap;
} LayerFacts;

/* The columns of /information: one entry for each layer that was measured, kept or not. */
enum { LAYER, BITS, BITS_FULL, ENTROPY, KEPT, COLUMNS };

/* What is told of a run. */
typedef struct {
  PetscInt64  complete, ranks, seed, samples, layers, measured;
  LayerFacts *layer;
  double     *information[COLUMNS]; /* [measured]; NULL where the file has no such column */
  char        created[64], version[32], git[64], petsc[32], hdf5[32], mpi[64];
} Facts;

/* A column of numbers: *length < 0 of any length, which it becomes. */
static PetscErrorCode ReadColumn(hid_t file, const char path[], PetscInt64 *length, double **values)
{
  PetscFunctionBegin;
  PetscCall(WeftH5Expect(PETSC_COMM_WORLD, file, path, 1, length));
  PetscCall(PetscMalloc1((size_t)*length + 1, values));
  PetscCall(WeftH5ReadRows(PETSC_COMM_WORLD, file, path, 0, *length, H5T_NATIVE_DOUBLE, *values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A column of layer l: "/layers/l/alive". */
static PetscErrorCode ReadLayerColumn(hid_t file, const char group[], int l, const char name[], PetscInt64 *length,
                                      double **values)
{
  char path[96];

  PetscFunctionBegin;
  snprintf(path, sizeof(path), "/%s/%d/%s", group, l, name);
  PetscCall(ReadColumn(file, path, length, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadGroups(hid_t file, int l, LayerFacts *f)
{
  double *alive, *usage;

  PetscFunctionBegin;
  f->groups = -1;
  PetscCall(ReadLayerColumn(file, "layers", l, "alive", &f->groups, &alive));
  PetscCall(ReadLayerColumn(file, "layers", l, "usage", &f->groups, &usage));
  for (PetscInt64 g = 0; g < f->groups; ++g) {
    f->alive += alive[g] > 0;
    f->usage += usage[g];
  }
  f->usage /= (double)PetscMax(f->alive, 1);
  PetscCall(PetscFree(alive));
  PetscCall(PetscFree(usage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHistory(hid_t file, int l, LayerFacts *f)
{
  const char *names[] = {"objective", "connection_density", "seconds", "max_gap"};
  double     *into[] = {&f->objective, &f->density, &f->seconds, &f->worst_gap}, *values;

  PetscFunctionBegin;
  f->iterations = -1;
  for (int i = 0; i < 4; ++i) {
    PetscCall(ReadLayerColumn(file, "history", l, names[i], &f->iterations, &values));
    *into[i] = f->iterations ? values[f->iterations - 1] : 0;
    for (PetscInt64 t = 0; i == 3 && t < f->iterations; ++t) *into[i] = PetscMax(*into[i], values[t]);
    PetscCall(PetscFree(values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLayer(hid_t file, int l, LayerFacts *f)
{
  PetscInt64 dims[2] = {-1, -1};
  PetscBool  found;
  char       group[32], dictionary[64];

  PetscFunctionBegin;
  *f = (LayerFacts){0};
  snprintf(group, sizeof(group), "/layers/%d", l);
  snprintf(dictionary, sizeof(dictionary), "%s/dictionary", group);
  PetscCall(WeftH5Expect(PETSC_COMM_WORLD, file, dictionary, 2, dims));
  f->inputs = dims[0];
  f->atoms = dims[1];
  PetscCall(WeftH5GetReal(file, group, "lambda", &f->lambda, &found));
  PetscCall(WeftH5GetReal(file, group, "mu", &f->mu, &found));
  PetscCall(ReadGroups(file, l, f));
  PetscCall(ReadHistory(file, l, f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Layers are numbered from 0 on; the first is always there. */
static PetscErrorCode ReadLayers(hid_t file, Facts *f)
{
  PetscBool more = PETSC_TRUE;
  char      path[32];

  PetscFunctionBegin;
  for (f->layers = 1; more; f->layers += more ? 1 : 0) {
    snprintf(path, sizeof(path), "/layers/%d", (int)f->layers);
    PetscCall(WeftH5Exists(file, path, &more));
  }
  PetscCall(PetscMalloc1(f->layers, &f->layer));
  for (int l = 0; l < f->layers; ++l) PetscCall(ReadLayer(file, l, &f->layer[l]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const char *const column_names[COLUMNS] = {"layer", "bits", "bits_full", "entropy_bits", "kept"};

static PetscErrorCode ReadInformation(hid_t file, Facts *f)
{
  PetscBool exists;
  char      path[64];

  PetscFunctionBegin;
  f->measured = -1;
  for (int c = 0; c < COLUMNS; ++c) {
    snprintf(path, sizeof(path), "/information/%s", column_names[c]);
    PetscCall(WeftH5Exists(file, path, &exists));
    if (exists) PetscCall(ReadColumn(file, path, &f->measured, &f->information[c]));
  }
  f->measured = f->information[LAYER] ? f->measured : 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFacts(const char path[], Facts *f)
{
  hid_t     file;
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(PETSC_COMM_WORLD, "weft info", path, &file));
  PetscCall(WeftH5GetInts(file, "/", "complete", 1, &f->complete, &found));
  PetscCall(WeftH5GetInts(file, "/", "ranks", 1, &f->ranks, &found));
  PetscCall(WeftH5GetInts(file, "/", "seed", 1, &f->seed, &found));
  PetscCall(WeftH5GetInts(file, "/", "samples", 1, &f->samples, &found));
  PetscCall(WeftH5GetText(file, "/", "created", sizeof(f->created), f->created, &found));
  PetscCall(WeftH5GetText(file, "/", "weft_version", sizeof(f->version), f->version, &found));
  PetscCall(WeftH5GetText(file, "/", "git", sizeof(f->git), f->git, &found));
  PetscCall(WeftH5GetText(file, "/", "petsc", sizeof(f->petsc), f->petsc, &found));
  PetscCall(WeftH5GetText(file, "/", "hdf5", sizeof(f->hdf5), f->hdf5, &found));
  PetscCall(WeftH5GetText(file, "/", "mpi", sizeof(f->mpi), f->mpi, &found));
  PetscCall(ReadLayers(file, f));
  PetscCall(ReadInformation(file, f));
  WeftH5Close(file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FreeFacts(Facts *f)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(f->layer));
  for (int c = 0; c < COLUMNS; ++c) PetscCall(PetscFree(f->information[c]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LayerJson(WeftJson *json, const LayerFacts *f)
{
  const struct {
    const char *name;
    PetscInt64  value;
  } ints[] = {{"inputs", f->inputs},
              {"atoms", f->atoms},
              {"groups", f->groups},
              {"alive_groups", f->alive},
              {"iterations", f->iterations}};
  const struct {
    const char *name;
    double      value;
  } reals[] = {{"lambda", f->lambda},
               {"mu", f->mu},
               {"connection_density", f->density},
               {"active_fraction", f->usage},
               {"objective", f->objective},
               {"seconds", f->seconds},
               {"worst_max_gap", f->worst_gap}};

  PetscFunctionBegin;
  for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); ++i) PetscCall(WeftJsonInt(json, ints[i].name, ints[i].value));
  for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); ++i)
    PetscCall(WeftJsonReal(json, reals[i].name, reals[i].value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode InformationJson(WeftJson *json, const Facts *f)
{
  PetscFunctionBegin;
  PetscCall(WeftJsonArray(json, "information"));
  for (PetscInt64 i = 0; i < f->measured; ++i) {
    PetscCall(WeftJsonObject(json, NULL));
    PetscCall(WeftJsonInt(json, column_names[LAYER], (PetscInt64)f->information[LAYER][i]));
    for (int c = BITS; c < KEPT; ++c)
      if (f->information[c]) PetscCall(WeftJsonReal(json, column_names[c], f->information[c][i]));
    if (f->information[KEPT])
      PetscCall(WeftJsonFlag(json, column_names[KEPT], f->information[KEPT][i] > 0 ? PETSC_TRUE : PETSC_FALSE));
    PetscCall(WeftJsonEnd(json));
  }
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first layer stands beside what is of the run, as in files of one layer; "layers" has them all. */
static PetscErrorCode PrintJson(const Facts *f)
{
  const char *texts[][2] = {{"created", f->created}, {"weft_version", f->version},
                            {"git", f->git},         {"petsc", f->petsc},
                            {"hdf5", f->hdf5},       {"mpi", f->mpi}};
  WeftJson    json;

  PetscFunctionBegin;
  PetscCall(WeftJsonCreate(&json));
  PetscCall(WeftJsonFlag(&json, "complete", f->complete ? PETSC_TRUE : PETSC_FALSE));
  PetscCall(WeftJsonInt(&json, "ranks", f->ranks));
  PetscCall(WeftJsonInt(&json, "seed", f->seed));
  PetscCall(WeftJsonInt(&json, "samples", f->samples));
  PetscCall(LayerJson(&json, &f->layer[0]));
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
    PetscCall(WeftJsonText(&json, texts[i][0], texts[i][1]));
  PetscCall(WeftJsonArray(&json, "layers"));
  for (int l = 0; l < f->layers; ++l) {
    PetscCall(WeftJsonObject(&json, NULL));
    PetscCall(LayerJson(&json, &f->layer[l]));
    PetscCall(WeftJsonEnd(&json));
  }
  PetscCall(WeftJsonEnd(&json));
  PetscCall(InformationJson(&json, f));
  PetscCall(WeftJsonWrite(PETSC_COMM_WORLD, &json, "-json", ""));
  PetscCall(WeftJsonDestroy(&json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintLayer(const LayerFacts *f)
{
  const MPI_Comm comm = PETSC_COMM_WORLD;

  PetscFunctionBegin;
  PetscCall(PetscPrintf(comm, "  width             %lld of %lld groups alive, %lld atoms in each\n",
                        (long long)f->alive, (long long)f->groups, (long long)(f->atoms / PetscMax(f->groups, 1))));
  PetscCall(PetscPrintf(comm, "  connections       %.2f %% of inputs per group\n", 100 * f->density));
  PetscCall(PetscPrintf(comm, "  activity          %.2f %% of groups per sample\n", 100 * f->usage));
  PetscCall(PetscPrintf(comm, "  objective         %.6g with lambda %.5g, mu %.5g; largest relative gap %.2g\n",
                        f->objective, f->lambda, f->mu, f->worst_gap));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintInformation(const Facts *f)
{
  const MPI_Comm comm = PETSC_COMM_WORLD;

  PetscFunctionBegin;
  for (PetscInt64 i = 0; i < f->measured; ++i) {
    PetscCall(PetscPrintf(comm, "%s", i ? "                   " : "  information      "));
    PetscCall(PetscPrintf(comm, " layers to %lld:", (long long)f->information[LAYER][i]));
    if (f->information[BITS]) PetscCall(PetscPrintf(comm, " %.2f bits", f->information[BITS][i]));
    if (f->information[BITS_FULL]) PetscCall(PetscPrintf(comm, " (%.2f by log-det)", f->information[BITS_FULL][i]));
    if (f->information[ENTROPY]) PetscCall(PetscPrintf(comm, ", entropy %.1f bits", f->information[ENTROPY][i]));
    PetscCall(PetscPrintf(comm, f->information[KEPT] && !(f->information[KEPT][i] > 0) ? ", not kept\n" : "\n"));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintText(const char path[], const Facts *f)
{
  const MPI_Comm comm = PETSC_COMM_WORLD;
  PetscInt64     batches = 0;
  double         seconds = 0;

  PetscFunctionBegin;
  for (int l = 0; l < f->layers; ++l) {
    batches += f->layer[l].iterations;
    seconds += f->layer[l].seconds;
  }
  PetscCall(PetscPrintf(comm, "%s: %s, %s\n", path,
                        f->complete ? "complete" : "checkpoint (weft learn -resume goes on)", f->created));
  PetscCall(PetscPrintf(comm,
                        "  learned from      %lld samples x %lld inputs, %lld batches, %lld ranks, seed %lld, %.1f s\n",
                        (long long)f->samples, (long long)f->layer[0].inputs, (long long)batches, (long long)f->ranks,
                        (long long)f->seed, seconds));
  for (int l = 0; l < f->layers; ++l) {
    if (f->layers > 1)
      PetscCall(PetscPrintf(comm, "  layer %-11d %lld inputs, %lld batches, %.1f s\n", l, (long long)f->layer[l].inputs,
                            (long long)f->layer[l].iterations, f->layer[l].seconds));
    PetscCall(PrintLayer(&f->layer[l]));
  }
  PetscCall(PrintInformation(f));
  PetscCall(PetscPrintf(comm, "  made with         weft %s (%s), PETSc %s, HDF5 %s, %s\n", f->version, f->git, f->petsc,
                        f->hdf5, f->mpi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Run files, network files, data and features alike. */
static PetscErrorCode Verify(const char path[])
{
  const MPI_Comm comm = PETSC_COMM_WORLD;
  WeftH5Checked  checked;
  long long      all, good;

  PetscFunctionBegin;
  PetscCall(WeftH5Check(comm, "weft info", path, WEFT_H5_ALL, &checked));
  all = (long long)checked.datasets;
  good = (long long)checked.summed;
  if (all == good)
    PetscCall(PetscPrintf(comm, "%s: all %lld datasets are as written\n", path, all));
  else if (good)
    PetscCall(
      PetscPrintf(comm, "%s: %lld of %lld datasets are as written; the others have no checksum\n", path, good, all));
  else
    PetscCall(PetscPrintf(comm, "%s: none of its %lld datasets has a checksum: nothing to compare with\n", path, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunInfo(const char path[])
{
  WeftRunState state;
  Facts        facts = {0};
  PetscBool    json, verify;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetFlag(options, "-json", &json));
  PetscCall(WeftOptionsGetFlag(options, "-verify", &verify));
  WeftUserCheck(!json || !verify, PETSC_COMM_WORLD,
                "-verify: prints one line, and has no form as JSON: leave -json out");
  if (verify) {
    PetscCall(Verify(path));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(WeftRunFileInspect(PETSC_COMM_WORLD, "weft info", path, &state));
  WeftUserCheck(state != WEFT_RUN_MISSING, PETSC_COMM_WORLD, "weft info %s: no such file", path);
  PetscCall(ReadFacts(path, &facts));
  if (json)
    PetscCall(PrintJson(&facts));
  else
    PetscCall(PrintText(path, &facts));
  PetscCall(FreeFacts(&facts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbInfo = {
  "info", "FILE", "tell what a run file holds", "  weft info run.h5 [-json | -verify]\n", {options}, RunInfo};
