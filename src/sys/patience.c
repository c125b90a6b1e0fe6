/* An error on one rank inside MPI-IO leaves it, and so all, waiting in there for ever. Only a signal gets out of that:
   rank 0 says so and ends, and the launcher ends the others. A process that was stopped for hours (a suspended job) has
   not waited meanwhile: time is counted in ticks of a timer, and one that comes late, as it does after a stop, is none.
 */
#include "patience.h"
#include <weft/sys.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { TICKS = 10, LATER = 2 }; /* of the whole patience; by which the other ranks leave it to rank 0 to end first */

static char                  overdue_text[PETSC_MAX_PATH_LEN + 160], overdue_file[PETSC_MAX_PATH_LEN];
static volatile sig_atomic_t ticks;
static int                   most_ticks;
static double                tick, last_tick; /* seconds */
static volatile sig_atomic_t says;            /* this rank tells */

static double Now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A late tick, of a process that did not run when it was due, brings the next one the earlier. */
static void OnTick(int sig)
{
  const double now = Now(), since = now - last_tick;

  (void)sig;
  last_tick = now;
  if (since > 1.05 * tick + 0.1 || ++ticks < most_ticks) return;
  unlink(overdue_file);
  if (says && write(STDERR_FILENO, overdue_text, strlen(overdue_text)) < 0) _exit(WEFT_EXIT_FAULT);
  _exit(WEFT_EXIT_USER);
}

static void SetTimer(double seconds)
{
  const time_t           whole = (time_t)seconds;
  const struct timeval   every = {whole, (suseconds_t)(1e6 * (seconds - (double)whole))};
  const struct itimerval timer = {every, every};

  last_tick = Now();
  ticks = 0;
  setitimer(ITIMER_REAL, &timer, NULL);
}

void WeftPatienceBegin(const char path[], const char partial[], PetscBool rank0)
{
  struct sigaction action = {.sa_handler = OnTick, .sa_flags = SA_RESTART};
  const char      *text = getenv("WEFT_WRITE_PATIENCE");
  const int        seconds = text && atoi(text) > 0 ? atoi(text) : 1800;

  snprintf(
    overdue_text, sizeof(overdue_text),
    "weft: error: cannot write %s: it takes more than %d s, the file system or another rank does not answer; what "
    "was there before is untouched\n",
    path, seconds);
  snprintf(overdue_file, sizeof(overdue_file), "%s", partial);
  says = rank0 ? 1 : 0;
  tick = (double)seconds / TICKS;
  most_ticks = rank0 ? TICKS : TICKS + LATER + (int)(2 / tick);
  sigemptyset(&action.sa_mask);
  sigaction(SIGALRM, &action, NULL);
  SetTimer(tick);
}

void WeftPatienceGoesOn(void)
{
  ticks = 0;
}

void WeftPatienceHush(void)
{
  says = 0;
}

void WeftPatienceResume(void)
{
  SetTimer(tick);
}

void WeftPatienceRest(void)
{
  SetTimer(0);
}
