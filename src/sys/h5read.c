/* Reading HDF5: each rank by itself, by the system's own calls. Through MPI-IO a read that fails is one that succeeds
   in Open MPI 4.1 (its ompio prints the error and passes on what the buffer held); and whole rows gain nothing by it.
 */
#include "h5impl.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

PetscErrorCode WeftH5OpenRead(MPI_Comm comm, const char option[], const char path[], hid_t *file)
{
  htri_t    is = -1;
  PetscBool any, foreign, unread;
  char      what[2 * PETSC_MAX_PATH_LEN], reason[256];

  PetscFunctionBegin;
  PetscCall(WeftAnyRank(comm, access(path, R_OK) ? PETSC_TRUE : PETSC_FALSE, &any));
  WeftUserCheck(!any, comm, "%s %s: %s", option, path, strerror(errno ? errno : ENOENT));
  is = H5Fis_hdf5(path);
  if (is < 0) WeftH5Reason();
  PetscCall(WeftAnyRank(comm, is ? PETSC_FALSE : PETSC_TRUE, &foreign));
  WeftUserCheck(!foreign, comm, "%s %s: not an HDF5 file (images in other formats: see weft import -help)", option,
                path);
  *file = is > 0 ? H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT) : H5I_INVALID_HID;
  if (is > 0 && *file < 0) WeftH5Reason();
  snprintf(what, sizeof(what), "cannot read %s", path);
  PetscCall(WeftH5Agree(comm, what, *file < 0 ? PETSC_TRUE : PETSC_FALSE, &any, reason));
  if (any && *file >= 0) WeftH5Close(*file);
  PetscCall(WeftAnyRank(comm, *file < 0 && WeftH5Unread() ? PETSC_TRUE : PETSC_FALSE, &unread));
  WeftUserCheck(!any, comm, "%s %s: %s (%s)", option, path, unread ? "cannot be read" : "damaged or cut short", reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of an open dataset, of any shape but a scalar. Returns HDF5's status, for all ranks to agree on. */
static herr_t ReadRows(hid_t dataset, hsize_t row0, hsize_t rows, hid_t type, void *values)
{
  hsize_t start[H5S_MAX_RANK] = {row0}, count[H5S_MAX_RANK];
  hid_t   space = H5Dget_space(dataset), memory;
  int     ndims = H5Sget_simple_extent_dims(space, count, NULL);
  herr_t  status = -1;

  count[0] = rows;
  memory = H5Screate_simple(ndims, count, NULL);
  if (memory >= 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
    status = H5Dread(dataset, type, memory, space, H5P_DEFAULT, values);
  if (status < 0) WeftH5Reason();
  H5Sclose(memory);
  H5Sclose(space);
  return status;
}

PetscErrorCode WeftH5ReadMore(MPI_Comm comm, hid_t file, const char path[], PetscInt64 row0, PetscInt64 rows,
                              hid_t type, void *values, WeftH5Read *read)
{
  hid_t     dataset;
  herr_t    status = 0;
  PetscBool failed;
  char      what[2 * PETSC_MAX_PATH_LEN], reason[256];

  PetscFunctionBegin;
  WeftH5Get(dataset, H5Dopen2(file, path, H5P_DEFAULT));
  if (rows) status = ReadRows(dataset, (hsize_t)row0, (hsize_t)rows, type, values);
  if (rows && status >= 0) PetscCall(WeftH5SumRead(dataset, row0, rows, type, values, read));
  WeftH5(H5Dclose(dataset));
  snprintf(what, sizeof(what), "cannot read %s of %s", path, WeftH5FileName(file));
  PetscCall(WeftH5Agree(comm, what, status < 0 ? PETSC_TRUE : PETSC_FALSE, &failed, reason));
  WeftUserCheck(!failed, comm, "%s: cannot read %s: %s", WeftH5FileName(file), path, reason);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5ReadRows(MPI_Comm comm, hid_t file, const char path[], PetscInt64 row0, PetscInt64 rows,
                              hid_t type, void *values)
{
  WeftH5Read read = {0};

  PetscFunctionBegin;
  PetscCall(WeftH5ReadMore(comm, file, path, row0, rows, type, values, &read));
  PetscCall(WeftH5ReadEnd(comm, file, path, &read));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5ReadEnd(MPI_Comm comm, hid_t file, const char path[], WeftH5Read *read)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscCall(WeftH5ReadIsGood(comm, file, path, read, &good));
  WeftUserCheck(good, comm, "%s: " WEFT_H5_DAMAGED, WeftH5FileName(file), path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5ReadNumber(MPI_Comm comm, hid_t file, const char path[], double *value)
{
  hid_t     dataset;
  herr_t    status;
  PetscBool failed;

  PetscFunctionBegin;
  PetscCall(WeftH5Expect(comm, file, path, 0, NULL));
  WeftH5Get(dataset, H5Dopen2(file, path, H5P_DEFAULT));
  status = H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, value);
  if (status < 0) WeftH5Reason();
  WeftH5(H5Dclose(dataset));
  PetscCall(WeftAnyRank(comm, status < 0 ? PETSC_TRUE : PETSC_FALSE, &failed));
  WeftUserCheck(!failed, comm, "%s: cannot read %s: %s", WeftH5FileName(file), path, WeftH5Reason());
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Opens path where it is a dataset of one string of fixed length; else *dataset is negative. */
static PetscErrorCode OpenText(hid_t file, const char path[], hid_t *dataset, hid_t *type)
{
  hid_t     space;
  PetscBool exists, good, held;

  PetscFunctionBegin;
  *dataset = -1;
  PetscCall(WeftH5Exists(file, path, &exists));
  if (exists) WeftH5Try(*dataset, H5Dopen2(file, path, H5P_DEFAULT));
  if (*dataset < 0) PetscFunctionReturn(PETSC_SUCCESS);
  WeftH5Get(*type, H5Dget_type(*dataset));
  WeftH5Get(space, H5Dget_space(*dataset));
  good = H5Tget_class(*type) == H5T_STRING && H5Tis_variable_str(*type) == 0 && H5Sget_simple_extent_npoints(space) == 1
           ? PETSC_TRUE
           : PETSC_FALSE;
  WeftH5(H5Sclose(space));
  PetscCall(WeftH5Held(file, *dataset, *type, 0, NULL, &held));
  if (good && held) PetscFunctionReturn(PETSC_SUCCESS);
  WeftH5(H5Tclose(*type));
  WeftH5(H5Dclose(*dataset));
  *dataset = -1;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5ReadText(hid_t file, const char path[], char **text)
{
  hid_t dataset, type;

  PetscFunctionBegin;
  *text = NULL;
  PetscCall(OpenText(file, path, &dataset, &type));
  if (dataset < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscCalloc1(H5Tget_size(type) + 1, text));
  WeftH5(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, *text));
  WeftH5(H5Tclose(type));
  WeftH5(H5Dclose(dataset));
  PetscFunctionReturn(PETSC_SUCCESS);
}
