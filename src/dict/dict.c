#include "dictimpl.h"

const WeftOption WeftDictOptions[] = {
  {"-weft_dict_max_iterations", "N", "2", "passes over the atoms in a dictionary step, at most"},
  {"-weft_dict_rtol", "R", "1e-3", "relative change of the dictionary at which its step ends"},
  {NULL, NULL, NULL, NULL}};

PetscErrorCode WeftDictCreateLike(WeftDict dict, Mat *M)
{
  PetscFunctionBegin;
  PetscCall(MatCreateDense(dict->comm, dict->rows, PETSC_DECIDE, dict->d, dict->k, NULL, M));
  PetscCall(MatZeroEntries(*M));
  PetscCall(MatAssemblyBegin(*M, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*M, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictCreate(MPI_Comm comm, PetscInt d, PetscInt k, int group_size, WeftDict *dict)
{
  WeftDict w;

  PetscFunctionBegin;
  PetscCheck(group_size > 0 && k % group_size == 0, comm, PETSC_ERR_ARG_SIZ, "%lld atoms do not make groups of %d",
             (long long)k, group_size);
  PetscCall(PetscNew(&w));
  w->comm = comm;
  w->d = d;
  w->k = k;
  w->group_size = group_size;
  w->groups = k / group_size;
  w->precision = WEFT_DOUBLE;
  w->rtol = 1e-3;
  w->max_iterations = 2;
  w->rows = PETSC_DECIDE;
  PetscCall(PetscSplitOwnership(comm, &w->rows, &w->d));
  PetscCall(PetscMalloc1(w->groups, &w->alive));
  for (PetscInt g = 0; g < w->groups; ++g) w->alive[g] = 1;
  PetscCall(WeftDictCreateLike(w, &w->D));
  *dict = w;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictDestroy(WeftDict *dict)
{
  PetscFunctionBegin;
  if (!*dict) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftStepDestroy(&(*dict)->step));
  PetscCall(MatDestroy(&(*dict)->D));
  PetscCall(PetscFree((*dict)->alive));
  PetscCall(PetscFree(*dict));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictSetFromOptions(WeftDict dict)
{
  PetscInt64 iterations;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetInt(WeftDictOptions, "-weft_dict_max_iterations", 1, 1000000, &iterations));
  PetscCall(WeftOptionsGetReal(WeftDictOptions, "-weft_dict_rtol", 0, 1, &dict->rtol));
  dict->max_iterations = (int)iterations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictSetTolerances(WeftDict dict, double rtol, int max_iterations)
{
  PetscFunctionBegin;
  dict->rtol = rtol;
  dict->max_iterations = max_iterations;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictSetPrecision(WeftDict dict, WeftPrecision precision)
{
  PetscFunctionBegin;
  if (precision != dict->precision) PetscCall(WeftStepDestroy(&dict->step));
  dict->precision = precision;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictSettle(WeftDict dict, WeftPrecision precision)
{
  PetscInt lda;
  double  *d;

  PetscFunctionBegin;
  PetscCall(WeftStepDestroy(&dict->step));
  if (precision == WEFT_DOUBLE) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatDenseGetLDA(dict->D, &lda));
  PetscCall(MatDenseGetArray(dict->D, &d));
  for (PetscInt a = 0; a < dict->k; ++a)
    for (PetscInt j = 0; j < dict->rows; ++j)
      d[(size_t)a * (size_t)lda + (size_t)j] = (float)d[(size_t)a * (size_t)lda + (size_t)j];
  PetscCall(MatDenseRestoreArray(dict->D, &d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictGetMat(WeftDict dict, Mat *D)
{
  PetscFunctionBegin;
  *D = dict->D;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictGetAlive(WeftDict dict, unsigned char **alive)
{
  PetscFunctionBegin;
  *alive = dict->alive;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscInt WeftDictCountAlive(WeftDict dict)
{
  PetscInt n = 0;

  for (PetscInt g = 0; g < dict->groups; ++g) n += dict->alive[g] ? 1 : 0;
  return n;
}

PetscErrorCode WeftDictArray(WeftDict dict, Mat M, double **values)
{
  PetscInt lda;

  PetscFunctionBegin;
  PetscCall(MatDenseGetLDA(M, &lda));
  PetscCheck(lda == PetscMax(dict->rows, 1) || lda == dict->rows, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "leading dimension %lld with %lld rows", (long long)lda, (long long)dict->rows);
  PetscCall(MatDenseGetArray(M, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictRestore(Mat M, double **values)
{
  PetscFunctionBegin;
  PetscCall(MatDenseRestoreArray(M, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictSetAtom(WeftDict dict, PetscInt a, const double atom[])
{
  double   square = 0, scale, *values;
  PetscInt first;

  PetscFunctionBegin;
  for (PetscInt j = 0; j < dict->d; ++j) square += atom[j] * atom[j];
  scale = square > 0 ? 1.0 / PetscSqrtReal(square) : 0.0;
  PetscCall(MatGetOwnershipRange(dict->D, &first, NULL));
  PetscCall(WeftDictArray(dict, dict->D, &values));
  for (PetscInt j = 0; j < dict->rows; ++j)
    values[(size_t)a * (size_t)dict->rows + (size_t)j] = scale * atom[first + j];
  PetscCall(WeftDictRestore(dict->D, &values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictRemoveGroup(WeftDict dict, PetscInt g, Mat A, Mat B)
{
  double *values;

  PetscFunctionBegin;
  dict->alive[g] = 0;
  PetscCall(WeftDictArray(dict, dict->D, &values));
  PetscCall(PetscArrayzero(values + (size_t)g * (size_t)dict->group_size * (size_t)dict->rows,
                           (size_t)dict->group_size * (size_t)dict->rows));
  PetscCall(WeftDictRestore(dict->D, &values));
  if (A && B) PetscCall(WeftStatisticsForgetGroup(A, B, dict->group_size, g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* values [n] in the precision of the atoms, to numbers at .. at + n of them. */
static void Narrow(size_t n, const double *values, WeftBlock *atoms, size_t at)
{
  if (atoms->precision == WEFT_SINGLE)
    for (size_t i = 0; i < n; ++i) atoms->values.s[at + i] = (float)values[i];
  else
    (void)PetscMemcpy(atoms->values.d + at, values, n * sizeof(double));
}

/* parts: for each rank its rows of atom after atom; whole: the atoms. */
static void Assemble(const WeftBlock *parts, int size, const PetscInt ranges[], WeftBlock *whole)
{
  const size_t bytes = WeftPrecisionBytes(whole->precision), k = whole->rows, d = whole->cols;

  for (int r = 0; r < size; ++r) {
    const size_t first = (size_t)ranges[r], rows = (size_t)ranges[r + 1] - first;
    const char  *from = (const char *)parts->values.v + first * k * bytes;
    char        *to = (char *)whole->values.v + first * bytes;
    for (size_t a = 0; a < k; ++a) (void)PetscMemcpy(to + a * d * bytes, from + a * rows * bytes, rows * bytes);
  }
}

/* Counted in rows of k numbers, so that the numbers may pass 2^31. */
static PetscErrorCode GatherParts(WeftDict dict, const PetscInt ranges[], int size, WeftBlock *parts)
{
  int         *counts, *offsets;
  MPI_Datatype row;

  PetscFunctionBegin;
  PetscCall(PetscMalloc2(size, &counts, size, &offsets));
  for (int r = 0; r < size; ++r) {
    counts[r] = (int)(ranges[r + 1] - ranges[r]);
    offsets[r] = (int)ranges[r];
  }
  PetscCallMPI(MPI_Type_contiguous((int)dict->k, parts->precision == WEFT_SINGLE ? MPI_FLOAT : MPI_DOUBLE, &row));
  PetscCallMPI(MPI_Type_commit(&row));
  PetscCallMPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, parts->values.v, counts, offsets, row, dict->comm));
  PetscCallMPI(MPI_Type_free(&row));
  PetscCall(PetscFree2(counts, offsets));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictGather(WeftDict dict, WeftBlock *atoms)
{
  const size_t    rows = (size_t)dict->rows, k = (size_t)dict->k;
  const PetscInt *ranges;
  PetscInt        first;
  int             size;
  double         *values;
  WeftBlock       parts;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_GATHER));
  PetscCallMPI(MPI_Comm_size(dict->comm, &size));
  PetscCall(MatGetOwnershipRanges(dict->D, &ranges));
  PetscCall(MatGetOwnershipRange(dict->D, &first, NULL));
  PetscCall(WeftDictArray(dict, dict->D, &values));
  if (size == 1) {
    Narrow(rows * k, values, atoms, 0);
  } else {
    PetscCall(WeftBlockCreate((size_t)dict->d, k, atoms->precision, &parts));
    Narrow(rows * k, values, &parts, (size_t)first * k);
    PetscCall(GatherParts(dict, ranges, size, &parts));
    Assemble(&parts, size, ranges, atoms);
    PetscCall(WeftBlockDestroy(&parts));
  }
  PetscCall(WeftDictRestore(dict->D, &values));
  PetscCall(WeftEventEnd(WEFT_EVENT_GATHER));
  PetscFunctionReturn(PETSC_SUCCESS);
}

enum { CHUNK = 64 }; /* rows side by side */

/* ‖x_j‖² of up to CHUNK rows from `first` on, x column-major with leading dimension rows. */
WEFT_SIMD static void RowSquares(size_t first, size_t n, size_t rows, size_t p, const double *x, double square[CHUNK])
{
  for (size_t l = 0; l < CHUNK; ++l) square[l] = 0;
  for (size_t i = 0; i < p; ++i)
    for (size_t l = 0; l < n; ++l) square[l] += x[i * rows + first + l] * x[i * rows + first + l];
}

PetscErrorCode WeftDictStrongest(WeftDict dict, Mat M, double strongest[])
{
  const size_t rows = (size_t)dict->rows, p = (size_t)dict->group_size;
  double      *values, square[CHUNK];

  PetscFunctionBegin;
  PetscCall(WeftDictArray(dict, M, &values));
  for (size_t g = 0; g < (size_t)dict->groups; ++g) {
    double most = 0;
    for (size_t first = 0; first < rows; first += CHUNK) {
      RowSquares(first, PetscMin(CHUNK, rows - first), rows, p, values + g * p * rows, square);
      for (size_t l = 0; l < CHUNK; ++l) most = PetscMax(most, square[l]);
    }
    strongest[g] = PetscSqrtReal(most);
  }
  PetscCall(WeftDictRestore(M, &values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, strongest, (int)dict->groups, MPI_DOUBLE, MPI_MAX, dict->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Adds how many squares are not zero, and their roots where there is a weight. */
WEFT_SIMD static void AddConnections(const double square[CHUNK], double weight, double sums[2])
{
  double norms = 0;
  int    nonzeros = 0;

  for (size_t l = 0; l < CHUNK; ++l) nonzeros += square[l] > 0 ? 1 : 0;
  if (weight > 0 && nonzeros)
    for (size_t l = 0; l < CHUNK; ++l) norms += PetscSqrtReal(square[l]);
  sums[0] += nonzeros;
  sums[1] += weight * norms;
}

PetscErrorCode WeftDictConnections(WeftDict dict, const double weight[], PetscInt64 *nonzeros, double *penalty)
{
  const size_t rows = (size_t)dict->rows, p = (size_t)dict->group_size;
  double      *values, square[CHUNK], sums[2] = {0, 0};

  PetscFunctionBegin;
  PetscCall(WeftDictArray(dict, dict->D, &values));
  for (size_t g = 0; g < (size_t)dict->groups; ++g) {
    for (size_t first = 0; first < rows; first += CHUNK) {
      RowSquares(first, PetscMin(CHUNK, rows - first), rows, p, values + g * p * rows, square);
      AddConnections(square, weight ? weight[g] : 0, sums);
    }
  }
  PetscCall(WeftDictRestore(dict->D, &values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, dict->comm));
  if (nonzeros) *nonzeros = (PetscInt64)sums[0];
  if (penalty) *penalty = sums[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}
