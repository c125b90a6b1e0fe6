#include "dictimpl.h"

const WeftOption WeftDictOptions[] = {
  {"-weft_dict_max_iterations", "N", "4", "inner iterations of a dictionary step, at most"},
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
  w->rtol = 1e-3;
  w->max_iterations = 4;
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

/* A few atoms at a time: every rank's rows of them, which then make whole atoms. */
PetscErrorCode WeftDictGather(WeftDict dict, WeftBlock *atoms)
{
  const size_t    chunk = PetscMin(PetscMax(((size_t)1 << 24) / (size_t)dict->d, 1), (size_t)dict->k);
  const PetscInt *ranges;
  int             size, *counts, *offsets;
  double         *values, *all;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_size(dict->comm, &size));
  PetscCall(MatGetOwnershipRanges(dict->D, &ranges));
  PetscCall(PetscMalloc3(size, &counts, size, &offsets, chunk * (size_t)dict->d, &all));
  PetscCall(WeftDictArray(dict, dict->D, &values));
  for (size_t first = 0; first < (size_t)dict->k; first += chunk) {
    const size_t n = PetscMin(chunk, (size_t)dict->k - first);
    for (int r = 0; r < size; ++r) {
      counts[r] = (int)((size_t)(ranges[r + 1] - ranges[r]) * n);
      offsets[r] = (int)((size_t)ranges[r] * n);
    }
    PetscCallMPI(MPI_Allgatherv(values + first * (size_t)dict->rows, (int)((size_t)dict->rows * n), MPI_DOUBLE, all,
                                counts, offsets, MPI_DOUBLE, dict->comm));
    for (int r = 0; r < size; ++r) {
      const size_t rows = (size_t)(ranges[r + 1] - ranges[r]);
      for (size_t a = 0; a < n; ++a)
        for (size_t j = 0; j < rows; ++j)
          WeftBlockSet(atoms, first + a, (size_t)ranges[r] + j, all[(size_t)offsets[r] + a * rows + j]);
    }
  }
  PetscCall(WeftDictRestore(dict->D, &values));
  PetscCall(PetscFree3(counts, offsets, all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ‖M_jg‖² of local row j. */
static inline double RowSquare(const WeftDict dict, const double *values, PetscInt g, PetscInt j)
{
  double sum = 0;

  for (PetscInt a = g * dict->group_size; a < (g + 1) * dict->group_size; ++a) {
    const double v = values[(size_t)a * (size_t)dict->rows + (size_t)j];
    sum += v * v;
  }
  return sum;
}

PetscErrorCode WeftDictStrongest(WeftDict dict, Mat M, double strongest[])
{
  double *values;

  PetscFunctionBegin;
  PetscCall(WeftDictArray(dict, M, &values));
  for (PetscInt g = 0; g < dict->groups; ++g) {
    double most = 0;
    for (PetscInt j = 0; j < dict->rows; ++j) most = PetscMax(most, RowSquare(dict, values, g, j));
    strongest[g] = PetscSqrtReal(most);
  }
  PetscCall(WeftDictRestore(M, &values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, strongest, (int)dict->groups, MPI_DOUBLE, MPI_MAX, dict->comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftDictConnections(WeftDict dict, const double weight[], PetscInt64 *nonzeros, double *penalty)
{
  double *values, sums[2] = {0, 0};

  PetscFunctionBegin;
  PetscCall(WeftDictArray(dict, dict->D, &values));
  for (PetscInt g = 0; g < dict->groups; ++g) {
    for (PetscInt j = 0; j < dict->rows; ++j) {
      const double square = RowSquare(dict, values, g, j);
      if (!(square > 0)) continue;
      sums[0] += 1;
      if (weight) sums[1] += weight[g] * PetscSqrtReal(square);
    }
  }
  PetscCall(WeftDictRestore(dict->D, &values));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, dict->comm));
  if (nonzeros) *nonzeros = (PetscInt64)sums[0];
  if (penalty) *penalty = sums[1];
  PetscFunctionReturn(PETSC_SUCCESS);
}
