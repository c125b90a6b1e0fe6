#include "cmd.h"
#include <weft/import.h>
#include <weft/lock.h>
#include <weft/output.h>
#include <string.h>

static const WeftOption common_options[] = {
  {"-o", "FILE", NULL, "the data file to write; must not exist yet"},
  {"-samples", "N", NULL, "the first N training samples alone; all if not given"},
  {NULL, NULL, NULL, NULL}};
static const WeftOption idx_options[] = {
  {"-images", "FILE", NULL, "idx: training images, plain or gzip"},
  {"-labels", "FILE", NULL, "idx: their labels"},
  {"-test-images", "FILE", NULL, "idx: test images"},
  {"-test-labels", "FILE", NULL, "idx: their labels"},
  {NULL, NULL, NULL, NULL},
};
static const WeftOption cifar10_options[] = {
  {"-dir", "DIR", NULL, "cifar10: the folder with data_batch_*.bin[.gz] and test_batch.bin[.gz]"},
  {NULL, NULL, NULL, NULL},
};
static const WeftOption hdf5_options[] = {
  {"-file", "FILE", NULL, "hdf5: the file to read"},
  {"-x", "PATH", NULL, "hdf5: the dataset of training samples, [n, d] or [n, height, width(, channels)]"},
  {"-y", "PATH", NULL, "hdf5: the dataset of their labels, [n]"},
  {"-test-x", "PATH", NULL, "hdf5: the dataset of test samples"},
  {"-test-y", "PATH", NULL, "hdf5: the dataset of their labels"},
  {NULL, NULL, NULL, NULL},
};
static const WeftOption picture_options[] = {
  {"-shape", "H,W,C", NULL, "idx, hdf5: height, width and channels of a sample, where its dimensions do not tell"},
  {"-pixel_order", "planes|interleaved", NULL, "idx, hdf5: channel by channel or pixel by pixel"},
  {"-classes", "K", NULL, "idx, hdf5: labels run from 0 to K - 1; found from the training labels if not given"},
  {NULL, NULL, NULL, NULL},
};

static PetscErrorCode ImportIDX(const char output[], WeftDataInfo *info);
static PetscErrorCode ImportCIFAR10(const char output[], WeftDataInfo *info);
static PetscErrorCode ImportHDF5(const char output[], WeftDataInfo *info);

static const struct {
  const char       *word;
  const WeftOption *options, *more; /* more may be NULL */
  PetscErrorCode (*run)(const char output[], WeftDataInfo *info);
} formats[] = {{"idx", idx_options, picture_options, ImportIDX},
               {"cifar10", cifar10_options, NULL, ImportCIFAR10},
               {"hdf5", hdf5_options, picture_options, ImportHDF5}};
enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

/* A text option into buffer; NULL where it is not given. */
static PetscErrorCode GetText(const WeftOption table[], const char name[], char buffer[PETSC_MAX_PATH_LEN],
                              const char **text)
{
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetText(table, name, PETSC_MAX_PATH_LEN, buffer, &given));
  WeftUserCheck(!given || buffer[0], PETSC_COMM_WORLD, "%s: a value is wanted after it", name);
  *text = given ? buffer : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetShape(PetscInt64 shape[3])
{
  char        buffer[PETSC_MAX_PATH_LEN], beyond;
  const char *text;
  long long   v[3] = {0, 0, 1};
  PetscBool   fits;

  PetscFunctionBegin;
  PetscCall(GetText(picture_options, "-shape", buffer, &text));
  if (!text) PetscFunctionReturn(PETSC_SUCCESS);
  fits = sscanf(text, "%lld,%lld%c", &v[0], &v[1], &beyond) == 2 ||
             sscanf(text, "%lld,%lld,%lld%c", &v[0], &v[1], &v[2], &beyond) == 3
           ? PETSC_TRUE
           : PETSC_FALSE;
  WeftUserCheck(fits && v[0] > 0 && v[1] > 0 && v[2] > 0, PETSC_COMM_WORLD,
                "-shape %s: height,width,channels is wanted, as in 32,32,3", text);
  for (int i = 0; i < 3; ++i) shape[i] = v[i];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetPicture(WeftDataInfo *info)
{
  char        buffer[PETSC_MAX_PATH_LEN];
  const char *text;
  int         order;

  PetscFunctionBegin;
  PetscCall(GetShape(info->shape));
  PetscCall(GetText(picture_options, "-pixel_order", buffer, &text));
  if (text) PetscCall(WeftOptionsGetChoice(picture_options, "-pixel_order", "planes|interleaved", &order));
  if (text) snprintf(info->pixel_order, sizeof(info->pixel_order), "%s", order ? "interleaved" : "planes");
  PetscCall(GetText(picture_options, "-classes", buffer, &text));
  if (text) PetscCall(WeftOptionsGetInt(picture_options, "-classes", 1, 1000000, &info->classes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetSamples(PetscInt64 *samples)
{
  char        buffer[PETSC_MAX_PATH_LEN];
  const char *text;

  PetscFunctionBegin;
  PetscCall(GetText(common_options, "-samples", buffer, &text));
  if (text) PetscCall(WeftOptionsGetInt(common_options, "-samples", 1, INT64_MAX, samples));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ImportIDX(const char output[], WeftDataInfo *info)
{
  char        buffers[4][PETSC_MAX_PATH_LEN];
  const char *images[WEFT_NUM_SPLITS], *labels[WEFT_NUM_SPLITS];

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetNeeded(idx_options, "-images", PETSC_MAX_PATH_LEN, buffers[0]));
  PetscCall(WeftOptionsGetNeeded(idx_options, "-labels", PETSC_MAX_PATH_LEN, buffers[1]));
  images[WEFT_TRAIN] = buffers[0];
  labels[WEFT_TRAIN] = buffers[1];
  PetscCall(GetText(idx_options, "-test-images", buffers[2], &images[WEFT_TEST]));
  PetscCall(GetText(idx_options, "-test-labels", buffers[3], &labels[WEFT_TEST]));
  WeftUserCheck(!images[WEFT_TEST] == !labels[WEFT_TEST], PETSC_COMM_WORLD,
                "-test-images and -test-labels go together: give both or neither");
  PetscCall(GetPicture(info));
  PetscCall(WeftImportIDX(PETSC_COMM_WORLD, images, labels, output, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ImportCIFAR10(const char output[], WeftDataInfo *info)
{
  char dir[PETSC_MAX_PATH_LEN], missing[256];

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetNeeded(cifar10_options, "-dir", sizeof(dir), dir));
  PetscCall(WeftImportCIFAR10(PETSC_COMM_WORLD, dir, output, info, sizeof(missing), missing));
  if (missing[0]) PetscCall(PetscPrintf(PETSC_COMM_WORLD, "weft import: not in %s: %s\n", dir, missing));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ImportHDF5(const char output[], WeftDataInfo *info)
{
  char        file[PETSC_MAX_PATH_LEN], buffers[4][PETSC_MAX_PATH_LEN];
  const char *x[WEFT_NUM_SPLITS], *y[WEFT_NUM_SPLITS];

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetNeeded(hdf5_options, "-file", sizeof(file), file));
  PetscCall(WeftOptionsGetNeeded(hdf5_options, "-x", PETSC_MAX_PATH_LEN, buffers[0]));
  x[WEFT_TRAIN] = buffers[0];
  PetscCall(GetText(hdf5_options, "-y", buffers[1], &y[WEFT_TRAIN]));
  PetscCall(GetText(hdf5_options, "-test-x", buffers[2], &x[WEFT_TEST]));
  PetscCall(GetText(hdf5_options, "-test-y", buffers[3], &y[WEFT_TEST]));
  WeftUserCheck(x[WEFT_TEST] || !y[WEFT_TEST], PETSC_COMM_WORLD, "-test-y: needs -test-x beside it");
  PetscCall(GetPicture(info));
  PetscCall(WeftImportHDF5(PETSC_COMM_WORLD, file, x, y, output, info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscBool Goes(int format, const WeftOption table[])
{
  return formats[format].options == table || formats[format].more == table ? PETSC_TRUE : PETSC_FALSE;
}

/* An option of another format is a mistake here, though the verb knows its name. */
static PetscErrorCode RefuseOthers(int format)
{
  const WeftOption *tables[] = {idx_options, cifar10_options, hdf5_options, picture_options};
  PetscBool         given;

  PetscFunctionBegin;
  for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); ++t) {
    for (const WeftOption *o = tables[t]; o->name && !Goes(format, tables[t]); ++o) {
      PetscCall(PetscOptionsHasName(NULL, NULL, o->name, &given));
      WeftUserCheck(!given, PETSC_COMM_WORLD, "%s: weft import %s has no such option (weft import -help)", o->name,
                    formats[format].word);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first samples of a file that is sorted by class are not like the rest. */
static PetscErrorCode TellOfOrder(const WeftDataInfo *info)
{
  PetscFunctionBegin;
  if (info->ordered && info->left_out && info->samples[WEFT_TRAIN] > 1)
    PetscCall(PetscFPrintf(PETSC_COMM_WORLD, stderr,
                           "weft: note: the labels of the first %lld samples go up from class to class, to %lld, and "
                           "the other %lld samples were left out (-samples): later classes may be missing; shuffle "
                           "the samples first, or take them all\n",
                           (long long)info->samples[WEFT_TRAIN], (long long)info->classes - 1,
                           (long long)info->left_out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RunImport(const char word[])
{
  WeftDataInfo info = {0};
  char         output[PETSC_MAX_PATH_LEN];
  int          format = 0;

  PetscFunctionBegin;
  while (format < FORMATS && strcmp(formats[format].word, word)) ++format;
  WeftUserCheck(format < FORMATS, PETSC_COMM_WORLD, "weft import %s: one of idx, cifar10, hdf5 is wanted", word);
  PetscCall(RefuseOthers(format));
  PetscCall(WeftOptionsGetNeeded(common_options, "-o", sizeof(output), output));
  PetscCall(WeftLockTake(PETSC_COMM_WORLD, "-o", output));
  PetscCall(WeftOutputCheckNew(PETSC_COMM_WORLD, "-o", output));
  PetscCall(GetSamples(&info.samples[WEFT_TRAIN]));
  PetscCall(formats[format].run(output, &info));
  PetscCall(TellOfOrder(&info));
  PetscCall(WeftCmdDescribeData("import", output, &info));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const WeftVerb WeftVerbImport = {
  "import",
  "idx|cifar10|hdf5",
  "make a data file from IDX, CIFAR-10 or HDF5 files",
  "  weft import idx -images F[.gz] -labels F[.gz] [-test-images F -test-labels F] -o data.h5\n"
  "  weft import cifar10 -dir DIR -o data.h5\n"
  "  weft import hdf5 -file F -x PATH [-y PATH] [-test-x PATH] [-test-y PATH] -o data.h5\n",
  {common_options, idx_options, cifar10_options, hdf5_options, picture_options},
  RunImport};
