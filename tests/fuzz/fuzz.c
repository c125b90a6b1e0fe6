#include "fuzz.h"
#include <weft/h5.h>
#include <weft/lock.h>
#include <weft/options.h>
#include <weft/output.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
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

enum { MOST_FILES = 128, MOST_SECONDS = 20, MOST_MIB = 1500 };

static PetscBool stopping = PETSC_FALSE;
static char      held[MOST_FILES]; /* descriptors open before a run: libFuzzer's own among them */

static PetscErrorCode FuzzInitialize(int *argc, char ***argv, const char options_file[])
{
  PetscFunctionBegin;
  PetscCall(PetscOptionsClear(NULL));
  PetscCall(WeftOptionsInsert(argc, argv, "command line"));
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

static void NoteFiles(void)
{
  for (int fd = 0; fd < MOST_FILES; ++fd) held[fd] = fcntl(fd, F_GETFD) >= 0;
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
  for (int fd = 0; fd < MOST_FILES; ++fd)
    if (!held[fd]) close(fd);
}

/* In place of the one in src/sys/init.c (CMakeLists.txt: --wrap), whose answer no run could take back. */
extern PetscBool __wrap_WeftStopRequested(void);
PetscBool        __wrap_WeftStopRequested(void)
{
  return stopping;
}

void FuzzStop(int stop)
{
  stopping = stop ? PETSC_TRUE : PETSC_FALSE;
}

/* run.sh knows a hang by this name in the trace. Of processor time, for machines that are busy; and libFuzzer's own
   timer is SIGALRM's, as the program's is. */
static void OnHang(int sig)
{
  (void)sig;
  abort();
}

static void Allow(int seconds)
{
  const struct itimerval timer = {.it_value = {.tv_sec = seconds}};

  signal(SIGPROF, OnHang);
  setitimer(ITIMER_PROF, &timer, NULL);
}

/* Runs that are refused leave what they had allocated: libFuzzer ends on SIGUSR2, and run.sh starts the next process.
 */
static void EndWhenFull(void)
{
  static unsigned runs = 0;
  long            pages = 0;
  FILE           *file;

  if (++runs % 64 || !(file = fopen("/proc/self/statm", "r"))) return;
  if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
  fclose(file);
  if (pages > (MOST_MIB << 20) / sysconf(_SC_PAGESIZE)) raise(SIGUSR2);
}

void FuzzStart(void)
{
  static char name[] = "weft", *list[] = {name, NULL};
  const char *parent = getenv("TMPDIR");
  char        folder[4096], **argv = list;
  int         argc = 1;

  if (WeftInitialize(&argc, &argv, NULL)) abort();
  signal(SIGABRT, SIG_DFL); /* Open MPI's handler would keep libFuzzer from writing the input that fails */
  snprintf(folder, sizeof(folder), "%s/weft-fuzz-XXXXXX", parent ? parent : "/tmp");
  if (!mkdtemp(folder) || chdir(folder)) abort();
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
  NoteFiles();
  Allow(MOST_SECONDS);
  status = WeftMain(argc, argv);
  Allow(0);
  CloseAll();
  if (status != WEFT_EXIT_DONE && status != WEFT_EXIT_USER && status != WEFT_EXIT_STOPPED) abort();
  if (status == WEFT_EXIT_USER && !access("new.h5", F_OK)) abort();
  EndWhenFull();
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
