#include <weft/sys.h>
#include <weft/lock.h>
#include <weft/memory.h>
#include <weft/output.h>
#include <petscviewer.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static PetscLogEvent         events[WEFT_NUM_EVENTS];
static double                event_seconds[WEFT_NUM_EVENTS]; /* an event that goes on has its start taken off */
static volatile sig_atomic_t stop_requested = 0;

/* Memory that one rank is short of and a file that one cannot read are the user's to mend, too. */
static PetscBool OfOneRank(PetscErrorCode n)
{
  return n == PETSC_ERR_MEM || n == PETSC_ERR_FILE_READ ? PETSC_TRUE : PETSC_FALSE;
}

static PetscBool Mendable(PetscErrorCode n)
{
  return n == WEFT_ERR_USER || OfOneRank(n) ? PETSC_TRUE : PETSC_FALSE;
}

/* A user's mistake is one line from rank 0; anything else is a fault and gets PETSc's trace. */
static PetscErrorCode ErrorHandler(MPI_Comm comm, int line, const char *fun, const char *file, PetscErrorCode n,
                                   PetscErrorType p, const char *mess, void *ctx)
{
  int         rank = 0, initialized = 0;
  static char message[PETSC_MAX_PATH_LEN];

  if (WeftMemoryRefused(fun, p)) return n;
  if (!Mendable(n)) return PetscTraceBackErrorHandler(comm, line, fun, file, n, p, mess, ctx);
  MPI_Initialized(&initialized);
  if (initialized) MPI_Comm_rank(PETSC_COMM_WORLD, &rank);
  if (p == PETSC_ERROR_INITIAL && mess) {
    snprintf(message, sizeof(message), "%s", mess);
    if (n == PETSC_ERR_MEM)
      snprintf(message, sizeof(message),
               "rank %d is out of memory: more ranks on more nodes, or fewer samples, atoms "
               "or features, take less (%s)",
               rank, mess);
    for (char *c = message; *c; ++c)
      if ((unsigned char)*c < ' ') *c = '?'; /* what a file or an option says may hold anything */
    if (!rank || OfOneRank(n)) fprintf(stderr, "weft: error: %s\n", message);
    fflush(stderr);
  }
  return n;
}

static void OnStopSignal(int sig)
{
  (void)sig;
  stop_requested = 1;
}

PetscBool WeftStopRequested(void)
{
  return stop_requested ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode CatchStopSignals(void)
{
  struct sigaction action = {.sa_handler = OnStopSignal, .sa_flags = SA_RESTART};
  const int        which[] = {SIGTERM, SIGINT, SIGUSR1};

  PetscFunctionBegin;
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); ++i) sigaction(which[i], &action, NULL);
  /* Over a file-size limit a write then fails with EFBIG, which is reported, rather than killing the job. */
  signal(SIGXFSZ, SIG_IGN);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RegisterEvents(void)
{
  static const char *names[WEFT_NUM_EVENTS] = {
    "WeftRead",       "WeftPrepare", "WeftWhiten", "WeftCode", "WeftCertify",     "WeftStats",     "WeftReduce",
    "WeftDictionary", "WeftReseed",  "WeftGather", "WeftGram", "WeftInformation", "WeftCheckpoint"};
  PetscClassId classid;

  PetscFunctionBegin;
  PetscCall(PetscClassIdRegister("Weft", &classid));
  for (int e = 0; e < WEFT_NUM_EVENTS; ++e) PetscCall(PetscLogEventRegister(names[e], classid, &events[e]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftEventBegin(WeftEvent event)
{
  PetscFunctionBegin;
  event_seconds[event] -= MPI_Wtime();
  PetscCall(PetscLogEventBegin(events[event], 0, 0, 0, 0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftEventEnd(WeftEvent event)
{
  PetscFunctionBegin;
  PetscCall(PetscLogEventEnd(events[event], 0, 0, 0, 0));
  event_seconds[event] += MPI_Wtime();
  PetscFunctionReturn(PETSC_SUCCESS);
}

double WeftEventSeconds(WeftEvent event)
{
  return event_seconds[event];
}

PetscErrorCode WeftAnyRank(MPI_Comm comm, PetscBool mine, PetscBool *any)
{
  int in = mine ? 1 : 0, out = 0;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&in, &out, 1, MPI_INT, MPI_MAX, comm));
  *any = out ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PETSc answers to its own options, when their values are not what it takes, with a trace; here that becomes one line.
 */
static char complaint[256];

static PetscErrorCode KeepComplaint(MPI_Comm comm, int line, const char *fun, const char *file, PetscErrorCode n,
                                    PetscErrorType p, const char *mess, void *ctx)
{
  (void)comm, (void)line, (void)fun, (void)file, (void)ctx;
  if (p == PETSC_ERROR_INITIAL) snprintf(complaint, sizeof(complaint), "%s", mess ? mess : "no word why");
  return n;
}

PetscErrorCode WeftOptionsInsert(int *argc, char ***argv, const char from[])
{
  PetscErrorCode ierr;

  PetscFunctionBegin;
  PetscCall(PetscPushErrorHandler(KeepComplaint, NULL));
  ierr = PetscOptionsInsert(NULL, argc, argv, NULL);
  PetscCall(PetscPopErrorHandler());
  WeftUserCheck(!ierr, PETSC_COMM_WORLD, "%s: an option of PETSc's is wrong: %s", from, complaint);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOptionsReadFile(int *argc, char ***argv, const char file[])
{
  PetscErrorCode ierr;
  PetscBool      readable;

  PetscFunctionBegin;
  PetscCall(WeftAnyRank(PETSC_COMM_WORLD, access(file, R_OK) ? PETSC_TRUE : PETSC_FALSE, &readable));
  WeftUserCheck(!readable, PETSC_COMM_WORLD, "-options_file %s: no such file, or not readable", file);
  PetscCall(PetscPushErrorHandler(KeepComplaint, NULL));
  ierr = PetscOptionsInsertFileYAML(PETSC_COMM_WORLD, NULL, file, PETSC_TRUE);
  PetscCall(PetscPopErrorHandler());
  WeftUserCheck(!ierr, PETSC_COMM_WORLD, "-options_file %s: not a YAML file of \"option: value\" lines", file);
  PetscCall(WeftOptionsInsert(argc, argv, file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PetscInitialize() reads the options that are its own, on all ranks. Under -malloc_debug it changes the allocator:
   what the push took goes back to where it is from. */
static PetscErrorCode Start(int *argc, char ***argv)
{
  PetscErrorCode (*const first_free)(void *, int, const char[], const char[]) = PetscTrFree;
  PetscErrorCode (*later_free)(void *, int, const char[], const char[]);
  PetscErrorCode ierr;
  int            rank = 0, initialized = 0;

  PetscPushErrorHandler(KeepComplaint, NULL);
  ierr = PetscInitialize(argc, argv, NULL, NULL);
  later_free = PetscTrFree;
  PetscTrFree = first_free;
  PetscPopErrorHandler();
  PetscTrFree = later_free;
  if (!ierr) return PETSC_SUCCESS;
  MPI_Initialized(&initialized);
  if (!initialized) return ierr;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (!rank) fprintf(stderr, "weft: error: PETSc does not start, one of its options is wrong: %s\n", complaint);
  return WEFT_ERR_USER;
}

PetscErrorCode WeftInitialize(int *argc, char ***argv, const char options_file[])
{
  PetscErrorCode ierr;

  WeftH5Start();
  ierr = Start(argc, argv);
  if (ierr) return ierr;
  PetscFunctionBegin;
  PetscCall(PetscPopSignalHandler());
  PetscCall(PetscPushErrorHandler(ErrorHandler, NULL));
  WeftMemoryStart();
  PetscCall(CatchStopSignals());
  PetscCall(RegisterEvents());
  PetscCall(WeftBlasStart());
  H5Eset_auto(H5E_DEFAULT, NULL, NULL);
  if (options_file) PetscCall(WeftOptionsReadFile(argc, argv, options_file));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftFinalize(void)
{
  PetscFunctionBegin;
  WeftOutputDiscardAll();
  WeftLockRelease();
  WeftH5Stop();
  WeftMemoryStop();
  PetscCall(PetscPopErrorHandler());
  PetscFunctionReturn(PetscFinalize());
}

int WeftAbort(PetscErrorCode ierr)
{
  const int status = Mendable(ierr) ? WEFT_EXIT_USER : WEFT_EXIT_FAULT;
  int       size = 1;

  WeftOutputDiscardAll();
  WeftLockRelease();
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (status == WEFT_EXIT_FAULT || (OfOneRank(ierr) && size > 1)) {
    MPI_Abort(MPI_COMM_WORLD, status);
    return status;
  }
  WeftH5Abandon();
  /* Objects of the unwound call chain are not destroyed: leave without PETSc's complaints about them. */
  MPI_Finalize();
  return WEFT_EXIT_USER;
}
