/* Bookkeeping of types that work on a whole batch at once: finished samples leave, so that the products with the Gram
   matrix shrink with the work that is left. */
#include "../coderimpl.h"

PetscErrorCode WeftCoderRowsCreate(size_t n, WeftCoderRows *rows)
{
  PetscFunctionBegin;
  rows->n = n;
  PetscCall(PetscMalloc4(n, &rows->index, n, &rows->best, n, &rows->mark, n, &rows->idle));
  for (size_t j = 0; j < n; ++j) {
    rows->index[j] = j;
    rows->best[j] = rows->mark[j] = PETSC_MAX_REAL;
    rows->idle[j] = 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderRowsDestroy(WeftCoderRows *rows)
{
  PetscFunctionBegin;
  PetscCall(PetscFree4(rows->index, rows->best, rows->mark, rows->idle));
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
  rows->index[to] = rows->index[from];
  rows->best[to] = rows->best[from];
  rows->mark[to] = rows->mark[from];
  rows->idle[to] = rows->idle[from];
}

void WeftCoderRowsCheck(const WeftCoder coder, WeftCoderBatch *batch, double target, int max_idle, const WeftBlock *z,
                        const WeftBlock *q, WeftBlock *const blocks[], WeftCoderRows *rows)
{
  const size_t n = rows->n;
  double       primal, gap;

  rows->n = 0;
  for (size_t j = 0; j < n; ++j) {
    WeftCoderGramGap(coder, batch, rows->index[j], z, q, j, &primal, &gap);
    if (gap < rows->best[j]) {
      rows->best[j] = gap;
      WeftCoderCopyRow(z, j, &batch->z, rows->index[j]);
    }
    ++rows->idle[j];
    if (gap < 0.99 * rows->mark[j]) {
      rows->mark[j] = gap;
      rows->idle[j] = 0;
    }
    if (!(gap <= target) && rows->idle[j] < max_idle) MoveRow(blocks, j, rows->n++, rows);
  }
  for (int b = 0; blocks[b]; ++b) blocks[b]->rows = rows->n;
}
