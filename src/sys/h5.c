#include "h5impl.h"
#include <weft/output.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <errno.h>

static const hsize_t max_transfer = (hsize_t)1 << 28; /* bytes of one rank in one call: far below MPI-IO's 2^31 */

void WeftH5Start(void)
{
  /* HDF5 would lock what it reads, which no other program's file needs and not every file system can; a site that
     wants it says so. */
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
  H5dont_atexit();
  H5open();
#if defined(__SANITIZE_ADDRESS__)
  /* HDF5 keeps what was freed for later; the sanitizer is to see each use of it, and who allocated what is lost. */
  H5set_free_list_limits(0, 0, 0, 0, 0, 0);
#endif
}

enum { MOST_UNCLOSED = 64 };
static hid_t unclosed[MOST_UNCLOSED];
static int   unclosed_count = 0; /* all there were, be they more than are known by name */

herr_t WeftH5Close(hid_t file)
{
  const herr_t status = H5Fclose(file);

  if (status >= 0) return status;
  WeftH5Reason();
  if (unclosed_count < MOST_UNCLOSED) unclosed[unclosed_count] = file;
  ++unclosed_count;
  return status;
}

void WeftH5Stop(void)
{
  if (!unclosed_count) H5close();
}

static PetscBool Unclosed(hid_t file)
{
  for (int i = 0; i < unclosed_count; ++i)
    if (unclosed[i] == file) return PETSC_TRUE;
  return PETSC_FALSE;
}

void WeftH5Abandon(void)
{
  hid_t         files[64];
  MPI_File     *handle;
  const ssize_t n = unclosed_count > MOST_UNCLOSED ? 0 : H5Fget_obj_ids(H5F_OBJ_ALL, H5F_OBJ_FILE, 64, files);

  for (ssize_t i = 0; i < n; ++i) {
    if (Unclosed(files[i])) continue;
    const hid_t list = H5Fget_access_plist(files[i]);
    if (H5Pget_driver(list) == H5FD_MPIO && H5Fget_vfd_handle(files[i], list, (void **)&handle) >= 0)
      MPI_File_close(handle);
    H5Pclose(list);
  }
}

PetscErrorCode WeftH5Exists(hid_t file, const char path[], PetscBool *exists)
{
  char   part[PETSC_MAX_PATH_LEN];
  size_t length = strlen(path);
  htri_t found;

  PetscFunctionBegin;
  *exists = PETSC_TRUE;
  for (size_t i = 1; i <= length && *exists; ++i) {
    if (i < length && path[i] != '/') continue;
    snprintf(part, sizeof(part), "%.*s", (int)i, path);
    if (!strcmp(part, "/")) continue;
    WeftH5Try(found, H5Lexists(file, part, H5P_DEFAULT));
    if (found <= 0) *exists = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The shape of a dataset of numbers; *ndims = -1 where path is none. held: does the file hold as many? NULL: not asked,
   as where it is being written. */
static PetscErrorCode Shape(hid_t file, const char path[], hsize_t dims[H5S_MAX_RANK], int *ndims, PetscBool *held)
{
  hid_t object, space, type;
  H5T_class_t class;

  PetscFunctionBegin;
  *ndims = -1;
  WeftH5Try(object, H5Oopen(file, path, H5P_DEFAULT));
  if (object < 0) PetscFunctionReturn(PETSC_SUCCESS);
  if (H5Iget_type(object) == H5I_DATASET) {
    WeftH5Get(type, H5Dget_type(object));
    WeftH5Get(space, H5Dget_space(object));
    class = H5Tget_class(type);
    if ((class == H5T_INTEGER || class == H5T_FLOAT) && H5Sget_simple_extent_type(space) != H5S_NULL) {
      WeftH5Get(*ndims, H5Sget_simple_extent_dims(space, dims, NULL));
      if (held) PetscCall(WeftH5Held(file, object, type, *ndims, dims, held));
    }
    WeftH5(H5Sclose(space));
    WeftH5(H5Tclose(type));
  }
  WeftH5(H5Oclose(object));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const char *WeftH5FileName(hid_t file)
{
  static char name[PETSC_MAX_PATH_LEN];

  if (H5Fget_name(file, name, sizeof(name)) < 0) name[0] = 0;
  return name;
}

PetscErrorCode WeftH5Expect(MPI_Comm comm, hid_t file, const char path[], int ndims, PetscInt64 dims[])
{
  hsize_t   found[H5S_MAX_RANK];
  int       found_ndims = -1;
  PetscBool exists, held = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(WeftH5Exists(file, path, &exists));
  if (exists) PetscCall(Shape(file, path, found, &found_ndims, &held));
  WeftUserCheck(found_ndims >= 0, comm, "%s: %s is missing or holds no numbers: damaged, or another kind of file",
                WeftH5FileName(file), path);
  WeftUserCheck(held, comm, "%s: the dimensions of %s are more than the file holds: damaged, or never written",
                WeftH5FileName(file), path);
  WeftUserCheck(found_ndims == ndims, comm, "%s: %s has %d dimension(s) where %d are wanted: damaged",
                WeftH5FileName(file), path, found_ndims, ndims);
  for (int i = 0; i < ndims; ++i) {
    WeftUserCheck(dims[i] < 0 || (hsize_t)dims[i] == found[i], comm,
                  "%s: dimension %d of %s is %llu where %lld is wanted: damaged", WeftH5FileName(file), i, path,
                  (unsigned long long)found[i], (long long)dims[i]);
    dims[i] = (PetscInt64)found[i];
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CollectiveTransfer(hid_t *list)
{
  PetscFunctionBegin;
  WeftH5Get(*list, H5Pcreate(H5P_DATASET_XFER));
  WeftH5(H5Pset_dxpl_mpio(*list, H5FD_MPIO_COLLECTIVE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Why a write failed: MPI-IO keeps that to itself, so ask the system by writing a little more. Not collective. */
static const char *WriteProblem(const char path[], const char reason[])
{
  static const char nothing[1 << 16];
  int               fd = open(path, O_WRONLY | O_APPEND), error = 0;

  for (int i = 0; fd >= 0 && i < 16 && !error; ++i)
    if (write(fd, nothing, sizeof(nothing)) < 0) error = errno;
  if (fd >= 0) close(fd);
  return error ? strerror(error) : reason;
}

static PetscErrorCode AgreeOnWrite(MPI_Comm comm, hid_t file, const char path[], herr_t status, PetscBool *failed,
                                   char reason[256])
{
  char what[2 * PETSC_MAX_PATH_LEN];

  PetscFunctionBegin;
  snprintf(what, sizeof(what), "cannot write %s of %s", path, WeftH5FileName(file));
  PetscCall(WeftH5Agree(comm, what, status < 0 ? PETSC_TRUE : PETSC_FALSE, failed, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RefuseWrite(MPI_Comm comm, hid_t file, const char path[], const char reason[])
{
  PetscFunctionBegin;
  WeftUserError(comm, "cannot write %s of %s: %s; what was there before is untouched", path, WeftH5FileName(file),
                WriteProblem(WeftH5FileName(file), reason));
}

/* One piece of rows: a rank without rows selects none and still takes part. Returns HDF5's status, for all ranks to
   agree on. */
static herr_t WritePiece(hid_t dataset, hid_t list, int ndims, const hsize_t dims[], hsize_t row0, hsize_t rows,
                         hid_t type, const void *values)
{
  hsize_t start[H5S_MAX_RANK] = {0}, count[H5S_MAX_RANK];
  hid_t   file_space = H5Dget_space(dataset), memory_space;
  herr_t  status;

  memcpy(count, dims, (size_t)ndims * sizeof(hsize_t));
  start[0] = row0;
  count[0] = PetscMax(rows, 1);
  memory_space = H5Screate_simple(ndims, count, NULL);
  if (rows) {
    H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL);
  } else {
    H5Sselect_none(file_space);
    H5Sselect_none(memory_space);
  }
  status = H5Dwrite(dataset, type, memory_space, file_space, list, values);
  if (status < 0) WeftH5Reason();
  H5Sclose(memory_space);
  H5Sclose(file_space);
  return status;
}

PetscErrorCode WeftH5WriteRows(MPI_Comm comm, hid_t file, const char path[], PetscInt64 row0, PetscInt64 rows,
                               hid_t type, const void *values)
{
  hsize_t   dims[H5S_MAX_RANK], row_bytes = H5Tget_size(type), step, pieces;
  int       ndims;
  hid_t     dataset, list;
  long      mine, most;
  herr_t    status = 0;
  PetscBool failed = PETSC_FALSE;
  char      reason[256];

  PetscFunctionBegin;
  WeftH5Get(dataset, H5Dopen2(file, path, H5P_DEFAULT));
  PetscCall(Shape(file, path, dims, &ndims, NULL));
  for (int i = 1; i < ndims; ++i) row_bytes *= dims[i];
  step = PetscMax(max_transfer / PetscMax(row_bytes, 1), 1);
  pieces = ((hsize_t)rows + step - 1) / step;
  mine = (long)pieces;
  PetscCallMPI(MPI_Allreduce(&mine, &most, 1, MPI_LONG, MPI_MAX, comm));
  PetscCall(CollectiveTransfer(&list));
  for (long i = 0; i < most; ++i) {
    const hsize_t first = PetscMin((hsize_t)i * step, (hsize_t)rows), count = PetscMin(step, (hsize_t)rows - first);
    const char   *from = rows ? (const char *)values + first * row_bytes : "";

    if (WritePiece(dataset, list, ndims, dims, (hsize_t)row0 + first, count, type, from) < 0) status = -1;
    WeftOutputGoesOn();
  }
  row_bytes /= H5Tget_size(type); /* elements of a row */
  PetscCall(WeftH5SumAdd(file, path, dataset, (hsize_t)row0 * row_bytes, (hsize_t)rows * row_bytes, type, values));
  H5Pclose(list);
  H5Dclose(dataset);
  PetscCall(AgreeOnWrite(comm, file, path, status, &failed, reason));
  if (failed) PetscCall(RefuseWrite(comm, file, path, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Dimension names in the attribute that HDF5's dimension-scale tools and h5py (dims[i].label) read. */
static PetscErrorCode WriteLabels(hid_t object, const char labels[])
{
  char        copy[256];
  const char *names[8];
  hsize_t     n = 0;
  hid_t       type, space, attribute;

  PetscFunctionBegin;
  snprintf(copy, sizeof(copy), "%s", labels);
  for (char *save, *name = strtok_r(copy, ",", &save); name && n < 8; name = strtok_r(NULL, ",", &save))
    names[n++] = name;
  WeftH5Get(type, H5Tcopy(H5T_C_S1));
  WeftH5(H5Tset_size(type, H5T_VARIABLE));
  WeftH5Get(space, H5Screate_simple(1, &n, NULL));
  WeftH5Get(attribute, H5Acreate2(object, "DIMENSION_LABELS", type, space, H5P_DEFAULT, H5P_DEFAULT));
  WeftH5(H5Awrite(attribute, type, names));
  WeftH5(H5Aclose(attribute));
  WeftH5(H5Sclose(space));
  WeftH5(H5Tclose(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteNote(hid_t file, const char path[], WeftH5Note note)
{
  hid_t dataset;

  PetscFunctionBegin;
  if (note.description) PetscCall(WeftH5SetText(file, path, "description", note.description));
  if (note.units) PetscCall(WeftH5SetText(file, path, "units", note.units));
  if (note.labels) {
    WeftH5Get(dataset, H5Dopen2(file, path, H5P_DEFAULT));
    PetscCall(WriteLabels(dataset, note.labels));
    WeftH5(H5Dclose(dataset));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CreateDataset(hid_t file, const char path[], hid_t type, int ndims, const hsize_t dims[],
                                    WeftH5Note note)
{
  hid_t space, links, dataset;

  PetscFunctionBegin;
  WeftH5Get(space, ndims ? H5Screate_simple(ndims, dims, NULL) : H5Screate(H5S_SCALAR));
  WeftH5Get(links, H5Pcreate(H5P_LINK_CREATE));
  WeftH5(H5Pset_create_intermediate_group(links, 1));
  WeftH5Get(dataset, H5Dcreate2(file, path, type, space, links, H5P_DEFAULT, H5P_DEFAULT));
  WeftH5(H5Dclose(dataset));
  WeftH5(H5Pclose(links));
  WeftH5(H5Sclose(space));
  PetscCall(WriteNote(file, path, note));
  PetscCall(WeftH5SumBegin(file, path));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5CreateRows(hid_t file, const char path[], hid_t file_type, PetscInt64 nrows, PetscInt64 ncols,
                                WeftH5Note note)
{
  const hsize_t dims[2] = {(hsize_t)nrows, (hsize_t)ncols};

  PetscFunctionBegin;
  PetscCall(CreateDataset(file, path, file_type, ncols ? 2 : 1, dims, note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5WriteSmall(MPI_Comm comm, hid_t file, const char path[], hid_t file_type, hid_t type,
                                PetscInt64 nrows, PetscInt64 ncols, const void *values, WeftH5Note note)
{
  int rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(WeftH5CreateRows(file, path, file_type, nrows, ncols, note));
  PetscCall(WeftH5WriteRows(comm, file, path, 0, rank ? 0 : nrows, type, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TextType(size_t length, hid_t *type)
{
  PetscFunctionBegin;
  WeftH5Get(*type, H5Tcopy(H5T_C_S1));
  WeftH5(H5Tset_size(*type, length + 1));
  WeftH5(H5Tset_cset(*type, H5T_CSET_UTF8));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5WriteText(MPI_Comm comm, hid_t file, const char path[], const char text[], WeftH5Note note)
{
  hid_t     type, dataset, space, list;
  int       rank;
  herr_t    status;
  PetscBool failed;
  char      reason[256];

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(TextType(strlen(text), &type));
  PetscCall(CreateDataset(file, path, type, 0, NULL, note));
  WeftH5Get(dataset, H5Dopen2(file, path, H5P_DEFAULT));
  WeftH5Get(space, H5Dget_space(dataset));
  if (rank) WeftH5(H5Sselect_none(space));
  PetscCall(CollectiveTransfer(&list));
  status = H5Dwrite(dataset, type, space, space, list, text);
  if (status < 0) WeftH5Reason();
  if (!rank) PetscCall(WeftH5SumAdd(file, path, dataset, 0, 1, type, text));
  WeftH5(H5Pclose(list));
  WeftH5(H5Sclose(space));
  WeftH5(H5Dclose(dataset));
  WeftH5(H5Tclose(type));
  PetscCall(AgreeOnWrite(comm, file, path, status, &failed, reason));
  if (failed) PetscCall(RefuseWrite(comm, file, path, reason));
  PetscFunctionReturn(PETSC_SUCCESS);
}
