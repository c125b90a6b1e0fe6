/* What a dataset says that it is, against what its file can hold of it: memory is asked for by the former. */
#include <weft/h5.h>

/* Deflate makes 1032 bytes of one at most. What was never written, and reads as its fill value, may be small. */
static const hsize_t most_packed = 2048, small = (hsize_t)1 << 24;

/* The bytes of all its numbers, none of them smaller than 8; 0 where they pass what 63 bits count. */
static hsize_t Bytes(hid_t type, int ndims, const hsize_t dims[])
{
  hsize_t bytes = PetscMax(H5Tget_size(type), sizeof(double));

  for (int i = 0; i < ndims; ++i) {
    if (dims[i] > (hsize_t)INT64_MAX / bytes) return 0;
    bytes *= PetscMax(dims[i], 1);
  }
  return bytes;
}

PetscErrorCode WeftH5Held(hid_t file, hid_t dataset, hid_t type, int ndims, const hsize_t dims[], PetscBool *held)
{
  const hsize_t bytes = Bytes(type, ndims, dims), stored = H5Dget_storage_size(dataset);
  hsize_t       whole;
  hid_t         properties;
  H5D_layout_t  layout;
  int           outside;

  PetscFunctionBegin;
  WeftH5(H5Fget_filesize(file, &whole));
  WeftH5Get(properties, H5Dget_create_plist(dataset));
  layout = H5Pget_layout(properties);
  outside = layout == H5D_VIRTUAL || H5Pget_external_count(properties) > 0;
  WeftH5(H5Pclose(properties));
  *held = bytes ? PETSC_TRUE : PETSC_FALSE;
  if (outside) PetscFunctionReturn(PETSC_SUCCESS);
  if (stored > whole || (bytes > small && bytes / most_packed > stored)) *held = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
