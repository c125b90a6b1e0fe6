/* weft bench io: see WeftBenchIO() in weft/bench.h. */
#include "benchimpl.h"
#include <weft/lock.h>
#include <weft/output.h>
#include <weft/runfile.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ACTIVE = 10 };                        /* groups of a sample: 4 % of 256 */
static const size_t piece = (size_t)1 << 24; /* bytes of a plain transfer */

/* What is measured, in turn. */
enum { CHECKPOINT, PLAIN_WRITE, RESUME, PLAIN_READ, WAYS };

typedef struct {
  WeftBench         bench;
  char              path[PETSC_MAX_PATH_LEN];
  WeftLayerSettings settings;
  PetscInt64        n, row0, d;
  WeftBlock         x;
  WeftPrep          prep;
  WeftLayer         layer, again;             /* written; read into */
  PetscInt64        bytes[WAYS];              /* over all ranks */
  WeftSeries        seconds[WAYS], cpu[WAYS]; /* cpu: of all ranks, without the system's writing back */
} Run;

/* ---- a layer like a real one; what its numbers are does not matter ---- */

static PetscErrorCode MakeSamples(Run *run)
{
  PetscInt64 rows;
  int        rank, size;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(run->bench.comm, &rank));
  PetscCallMPI(MPI_Comm_size(run->bench.comm, &size));
  WeftDataRange(run->n, rank, size, &run->row0, &rows);
  PetscCall(WeftBlockCreate((size_t)rows, (size_t)run->d, run->settings.precision, &run->x));
  for (size_t i = 0; i < run->x.rows; ++i)
    for (size_t j = 0; j < run->x.cols; ++j)
      WeftBlockSet(&run->x, i, j, 2 + sin(0.37 * (double)(run->row0 + (PetscInt64)i) + 0.11 * (double)(j * j)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakePrep(Run *run)
{
  WeftPrepParameters q;
  double            *mean, *whitening;

  PetscFunctionBegin;
  PetscCall(WeftPrepCreate(run->bench.comm, (PetscInt)run->d, &run->prep));
  PetscCall(WeftPrepGetParameters(run->prep, &q));
  PetscCall(PetscMalloc2(q.d, &mean, (size_t)q.rows * (size_t)q.d, &whitening));
  for (PetscInt j = 0; j < q.d; ++j) mean[j] = 1.0 / (double)(j + 3);
  for (size_t i = 0; i < (size_t)q.rows * (size_t)q.d; ++i) whitening[i] = sin((double)i);
  q.mean = mean;
  q.whitening = whitening;
  q.contrast_floor = q.ridge = 0.1;
  PetscCall(WeftPrepSetParameters(run->prep, &q));
  PetscCall(PetscFree2(mean, whitening));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode MakeCodes(WeftLayer l)
{
  const int    active = PetscMin(ACTIVE, l->codes.groups);
  const size_t p = (size_t)l->codes.group_size, groups = (size_t)l->codes.groups, stride = groups / (size_t)active;
  WeftBlock    z;
  WeftCodes    codes;

  PetscFunctionBegin;
  PetscCall(WeftBlockCreate(1, groups * p, WEFT_DOUBLE, &z));
  PetscCall(WeftCodesCreate(l->codes.groups, l->codes.group_size, &codes));
  for (size_t i = 0; i < l->codes.samples; ++i) {
    PetscCall(PetscArrayzero(z.values.d, groups * p));
    for (int e = 0; e < active; ++e) {
      const size_t g = (i * 7 + (size_t)e * stride) % groups;
      for (size_t a = 0; a < p; ++a) z.values.d[g * p + a] = 2 + sin((double)(i + g + a));
    }
    WeftCodesClear(&codes);
    PetscCall(WeftCodesAppendDense(&codes, &z, 0));
    PetscCall(WeftCodeStorePut(&l->codes, i, &codes, 0));
  }
  PetscCall(WeftCodesDestroy(&codes));
  PetscCall(WeftBlockDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Begin(MPI_Comm comm, Run *run)
{
  PetscFunctionBegin;
  PetscCall(WeftLayerSettingsFromOptions(&run->settings));
  run->settings.seed = 1;
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-samples", 1, INT64_MAX, &run->n));
  PetscCall(WeftOptionsGetInt(WeftBenchOptions, "-inputs", 1, INT_MAX, &run->d));
  PetscCall(WeftOptionsGetText(WeftBenchOptions, "-file", sizeof(run->path) - 16, run->path, NULL));
  PetscCall(WeftLockTake(comm, "-file", run->path));
  PetscCall(WeftOutputCheckNew(comm, "-file", run->path));
  PetscCall(WeftBenchBegin(comm, "io", &run->bench));
  PetscCall(MakeSamples(run));
  PetscCall(MakePrep(run));
  PetscCall(WeftLayerCreate(comm, &run->settings, run->n, run->row0, &run->x, &run->layer));
  PetscCall(WeftLayerCreate(comm, &run->settings, run->n, run->row0, &run->x, &run->again));
  PetscCall((*run->layer->learner->start)(run->layer));
  PetscCall(MakeCodes(run->layer));
  PetscCall(WeftBenchHead(&run->bench));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is measured ---- */

static PetscErrorCode WriteCheckpoint(Run *run)
{
  const WeftDataInfo  data = {.features = run->d};
  const WeftRunInfo   info = {.options = "", .data = &data};
  struct _n_WeftStack stack = {.comm = run->bench.comm, .count = 1, .layers = {{run->prep, run->layer}}};

  PetscFunctionBegin;
  PetscCall(WeftRunFileWrite(run->path, &info, &stack, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Resume(Run *run)
{
  PetscFunctionBegin;
  PetscCall(WeftRunFileReadPrep(run->bench.comm, run->path, 0, run->prep));
  PetscCall(WeftRunFileReadLayer(run->path, 0, run->again));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* This rank's contiguous part of the file, in long pieces; 0 or an errno value. */
static int Transfer(int fd, off_t first, size_t bytes, PetscBool in, char *buffer)
{
  for (size_t done = 0; done < bytes;) {
    const size_t  want = PetscMin(piece, bytes - done);
    const ssize_t got = in ? pread(fd, buffer, want, first + (off_t)done)
                           : pwrite(fd, buffer, want, first + (off_t)done);
    if (got <= 0) return got ? errno : EIO;
    done += (size_t)got;
  }
  return !in && fsync(fd) ? errno : 0;
}

/* The same bytes without HDF5: opened, written, on the disk when it returns. */
static PetscErrorCode Plain(Run *run, PetscBool in, char *buffer)
{
  char       path[PETSC_MAX_PATH_LEN + 16];
  PetscInt64 first, bytes;
  int        rank, size, fd, error;
  PetscBool  failed;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(run->bench.comm, &rank));
  PetscCallMPI(MPI_Comm_size(run->bench.comm, &size));
  snprintf(path, sizeof(path), "%s.plain", run->path);
  WeftDataRange(run->bytes[in ? RESUME : CHECKPOINT], rank, size, &first, &bytes);
  fd = open(path, in ? O_RDONLY : O_CREAT | O_WRONLY, 0666);
  error = fd < 0 ? errno : Transfer(fd, (off_t)first, (size_t)bytes, in, buffer);
  if (fd >= 0) close(fd);
  PetscCall(WeftAnyRank(run->bench.comm, error ? PETSC_TRUE : PETSC_FALSE, &failed));
  if (failed && !rank) unlink(path);
  WeftUserCheck(!failed, run->bench.comm, "-file %s: %s", path, error ? strerror(error) : "another rank failed");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Remove(const Run *run)
{
  char path[PETSC_MAX_PATH_LEN + 16];
  int  rank;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Barrier(run->bench.comm));
  PetscCallMPI(MPI_Comm_rank(run->bench.comm, &rank));
  snprintf(path, sizeof(path), "%s.plain", run->path);
  if (!rank) unlink(path);
  if (!rank) unlink(run->path);
  PetscCallMPI(MPI_Barrier(run->bench.comm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A resume reads the state, but not what only the result needs. */
static PetscErrorCode CountBytes(Run *run)
{
  const PetscInt64 real = (PetscInt64)WeftPrecisionBytes(run->settings.precision), k = run->settings.atoms;
  struct stat      status = {0};
  long long        bytes;

  PetscFunctionBegin;
  (void)stat(run->path, &status);
  bytes = (long long)status.st_size;
  PetscCallMPI(MPI_Bcast(&bytes, 1, MPI_LONG_LONG, 0, run->bench.comm));
  run->bytes[CHECKPOINT] = run->bytes[PLAIN_WRITE] = bytes;
  run->bytes[RESUME] = run->bytes[PLAIN_READ] = bytes - real * run->d * (k + k / run->settings.group_size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The old files go first, outside the clock: freeing their room is not part of writing. */
static PetscErrorCode MeasureOnce(Run *run, char *buffer)
{
  WeftTime start, took;

  PetscFunctionBegin;
  PetscCall(Remove(run));
  for (int way = 0; way < WAYS; ++way) {
    PetscCall(WeftTimeStart(&run->bench, &start));
    switch (way) {
    case CHECKPOINT:
      PetscCall(WriteCheckpoint(run));
      break;
    case RESUME:
      PetscCall(Resume(run));
      break;
    default:
      PetscCall(Plain(run, way == PLAIN_READ ? PETSC_TRUE : PETSC_FALSE, buffer));
    }
    PetscCall(WeftTimeStop(&run->bench, start, &took));
    WeftSeriesAdd(&run->seconds[way], took.wall);
    WeftSeriesAdd(&run->cpu[way], took.cpu);
    if (way == CHECKPOINT) PetscCall(CountBytes(run));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- what is told ---- */

static double Rate(const Run *run, int way)
{
  return (double)run->bytes[way] / WeftSeriesMedian(&run->seconds[way]);
}

static PetscErrorCode Tell(Run *run)
{
  static const char *const names[WAYS] = {"checkpoint", "plain write", "resume", "plain read"};
  static const char *const keys[WAYS] = {"checkpoint", "plain_write", "resume", "plain_read"};
  const char              *titles[] = {"", "MB", "ms", "range", "cpu ms", "MB/s", "of plain"};
  const int                columns = sizeof(titles) / sizeof(titles[0]);
  WeftJson                *json = &run->bench.json;
  WeftTable                t;

  PetscFunctionBegin;
  PetscCall(WeftTableCreate((size_t)columns, &t));
  for (int i = 0; i < columns; ++i) PetscCall(WeftTableCell(&t, "%s", titles[i]));
  for (int way = 0; way < WAYS; ++way) {
    const WeftSeries *s = &run->seconds[way];
    const double      ratio = Rate(run, way) / Rate(run, way < RESUME ? PLAIN_WRITE : PLAIN_READ);
    PetscCall(WeftTableCell(&t, "%s", names[way]));
    PetscCall(WeftTableCell(&t, "%.1f", 1e-6 * (double)run->bytes[way]));
    PetscCall(WeftTableCell(&t, "%.1f", 1e3 * WeftSeriesMedian(s)));
    PetscCall(WeftTableCell(&t, "%.1f..%.1f", 1e3 * s->values[0], 1e3 * s->values[s->n - 1]));
    PetscCall(WeftTableCell(&t, "%.1f", 1e3 * WeftSeriesMedian(&run->cpu[way])));
    PetscCall(WeftTableCell(&t, "%.0f", 1e-6 * Rate(run, way)));
    PetscCall(WeftTableCell(&t, "%.2f", ratio));
    PetscCall(WeftJsonObject(json, keys[way]));
    PetscCall(WeftJsonInt(json, "bytes", run->bytes[way]));
    PetscCall(WeftSeriesJson(json, "seconds", s));
    PetscCall(WeftSeriesJson(json, "cpu_seconds", &run->cpu[way]));
    PetscCall(WeftJsonReal(json, "bytes_per_second", Rate(run, way)));
    PetscCall(WeftJsonReal(json, "of_plain", ratio));
    PetscCall(WeftJsonEnd(json));
  }
  PetscCall(WeftTablePrint(&run->bench, &t));
  PetscCall(WeftBenchPrint(&run->bench,
                           "wall time; medians of %lld. A write ends with its bytes on the disk; what is read was "
                           "written just before\n",
                           (long long)run->bench.repeats));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftBenchIO(MPI_Comm comm)
{
  Run  *run;
  char *buffer;

  PetscFunctionBegin;
  PetscCall(PetscNew(&run));
  PetscCall(Begin(comm, run));
  PetscCall(PetscMalloc1(piece, &buffer));
  for (size_t i = 0; i < piece; ++i) buffer[i] = (char)(i * 2654435761u >> 7); /* nothing to compress */
  for (PetscInt64 r = 0; r < run->bench.repeats; ++r) PetscCall(MeasureOnce(run, buffer));
  PetscCall(Remove(run));
  PetscCall(PetscFree(buffer));
  PetscCall(Tell(run));
  PetscCall(WeftBenchEnd(&run->bench));
  PetscCall(WeftLayerDestroy(&run->layer));
  PetscCall(WeftLayerDestroy(&run->again));
  PetscCall(WeftPrepDestroy(&run->prep));
  PetscCall(WeftBlockDestroy(&run->x));
  PetscCall(PetscFree(run));
  PetscFunctionReturn(PETSC_SUCCESS);
}
