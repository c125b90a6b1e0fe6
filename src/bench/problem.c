/* A problem from a file, and what a problem from anywhere shares. */
#include "benchimpl.h"
#include <weft/coder.h>
#include <weft/data.h>
#include <weft/h5.h>
#include <weft/stack.h>
#include <math.h>

enum { CHECKED = 500 }; /* samples whose optimum is found where no file tells it */

const char *const WeftProblemNames[WEFT_PROBLEMS] = {"L", "G"};

/* Is every number of the block finite? Over all ranks. */
static PetscErrorCode CheckFinite(const WeftBench *bench, const char path[], const char dataset[],
                                  const WeftBlock *block)
{
  PetscBool bad = PETSC_FALSE;

  PetscFunctionBegin;
  for (size_t i = 0; i < block->rows; ++i)
    for (size_t j = 0; j < block->cols; ++j)
      if (!isfinite(WeftBlockGet(block, i, j))) bad = PETSC_TRUE;
  PetscCall(WeftAnyRank(bench->comm, bad, &bad));
  WeftUserCheck(!bad, bench->comm, "-problem %s: %s has a number that is not finite", path, dataset);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadMatrix(const WeftBench *bench, hid_t file, const char path[], const char dataset[],
                                 PetscInt64 row0, PetscInt64 rows, PetscInt64 cols, WeftPrecision precision,
                                 WeftBlock *block)
{
  const hid_t type = precision == WEFT_SINGLE ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate((size_t)rows, (size_t)cols, precision, block));
  PetscCall(WeftH5ReadRows(bench->comm, file, dataset, row0, rows, type, block->values.v));
  PetscCall(CheckFinite(bench, path, dataset, block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many of the file's samples are used. */
static PetscErrorCode GetSamples(PetscInt64 held, PetscInt64 *n)
{
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-samples", &given));
  *n = held;
  if (given) PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-samples", 1, INT64_MAX, n));
  *n = PetscMin(*n, held);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadSamples(const WeftBench *bench, hid_t file, const char path[], WeftPrecision precision,
                                  WeftBenchProblem *p)
{
  PetscInt64 x[2] = {-1, -1}, atoms[2] = {-1, -1}, rows;
  int        rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(bench->comm, &rank));
  PetscCallMPI(MPI_Comm_size(bench->comm, &size));
  PetscCall(WeftH5Expect(bench->comm, file, "/X", 2, x));
  atoms[1] = x[1];
  PetscCall(WeftH5Expect(bench->comm, file, "/D", 2, atoms));
  WeftUserCheck(x[0] > 0 && x[1] > 0 && atoms[0] > 0, bench->comm, "-problem %s: /X or /D is empty", path);
  PetscCall(GetSamples(x[0], &p->n));
  p->d = x[1];
  p->k = atoms[0];
  WeftDataRange(p->n, rank, size, &p->row0, &rows);
  PetscCall(ReadMatrix(bench, file, path, "/X", p->row0, rows, p->d, precision, &p->x));
  PetscCall(ReadMatrix(bench, file, path, "/D", 0, p->k, p->d, precision, &p->atoms));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadTests(const WeftBench *bench, hid_t file, const char path[], WeftBenchProblem *p)
{
  PetscInt64 dims[2] = {-1, p->d}, row0, rows;
  int        rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(bench->comm, &rank));
  PetscCallMPI(MPI_Comm_size(bench->comm, &size));
  PetscCall(WeftH5Expect(bench->comm, file, "/Xtest", 2, dims));
  p->tests = dims[0];
  WeftUserCheck(p->tests > 0, bench->comm, "-problem %s: /Xtest is empty", path);
  WeftDataRange(p->tests, rank, size, &row0, &rows);
  PetscCall(ReadMatrix(bench, file, path, "/Xtest", row0, rows, p->d, p->x.precision, &p->test));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* λ and the optimal objectives of L or G. */
static PetscErrorCode ReadWeights(const WeftBench *bench, hid_t file, const char path[], int which, WeftBenchProblem *p)
{
  char       name[32], value[32];
  PetscInt64 all = -1;
  PetscBool  bad = PETSC_FALSE;

  PetscFunctionBegin;
  snprintf(name, sizeof(name), "/lambda_%s", WeftProblemNames[which]);
  PetscCall(WeftH5ReadNumber(bench->comm, file, name, &p->lambda[which]));
  snprintf(value, sizeof(value), "%g", p->lambda[which]); /* PETSc's own %g ends whole numbers with a point */
  WeftUserCheck(p->lambda[which] > 0 && isfinite(p->lambda[which]), bench->comm, "-problem %s: %s is %s, not positive",
                path, name, value);
  snprintf(name, sizeof(name), "/pstar_%s", WeftProblemNames[which]);
  PetscCall(WeftH5Expect(bench->comm, file, name, 1, &all));
  WeftUserCheck(all >= p->n, bench->comm, "-problem %s: %s has %lld numbers for %lld samples", path, name,
                (long long)all, (long long)p->n);
  PetscCall(PetscMalloc1(p->x.rows + 1, &p->optimum[which]));
  PetscCall(
    WeftH5ReadRows(bench->comm, file, name, p->row0, (PetscInt64)p->x.rows, H5T_NATIVE_DOUBLE, p->optimum[which]));
  for (size_t i = 0; i < p->x.rows; ++i)
    if (!(p->optimum[which][i] >= 0 && isfinite(p->optimum[which][i]))) bad = PETSC_TRUE;
  PetscCall(WeftAnyRank(bench->comm, bad, &bad));
  WeftUserCheck(!bad, bench->comm, "-problem %s: %s has a number that is no objective", path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchProblemRead(const WeftBench *bench, const char path[], WeftPrecision precision, PetscBool tests,
                                    WeftBenchProblem *p)
{
  hid_t  file;
  double group_size;
  char   value[32];

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(bench->comm, "-problem", path, &file));
  PetscCall(ReadSamples(bench, file, path, precision, p));
  if (tests) PetscCall(ReadTests(bench, file, path, p));
  PetscCall(WeftH5ReadNumber(bench->comm, file, "/group_size", &group_size));
  snprintf(value, sizeof(value), "%g", group_size);
  WeftUserCheck(group_size >= 1 && group_size <= (double)p->k && floor(group_size) == group_size &&
                  p->k % (PetscInt64)group_size == 0,
                bench->comm, "-problem %s: /group_size %s does not divide the %lld atoms", path, value,
                (long long)p->k);
  p->group_size[WEFT_PROBLEM_L] = 1;
  p->group_size[WEFT_PROBLEM_G] = (int)group_size;
  for (int which = 0; which < WEFT_PROBLEMS; ++which) PetscCall(ReadWeights(bench, file, path, which, p));
  WeftH5Close(file);
  snprintf(p->source, sizeof(p->source), "%s", path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchProblemCreate(WeftBench *bench, PetscBool tests, WeftBenchProblem *p)
{
  char          path[PETSC_MAX_PATH_LEN];
  int           precision;
  WeftPrecision hot;

  PetscFunctionBegin;
  *p = (WeftBenchProblem){0};
  PetscCall(WeftOptionsGetText(WeftBenchOptions, "-problem", sizeof(path), path, NULL));
  PetscCall(WeftOptionsGetChoice(WeftLayerOptions, "-weft_precision", "single|double", &precision));
  hot = precision ? WEFT_DOUBLE : WEFT_SINGLE;
  if (path[0])
    PetscCall(WeftBenchProblemRead(bench, path, hot, tests, p));
  else
    PetscCall(WeftBenchProblemMake(bench, hot, tests, p));
  PetscCall(WeftBenchHead(bench));
  PetscCall(WeftJsonText(&bench->json, "source", p->source));
  PetscCall(WeftJsonInt(&bench->json, "samples", p->n));
  PetscCall(WeftJsonInt(&bench->json, "inputs", p->d));
  PetscCall(WeftJsonInt(&bench->json, "atoms", p->k));
  PetscCall(WeftBenchPrint(bench, "%s: %lld samples x %lld inputs, %lld atoms\n", p->source, (long long)p->n,
                           (long long)p->d, (long long)p->k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchProblemDestroy(WeftBenchProblem *p)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&p->x));
  PetscCall(WeftBlockDestroy(&p->atoms));
  PetscCall(WeftBlockDestroy(&p->test));
  for (int which = 0; which < WEFT_PROBLEMS; ++which) PetscCall(PetscFree(p->optimum[which]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The samples to be checked: their rows into index, in double into x. */
static PetscErrorCode Choose(const WeftBenchProblem *p, size_t *index, WeftBlock *x)
{
  const PetscInt64 stride = (p->n + CHECKED - 1) / CHECKED;

  PetscFunctionBegin;
  x->rows = 0;
  for (size_t i = 0; i < p->x.rows; ++i) {
    if ((p->row0 + (PetscInt64)i) % stride) continue;
    index[x->rows++] = i;
    for (size_t j = 0; j < x->cols; ++j) WeftBlockSet(x, x->rows - 1, j, WeftBlockGet(&p->x, i, j));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SolveOne(const WeftBlock *x, const WeftBlock *atoms, const size_t index[], int which,
                               WeftBenchProblem *p)
{
  WeftCoder       coder;
  WeftCodes       codes;
  WeftCoderResult result;
  const double   *objective;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(p->x.rows + 1, &p->optimum[which]));
  PetscCall(WeftCodesCreate((int)p->k / p->group_size[which], p->group_size[which], &codes));
  PetscCall(WeftCoderCreate(&coder));
  PetscCall(WeftCoderSetTolerances(coder, 1e-9, 40));
  PetscCall(WeftCoderSetDictionary(coder, atoms, p->group_size[which]));
  PetscCall(WeftCoderSetPenalty(coder, p->lambda[which], NULL));
  PetscCall(WeftCoderSolve(coder, x, NULL, &codes, &result));
  PetscCall(WeftCoderGetSamples(coder, &objective, NULL));
  PetscCheck(result.reason > 0, PETSC_COMM_SELF, PETSC_ERR_NOT_CONVERGED, "no optimum to compare with: %s at gap %g",
             WeftCoderReasonName(result.reason), result.max_gap);
  for (size_t i = 0; i < p->x.rows; ++i) p->optimum[which][i] = -1;
  for (size_t i = 0; i < x->rows; ++i) p->optimum[which][index[i]] = objective[i];
  PetscCall(WeftCoderDestroy(&coder));
  PetscCall(WeftCodesDestroy(&codes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchProblemSolve(const WeftBench *bench, WeftBenchProblem *p)
{
  WeftBlock x, atoms;
  size_t   *index;

  PetscFunctionBegin;
  if (p->optimum[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftBenchPrint(bench, "solving some samples to 1e-9, to compare with\n"));
  PetscCall(WeftBlockCreate(PetscMin(p->x.rows, (size_t)CHECKED), (size_t)p->d, WEFT_DOUBLE, &x));
  PetscCall(PetscMalloc1(x.rows + 1, &index));
  PetscCall(WeftBenchConvert(&p->atoms, WEFT_DOUBLE, &atoms));
  PetscCall(Choose(p, index, &x));
  for (int which = 0; which < WEFT_PROBLEMS; ++which) PetscCall(SolveOne(&x, &atoms, index, which, p));
  PetscCall(WeftBlockDestroy(&x));
  PetscCall(WeftBlockDestroy(&atoms));
  PetscCall(PetscFree(index));
  PetscFunctionReturn(PETSC_SUCCESS);
}
