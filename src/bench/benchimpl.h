/* What the benchmarks share. Unless said otherwise collective over the benchmark's communicator. */
#pragma once
#include <weft/bench.h>
#include <weft/block.h>
#include <weft/json.h>

/* ---- a run: its options, what it prints, its JSON object ---- */

typedef struct {
  MPI_Comm   comm;
  PetscInt64 repeats;
  PetscBool  quiet; /* the object goes to stdout, so nothing else does */
  PetscBool  save;
  char       path[PETSC_MAX_PATH_LEN]; /* of the object; "": stdout */
  WeftJson   json;                     /* open at its outermost object */
} WeftBench;

/* Reads -json and -repeats, and begins the object with what the run is: bench, machine, blas, threads, ranks. */
extern PetscErrorCode WeftBenchBegin(MPI_Comm comm, const char name[], WeftBench *bench);
/* Prints what the run is, once no mistake in options or files can be found any more. */
extern PetscErrorCode WeftBenchHead(const WeftBench *bench);
/* Prints on rank 0, unless quiet. */
extern PetscErrorCode WeftBenchPrint(const WeftBench *bench, const char format[], ...)
  __attribute__((format(printf, 2, 3)));
/* Writes the object where it was asked for. */
extern PetscErrorCode WeftBenchEnd(WeftBench *bench);

/* ---- tables ---- */

enum { WEFT_TABLE_CELL = 48 };
typedef struct {
  size_t columns, cells, capacity;
  char (*text)[WEFT_TABLE_CELL]; /* row after row; the first row are the titles */
} WeftTable;

/* Not collective, but for Print, which also frees the table. A table begins with its titles, as one row. */
extern PetscErrorCode WeftTableCreate(size_t columns, WeftTable *table);
extern PetscErrorCode WeftTableCell(WeftTable *table, const char format[], ...) __attribute__((format(printf, 2, 3)));
/* Columns of numbers are aligned to the right. */
extern PetscErrorCode WeftTablePrint(const WeftBench *bench, WeftTable *table);

/* ---- time ---- */

typedef struct {
  double cpu, wall; /* seconds of this process, all its threads; seconds */
} WeftTime;

/* All ranks together from here; this rank's clocks. */
extern PetscErrorCode WeftTimeStart(const WeftBench *bench, WeftTime *start);
/* Since start: CPU-seconds summed over ranks, and the wall time of the slowest. */
extern PetscErrorCode WeftTimeStop(const WeftBench *bench, WeftTime start, WeftTime *took);

/* What repeats of one measurement gave. Not collective. */
enum { WEFT_SERIES_MOST = 1000 };
typedef struct {
  size_t n;
  double values[WEFT_SERIES_MOST]; /* ascending */
} WeftSeries;
extern void   WeftSeriesAdd(WeftSeries *series, double value); /* beyond the most: dropped */
extern double WeftSeriesMedian(const WeftSeries *series);
/* name: the median, and name_range: [lowest, highest]. */
extern PetscErrorCode WeftSeriesJson(WeftJson *json, const char name[], const WeftSeries *series);

/* ---- the yardstick ---- */

/* The product X Dᵀ in single precision by BLAS, on the same ranks. */
typedef struct {
  WeftBlock  x, atoms, product; /* x, atoms: views, or own copies where the problem is in double */
  PetscBool  own;
  PetscInt64 n; /* samples of all ranks */
  WeftSeries per_cpu_second, per_second;
} WeftYardstick;
extern PetscErrorCode WeftYardstickCreate(const WeftBlock *x, const WeftBlock *atoms, PetscInt64 n, WeftYardstick *y);
extern PetscErrorCode WeftYardstickDestroy(WeftYardstick *y);
extern PetscErrorCode WeftYardstickMeasure(const WeftBench *bench, WeftYardstick *y); /* once more */
/* The block in another precision, the caller's. Not collective. */
extern PetscErrorCode WeftBenchConvert(const WeftBlock *from, WeftPrecision precision, WeftBlock *to);

/* ---- the problem ---- */

enum { WEFT_PROBLEM_L, WEFT_PROBLEM_G, WEFT_PROBLEMS };
extern const char *const WeftProblemNames[WEFT_PROBLEMS]; /* "L", "G" */

/* Samples, a dictionary and weights: of a file, or made from synthetic pictures. */
typedef struct {
  char       source[PETSC_MAX_PATH_LEN + 32]; /* for people */
  PetscInt64 n, row0;                         /* samples in all; this rank's first */
  PetscInt64 d, k;
  WeftBlock x, atoms, test; /* this rank's samples; atoms as rows, on every rank; this rank's samples of the test set */
  PetscInt64 tests;         /* in all; 0 where none were asked for */
  double     lambda[WEFT_PROBLEMS];
  int        group_size[WEFT_PROBLEMS];
  double    *optimum[WEFT_PROBLEMS]; /* [x.rows] optimal objectives; negative: not known; NULL: none are */
} WeftBenchProblem;

/* Reads -problem, or makes one of -samples, -size, -seed, -weft_atoms, -weft_group_size; -weft_precision. tests: with a
   test set? */
extern PetscErrorCode WeftBenchProblemCreate(WeftBench *bench, PetscBool tests, WeftBenchProblem *problem);
extern PetscErrorCode WeftBenchProblemDestroy(WeftBenchProblem *problem);
/* The parts of the above. */
extern PetscErrorCode WeftBenchProblemRead(const WeftBench *bench, const char path[], WeftPrecision precision,
                                           PetscBool tests, WeftBenchProblem *problem);
extern PetscErrorCode WeftBenchProblemMake(const WeftBench *bench, WeftPrecision precision, PetscBool tests,
                                           WeftBenchProblem *problem);
/* WeftBenchProblemSolve - the optimal objectives where no file gave them: of up to 500 samples, evenly spread, by the
   coder in double to a gap of 1e-9. */
extern PetscErrorCode WeftBenchProblemSolve(const WeftBench *bench, WeftBenchProblem *problem);
