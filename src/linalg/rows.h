/* Private to linalg: rows of a block as BLAS wants them. */
#pragma once
#include <weft/panel.h>

enum { WEFT_ROWS_CHUNK = 512 }; /* samples taken at a time where a copy of them is needed */

/* out[i ld ..] = the columns [first_col, d) of selected row number from + i, i < count, less their means, in double. */
extern void WeftRowsCentre(const WeftBlock *x, WeftRows rows, size_t from, size_t count, const double mean[],
                           size_t first_col, size_t ld, double out[]);
