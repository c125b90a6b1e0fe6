/* Start and stop, errors that are the user's to mend, log events, signals, progress lines. */
#pragma once
#include <petscsys.h>

#if PETSC_VERSION_LT(3, 19, 0)
#define PETSC_SUCCESS 0
#endif

/* Runs a hot kernel's best version for the processor found at run time: one binary serves AVX2 and AVX-512 machines,
   and any other compiler or processor gets plain C. By instruction set, not by model: "arch=haswell" would leave out
   every processor that gcc has not heard of. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__)
#if __GNUC__ >= 12
#define WEFT_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define WEFT_SIMD __attribute__((target_clones("avx512f", "avx2", "default")))
#endif
#else
#define WEFT_SIMD
#endif

/* Before a loop: its iterations do not depend on one another but by what the clauses name (OpenMP's simd). */
#define WEFT_PRAGMA(text)         _Pragma(#text)
#define WEFT_VECTOR_LOOP(clauses) WEFT_PRAGMA(omp simd clauses)

/* Exit statuses of the program. */
enum { WEFT_EXIT_DONE = 0, WEFT_EXIT_FAULT = 1, WEFT_EXIT_USER = 2, WEFT_EXIT_STOPPED = 75 };

/* The error code of a mistake that the user can mend (an option, a file). Raised by every rank of the communicator
   with the same message; rank 0 prints it as one line, and the program ends with status 2. */
#define WEFT_ERR_USER PETSC_ERR_USER_INPUT

/* Leave the function with a user's mistake. Collective on comm: decide on all ranks first (WeftAnyRank()). */
#define WeftUserError(comm, ...) SETERRQ(comm, WEFT_ERR_USER, __VA_ARGS__)
#define WeftUserCheck(cond, comm, ...)                                                                                 \
  do {                                                                                                                 \
    if (PetscUnlikely(!(cond))) WeftUserError(comm, __VA_ARGS__);                                                      \
  } while (0)

/* WeftInitialize - starts MPI and PETSc, the user-error handler, log events and signal handlers. Collective.
   options_file: YAML read before the command line takes precedence, or NULL. A file that cannot be read or parsed is
   a user's mistake. */
extern PetscErrorCode WeftInitialize(int *argc, char ***argv, const char options_file[]);

/* WeftOptionsInsert - the command line into the options database; what PETSc does not take is a user's mistake, of the
   file or whatever from names. Collective on PETSC_COMM_WORLD. */
extern PetscErrorCode WeftOptionsInsert(int *argc, char ***argv, const char from[]);
/* WeftOptionsReadFile - the YAML file's options go in first and the command line again after them, so that the command
   line wins. A file that cannot be read or parsed is a user's mistake. Collective. */
extern PetscErrorCode WeftOptionsReadFile(int *argc, char ***argv, const char file[]);

/* WeftFinalize - removes unfinished output files and ends PETSc and MPI. Collective. */
extern PetscErrorCode WeftFinalize(void);

/* WeftAbort - what main() calls with a nonzero code. A user's mistake, raised by all ranks, is finalised in order;
   anything else ends every rank at once, as others may wait for this
   one: a fault, or a rank that is out of memory, which is told in one line and ends with a mistake's status. Returns
   the exit status. */
extern int WeftAbort(PetscErrorCode ierr);

/* WeftAnyRank - *any = is mine true on any rank of comm? Collective. */
extern PetscErrorCode WeftAnyRank(MPI_Comm comm, PetscBool mine, PetscBool *any);

/* WeftPeakMemory - the most memory that any rank of comm has held so far. Collective. */
extern PetscErrorCode WeftPeakMemory(MPI_Comm comm, PetscInt64 *bytes);

/* WeftVersion - the version and the git revision of the source, as "0.1.0" and "1a2b3c4". Not collective. */
extern void WeftVersion(const char **version, const char **git);

/* WeftBlasChooseKernel - starts the program again, with OPENBLAS_CORETYPE set, where OpenBLAS took the processor for an
   older one. The first thing that main() does, before MPI starts; returns where nothing is to be mended. Not
   collective. */
extern void WeftBlasChooseKernel(char **argv);
/* WeftBlasStart - one BLAS thread per rank unless the environment says otherwise; a warning with the line to type where
   the kernel could not be mended. Collective; WeftInitialize() calls it. */
extern PetscErrorCode WeftBlasStart(void);
/* WeftBlasSay - one line to stderr where the kernel was replaced, or where the environment asks for one that leaves the
   processor's vector units idle: for verbs that compute for long. Rank 0 of comm alone prints. */
extern PetscErrorCode WeftBlasSay(MPI_Comm comm);
/* WeftBlasDescribe - the BLAS in use: "OpenBLAS SkylakeX" (with its kernel) or the library's file name; threads: those
   of one call, 1 where the library does not say. Not collective. */
extern void WeftBlasDescribe(size_t size, char name[], int *threads);

/* Log events, named after the steps of the method; -log_view prints them. */
typedef enum {
  WEFT_EVENT_READ,
  WEFT_EVENT_PREPARE,
  WEFT_EVENT_WHITEN,
  WEFT_EVENT_CODE,
  WEFT_EVENT_CERTIFY,
  WEFT_EVENT_STATISTICS,
  WEFT_EVENT_REDUCE,
  WEFT_EVENT_DICTIONARY,
  WEFT_EVENT_RESEED,
  WEFT_EVENT_GATHER,
  WEFT_EVENT_GRAM,
  WEFT_EVENT_INFORMATION,
  WEFT_EVENT_CHECKPOINT,
  WEFT_NUM_EVENTS
} WeftEvent;
/* Not collective; pair begin and end on every exit. */
extern PetscErrorCode WeftEventBegin(WeftEvent event);
extern PetscErrorCode WeftEventEnd(WeftEvent event);
/* Seconds of this rank within the event so far, -log_view or not. */
extern double WeftEventSeconds(WeftEvent event);

/* WeftStopRequested - has this rank received SIGTERM, SIGINT or SIGUSR1? Not collective: combine over ranks. */
extern PetscBool WeftStopRequested(void);

/* Progress on stderr from rank 0: a line that updates on a terminal, a plain line now and then in a log. */
typedef struct {
  MPI_Comm    comm;
  const char *what;        /* "learn" */
  PetscInt64  total;       /* steps in all */
  PetscInt64  first;       /* steps that an earlier run did */
  double      start, last; /* seconds */
  PetscBool   terminal, active;
} WeftProgress;
/* Not collective in effect: only rank 0 prints; every rank may call. */
extern PetscErrorCode WeftProgressBegin(WeftProgress *progress, MPI_Comm comm, const char what[], PetscInt64 first,
                                        PetscInt64 total);
/* done: steps done so far; detail: a short text after the time left, or "". */
extern PetscErrorCode WeftProgressUpdate(WeftProgress *progress, PetscInt64 done, const char detail[]);
/* Leaves the line that updates, so that other output starts on its own line. */
extern PetscErrorCode WeftProgressEnd(WeftProgress *progress);
