#include "fuzz.h"
#include <weft/h5.h>
#include <weft/lock.h>
#include <weft/options.h>
#include <weft/output.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The program's own main() is what runs, but MPI and PETSc start once and no run ends them. */
static PetscErrorCode FuzzInitialize(int *argc, char ***argv, const char options_file[]);
static PetscErrorCode FuzzFinalize(void);
static int            FuzzAbort(PetscErrorCode ierr);
static int            WeftMain(int argc, char **argv);
#define WeftInitialize             FuzzInitialize
#define WeftFinalize               FuzzFinalize
#define WeftAbort                  FuzzAbort
#define WeftBlasChooseKernel(argv) ((void)(argv))
#define main                       WeftMain
#include WEFT_MAIN /* the path of src/main.c */
#undef main
#undef WeftInitialize

static int first_file;

static PetscErrorCode FuzzInitialize(int *argc, char ***argv, const char options_file[])
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(PetscOptionsInsert(NULL, argc, argv, NULL));
  if (options_file) PetscCall(WeftOptionsReadFile(argc, argv, options_file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FuzzFinalize(void)
{
  WeftOutputDiscardAll();
  WeftLockRelease();
  return PETSC_SUCCESS;
}

static int FuzzAbort(PetscErrorCode ierr)
{
  WeftOutputDiscardAll();
  WeftLockRelease();
  if (ierr != WEFT_ERR_USER) abort();
  return WEFT_EXIT_USER;
}

/* What an unwound run left open; nobody needs it any more. */
static void CloseAll(void)
{
  hid_t     objects[256];
  const int kinds = H5F_OBJ_DATASET | H5F_OBJ_GROUP | H5F_OBJ_DATATYPE | H5F_OBJ_ATTR;

  for (ssize_t n; (n = H5Fget_obj_ids(H5F_OBJ_ALL, (unsigned)kinds, 256, objects)) > 0;)
    for (ssize_t i = 0; i < n; ++i)
      while (H5Iis_valid(objects[i]) > 0) H5Idec_ref(objects[i]);
  for (ssize_t n; (n = H5Fget_obj_ids(H5F_OBJ_ALL, H5F_OBJ_FILE, 256, objects)) > 0;)
    for (ssize_t i = 0; i < n; ++i) H5Fclose(objects[i]);
  for (int fd = first_file; fd < first_file + 64; ++fd) close(fd);
}

void FuzzStart(void)
{
  static char name[] = "weft", *list[] = {name, NULL};
  char        folder[] = "/tmp/weft-fuzz-XXXXXX", **argv = list;
  int         argc = 1;

  if (WeftInitialize(&argc, &argv, NULL)) abort();
  if (!mkdtemp(folder) || chdir(folder)) abort();
  first_file = open("/dev/null", O_RDONLY);
  close(first_file);
}

void FuzzWrite(const char name[], const uint8_t data[], size_t size)
{
  FILE *file = fopen(name, "wb");

  if (!file || fwrite(data, 1, size, file) != size || fclose(file)) abort();
}

void FuzzRunList(int argc, char *argv[])
{
  int status;

  unlink("new.h5");
  WeftOptionsLayer(-1);
  WeftOptionsPrefix(NULL);
  status = WeftMain(argc, argv);
  CloseAll();
  if (status != WEFT_EXIT_DONE && status != WEFT_EXIT_USER && status != WEFT_EXIT_STOPPED) abort();
  if (status == WEFT_EXIT_USER && !access("new.h5", F_OK)) abort();
}

void FuzzRun(const char arguments[])
{
  char copy[1024], *argv[64];
  int  argc = 0;

  snprintf(copy, sizeof(copy), "weft %s", arguments);
  for (char *save, *word = strtok_r(copy, " ", &save); word && argc < 63; word = strtok_r(NULL, " ", &save))
    argv[argc++] = word;
  argv[argc] = NULL;
  FuzzRunList(argc, argv);
}
