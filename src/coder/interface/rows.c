/* Bookkeeping of types that work on a whole batch at once: finished samples leave, so that the products with the Gram
   matrix shrink with the work that is left. */
#include "../coderimpl.h"

PetscErrorCode WeftCoderRowsCreate(const WeftCoder coder, size_t n, WeftCoderRows *rows)
{
  PetscFunctionBegin;
  rows->n = n;
  PetscCall(WeftBlockCreate(n, coder->k, coder->gram.precision, &rows->seen));
  PetscCall(PetscMalloc3(n, &rows->index, n, &rows->best, n, &rows->idle));
  for (size_t j = 0; j < n; ++j) {
    rows->index[j] = j;
    rows->best[j] = PETSC_MAX_REAL;
    rows->idle[j] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderRowsDestroy(WeftCoderRows *rows)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&rows->seen));
  PetscCall(PetscFree3(rows->index, rows->best, rows->idle));
  rows->n = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftCoderRowsGather(const WeftCoderRows *rows, const WeftBlock *from, WeftBlock *to)
{
  to->rows = rows->n;
  for (size_t j = 0; j < rows->n; ++j) WeftCoderCopyRow(from, rows->index[j], to, j);
}

PetscErrorCode WeftCoderRowsCorrelate(const WeftCoder coder, const WeftCoderBatch *batch, const WeftCoderRows *rows,
                                      const WeftBlock *z, WeftBlock *q)
{
  PetscFunctionBegin;
  WeftCoderRowsGather(rows, &batch->c, q);
  PetscCall(WeftBlockGemm(PETSC_FALSE, PETSC_FALSE, -1.0, z, &coder->gram, 1.0, q));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static void MoveRow(WeftBlock *const blocks[], size_t from, size_t to, WeftCoderRows *rows)
{
  for (int b = 0; blocks[b]; ++b) WeftCoderCopyRow(blocks[b], from, blocks[b], to);
  WeftCoderCopyRow(&rows->seen, from, &rows->seen, to);
  rows->index[to] = rows->index[from];
  rows->best[to] = rows->best[from];
  rows->idle[to] = rows->idle[from];
}

void WeftCoderRowsCheck(const WeftCoder coder, WeftCoderBatch *batch, double target, int max_idle, const WeftBlock *z,
                        const WeftBlock *q, WeftBlock *const blocks[], WeftCoderRows *rows)
{
  const size_t n = rows->n;
  double       primal, gap;

  rows->n = 0;
  for (size_t j = 0; j < n; ++j) {
    WeftCoderGramGap(coder, batch, rows->index[j], z, j, q, j, &primal, &gap);
    if (gap < rows->best[j]) {
      rows->best[j] = gap;
      WeftCoderCopyRow(z, j, &batch->z, rows->index[j]);
    }
    ++rows->idle[j];
    if (!WeftCoderRowsAlike(z, j, &rows->seen, j)) {
      WeftCoderCopyRow(z, j, &rows->seen, j);
      rows->idle[j] = 0;
    }
    if (!(gap <= target) && rows->idle[j] < max_idle) MoveRow(blocks, j, rows->n++, rows);
  }
  for (int b = 0; blocks[b]; ++b) blocks[b]->rows = rows->n;
}
