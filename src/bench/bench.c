#include "benchimpl.h"
#include <weft/output.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

const WeftOption WeftBenchOptions[] = {
  {"-problem", "F.h5", NULL, "coder, dictionary: samples, dictionary and weights; without it a problem is made"},
  {"-json", "F", NULL, "write one JSON object; without a file name print it, and nothing else"},
  {"-codes", "F.h5", NULL, "coder: write the codes of the smallest target gap"},
  {"-repeats", "N", "3", "times that everything is measured; median and range are told"},
  {"-gaps", "LIST", "1e-3,1e-5", "coder: target gaps of the mean; each sample is certified to ten times as much"},
  {"-batch", "N", "256", "dictionary: samples in a batch of learning; scaling: of a rank"},
  {"-batches", "N", "160", "dictionary: batches of learning; scaling: at most"},
  {"-every", "N", "20", "dictionary: batches between looks at the test set"},
  {"-file", "F.h5", "weft-bench-io.h5", "io: where to write; must not exist yet, and is removed afterwards"},
  {"-inputs", "D", "784", "io: inputs of the layer"},
  {"-samples", "N", "10000", "samples of what is made; of a problem file at most so many, the first ones"},
  {"-size", "S", "16", "pixels a side, of a problem that is made"},
  {"-seed", "S", "1", "another seed, another problem that is made"},
  {"-latency", "S", "2e-6", "scaling: seconds of a step of a message, where the table goes on"},
  {"-bandwidth", "B", "1e10", "scaling: bytes a second there, to and from a rank"},
  {"-memory", "M", "4e9", "scaling: bytes that a rank has there"},
  {NULL, NULL, NULL, NULL}};

/* The processor's name where the system tells it, else its kind. */
static void DescribeMachine(size_t size, char text[])
{
  const long     cores = sysconf(_SC_NPROCESSORS_ONLN);
  char           line[256], name[200] = "";
  struct utsname system;
  FILE          *file = fopen("/proc/cpuinfo", "r");

  while (file && !name[0] && fgets(line, sizeof(line), file)) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) || !colon) continue;
    snprintf(name, sizeof(name), "%s", colon + 1 + strspn(colon + 1, " \t"));
    name[strcspn(name, "\n")] = 0;
  }
  if (file) fclose(file);
  if (!name[0] && uname(&system) >= 0) snprintf(name, sizeof(name), "%.90s %.90s", system.sysname, system.machine);
  snprintf(text, size, "%s, %ld cores", name[0] ? name : "unknown", cores);
}

static PetscErrorCode DescribeRun(WeftBench *b, const char name[])
{
  char        machine[256], blas[256];
  const char *version, *git;
  int         threads, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(b->comm, &size));
  DescribeMachine(sizeof(machine), machine);
  PetscCall(WeftBlasSay(b->comm));
  WeftBlasDescribe(sizeof(blas), blas, &threads);
  WeftVersion(&version, &git);
  PetscCall(WeftJsonCreate(&b->json));
  PetscCall(WeftJsonText(&b->json, "bench", name));
  PetscCall(WeftJsonText(&b->json, "machine", machine));
  PetscCall(WeftJsonText(&b->json, "blas", blas));
  PetscCall(WeftJsonInt(&b->json, "threads", threads));
  PetscCall(WeftJsonInt(&b->json, "ranks", size));
  PetscCall(WeftJsonInt(&b->json, "repeats", b->repeats));
  PetscCall(WeftJsonText(&b->json, "weft_version", version));
  PetscCall(WeftJsonText(&b->json, "git", git));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchBegin(MPI_Comm comm, const char name[], WeftBench *b)
{
  PetscFunctionBegin;
  *b = (WeftBench){.comm = comm};
  PetscCall(WeftOptionsGetText(WeftBenchOptions, "-json", sizeof(b->path), b->path, &b->save));
  b->quiet = b->save && !b->path[0] ? PETSC_TRUE : PETSC_FALSE;
  if (b->path[0]) PetscCall(WeftOutputCheckPath(comm, "-json", b->path));
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-repeats", 1, WEFT_SERIES_MOST, &b->repeats));
  PetscCall(DescribeRun(b, name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchHead(const WeftBench *b)
{
  char machine[256], blas[256];
  int  threads, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(b->comm, &size));
  DescribeMachine(sizeof(machine), machine);
  WeftBlasDescribe(sizeof(blas), blas, &threads);
  PetscCall(WeftBenchPrint(b, "%s; BLAS %s; %d rank%s of %d thread%s\n", machine, blas, size, size > 1 ? "s" : "",
                           threads, threads > 1 ? "s" : ""));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchPrint(const WeftBench *b, const char format[], ...)
{
  va_list list;
  int     rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(b->comm, &rank));
  if (rank || b->quiet) PetscFunctionReturn(PETSC_SUCCESS);
  va_start(list, format);
  vprintf(format, list);
  va_end(list);
  fflush(stdout); /* the next line may be minutes away */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchEnd(WeftBench *b)
{
  PetscFunctionBegin;
  if (b->save) PetscCall(WeftJsonWrite(b->comm, &b->json, "-json", b->path));
  if (b->path[0]) PetscCall(WeftBenchPrint(b, "written: %s\n", b->path));
  PetscCall(WeftJsonDestroy(&b->json));
  PetscFunctionReturn(PETSC_SUCCESS);
}
