/* Counts the collectives that a program calls: a library between it and MPI (the profiling interface), which a test is
   linked with, or which goes under any program with LD_PRELOAD and then reports to stderr from MPI_Finalize(). */
#pragma once
#include <mpi.h>

enum { TRAFFIC_MAX_CALLS = 1 << 16 };

typedef struct {
  const char *name;  /* "MPI_Allreduce" */
  double      bytes; /* of this rank's send buffer */
} TrafficCall;

/* Forgets all calls and notes those on comm from now on; MPI_COMM_NULL: on any. */
extern void TrafficStart(MPI_Comm comm);
/* The calls since then, in their order; returns how many. */
extern int TrafficCalls(const TrafficCall **calls);
