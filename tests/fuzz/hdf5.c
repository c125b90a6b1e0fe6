/* The readers of data, run and network files and of checkpoints, and weft info -verify. Input: the kind of file and the
   verb, then edits of a good file, five bytes each; good files are in the folder WEFT_FUZZ_GOOD. Edits keep to what
   HDF5 can write: bytes changed at random find faults of the HDF5 library in place of ours, and are tried with
   WEFT_FUZZ_BYTES set. */
#include "fuzz.h"
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int LLVMFuzzerInitialize(int *argc, char ***argv);
extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 5, MOST_PLACES = 256, MOST_EDITS = 6, EDIT = 5 };

typedef struct {
  uint8_t *bytes;
  size_t   size;
  char    *dataset[MOST_PLACES], *object[MOST_PLACES], *attribute[MOST_PLACES]; /* an attribute of an object */
  int      datasets, attributes;
} Good;

static Good good[KINDS];

static herr_t VisitAttribute(hid_t object, const char *name, const H5A_info_t *info, void *ctx)
{
  Good *g = ((void **)ctx)[0];

  (void)object;
  (void)info;
  if (g->attributes == MOST_PLACES || !strcmp(name, "description") || !strcmp(name, "units")) return 0;
  g->object[g->attributes] = strdup(((void **)ctx)[1]);
  g->attribute[g->attributes++] = strdup(name);
  return 0;
}

static herr_t Visit(hid_t file, const char *name, const H5O_info_t *info, void *ctx)
{
  Good *g = ctx;
  void *both[2] = {ctx, (void *)name};

  if (info->type == H5O_TYPE_DATASET && g->datasets < MOST_PLACES) g->dataset[g->datasets++] = strdup(name);
  H5Aiterate_by_name(file, name, H5_INDEX_NAME, H5_ITER_INC, NULL, VisitAttribute, both, H5P_DEFAULT);
  return 0;
}

static void Load(const char folder[], const char name[], Good *g)
{
  char  path[4096];
  FILE *file;
  hid_t h5;

  snprintf(path, sizeof(path), "%s/%s.h5", folder, name);
  file = fopen(path, "rb");
  if (!file) {
    fprintf(stderr, "%s: not there (WEFT_FUZZ_GOOD: tests/fuzz/run.sh makes it)\n", path);
    exit(1);
  }
  fseek(file, 0, SEEK_END);
  g->size = (size_t)ftell(file);
  rewind(file);
  g->bytes = malloc(g->size);
  if (fread(g->bytes, 1, g->size, file) != g->size) abort();
  fclose(file);
  h5 = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  H5Ovisit(h5, H5_INDEX_NAME, H5_ITER_INC, Visit, g);
  H5Fclose(h5);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
  static const char *const names[KINDS] = {"data", "run", "network", "learning", "training"};
  const char              *folder = getenv("WEFT_FUZZ_GOOD");
  FILE                    *file;

  (void)argc;
  (void)argv;
  FuzzStart();
  for (int k = 0; k < KINDS; ++k) Load(folder ? folder : ".", names[k], &good[k]);
  FuzzWrite("data.h5", good[0].bytes, good[0].size);
  FuzzWrite("run.h5", good[1].bytes, good[1].size);
  file = fopen("/dev/null", "r");
  if (file) fclose(file);
  return 0;
}

static const hsize_t lengths[] = {0,    1,       2,       3,       7,        8,          63,         65,        128,
                                  1000, 1 << 16, 1 << 24, 1 << 30, 1u << 31, 1ull << 32, 1ull << 40, 1ull << 62};
static const double  reals[] = {0, 1, -1, 0.5, 3, 1e9, 1e38, 1e308, -1e308, 5e-324, 1e-30, NAN, INFINITY, -INFINITY};
#define PICK(table, i) ((table)[(i) % (sizeof(table) / sizeof((table)[0]))])

static hid_t Type(unsigned which)
{
  const hid_t types[] = {H5T_NATIVE_DOUBLE, H5T_NATIVE_INT64,   H5T_NATIVE_UCHAR, H5T_NATIVE_SCHAR, H5T_NATIVE_UINT64,
                         H5T_IEEE_F32BE,    H5T_NATIVE_LDOUBLE, H5T_C_S1,         H5T_STD_REF_OBJ,  H5T_NATIVE_B8};

  return PICK(types, which);
}

static void Make(hid_t file, const char path[], hid_t type, int ndims, const hsize_t dims[], int chunked)
{
  hsize_t chunk[H5S_MAX_RANK];
  hid_t   properties = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(ndims, dims, NULL), dataset;

  for (int i = 0; i < ndims; ++i) chunk[i] = dims[i] < 1 ? 1 : (dims[i] < 16 ? dims[i] : 16);
  if (chunked && ndims && ndims < 5)
    H5Pset_chunk(properties, ndims, chunk);
  else
    H5Pset_alloc_time(properties, H5D_ALLOC_TIME_LATE);
  H5Ldelete(file, path, H5P_DEFAULT);
  dataset = H5Dcreate2(file, path, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
  if (dataset >= 0) H5Dclose(dataset);
  H5Sclose(space);
  H5Pclose(properties);
}

static void Put(hid_t dataset, hid_t space, unsigned at, double value)
{
  const hsize_t points = (hsize_t)H5Sget_simple_extent_npoints(space);
  double       *values;

  if (!points || points > 1 << 16) return;
  values = calloc(points, sizeof(double));
  if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0) {
    values[at % points] = value;
    H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  }
  free(values);
}

static void EditDataset(hid_t file, const Good *g, const uint8_t e[EDIT])
{
  const char *path = g->dataset[e[1] % g->datasets];
  hid_t       dataset = H5Dopen2(file, path, H5P_DEFAULT), space, type;
  hsize_t     dims[H5S_MAX_RANK] = {0};
  int         ndims;

  if (dataset < 0) return;
  space = H5Dget_space(dataset);
  type = H5Dget_type(dataset);
  ndims = H5Sget_simple_extent_dims(space, dims, NULL);
  if (e[0] % 12 == 3) Put(dataset, space, e[2] + 256u * e[3], PICK(reals, e[4]));
  H5Dclose(dataset);
  if (ndims > 0 && e[0] % 12 == 1) {
    dims[e[2] % ndims] = PICK(lengths, e[3]);
    Make(file, path, type, ndims, dims, e[4] & 1);
  }
  if (ndims >= 0 && e[0] % 12 == 2) Make(file, path, Type(e[2]), ndims, dims, e[4] & 1);
  for (int i = 0; i < 32; ++i) dims[i] = PICK(lengths, e[3]);
  if (e[0] % 12 == 4) Make(file, path, type, e[2] % 33, dims, e[4] & 1);
  H5Sclose(space);
  H5Tclose(type);
}

static void EditLink(hid_t file, const Good *g, const uint8_t e[EDIT])
{
  const char *path = g->dataset[e[1] % g->datasets], *other = g->dataset[e[2] % g->datasets];
  hid_t       group;

  H5Ldelete(file, path, H5P_DEFAULT);
  if (e[3] % 4 == 1) H5Lcreate_soft(other, file, path, H5P_DEFAULT, H5P_DEFAULT);
  if (e[3] % 4 == 2 && (group = H5Gcreate2(file, path, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)) >= 0) H5Gclose(group);
  if (e[3] % 4 == 3) H5Lcreate_hard(file, "/", file, path, H5P_DEFAULT, H5P_DEFAULT);
}

static void EditAttribute(hid_t file, const Good *g, const uint8_t e[EDIT])
{
  const int     which = e[1] % g->attributes;
  const hsize_t length = e[4];
  int64_t       whole[256];
  double        real[256];
  static char   text[1 << 15];
  hid_t         object = H5Oopen(file, g->object[which], H5P_DEFAULT), type = H5Tcopy(H5T_C_S1), space, attribute;

  if (object < 0) return;
  H5Adelete(object, g->attribute[which]);
  for (int i = 0; i < 256; ++i) whole[i] = (e[3] & 1 ? -1 : 1) * (int64_t)PICK(lengths, e[2] + (unsigned)i * e[3]);
  for (int i = 0; i < 256; ++i) real[i] = PICK(reals, e[2] + (unsigned)i * e[3]);
  memset(text, e[2], sizeof(text));
  H5Tset_size(type, 1 + 128u * e[3]);
  space = length ? H5Screate_simple(1, &length, NULL) : H5Screate(H5S_SCALAR);
  type = e[0] % 12 == 8 ? H5T_NATIVE_INT64 : e[0] % 12 == 9 ? H5T_NATIVE_DOUBLE : type;
  if (e[0] % 12 == 10) space = H5Screate(H5S_SCALAR);
  attribute = e[0] % 12 == 7 ? -1 : H5Acreate2(object, g->attribute[which], type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) {
    H5Awrite(attribute, type, e[0] % 12 == 8 ? (void *)whole : e[0] % 12 == 9 ? (void *)real : (void *)text);
    H5Aclose(attribute);
  }
  H5Sclose(space);
  H5Oclose(object);
}

static void EditBytes(const Good *g, const uint8_t edits[], size_t n)
{
  uint8_t *bytes = malloc(g->size);

  memcpy(bytes, g->bytes, g->size);
  for (size_t i = 0; i < n; ++i, edits += EDIT)
    bytes[((size_t)edits[1] | (size_t)edits[2] << 8 | (size_t)edits[3] << 16) % g->size] = edits[4];
  FuzzWrite("bad.h5", bytes, g->size);
  free(bytes);
}

static void Edit(const Good *g, const uint8_t edits[], size_t n)
{
  hid_t file;

  FuzzWrite("bad.h5", g->bytes, g->size);
  file = H5Fopen("bad.h5", H5F_ACC_RDWR, H5P_DEFAULT);
  if (file < 0) abort();
  for (size_t i = 0; i < n; ++i, edits += EDIT) {
    const int op = edits[0] % 12;
    if (op == 0 || op == 5) EditLink(file, g, edits);
    if (op >= 1 && op <= 4) EditDataset(file, g, edits);
    if (op >= 7 && op <= 10) EditAttribute(file, g, edits);
  }
  H5Fclose(file);
}

static herr_t Sum(hid_t file, const char *name, const H5O_info_t *info, void *ctx)
{
  hid_t space, attribute;
  int   wrong = 1;

  (void)ctx;
  if (info->type != H5O_TYPE_DATASET) return 0;
  space = H5Screate(H5S_SCALAR);
  attribute = H5Acreate_by_name(file, name, "crc32", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) {
    H5Awrite(attribute, H5T_NATIVE_INT, &wrong);
    H5Aclose(attribute);
  }
  H5Sclose(space);
  return 0;
}

/* Every dataset with a checksum, a wrong one, so that all of it is read before it is found to be another. */
static void Verify(const Good *g, const uint8_t edits[], size_t n)
{
  hid_t file;

  Edit(g, edits, n);
  file = H5Fopen("bad.h5", H5F_ACC_RDWR, H5P_DEFAULT);
  if (file < 0) return;
  H5Ovisit(file, H5_INDEX_NAME, H5_ITER_INC, Sum, NULL);
  H5Fclose(file);
  FuzzStop(0);
  FuzzRun("info bad.h5 -verify");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  static const char *const runs[] = {
    "encode -structure run.h5 -data bad.h5 -o new.h5",
    "import hdf5 -file bad.h5 -x train/x -y train/y -test-x test/x -test-y test/y -o new.h5",
    "learn -check -data bad.h5 -o new.h5",
    "train -structure run.h5 -data bad.h5 -o new.h5 -weft_train_epochs 1 -weft_train_batch_size 50",
    "info bad.h5",
    "encode -structure bad.h5 -data data.h5 -o new.h5",
    "encode -network bad.h5 -data data.h5 -o new.h5",
    ("learn -data data.h5 -weft_iterations 1000 -weft_batch_size 50 -weft_whitening_block 8 -weft_layers 1 "
     "-weft_atoms 8 -o bad.h5 -resume"),
    "train -structure run.h5 -data data.h5 -weft_train_batch_size 50 -weft_train_epochs 2000 -o bad.h5 -resume"};
  static const int kinds[] = {0, 0, 0, 0, 1, 1, 2, 3, 4};
  const int        which = size ? data[0] % 9 : 0;
  const size_t     n = size ? (size - 1) / EDIT : 0, edits = n < MOST_EDITS ? n : MOST_EDITS;

  if (size && data[0] > UINT8_MAX - KINDS) {
    Verify(&good[UINT8_MAX - data[0]], data + 1, edits);
    return 0;
  }
  if (getenv("WEFT_FUZZ_BYTES"))
    EditBytes(&good[kinds[which]], data + 1, edits);
  else
    Edit(&good[kinds[which]], data + 1, edits);
  FuzzStop(which >= 7); /* a resumed run takes one step and writes its checkpoint: its end is seconds away */
  FuzzRun(runs[which]);
  return 0;
}
