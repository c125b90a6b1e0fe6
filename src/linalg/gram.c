/* The Gram matrix of atoms, most of whose numbers may be zero. */
#include <weft/block.h>

/* Products with zeros that a gemm does in the time of one without: below it, skipping them pays. */
static const double gemm_advantage = 16;

/* The atoms by input: the groups that have input j are group[start[j] .. start[j + 1]), ascending, and their p values
   stand at the same place. */
typedef struct {
  size_t        *start; /* [d + 1] */
  int           *group;
  void          *value;
  unsigned char *has;      /* [d] scratch */
  double         products; /* Σ_j (p groups of j)²: multiplications for the whole Gram matrix */
} Inputs;

#define REAL    float
#define NAME(x) x##Single
#include "gramkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "gramkernel.h"

static PetscErrorCode InputsDestroy(Inputs *in)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(in->start));
  PetscCall(PetscFree(in->has));
  PetscCall(PetscFree(in->group));
  PetscCall(PetscFree(in->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How many groups have each input, as offsets; start[j + 1] is left at the beginning of j's place, for filling. */
static PetscErrorCode Count(const WeftBlock *atoms, int p, Inputs *in)
{
  const size_t d = atoms->cols;
  size_t       next = 0;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(d + 2, &in->start));
  PetscCall(PetscMalloc1(d, &in->has));
  if (atoms->precision == WEFT_SINGLE)
    CountSingle(atoms, (size_t)p, in->has, in->start + 2);
  else
    CountDouble(atoms, (size_t)p, in->has, in->start + 2);
  for (size_t j = 0; j < d; ++j) {
    const size_t count = in->start[j + 2];
    in->products += (double)count * (double)count * (double)p * (double)p;
    in->start[j + 1] = next;
    next += count;
  }
  in->start[d + 1] = next;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Sparse(const WeftBlock *atoms, int p, size_t first, size_t rows, Inputs *in, WeftBlock *gram)
{
  const size_t total = in->start[atoms->cols + 1];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(total, &in->group));
  PetscCall(PetscMalloc(total * (size_t)p * WeftPrecisionBytes(atoms->precision), &in->value));
  if (atoms->precision == WEFT_SINGLE)
    SparseSingle(atoms, (size_t)p, first, rows, in, gram);
  else
    SparseDouble(atoms, (size_t)p, first, rows, in, gram);
  PetscCall(PetscLogFlops(2 * in->products * (double)rows / (double)atoms->rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBlockGram(const WeftBlock *atoms, int p, size_t first, size_t rows, WeftBlock *gram)
{
  const double    k = (double)atoms->rows, d = (double)atoms->cols;
  const WeftBlock mine = WeftBlockRows(atoms, first, rows);
  WeftBlock       into = WeftBlockRows(gram, first, rows);
  Inputs          in = {0};

  PetscFunctionBegin;
  PetscCall(Count(atoms, p, &in));
  if (gemm_advantage * in.products < k * k * d)
    PetscCall(Sparse(atoms, p, first, rows, &in, gram));
  else
    PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_TRUE, 1.0, &mine, atoms, 0.0, &into));
  PetscCall(InputsDestroy(&in));
  PetscFunctionReturn(PETSC_SUCCESS);
}
