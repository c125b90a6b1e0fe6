#include "benchimpl.h"
#include <time.h>

static WeftTime Now(void)
{
  struct timespec cpu = {0};

  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return (WeftTime){(double)cpu.tv_sec + 1e-9 * (double)cpu.tv_nsec, MPI_Wtime()};
}

PetscErrorCode WeftTimeStart(const WeftBench *bench, WeftTime *start)
{
  PetscFunctionBegin;
  PetscCallMPI(MPI_Barrier(bench->comm));
  *start = Now();
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTimeStop(const WeftBench *bench, WeftTime start, WeftTime *took)
{
  const WeftTime now = Now(); /* before this rank waits for the others */
  double         cpu = now.cpu - start.cpu, wall = now.wall - start.wall;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&cpu, &took->cpu, 1, MPI_DOUBLE, MPI_SUM, bench->comm));
  PetscCallMPI(MPI_Allreduce(&wall, &took->wall, 1, MPI_DOUBLE, MPI_MAX, bench->comm));
  took->cpu = PetscMax(took->cpu, 1e-9);
  took->wall = PetscMax(took->wall, 1e-9);
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftSeriesAdd(WeftSeries *s, double value)
{
  size_t at = s->n;

  if (s->n == WEFT_SERIES_MOST) return;
  for (; at > 0 && s->values[at - 1] > value; --at) s->values[at] = s->values[at - 1];
  s->values[at] = value;
  ++s->n;
}

double WeftSeriesMedian(const WeftSeries *s)
{
  return s->n ? 0.5 * (s->values[(s->n - 1) / 2] + s->values[s->n / 2]) : 0.0;
}

PetscErrorCode WeftSeriesJson(WeftJson *json, const char name[], const WeftSeries *s)
{
  char range[128];

  PetscFunctionBegin;
  snprintf(range, sizeof(range), "%s_range", name);
  PetscCall(WeftJsonReal(json, name, WeftSeriesMedian(s)));
  PetscCall(WeftJsonArray(json, range));
  PetscCall(WeftJsonReal(json, NULL, s->n ? s->values[0] : 0.0));
  PetscCall(WeftJsonReal(json, NULL, s->n ? s->values[s->n - 1] : 0.0));
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}
