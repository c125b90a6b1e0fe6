#include "dataimpl.h"
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { PIECE_BYTES = 1 << 24 }; /* of one rank, where numbers are converted on the way */

PetscBool WeftProblemSet(WeftProblem problem, const char format[], ...)
{
  va_list arguments;

  va_start(arguments, format);
  vsnprintf(problem, WEFT_PROBLEM, format, arguments);
  va_end(arguments);
  return PETSC_FALSE;
}

PetscErrorCode WeftProblemRaise(MPI_Comm comm, const WeftProblem problem)
{
  int         rank, size, mine, first;
  WeftProblem text;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCallMPI(MPI_Comm_size(comm, &size));
  mine = problem[0] ? rank : size;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, comm));
  if (first == size) PetscFunctionReturn(PETSC_SUCCESS);
  memcpy(text, problem, sizeof(text));
  PetscCallMPI(MPI_Bcast(text, sizeof(text), MPI_CHAR, first, comm));
  WeftUserError(comm, "%s", text);
}

/* The type, the dimensions and whether the file can hold that much. */
static PetscErrorCode Inspect(hid_t dataset, WeftArray *array, H5T_class_t *class, PetscBool *held)
{
  hsize_t dims[H5S_MAX_RANK];
  hid_t   type, space;
  size_t  size;

  PetscFunctionBegin;
  WeftH5Get(type, H5Dget_type(dataset));
  WeftH5Get(space, H5Dget_space(dataset));
  *class = H5Tget_class(type);
  size = H5Tget_size(type);
  array->integer = *class == H5T_INTEGER ? PETSC_TRUE : PETSC_FALSE;
  array->kind = WEFT_DOUBLES;
  if (array->integer && size == 1 && H5Tget_sign(type) == H5T_SGN_NONE) array->kind = WEFT_BYTES;
  if (!array->integer && size <= sizeof(float)) array->kind = WEFT_FLOATS;
  WeftH5Get(array->ndims, H5Sget_simple_extent_ndims(space));
  WeftH5(H5Sget_simple_extent_dims(space, dims, NULL));
  for (int i = 0; i < array->ndims && i < 4; ++i) array->dims[i] = (PetscInt64)dims[i];
  PetscCall(WeftH5Held(array->file, dataset, type, array->ndims, dims, held));
  WeftH5(H5Sclose(space));
  WeftH5(H5Tclose(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows and columns; -1 columns where they pass what an int counts or their bytes what a long long does. */
static void CountRowsAndColumns(WeftArray *array)
{
  array->rows = array->ndims ? array->dims[0] : 0;
  array->cols = 1;
  for (int i = 1; i < array->ndims && array->cols > 0; ++i) {
    if (array->dims[i] > INT_MAX / array->cols) {
      array->cols = -1;
      return;
    }
    array->cols *= array->dims[i];
  }
  if (array->cols > 0 && array->rows > LLONG_MAX / 16 / array->cols) array->cols = -1;
}

static PetscErrorCode ReadScale(MPI_Comm comm, WeftArray *array)
{
  PetscBool  found;
  PetscInt64 whole;

  PetscFunctionBegin;
  array->scale = array->kind == WEFT_BYTES ? 1.0 / 255 : 1.0;
  if (!array->integer) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftH5GetReal(array->file, array->path, "scale", &array->scale, &found));
  if (!found) {
    PetscCall(WeftH5GetInts(array->file, array->path, "scale", 1, &whole, &found));
    if (found) array->scale = (double)whole;
  }
  WeftUserCheck(isfinite(array->scale) && array->scale > 0, comm,
                "%s: %s: attribute scale is %g, not a positive number", array->file_name, array->path, array->scale);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenDataset(MPI_Comm comm, const WeftArray *array, hid_t *dataset)
{
  PetscBool exists, bad;

  PetscFunctionBegin;
  PetscCall(WeftH5Exists(array->file, array->path, &exists));
  PetscCall(WeftAnyRank(comm, exists ? PETSC_FALSE : PETSC_TRUE, &bad));
  WeftUserCheck(!bad, comm, "%s: has no dataset %s (h5ls -r lists what it has)", array->file_name, array->path);
  WeftH5Try(*dataset, H5Oopen(array->file, array->path, H5P_DEFAULT));
  PetscCall(WeftAnyRank(comm, H5Iget_type(*dataset) == H5I_DATASET ? PETSC_FALSE : PETSC_TRUE, &bad));
  if (bad && *dataset >= 0) H5Oclose(*dataset);
  WeftUserCheck(!bad, comm, "%s: %s is not a dataset, or cannot be opened", array->file_name, array->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftArrayOpen(MPI_Comm comm, const char file_name[], hid_t file, const char path[], int low, int high,
                             WeftArray *array)
{
  hid_t dataset = H5I_INVALID_HID;
  H5T_class_t class;
  PetscBool held;

  PetscFunctionBegin;
  *array = (WeftArray){.file = file};
  snprintf(array->file_name, sizeof(array->file_name), "%s", file_name);
  snprintf(array->path, sizeof(array->path), "%s", path);
  PetscCall(OpenDataset(comm, array, &dataset));
  PetscCall(Inspect(dataset, array, &class, &held));
  WeftH5(H5Oclose(dataset));
  WeftUserCheck(class == H5T_INTEGER || class == H5T_FLOAT, comm, "%s: %s holds neither integers nor floating point",
                file_name, path);
  WeftUserCheck(array->ndims >= low && array->ndims <= high, comm, "%s: %s has %d dimension(s), not %d%s%d", file_name,
                path, array->ndims, low, high > low ? " to " : "", high);
  CountRowsAndColumns(array);
  WeftUserCheck(array->rows > 0, comm, "%s: %s has no samples", file_name, path);
  WeftUserCheck(array->cols, comm, "%s: %s has no features", file_name, path);
  WeftUserCheck(array->cols > 0 && held, comm, "%s: the dimensions of %s are more than it can hold", file_name, path);
  PetscCall(ReadScale(comm, array));
  PetscFunctionReturn(PETSC_SUCCESS);
}

#define CONVERT(from_type, to_type)                                                                                    \
  for (size_t i = 0; i < n; ++i) ((to_type *)to)[i] = (to_type)(scale * (double)((const from_type *)from)[i])

static void Convert(WeftArrayKind kind, double scale, size_t n, const void *from, WeftPrecision precision, void *to)
{
  if (kind == WEFT_BYTES && precision == WEFT_SINGLE)
    CONVERT(uint8_t, float);
  else if (kind == WEFT_BYTES)
    CONVERT(uint8_t, double);
  else if (kind == WEFT_FLOATS)
    CONVERT(float, double);
  else if (precision == WEFT_SINGLE)
    CONVERT(double, float);
  else
    CONVERT(double, double);
}

/* The file's own type is read, a piece at a time, and converted here, where that is a loop that vectorises. */
static PetscErrorCode ReadPieces(MPI_Comm comm, WeftArray *array, PetscInt64 row0, PetscInt64 rows,
                                 WeftPrecision precision, void *values)
{
  const hid_t      types[] = {H5T_NATIVE_UCHAR, H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE};
  const size_t     sizes[] = {1, sizeof(float), sizeof(double)}, bytes = sizes[array->kind] * (size_t)array->cols;
  const PetscInt64 step = (PetscInt64)PetscMax(PIECE_BYTES / bytes, 1);
  PetscInt64       most;
  void            *piece;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&rows, &most, 1, MPIU_INT64, MPI_MAX, comm));
  PetscCall(PetscMalloc(bytes * (size_t)PetscMin(step, rows), &piece));
  for (PetscInt64 first = 0; first < most; first += step) {
    const PetscInt64 at = PetscMin(first, rows), count = PetscMin(step, rows - at);
    const size_t     offset = (size_t)(at * array->cols) * WeftPrecisionBytes(precision);

    PetscCall(
      WeftH5ReadMore(comm, array->file, array->path, row0 + at, count, types[array->kind], piece, &array->read));
    if (count)
      Convert(array->kind, array->scale, (size_t)(count * array->cols), piece, precision, (char *)values + offset);
  }
  PetscCall(PetscFree(piece));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The index of the first number that is not finite, or n. A whole stretch is tried first: that loop vectorises. */
#define FIRST_NOT_FINITE(type, magnitude, greatest)                                                                    \
  for (size_t s = 0; s < n; s += 4096) {                                                                               \
    const type  *v = (const type *)values + s;                                                                         \
    const size_t length = PetscMin(n - s, 4096);                                                                       \
    int          bad = 0;                                                                                              \
    for (size_t i = 0; i < length; ++i) bad |= !(magnitude(v[i]) <= greatest);                                         \
    for (size_t i = 0; bad && i < length; ++i)                                                                         \
      if (!(magnitude(v[i]) <= greatest)) return s + i;                                                                \
  }

static size_t FirstNotFinite(size_t n, WeftPrecision precision, const void *values)
{
  if (precision == WEFT_SINGLE)
    FIRST_NOT_FINITE(float, fabsf, FLT_MAX)
  else
    FIRST_NOT_FINITE(double, fabs, DBL_MAX)
  return n;
}

static PetscErrorCode CheckFinite(MPI_Comm comm, const WeftArray *array, PetscInt64 row0, PetscInt64 rows,
                                  WeftPrecision precision, const void *values)
{
  const size_t n = (size_t)(rows * array->cols), at = FirstNotFinite(n, precision, values);
  PetscInt64   mine = at < n ? row0 * array->cols + (PetscInt64)at : INT64_MAX, first;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPIU_INT64, MPI_MIN, comm));
  WeftUserCheck(first == INT64_MAX, comm,
                "%s: %s: sample %lld, feature %lld (counted from 0) is NaN, infinite or too large for %s precision",
                array->file_name, array->path, (long long)(first / array->cols), (long long)(first % array->cols),
                precision == WEFT_SINGLE ? "single" : "double");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Numbers that need no conversion into values at once. */
static PetscErrorCode ReadWhole(MPI_Comm comm, WeftArray *array, PetscInt64 row0, PetscInt64 rows, hid_t type,
                                void *values)
{
  PetscFunctionBegin;
  PetscCall(WeftH5ReadMore(comm, array->file, array->path, row0, rows, type, values, &array->read));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftArrayRead(MPI_Comm comm, WeftArray *array, PetscInt64 row0, PetscInt64 rows, WeftPrecision precision,
                             void *values)
{
  PetscFunctionBegin;
  if (array->kind == WEFT_FLOATS && precision == WEFT_SINGLE) {
    PetscCall(ReadWhole(comm, array, row0, rows, H5T_NATIVE_FLOAT, values));
  } else if (array->kind == WEFT_DOUBLES && !array->integer && precision == WEFT_DOUBLE) {
    PetscCall(ReadWhole(comm, array, row0, rows, H5T_NATIVE_DOUBLE, values));
  } else {
    PetscCall(ReadPieces(comm, array, row0, rows, precision, values));
  }
  PetscCall(WeftH5ReadEnd(comm, array->file, array->path, &array->read));
  PetscCall(CheckFinite(comm, array, row0, rows, precision, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftArrayReadLabels(MPI_Comm comm, WeftArray *array, PetscInt64 row0, PetscInt64 rows,
                                   PetscInt64 classes, int32_t labels[])
{
  WeftProblem problem = "";
  double     *values;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1((size_t)rows, &values));
  PetscCall(ReadWhole(comm, array, row0, rows, H5T_NATIVE_DOUBLE, values));
  PetscCall(WeftH5ReadEnd(comm, array->file, array->path, &array->read));
  for (PetscInt64 i = 0; i < rows && !problem[0]; ++i) {
    if (values[i] >= 0 && values[i] < (double)classes && values[i] == floor(values[i]))
      labels[i] = (int32_t)values[i];
    else
      WeftProblemSet(problem, "%s: %s: sample %lld has label %g; whole numbers from 0 to %lld are wanted",
                     array->file_name, array->path, (long long)(row0 + i), values[i], (long long)(classes - 1));
  }
  PetscCall(PetscFree(values));
  PetscCall(WeftProblemRaise(comm, problem));
  PetscFunctionReturn(PETSC_SUCCESS);
}
