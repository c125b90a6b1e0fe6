/* IDX: 00 00 TYPE NDIMS, then NDIMS big-endian 32-bit dimensions, then the numbers (LeCun, Cortes, Burges). */
#include <weft/import.h>
#include "dataimpl.h"
#include <limits.h>

enum { UNSIGNED_BYTE = 0x08, MOST_DIMS = 8 };

typedef struct {
  PetscInt64 ndims, dims[MOST_DIMS];
  PetscInt64 features; /* the product of all dimensions but the first */
} IdxHeader;

typedef struct {
  WeftByteStream images[WEFT_NUM_SPLITS], labels[WEFT_NUM_SPLITS];
  IdxHeader      header[WEFT_NUM_SPLITS]; /* of the images */
} IdxImport;

static PetscBool ReadMagic(WeftByteStream *stream, IdxHeader *header, WeftProblem problem)
{
  unsigned char magic[4];

  if (!WeftByteStreamRead(stream, 4, magic, problem)) return PETSC_FALSE;
  header->ndims = magic[3];
  if (magic[0] || magic[1] || magic[2] < 0x08 || magic[2] > 0x0e || magic[3] < 1 || magic[3] > MOST_DIMS)
    return WeftProblemSet(problem, "%s: not an IDX file (it starts with %02x %02x %02x %02x)", stream->path, magic[0],
                          magic[1], magic[2], magic[3]);
  if (magic[2] != UNSIGNED_BYTE)
    return WeftProblemSet(problem, "%s: an IDX file of type 0x%02x; only unsigned bytes (0x08) can be read",
                          stream->path, magic[2]);
  return PETSC_TRUE;
}

/* Dimensions are believed only as far as the file's size bears them out: nothing is allocated before. */
static PetscBool ReadHeader(WeftByteStream *stream, IdxHeader *header, WeftProblem problem)
{
  unsigned char b[4];
  PetscInt64    total = 1;

  *header = (IdxHeader){.features = 1};
  if (!ReadMagic(stream, header, problem)) return PETSC_FALSE;
  for (int i = 0; i < header->ndims; ++i) {
    if (!WeftByteStreamRead(stream, 4, b, problem)) return PETSC_FALSE;
    header->dims[i] = ((PetscInt64)b[0] << 24) | (b[1] << 16) | (b[2] << 8) | b[3];
    if (!header->dims[i])
      return WeftProblemSet(problem, "%s: its header says that dimension %d is zero", stream->path, i);
    total = header->dims[i] > stream->most / total ? stream->most + 1 : total * header->dims[i];
    if (i) header->features = PetscMin(header->features * header->dims[i], (PetscInt64)INT_MAX + 1);
  }
  if (total <= stream->most && header->features <= INT_MAX) return PETSC_TRUE;
  return WeftProblemSet(problem, "%s: cut short or damaged: its header says more data than the file can hold",
                        stream->path);
}

static PetscBool OpenSplit(IdxImport *idx, WeftSplit split, const char images[], const char labels[],
                           WeftProblem problem)
{
  IdxHeader *x = &idx->header[split], y;

  if (!WeftByteStreamOpen(&idx->images[split], images, problem)) return PETSC_FALSE;
  if (!ReadHeader(&idx->images[split], x, problem)) return PETSC_FALSE;
  if (!WeftByteStreamOpen(&idx->labels[split], labels, problem)) return PETSC_FALSE;
  if (!ReadHeader(&idx->labels[split], &y, problem)) return PETSC_FALSE;
  if (x->ndims < 2)
    return WeftProblemSet(problem, "%s: holds labels, not images (one dimension); were the two options swapped?",
                          images);
  if (y.ndims != 1)
    return WeftProblemSet(problem, "%s: holds images, not labels (%lld dimensions); were the two options swapped?",
                          labels, (long long)y.ndims);
  if (y.dims[0] != x->dims[0])
    return WeftProblemSet(problem, "%s: has %lld labels for the %lld images of %s", labels, (long long)y.dims[0],
                          (long long)x->dims[0], images);
  if (split != WEFT_TRAIN && x->features != idx->header[WEFT_TRAIN].features)
    return WeftProblemSet(problem, "%s: its images have %lld pixels, the training images %lld", images,
                          (long long)x->features, (long long)idx->header[WEFT_TRAIN].features);
  return PETSC_TRUE;
}

static PetscErrorCode Fill(void *ctx, WeftSplit split, PetscInt64 row0, PetscInt64 rows, void *x, int32_t *y,
                           WeftProblem problem)
{
  IdxImport       *idx = ctx;
  const IdxHeader *header = &idx->header[split];
  uint8_t         *bytes = (uint8_t *)y;
  const PetscBool  last = row0 + rows == header->dims[0] ? PETSC_TRUE : PETSC_FALSE;

  PetscFunctionBegin;
  if (!rows) PetscFunctionReturn(PETSC_SUCCESS);
  if (!WeftByteStreamRead(&idx->images[split], rows * header->features, x, problem) ||
      !WeftByteStreamRead(&idx->labels[split], rows, bytes, problem))
    PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt64 i = rows - 1; i >= 0; --i) y[i] = bytes[i]; /* in place, from the back */
  if (last && WeftByteStreamAtEnd(&idx->images[split], problem)) WeftByteStreamAtEnd(&idx->labels[split], problem);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode OpenAll(MPI_Comm comm, const char *const images[], const char *const labels[], IdxImport *idx)
{
  WeftProblem problem = "";
  int         rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  for (int split = 0; !rank && split < WEFT_NUM_SPLITS; ++split)
    if (images[split] && !OpenSplit(idx, (WeftSplit)split, images[split], labels[split], problem)) break;
  PetscCall(WeftProblemRaise(comm, problem));
  PetscCallMPI(MPI_Bcast(idx->header, sizeof(idx->header), MPI_BYTE, 0, comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftImportIDX(MPI_Comm comm, const char *const images[WEFT_NUM_SPLITS],
                             const char *const labels[WEFT_NUM_SPLITS], const char output[], WeftDataInfo *info)
{
  IdxImport        idx = {0};
  const IdxHeader *header = &idx.header[WEFT_TRAIN];
  WeftDataRecipe   recipe = {.bytes = PETSC_TRUE, .scale = 1.0 / 255, .what = "import", .fill = Fill, .ctx = &idx};

  PetscFunctionBegin;
  PetscCall(OpenAll(comm, images, labels, &idx));
  info->features = header->features;
  for (int split = 0; split < WEFT_NUM_SPLITS; ++split) {
    PetscCall(WeftDataSetSamples(comm, (WeftSplit)split, idx.header[split].dims[0], info));
    info->labelled[split] = images[split] ? PETSC_TRUE : PETSC_FALSE;
    recipe.label_names[split] = labels[split];
  }
  PetscCall(WeftDataSetShape(comm, images[WEFT_TRAIN], (int)header->ndims, header->dims, info));
  WeftDataNameSource("IDX", images[WEFT_TRAIN], info);
  PetscCall(WeftDataWrite(comm, output, &recipe, info));
  for (int split = 0; split < WEFT_NUM_SPLITS; ++split) {
    WeftByteStreamClose(&idx.images[split]);
    WeftByteStreamClose(&idx.labels[split]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
