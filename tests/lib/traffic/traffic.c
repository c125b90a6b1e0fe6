#include "traffic.h"
#include <stdio.h>
#include <string.h>

static TrafficCall noted[TRAFFIC_MAX_CALLS];
static int         count;
static MPI_Comm    watched = MPI_COMM_NULL;
static int         off;

void TrafficStart(MPI_Comm comm)
{
  count = 0;
  watched = comm;
}

int TrafficCalls(const TrafficCall **calls)
{
  *calls = noted;
  return count;
}

static void Note(const char name[], MPI_Comm comm, double numbers, MPI_Datatype type)
{
  int size;

  if (off || (watched != MPI_COMM_NULL && comm != watched) || count == TRAFFIC_MAX_CALLS) return;
  PMPI_Type_size(type, &size);
  noted[count++] = (TrafficCall){name, numbers * (double)size};
}

/* What this rank contributes to a vector collective. */
static double Mine(MPI_Comm comm, const int counts[])
{
  int rank;

  PMPI_Comm_rank(comm, &rank);
  return (double)counts[rank];
}

static double Sum(MPI_Comm comm, const int counts[])
{
  int    size;
  double sum = 0;

  PMPI_Comm_size(comm, &size);
  for (int r = 0; r < size; ++r) sum += (double)counts[r];
  return sum;
}

int MPI_Allreduce(const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
  Note("MPI_Allreduce", comm, (double)n, type);
  return PMPI_Allreduce(from, to, n, type, op, comm);
}

int MPI_Iallreduce(const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm, MPI_Request *request)
{
  Note("MPI_Allreduce", comm, (double)n, type);
  return PMPI_Iallreduce(from, to, n, type, op, comm, request);
}

int MPI_Reduce(const void *from, void *to, int n, MPI_Datatype type, MPI_Op op, int root, MPI_Comm comm)
{
  Note("MPI_Reduce", comm, (double)n, type);
  return PMPI_Reduce(from, to, n, type, op, root, comm);
}

int MPI_Reduce_scatter(const void *from, void *to, const int counts[], MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
  Note("MPI_Reduce_scatter", comm, Sum(comm, counts), type);
  return PMPI_Reduce_scatter(from, to, counts, type, op, comm);
}

int MPI_Ireduce_scatter(const void *from, void *to, const int counts[], MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                        MPI_Request *request)
{
  Note("MPI_Reduce_scatter", comm, Sum(comm, counts), type);
  return PMPI_Ireduce_scatter(from, to, counts, type, op, comm, request);
}

int MPI_Allgather(const void *from, int n, MPI_Datatype from_type, void *to, int to_n, MPI_Datatype to_type,
                  MPI_Comm comm)
{
  Note("MPI_Allgather", comm, (double)to_n, to_type);
  return PMPI_Allgather(from, n, from_type, to, to_n, to_type, comm);
}

int MPI_Allgatherv(const void *from, int n, MPI_Datatype from_type, void *to, const int counts[], const int offsets[],
                   MPI_Datatype to_type, MPI_Comm comm)
{
  Note("MPI_Allgatherv", comm, Mine(comm, counts), to_type);
  return PMPI_Allgatherv(from, n, from_type, to, counts, offsets, to_type, comm);
}

int MPI_Bcast(void *buffer, int n, MPI_Datatype type, int root, MPI_Comm comm)
{
  Note("MPI_Bcast", comm, (double)n, type);
  return PMPI_Bcast(buffer, n, type, root, comm);
}

/* One line for each function: calls and bytes of all ranks. */
static void Report(void)
{
  static const char *const names[] = {"MPI_Allreduce", "MPI_Reduce",     "MPI_Reduce_scatter",
                                      "MPI_Allgather", "MPI_Allgatherv", "MPI_Bcast"};
  int                      rank;

  off = 1;
  PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (size_t f = 0; f < sizeof(names) / sizeof(names[0]); ++f) {
    double sums[2] = {0, 0}, all[2];
    for (int i = 0; i < count; ++i)
      if (!strcmp(noted[i].name, names[f])) {
        sums[0] += 1;
        sums[1] += noted[i].bytes;
      }
    PMPI_Reduce(sums, all, 2, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
    if (!rank && all[0] > 0) fprintf(stderr, "traffic: %s %.0f calls %.0f bytes\n", names[f], all[0], all[1]);
  }
}

int MPI_Finalize(void)
{
  if (watched == MPI_COMM_NULL) Report();
  return PMPI_Finalize();
}
