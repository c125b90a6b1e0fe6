#include <weft/h5.h>
#include <string.h>

static PetscErrorCode SetAttribute(hid_t file, const char path[], const char name[], hid_t type, int n,
                                   const void *values)
{
  const hsize_t dims[1] = {(hsize_t)n};
  hid_t         object, space, attribute;

  PetscFunctionBegin;
  WeftH5Get(object, H5Oopen(file, path, H5P_DEFAULT));
  if (H5Aexists(object, name) > 0) WeftH5(H5Adelete(object, name));
  WeftH5Get(space, n ? H5Screate_simple(1, dims, NULL) : H5Screate(H5S_SCALAR));
  WeftH5Get(attribute, H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT));
  WeftH5(H5Awrite(attribute, type, values));
  WeftH5(H5Aclose(attribute));
  WeftH5(H5Sclose(space));
  WeftH5(H5Oclose(object));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5SetInt(hid_t file, const char path[], const char name[], PetscInt64 value)
{
  const int64_t v = value;

  PetscFunctionBegin;
  PetscCall(SetAttribute(file, path, name, H5T_NATIVE_INT64, 0, &v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5SetInts(hid_t file, const char path[], const char name[], int n, const PetscInt64 values[])
{
  PetscFunctionBegin;
  PetscCall(SetAttribute(file, path, name, H5T_NATIVE_INT64, n, values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5SetReal(hid_t file, const char path[], const char name[], double value)
{
  PetscFunctionBegin;
  PetscCall(SetAttribute(file, path, name, H5T_NATIVE_DOUBLE, 0, &value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5SetText(hid_t file, const char path[], const char name[], const char text[])
{
  hid_t type;

  PetscFunctionBegin;
  WeftH5Get(type, H5Tcopy(H5T_C_S1));
  WeftH5(H5Tset_size(type, strlen(text) + 1));
  WeftH5(H5Tset_cset(type, H5T_CSET_UTF8));
  PetscCall(SetAttribute(file, path, name, type, 0, text));
  WeftH5(H5Tclose(type));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Opens the attribute where it exists, is of the class and holds n values; else *attribute is negative. */
static PetscErrorCode OpenAttribute(hid_t file, const char path[], const char name[], H5T_class_t class, hssize_t n,
                                    hid_t *attribute)
{
  hid_t  object, type, space;
  htri_t exists;

  PetscFunctionBegin;
  *attribute = -1;
  WeftH5Try(object, H5Oopen(file, path, H5P_DEFAULT));
  if (object < 0) PetscFunctionReturn(PETSC_SUCCESS);
  WeftH5Try(exists, H5Aexists(object, name));
  if (exists > 0) {
    WeftH5Get(*attribute, H5Aopen(object, name, H5P_DEFAULT));
    WeftH5Get(type, H5Aget_type(*attribute));
    WeftH5Get(space, H5Aget_space(*attribute));
    if (H5Tget_class(type) != class || H5Sget_simple_extent_npoints(space) != n) {
      WeftH5(H5Aclose(*attribute));
      *attribute = -1;
    }
    WeftH5(H5Sclose(space));
    WeftH5(H5Tclose(type));
  }
  WeftH5(H5Oclose(object));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetNumbers(hid_t file, const char path[], const char name[], H5T_class_t class, int n, hid_t type,
                                 void *values, PetscBool *found)
{
  hid_t attribute;

  PetscFunctionBegin;
  PetscCall(OpenAttribute(file, path, name, class, n, &attribute));
  *found = attribute >= 0 ? PETSC_TRUE : PETSC_FALSE;
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  WeftH5(H5Aread(attribute, type, values));
  WeftH5(H5Aclose(attribute));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5GetInts(hid_t file, const char path[], const char name[], int n, PetscInt64 values[],
                             PetscBool *found)
{
  PetscFunctionBegin;
  PetscCall(GetNumbers(file, path, name, H5T_INTEGER, n, H5T_NATIVE_INT64, values, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5GetReal(hid_t file, const char path[], const char name[], double *value, PetscBool *found)
{
  PetscFunctionBegin;
  PetscCall(GetNumbers(file, path, name, H5T_FLOAT, 1, H5T_NATIVE_DOUBLE, value, found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Strings of fixed and of variable length (h5py writes the latter) are read alike. */
PetscErrorCode WeftH5GetText(hid_t file, const char path[], const char name[], size_t size, char text[],
                             PetscBool *found)
{
  hid_t attribute, type;
  char *value = NULL;

  PetscFunctionBegin;
  PetscCall(OpenAttribute(file, path, name, H5T_STRING, 1, &attribute));
  *found = attribute >= 0 ? PETSC_TRUE : PETSC_FALSE;
  if (!*found) PetscFunctionReturn(PETSC_SUCCESS);
  WeftH5Get(type, H5Aget_type(attribute));
  if (H5Tis_variable_str(type) > 0) {
    WeftH5(H5Aread(attribute, type, &value));
    snprintf(text, size, "%s", value ? value : "");
    H5free_memory(value);
  } else {
    PetscCall(PetscCalloc1(H5Tget_size(type) + 1, &value));
    WeftH5(H5Aread(attribute, type, value));
    snprintf(text, size, "%s", value);
    PetscCall(PetscFree(value));
  }
  WeftH5(H5Tclose(type));
  WeftH5(H5Aclose(attribute));
  PetscFunctionReturn(PETSC_SUCCESS);
}
