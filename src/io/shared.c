/* A shared layer in a run file: /layers/N/shared. */
#include "ioimpl.h"
#include <limits.h>

PetscInt64 WeftSharedBytes(const WeftShared *s)
{
  const PetscInt64 K = s->settings.prototypes;

  if (!K) return 0;
  return 8 * K * s->group_size * (PetscInt64)WeftSharedWindow(s) + 4 * (3 * (PetscInt64)s->input.inputs + K) +
         (1 << 14);
}

PetscErrorCode WeftSharedWrite(MPI_Comm comm, hid_t file, int index, const WeftShared *s)
{
  const PetscInt64  K = s->settings.prototypes, d = s->input.inputs;
  const WeftRunPath group = WeftRunLayerPath(index, "/shared");
  const int *const  places[] = {s->input.row, s->input.col, s->input.channel};
  const WeftRunPath paths[] = {WeftRunLayerPath(index, "/shared/row"), WeftRunLayerPath(index, "/shared/column"),
                               WeftRunLayerPath(index, "/shared/channel")};

  PetscFunctionBegin;
  if (!K) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftH5WriteSmall(
    comm, file, WeftRunLayerPath(index, "/shared/atoms").text, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, K * s->group_size,
    (PetscInt64)WeftSharedWindow(s), s->atoms,
    (WeftH5Note){
      "prototypes' atoms in their windows: number (i w + j) channels + c is for the input of channel c at row "
      "i - w/2 and column j - w/2 from the site",
      "1", "atom,window"}));
  PetscCall(WeftH5WriteSmall(comm, file, WeftRunLayerPath(index, "/shared/group").text, H5T_STD_I32LE, H5T_NATIVE_INT,
                             K, 0, s->group, (WeftH5Note){"which group each prototype is", "1", "prototype"}));
  for (int i = 0; i < 3; ++i)
    PetscCall(WeftH5WriteSmall(comm, file, paths[i].text, H5T_STD_I32LE, H5T_NATIVE_INT, d, 0, places[i],
                               (WeftH5Note){"where each input lies on the lattice; -1: nowhere", "1", "input"}));
  PetscCall(WeftH5SetInt(file, group.text, "window", s->settings.window));
  PetscCall(WeftH5SetInt(file, group.text, "pool", s->settings.pool));
  PetscCall(WeftH5SetInt(file, group.text, "group_size", s->group_size));
  PetscCall(WeftH5SetInt(file, group.text, "rows", s->input.rows));
  PetscCall(WeftH5SetInt(file, group.text, "columns", s->input.cols));
  PetscCall(WeftH5SetInt(file, group.text, "channels", s->input.channels));
  PetscCall(WeftH5SetReal(file, group.text, "lattice_score", s->input.score));
  PetscCall(WeftH5SetReal(file, group.text, "coverage", s->coverage));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the attributes say. */
typedef struct {
  PetscInt64 window, pool, group_size, rows, columns, channels;
  double     score, coverage;
} Numbers;

static PetscErrorCode ReadNumbers(MPI_Comm comm, hid_t file, const char path[], const char group[], Numbers *n)
{
  const char *names[] = {"window", "pool", "group_size", "rows", "columns", "channels"};
  PetscInt64 *into[] = {&n->window, &n->pool, &n->group_size, &n->rows, &n->columns, &n->channels};
  PetscBool   found;

  PetscFunctionBegin;
  for (int i = 0; i < 6; ++i) {
    PetscCall(WeftH5GetInts(file, group, names[i], 1, into[i], &found));
    WeftUserCheck(found && *into[i] > 0 && *into[i] < 1 << 20, comm, "%s: %s lacks a valid %s: damaged", path, group,
                  names[i]);
  }
  WeftUserCheck(n->rows * n->columns < INT_MAX / n->channels, comm, "%s: the lattice of %s is too large: damaged", path,
                group);
  PetscCall(WeftH5GetReal(file, group, "lattice_score", &n->score, &found));
  PetscCall(WeftH5GetReal(file, group, "coverage", &n->coverage, &found));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A list of numbers of known length in [low, high). */
static PetscErrorCode ReadInts(MPI_Comm comm, hid_t file, const char path[], const char name[], PetscInt64 length,
                               PetscInt64 low, PetscInt64 high, int values[])
{
  PetscInt64 dims[1] = {length};

  PetscFunctionBegin;
  PetscCall(WeftH5Expect(comm, file, name, 1, dims));
  PetscCall(WeftH5ReadRows(comm, file, name, 0, length, H5T_NATIVE_INT, values));
  for (PetscInt64 i = 0; i < length; ++i)
    WeftUserCheck(values[i] >= low && values[i] < high, comm, "%s: %s names what is not there: damaged", path, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLattice(MPI_Comm comm, hid_t file, const char path[], int index, const Numbers *n,
                                  WeftLattice *l)
{
  const WeftRunPath row = WeftRunLayerPath(index, "/shared/row"), column = WeftRunLayerPath(index, "/shared/column");
  const WeftRunPath channel = WeftRunLayerPath(index, "/shared/channel");
  PetscInt64        d[1] = {-1};

  PetscFunctionBegin;
  PetscCall(WeftH5Expect(comm, file, row.text, 1, d));
  WeftUserCheck(d[0] < INT_MAX, comm, "%s: %s has too many entries: damaged", path, row.text);
  *l = (WeftLattice){.inputs = (PetscInt)d[0], .score = n->score};
  l->rows = (PetscInt)n->rows;
  l->cols = (PetscInt)n->columns;
  l->channels = (PetscInt)n->channels;
  PetscCall(PetscMalloc3(d[0], &l->row, d[0], &l->col, d[0], &l->channel));
  PetscCall(ReadInts(comm, file, path, row.text, d[0], -1, n->rows, l->row));
  PetscCall(ReadInts(comm, file, path, column.text, d[0], -1, n->columns, l->col));
  PetscCall(ReadInts(comm, file, path, channel.text, d[0], -1, n->channels, l->channel));
  for (PetscInt j = 0; j < l->inputs; ++j) {
    const PetscBool placed = l->row[j] >= 0 ? PETSC_TRUE : PETSC_FALSE;
    WeftUserCheck(placed == (l->col[j] >= 0) && placed == (l->channel[j] >= 0), comm,
                  "%s: an input of %s has half a place: damaged", path, row.text);
    l->placed += placed ? 1 : 0;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftSharedRead(MPI_Comm comm, hid_t file, const char path[], int index, WeftShared *s)
{
  const WeftRunPath group = WeftRunLayerPath(index, "/shared"), atoms = WeftRunLayerPath(index, "/shared/atoms");
  WeftShareSettings settings;
  WeftLattice       lattice;
  Numbers           n = {0};
  PetscInt64        dims[2] = {-1, -1};
  PetscBool         found;
  double           *values;
  int              *which;

  PetscFunctionBegin;
  *s = (WeftShared){0};
  PetscCall(WeftH5Exists(file, group.text, &found));
  if (!found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(ReadNumbers(comm, file, path, group.text, &n));
  dims[1] = n.window * n.window * n.channels;
  PetscCall(WeftH5Expect(comm, file, atoms.text, 2, dims));
  WeftUserCheck(dims[0] > 0 && dims[0] % n.group_size == 0 && dims[0] < INT_MAX, comm,
                "%s: %s has %lld rows for groups of %lld: damaged", path, atoms.text, (long long)dims[0],
                (long long)n.group_size);
  settings = (WeftShareSettings){(int)(dims[0] / n.group_size), (int)n.window, (int)n.pool};
  PetscCall(ReadLattice(comm, file, path, index, &n, &lattice));
  PetscCall(PetscMalloc2((size_t)(dims[0] * dims[1]), &values, settings.prototypes, &which));
  PetscCall(WeftH5ReadRows(comm, file, atoms.text, 0, dims[0], H5T_NATIVE_DOUBLE, values));
  PetscCall(
    ReadInts(comm, file, path, WeftRunLayerPath(index, "/shared/group").text, settings.prototypes, 0, INT_MAX, which));
  PetscCall(WeftSharedRestore(&lattice, (int)n.group_size, &settings, values, which, n.coverage, s));
  PetscCall(PetscFree2(values, which));
  PetscCall(WeftLatticeDestroy(&lattice));
  PetscFunctionReturn(PETSC_SUCCESS);
}
