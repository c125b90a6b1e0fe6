/* Products of sparse codes with a matrix whose rows belong to the atoms: D', or the Gram matrix. A large matrix is
   taken in panels of columns that stay in cache while all the codes pass. */
#include "../coderimpl.h"

enum {
  PANEL_BYTES = 1 << 19, /* half of a usual second-level cache */
  TILE = 64,             /* panels are multiples of it wide, which suits vectors */
  RUN = 16               /* columns that are tested for zeros at once */
};

#define REAL    float
#define NAME(x) x##Single
#include "productkernel.h"
#undef REAL
#undef NAME
#define REAL    double
#define NAME(x) x##Double
#include "productkernel.h"

PetscErrorCode WeftCoderNonzerosCreate(size_t rows, size_t cols, WeftPrecision precision, WeftCoderNonzeros *nz)
{
  PetscFunctionBegin;
  nz->rows = 0;
  PetscCall(PetscMalloc2(rows + 1, &nz->start, rows * cols, &nz->column));
  PetscCall(WeftBlockCreate(1, rows * cols, precision, &nz->value));
  nz->start[0] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderNonzerosDestroy(WeftCoderNonzeros *nz)
{
  PetscFunctionBegin;
  PetscCall(PetscFree2(nz->start, nz->column));
  PetscCall(WeftBlockDestroy(&nz->value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftCoderFindNonzeros(const WeftBlock *z, size_t n, WeftCoderNonzeros *nz)
{
  size_t count = 0;

  nz->rows = n;
  for (size_t j = 0; j < n; ++j) {
    if (z->precision == WEFT_SINGLE)
      count += FindSingle(z->cols, z->values.s + j * z->cols, nz->column + count, nz->value.values.s + count);
    else
      count += FindDouble(z->cols, z->values.d + j * z->cols, nz->column + count, nz->value.values.d + count);
    nz->start[j + 1] = count;
  }
}

void WeftCoderSubtractProduct(const WeftCoderNonzeros *nz, const WeftBlock *m, WeftBlock *y)
{
  if (m->precision == WEFT_SINGLE)
    PanelSingle(nz, m->values.s, m->cols, 0, m->cols, y);
  else
    PanelDouble(nz, m->values.d, m->cols, 0, m->cols, y);
}

PetscErrorCode WeftCoderPanelsCreate(size_t rows, size_t cols, WeftPrecision precision, WeftCoderPanels *panels)
{
  const size_t row_bytes = PetscMax(rows, 1) * WeftPrecisionBytes(precision);

  PetscFunctionBegin;
  panels->rows = rows;
  panels->cols = cols;
  panels->width = PetscMax(PANEL_BYTES / row_bytes / TILE, 1) * TILE;
  PetscCall(
    WeftBlockCreate((cols + panels->width - 1) / panels->width * rows, panels->width, precision, &panels->packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftCoderPanelsDestroy(WeftCoderPanels *panels)
{
  PetscFunctionBegin;
  PetscCall(WeftBlockDestroy(&panels->packed));
  PetscFunctionReturn(PETSC_SUCCESS);
}

void WeftCoderPanelsPack(const WeftBlock *m, WeftCoderPanels *panels)
{
  const size_t bytes = WeftPrecisionBytes(m->precision);
  char        *to = panels->packed.values.v;

  for (size_t first = 0; first < m->cols; first += panels->width) {
    const size_t cols = PetscMin(panels->width, m->cols - first);
    for (size_t i = 0; i < m->rows; ++i, to += panels->width * bytes)
      (void)PetscMemcpy(to, (const char *)m->values.v + (i * m->cols + first) * bytes, cols * bytes);
  }
}

void WeftCoderSubtractPanels(const WeftCoderNonzeros *nz, const WeftCoderPanels *panels, WeftBlock *y)
{
  const WeftBlock *m = &panels->packed;

  for (size_t first = 0; first < panels->cols; first += panels->width) {
    const size_t cols = PetscMin(panels->width, panels->cols - first), at = first * panels->rows;
    if (m->precision == WEFT_SINGLE)
      PanelSingle(nz, m->values.s + at, panels->width, first, cols, y);
    else
      PanelDouble(nz, m->values.d + at, panels->width, first, cols, y);
  }
}
