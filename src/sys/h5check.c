/* Is a file as it was written? HDF5 finds damage in what describes the data by checksums of its own, as each object is
   opened; the data themselves and the names of dimensions are compared with ours. */
#include "h5impl.h"
#include <string.h>
#include <zlib.h>

enum { TEXT = PETSC_MAX_PATH_LEN + 300 };
static const hsize_t piece_bytes = 1 << 22; /* that a rank reads at once */
/* A file of ours nests 6 deep and has some hundred objects. */
enum { MOST_DEEP = 32, MOST_OBJECTS = 1 << 16 };

/* Where in the file an object is, which tells it from others whatever its name. */
#if H5_VERSION_GE(1, 12, 0)
typedef H5O_token_t Place;
#define PLACE(link) ((link)->u.token)
#else
typedef haddr_t Place;
#define PLACE(link) ((link)->u.address)
#endif

typedef struct {
  char *path;
  Place place; /* not of the root */
} Object;

/* The objects of a file, each found in a group before it. */
typedef struct {
  Object   *object;
  int       count, room, at; /* at: whose members are being listed */
  PetscBool endless;         /* there are more than may be, deeper ones, or a group in two places */
} Objects;

/* What is wrong goes into text, which stays empty where nothing is. */
typedef struct {
  MPI_Comm    comm;
  hid_t       file;
  const char *option, *name;
  char        text[TEXT];
} Check;

static int Depth(const char path[])
{
  int depth = 0;

  for (; *path; ++path) depth += *path == '/';
  return depth;
}

static PetscBool Noted(const Objects *all, Place place)
{
  for (int i = 1; i < all->count; ++i)
    if (!memcmp(&all->object[i].place, &place, sizeof(place))) return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscBool IsGroup(hid_t group, const char name[])
{
  const hid_t     object = H5Oopen(group, name, H5P_DEFAULT);
  const PetscBool is = object >= 0 && H5Iget_type(object) == H5I_GROUP ? PETSC_TRUE : PETSC_FALSE;

  if (object >= 0) H5Oclose(object);
  return is;
}

static PetscErrorCode Append(Objects *all, const char parent[], const char name[], Place place)
{
  const size_t length = strlen(parent) + strlen(name) + 2;
  Object      *object;

  PetscFunctionBegin;
  if (all->count == all->room) {
    PetscCall(PetscRealloc((size_t)(2 * all->room) * sizeof(Object), &all->object));
    all->room *= 2;
  }
  object = &all->object[all->count];
  PetscCall(PetscMalloc1(length, &object->path));
  snprintf(object->path, length, "%s%s%s", parent, parent[1] ? "/" : "", name);
  object->place = place;
  ++all->count;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What has two names is checked once. A link to a group above it would lead on without end, and two of them to more
   objects at each step: a group has one name. */
static herr_t NoteMember(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
  Objects        *all = ctx;
  const char     *parent = all->object[all->at].path;
  const PetscBool hard = info->type == H5L_TYPE_HARD ? PETSC_TRUE : PETSC_FALSE;
  PetscBool       noted;

  if (!hard || strlen(parent) + strlen(name) + 2 > PETSC_MAX_PATH_LEN) return 0;
  noted = Noted(all, PLACE(info));
  if (all->count >= MOST_OBJECTS || Depth(parent) > MOST_DEEP || (noted && IsGroup(group, name)))
    all->endless = PETSC_TRUE;
  if (all->endless) return -1;
  return noted || !Append(all, parent, name, PLACE(info)) ? 0 : -1;
}

static herr_t PassAttribute(hid_t object, const char *name, const H5A_info_t *info, void *ctx)
{
  (void)object;
  (void)name;
  (void)info;
  (void)ctx;
  return 0;
}

/* With the size of all that describes the object, for which all of it is read. */
static herr_t ReadAbout(hid_t object)
{
#if H5_VERSION_GE(1, 12, 0)
  H5O_native_info_t info;

  return H5Oget_native_info(object, &info, H5O_NATIVE_INFO_ALL);
#else
  H5O_info_t info;

  return H5Oget_info(object, &info);
#endif
}

/* In native order: for any other HDF5 1.10 makes a table first, which it frees twice where it cannot read all of it. */
static const H5_iter_order_t order = H5_ITER_NATIVE;

/* Opens an object, with all that describes it, and lists its members; PETSC_FALSE where something cannot be read. */
static PetscBool OpenObject(hid_t file, Objects *all, PetscBool *dataset)
{
  hid_t  object = H5Oopen(file, all->object[all->at].path, H5P_DEFAULT), type, space;
  herr_t status = object < 0 ? -1 : 0;

  *dataset = PETSC_FALSE;
  if (status >= 0) status = ReadAbout(object);
  if (status >= 0) status = H5Aiterate2(object, H5_INDEX_NAME, order, NULL, PassAttribute, NULL);
  if (status >= 0 && H5Iget_type(object) == H5I_GROUP)
    status = H5Literate(object, H5_INDEX_NAME, order, NULL, NoteMember, all);
  if (status >= 0 && H5Iget_type(object) == H5I_DATASET) {
    type = H5Dget_type(object);
    space = H5Dget_space(object);
    if (type < 0 || space < 0) status = -1;
    if (status < 0) WeftH5Reason();
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    *dataset = PETSC_TRUE;
  }
  if (status < 0) WeftH5Reason(); /* before it is lost: see there */
  if (object >= 0) H5Oclose(object);
  return status < 0 ? PETSC_FALSE : PETSC_TRUE;
}

/* The lowest rank that found something wrong has its say on all ranks. Collective. */
static PetscErrorCode Report(Check *check)
{
  int rank, size, mine, first;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(check->comm, &rank));
  PetscCallMPI(MPI_Comm_size(check->comm, &size));
  mine = check->text[0] ? rank : size;
  PetscCallMPI(MPI_Allreduce(&mine, &first, 1, MPI_INT, MPI_MIN, check->comm));
  if (first == size) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Bcast(check->text, TEXT, MPI_CHAR, first, check->comm));
  WeftUserError(check->comm, "%s %s: %s", check->option, check->name, check->text);
}

/* A file that the system cannot read may be whole. */
static void CannotRead(Check *check, const char path[], const char reason[])
{
  if (WeftH5Unread())
    snprintf(check->text, TEXT, "%s cannot be read now: %s; the file may be whole: try again, or ask who runs its disk",
             path, reason);
  else
    snprintf(check->text, TEXT, "%s cannot be read (%s)" WEFT_H5_ADVICE, path, reason);
}

/* Whole rows of a dataset, some at a time, as the file holds them. */
static PetscErrorCode SumRows(Check *check, const char path[], hid_t type, hsize_t rows, hsize_t row_bytes,
                              PetscBool *good)
{
  const hsize_t step = PetscMax(piece_bytes / PetscMax(row_bytes, 1), 1);
  int           rank, size;
  hsize_t       first, end, most;
  char         *piece;
  WeftH5Read    read = {0};

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(check->comm, &rank));
  PetscCallMPI(MPI_Comm_size(check->comm, &size));
  most = (rows + (hsize_t)size - 1) / (hsize_t)size;
  first = PetscMin((hsize_t)rank * most, rows);
  end = PetscMin(first + most, rows);
  PetscCall(PetscMalloc1((size_t)(PetscMin(step, most) * row_bytes) + 1, &piece));
  for (hsize_t done = 0; done < most; done += step) {
    const hsize_t at = PetscMin(first + done, end), n = PetscMin(step, end - at);

    PetscCall(WeftH5ReadMore(check->comm, check->file, path, (PetscInt64)at, (PetscInt64)n, type, piece, &read));
  }
  PetscCall(PetscFree(piece));
  PetscCall(WeftH5ReadIsGood(check->comm, check->file, path, &read, good));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A single value, a text too: rank 0 reads it. */
static PetscErrorCode SumScalar(Check *check, const char path[], hid_t dataset, hid_t type, PetscInt64 wanted,
                                PetscBool *good)
{
  int   rank;
  char *value;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(check->comm, &rank));
  *good = PETSC_TRUE;
  if (rank) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscMalloc1(H5Tget_size(type), &value));
  if (H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, value) < 0)
    CannotRead(check, path, WeftH5Reason());
  else
    *good = wanted == (PetscInt64)crc32_z(0, (const Bytef *)value, H5Tget_size(type)) ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscFree(value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckData(Check *check, const char path[], PetscInt64 wanted)
{
  hid_t     dataset, type, space;
  hsize_t   dims[H5S_MAX_RANK], row_bytes;
  int       ndims;
  PetscBool held, good = PETSC_TRUE;

  PetscFunctionBegin;
  WeftH5Get(dataset, H5Dopen2(check->file, path, H5P_DEFAULT));
  WeftH5Get(type, H5Dget_type(dataset));
  WeftH5Get(space, H5Dget_space(dataset));
  WeftH5Get(ndims, H5Sget_simple_extent_dims(space, dims, NULL));
  PetscCall(WeftH5Held(check->file, dataset, type, ndims, dims, &held));
  if (!held) snprintf(check->text, TEXT, "the dimensions of %s are more than the file holds" WEFT_H5_ADVICE, path);
  PetscCall(Report(check));
  row_bytes = H5Tget_size(type);
  for (int i = 1; i < ndims; ++i) row_bytes *= dims[i];
  PetscCall(ndims ? SumRows(check, path, type, dims[0], row_bytes, &good)
                  : SumScalar(check, path, dataset, type, wanted, &good));
  if (!good) snprintf(check->text, TEXT, WEFT_H5_DAMAGED, path);
  WeftH5(H5Sclose(space));
  WeftH5(H5Tclose(type));
  WeftH5(H5Dclose(dataset));
  PetscCall(Report(check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before anything reads them. */
static PetscErrorCode CheckHeaps(Check *check)
{
  PetscBool good;

  PetscFunctionBegin;
  PetscCall(WeftH5HeapsAreGood(check->comm, check->file, &good));
  if (!good)
    snprintf(check->text, TEXT,
             "the heap of dimension names (DIMENSION_LABELS) is not what its checksum says" WEFT_H5_ADVICE);
  PetscCall(Report(check));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CheckDataset(Check *check, const char path[], WeftH5Checked *checked)
{
  PetscInt64 wanted;
  PetscBool  summed;

  PetscFunctionBegin;
  PetscCall(WeftH5GetInts(check->file, path, WEFT_H5_CRC, 1, &wanted, &summed));
  if (summed) PetscCall(CheckData(check, path, wanted));
  checked->summed += summed;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftH5Check(MPI_Comm comm, const char option[], const char path[], WeftH5Depth depth,
                           WeftH5Checked *checked)
{
  Objects   all = {.count = 1, .room = 64};
  Check     check = {.comm = comm, .option = option, .name = path};
  PetscBool dataset;

  PetscFunctionBegin;
  *checked = (WeftH5Checked){0};
  PetscCall(WeftH5OpenRead(comm, option, path, &check.file));
  PetscCall(PetscMalloc1(all.room, &all.object));
  PetscCall(PetscStrallocpy("/", &all.object[0].path));
  for (; all.at < all.count; ++all.at) {
    const char *object = all.object[all.at].path;

    if (!OpenObject(check.file, &all, &dataset))
      CannotRead(&check, object, all.endless ? "groups within groups without end" : WeftH5Reason());
    PetscCall(Report(&check));
    if (!all.at && depth == WEFT_H5_ALL) PetscCall(CheckHeaps(&check));
    checked->datasets += dataset;
    if (depth >= WEFT_H5_DATA && dataset) PetscCall(CheckDataset(&check, object, checked));
  }
  for (int i = 0; i < all.count; ++i) PetscCall(PetscFree(all.object[i].path));
  PetscCall(PetscFree(all.object));
  WeftH5Close(check.file);
  PetscFunctionReturn(PETSC_SUCCESS);
}
