#include "benchimpl.h"
#include <stdarg.h>
#include <string.h>

PetscErrorCode WeftTableCreate(size_t columns, WeftTable *t)
{
  PetscFunctionBegin;
  *t = (WeftTable){.columns = columns};
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTableCell(WeftTable *t, const char format[], ...)
{
  va_list list;

  PetscFunctionBegin;
  if (t->cells == t->capacity) {
    t->capacity = 2 * t->capacity + 64;
    PetscCall(PetscRealloc(t->capacity * sizeof(t->text[0]), &t->text));
  }
  va_start(list, format);
  vsnprintf(t->text[t->cells++], sizeof(t->text[0]), format, list);
  va_end(list);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static size_t Width(const WeftTable *t, size_t column)
{
  size_t width = 0;

  for (size_t i = column; i < t->cells; i += t->columns) width = PetscMax(width, strlen(t->text[i]));
  return width;
}

/* Is the first thing below the title a number? */
static PetscBool IsNumeric(const WeftTable *t, size_t column)
{
  const size_t below = t->columns + column;

  return below < t->cells && strchr("0123456789-+.", t->text[below][0]) ? PETSC_TRUE : PETSC_FALSE;
}

static PetscErrorCode PrintCell(const WeftBench *bench, const WeftTable *t, size_t cell)
{
  const size_t column = cell % t->columns;
  const int    width = (int)Width(t, column);
  const char  *end = column + 1 == t->columns ? "\n" : "";

  PetscFunctionBegin;
  if (IsNumeric(t, column))
    PetscCall(WeftBenchPrint(bench, "  %*s%s", width, t->text[cell], end));
  else
    PetscCall(WeftBenchPrint(bench, "  %-*s%s", width, t->text[cell], end));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftTablePrint(const WeftBench *bench, WeftTable *t)
{
  PetscFunctionBegin;
  for (size_t i = 0; i < t->cells; ++i) PetscCall(PrintCell(bench, t, i));
  PetscCall(PetscFree(t->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}
