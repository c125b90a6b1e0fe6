#include "cmd.h"
#include <weft/h5.h>
#include <weft/json.h>
#include <weft/runfile.h>

static const WeftOption options[] = {{"-json", NULL, NULL, "print one JSON object"}, {NULL, NULL, NULL, NULL}};

/* What is told of a run. */
typedef struct {
  PetscInt64 complete, ranks, seed, samples, inputs, atoms, groups, alive, iterations;
  double     lambda, mu, density, usage, objective, seconds, worst_gap;
  char       created[64], version[32], git[64], petsc[32], hdf5[32], mpi[64];
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

static PetscErrorCode ReadGroups(hid_t file, Facts *f)
{
  double *alive, *usage;

  PetscFunctionBegin;
  f->groups = -1;
  PetscCall(ReadColumn(file, "/layers/0/alive", &f->groups, &alive));
  PetscCall(ReadColumn(file, "/layers/0/usage", &f->groups, &usage));
  f->alive = 0;
  f->usage = 0;
  for (PetscInt64 g = 0; g < f->groups; ++g) {
    f->alive += alive[g] > 0;
    f->usage += usage[g];
  }
  f->usage /= (double)PetscMax(f->alive, 1);
  PetscCall(PetscFree(alive));
  PetscCall(PetscFree(usage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHistory(hid_t file, Facts *f)
{
  const char *names[] = {"objective", "connection_density", "seconds", "max_gap"};
  double     *into[] = {&f->objective, &f->density, &f->seconds, &f->worst_gap}, *values;
  char        path[64];

  PetscFunctionBegin;
  f->iterations = -1;
  for (int i = 0; i < 4; ++i) {
    snprintf(path, sizeof(path), "/history/0/%s", names[i]);
    PetscCall(ReadColumn(file, path, &f->iterations, &values));
    *into[i] = f->iterations ? values[f->iterations - 1] : 0;
    for (PetscInt64 t = 0; i == 3 && t < f->iterations; ++t) *into[i] = PetscMax(*into[i], values[t]);
    PetscCall(PetscFree(values));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadFacts(const char path[], Facts *f)
{
  hid_t      file;
  PetscInt64 dims[2] = {-1, -1};
  PetscBool  found;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(PETSC_COMM_WORLD, "weft info", path, &file));
  PetscCall(WeftH5Expect(PETSC_COMM_WORLD, file, "/layers/0/dictionary", 2, dims));
  f->inputs = dims[0];
  f->atoms = dims[1];
  PetscCall(WeftH5GetInts(file, "/", "complete", 1, &f->complete, &found));
  PetscCall(WeftH5GetInts(file, "/", "ranks", 1, &f->ranks, &found));
  PetscCall(WeftH5GetInts(file, "/", "seed", 1, &f->seed, &found));
  PetscCall(WeftH5GetInts(file, "/", "samples", 1, &f->samples, &found));
  PetscCall(WeftH5GetReal(file, "/layers/0", "lambda", &f->lambda, &found));
  PetscCall(WeftH5GetReal(file, "/layers/0", "mu", &f->mu, &found));
  PetscCall(WeftH5GetText(file, "/", "created", sizeof(f->created), f->created, &found));
  PetscCall(WeftH5GetText(file, "/", "weft_version", sizeof(f->version), f->version, &found));
  PetscCall(WeftH5GetText(file, "/", "git", sizeof(f->git), f->git, &found));
  PetscCall(WeftH5GetText(file, "/", "petsc", sizeof(f->petsc), f->petsc, &found));
  PetscCall(WeftH5GetText(file, "/", "hdf5", sizeof(f->hdf5), f->hdf5, &found));
  PetscCall(WeftH5GetText(file, "/", "mpi", sizeof(f->mpi), f->mpi, &found));
  PetscCall(ReadGroups(file, f));
  PetscCall(ReadHistory(file, f));
  WeftH5(H5Fclose(file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintJson(const Facts *f)
{
  const struct {
    const char *name;
    PetscInt64  value;
  } ints[] = {{"ranks", f->ranks}, {"seed", f->seed},     {"samples", f->samples},    {"inputs", f->inputs},
              {"atoms", f->atoms}, {"groups", f->groups}, {"alive_groups", f->alive}, {"iterations", f->iterations}};
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
  const char *texts[][2] = {{"created", f->created}, {"weft_version", f->version},
                            {"git", f->git},         {"petsc", f->petsc},
                            {"hdf5", f->hdf5},       {"mpi", f->mpi}};
  WeftJson    json;

  PetscFunctionBegin;
  PetscCall(WeftJsonCreate(&json));
  PetscCall(WeftJsonFlag(&json, "complete", f->complete ? PETSC_TRUE : PETSC_FALSE));
  for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); ++i)
    PetscCall(WeftJsonInt(&json, ints[i].name, ints[i].value));
  for (size_t i = 0; i < sizeof(reals) / sizeof(reals[0]); ++i)
    PetscCall(WeftJsonReal(&json, reals[i].name, reals[i].value));
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i)
    PetscCall(WeftJsonText(&json, texts[i][0], texts[i][1]));
  PetscCall(WeftJsonWrite(PETSC_COMM_WORLD, &json, "-json", ""));
  PetscCall(WeftJsonDestroy(&json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PrintText(const char path[], const Facts *f)
{
  const MPI_Comm comm = PETSC_COMM_WORLD;

  PetscFunctionBegin;
  PetscCall(PetscPrintf(comm, "%s: %s, %s\n", path,
                        f->complete ? "complete" : "checkpoint (weft learn -resume goes on)", f->created));
  PetscCall(PetscPrintf(comm,
                        "  learned from      %lld samples x %lld inputs, %lld batches, %lld ranks, seed %lld, %.1f s\n",
                        (long long)f->samples, (long long)f->inputs, (long long)f->iterations, (long long)f->ranks,
                        (long long)f->seed, f->seconds));
  PetscCall(PetscPrintf(comm, "  width             %lld of %lld groups alive, %lld atoms in each\n",
                        (long long)f->alive, (long long)f->groups, (long long)(f->atoms / PetscMax(f->groups, 1))));
  PetscCall(PetscPrintf(comm, "  connections       %.2f %% of inputs per group\n", 100 * f->density));
  PetscCall(PetscPrintf(comm, "  activity          %.2f %% of groups per sample\n", 100 * f->usage));
  PetscCall(PetscPrintf(comm, "  objective         %.6g with lambda %.5g, mu %.5g; largest relative gap %.2g\n",
                        f->objective, f->lambda, f->mu, f->worst_gap));
  PetscCall(PetscPrintf(comm, "  made with         weft %s (%s), PETSc %s, HDF5 %s, %s\n", f->version, f->git, f->petsc,
                        f->hdf5, f->mpi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunInfo(const char path[])
{
  WeftRunState state;
  Facts        facts = {0};
  PetscBool    json;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetFlag(options, "-json", &json));
  PetscCall(WeftRunFileInspect(PETSC_COMM_WORLD, "weft info", path, &state));
  WeftUserCheck(state != WEFT_RUN_MISSING, PETSC_COMM_WORLD, "weft info %s: no such file", path);
  PetscCall(ReadFacts(path, &facts));
  if (json)
    PetscCall(PrintJson(&facts));
  else
    PetscCall(PrintText(path, &facts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbInfo = {"info",    "FILE", "tell what a run file holds", "  weft info run.h5 [-json]\n",
                               {options}, RunInfo};
