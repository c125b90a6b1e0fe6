#include "structurefile.h"
#include "folder.h"
#include "wefttest.h"
#include <math.h>
#include <stdlib.h>

static const Planted planted = {.n = 90, .d = D, .groups = 4, .group_size = 2, .inputs = 5, .active = 1, .noise = 0.1};

static WeftLayerSettings Settings(double width_penalty)
{
  WeftLayerSettings settings = PlantedSettings(P0 * G0, P0, 20);

  settings.width_penalty = width_penalty;
  settings.sparsity = 0.5;
  return settings;
}

/* ---- a second layer ---- */

/* Numbers that depend on their place alone, some of them zero; the last group is dead. */
double Layer1Atom(int j, int a)
{
  return a / P1 == G1 - 1 || (j + a / P1) % 3 == 0 ? 0 : sin(1 + j * K1 + a) / 3;
}
double Layer1Mean(int j)
{
  return 0.1 * j;
}
double Layer1Whitening(int i, int j)
{
  return cos(i * D + j);
}
const double layer1_lambda = 0.35, layer1_floor = 0.2, layer1_usage[G1] = {0.5, 0.25, 0};

static hid_t OpenToChange(const char path[])
{
  hid_t list = H5Pcreate(H5P_FILE_ACCESS), file;

  H5Pset_fapl_mpio(list, PETSC_COMM_SELF, MPI_INFO_NULL);
  file = H5Fopen(path, H5F_ACC_RDWR, list);
  H5Pclose(list);
  assert_true(file >= 0);
  return file;
}

void StructureReals(hid_t file, const char path[], PetscInt64 rows, PetscInt64 cols, const double values[])
{
  Ok(WeftH5WriteSmall(PETSC_COMM_SELF, file, path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, rows, cols, values,
                      (WeftH5Note){.description = "a test", .labels = cols ? "row,column" : "row"}));
}

void StructureLayer1(hid_t file, PetscInt64 inputs)
{
  const double alive[G1] = {1, 1, 0};
  double       dictionary[D * K1], whitening[D * D], mean[D];

  for (int j = 0; j < D; ++j) mean[j] = Layer1Mean(j);
  for (int i = 0; i < D * K1; ++i) dictionary[i] = Layer1Atom(i / K1, i % K1);
  for (int i = 0; i < D * D; ++i) whitening[i] = Layer1Whitening(i / D, i % D);
  StructureReals(file, "/layers/1/dictionary", inputs, K1, dictionary);
  StructureReals(file, "/layers/1/whitening", inputs, inputs, whitening);
  StructureReals(file, "/layers/1/mean", inputs, 0, mean);
  StructureReals(file, "/layers/1/alive", G1, 0, alive);
  StructureReals(file, "/layers/1/usage", G1, 0, layer1_usage);
  Ok(WeftH5SetInt(file, "/layers/1", "group_size", P1));
  Ok(WeftH5SetReal(file, "/layers/1", "lambda", layer1_lambda));
  Ok(WeftH5SetReal(file, "/layers/1", "mu", 0));
  Ok(WeftH5SetReal(file, "/layers/1", "contrast_floor", layer1_floor));
  Ok(WeftH5SetReal(file, "/layers/1", "whitening_ridge", 0.1));
}

/* Rank 0 changes a copy of the file. */
const char *StructureChange(const char from[], const char to[], void (*change)(hid_t file))
{
  int rank;

  MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (!rank) {
    char  command[2 * PETSC_MAX_PATH_LEN + 8];
    hid_t file;
    snprintf(command, sizeof(command), "cp %s %s", FolderPath(from), FolderPath(to));
    assert_int_equal(system(command), 0);
    file = OpenToChange(FolderPath(to));
    change(file);
    H5Fclose(file);
  }
  MPI_Barrier(PETSC_COMM_WORLD);
  return FolderPath(to);
}

static void AddLayer1(hid_t file)
{
  StructureLayer1(file, D);
}

/* ---- files ---- */

static void WriteRun(const char name[], double width_penalty, PetscBool complete)
{
  const WeftLayerSettings settings = Settings(width_penalty);
  PlantedLayer            p;

  PlantedLayerCreate(PETSC_COMM_WORLD, &planted, &settings, &p);
  PlantedLayerLearn(&p);
  PlantedWrite(FolderPath(name), &p, complete);
  PlantedLayerDestroy(&p);
}

int StructureMakeFiles(void **state)
{
  if (FolderMake(state)) return 1;
  WriteRun("one", 0, PETSC_TRUE);
  WriteRun("narrow", 0.2, PETSC_TRUE);
  WriteRun("checkpoint", 0, PETSC_FALSE);
  StructureChange("one", "two", AddLayer1);
  return 0;
}
