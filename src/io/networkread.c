#include "ioimpl.h"
#include <weft/networkfile.h>
#include <unistd.h>

PetscErrorCode WeftNetworkFileInspect(MPI_Comm comm, const char option[], const char path[], WeftRunState *state)
{
  int           rank, missing;
  hid_t         file;
  PetscInt64    schema = 0, complete = 0;
  WeftH5Checked checked;
  PetscBool     has_schema, has_network, says_complete;

  PetscFunctionBegin;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  missing = !rank && access(path, F_OK);
  PetscCallMPI(MPI_Bcast(&missing, 1, MPI_INT, 0, comm));
  *state = WEFT_RUN_MISSING;
  if (missing) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(WeftH5Check(comm, option, path, WEFT_H5_ABOUT, &checked));
  PetscCall(WeftH5OpenRead(comm, option, path, &file));
  PetscCall(WeftH5GetInts(file, "/", "weft_schema", 1, &schema, &has_schema));
  PetscCall(WeftH5Exists(file, "/weights/output/weights", &has_network));
  PetscCall(WeftH5GetInts(file, "/", "complete", 1, &complete, &says_complete));
  WeftH5Close(file);
  WeftUserCheck(has_schema && has_network && says_complete, comm,
                "%s %s: not a network file of weft train; choose another", option, path);
  WeftUserCheck(schema == WEFT_SCHEMA, comm,
                "%s %s: a network file of schema %lld, where this version reads %d; use the version that wrote it",
                option, path, (long long)schema, WEFT_SCHEMA);
  *state = complete ? WEFT_RUN_COMPLETE : WEFT_RUN_CHECKPOINT;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A file as it is being read: who reads, and its name for messages. */
typedef struct {
  MPI_Comm    comm;
  hid_t       file;
  const char *path;
} Source;

static PetscErrorCode GetInt(const Source *s, const char group[], const char name[], PetscInt64 high, size_t *value)
{
  PetscInt64 whole = -1;
  PetscBool  found;

  PetscFunctionBegin;
  PetscCall(WeftH5GetInts(s->file, group, name, 1, &whole, &found));
  WeftUserCheck(found && whole >= 0 && whole <= high, s->comm, "%s: %s has no valid attribute %s: damaged", s->path,
                group, name);
  *value = (size_t)whole;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetFlag(const Source *s, const char group[], const char name[], PetscBool *value)
{
  size_t whole;

  PetscFunctionBegin;
  PetscCall(GetInt(s, group, name, 1, &whole));
  *value = whole ? PETSC_TRUE : PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode GetReal(const Source *s, const char group[], const char name[], double *value)
{
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(WeftH5GetReal(s->file, group, name, value, &found));
  WeftUserCheck(found, s->comm, "%s: %s has no attribute %s: damaged", s->path, group, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A list of whole numbers from 0 to below bound; count: of how many, or SIZE_MAX of any number, which it becomes. */
static PetscErrorCode ReadList(const Source *s, const char group[], const char name[], size_t *count, size_t bound,
                               PetscInt64 **values)
{
  char       path[96];
  PetscInt64 dims = *count == SIZE_MAX ? -1 : (PetscInt64)*count;
  PetscBool  bad = PETSC_FALSE;

  PetscFunctionBegin;
  snprintf(path, sizeof(path), "%s/%s", group, name);
  PetscCall(WeftH5Expect(s->comm, s->file, path, 1, &dims));
  *count = (size_t)dims;
  PetscCall(PetscMalloc1((size_t)dims + 1, values));
  PetscCall(WeftH5ReadRows(s->comm, s->file, path, 0, dims, H5T_NATIVE_INT64, *values));
  for (PetscInt64 i = 0; i < dims; ++i)
    if ((*values)[i] < 0 || (size_t)(*values)[i] >= bound) bad = PETSC_TRUE;
  WeftUserCheck(!bad, s->comm, "%s: %s holds a number that is not from 0 to %zu: damaged", s->path, path, bound - 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same as ints; NULL where the list says 0, 1, 2 ... and so nothing. */
static PetscErrorCode ReadIndices(const Source *s, const char group[], const char name[], size_t count, size_t bound,
                                  PetscBool always, int **indices)
{
  PetscInt64 *values;
  PetscBool   plain = PETSC_TRUE;

  PetscFunctionBegin;
  PetscCall(ReadList(s, group, name, &count, bound, &values));
  PetscCall(PetscMalloc1(count, indices));
  for (size_t i = 0; i < count; ++i) {
    (*indices)[i] = (int)values[i];
    if (values[i] != (PetscInt64)i) plain = PETSC_FALSE;
  }
  if (plain && !always) PetscCall(PetscFree(*indices));
  PetscCall(PetscFree(values));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* count + 1 numbers that ascend from 0. */
static PetscErrorCode ReadStarts(const Source *s, const char group[], const char name[], size_t count, size_t **starts)
{
  PetscInt64 *values;
  size_t      entries = count + 1;
  PetscBool   bad;

  PetscFunctionBegin;
  PetscCall(ReadList(s, group, name, &entries, INT_MAX, &values));
  bad = values[0] ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscMalloc1(count + 1, starts));
  for (size_t i = 0; i <= count; ++i) {
    (*starts)[i] = (size_t)values[i];
    if (i && values[i] < values[i - 1]) bad = PETSC_TRUE;
  }
  PetscCall(PetscFree(values));
  WeftUserCheck(!bad, s->comm, "%s: %s/%s does not ascend from 0: damaged", s->path, group, name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadPools(const Source *s, const char group[], WeftNetworkLayer *l)
{
  PetscBool alone;

  PetscFunctionBegin;
  PetscCall(ReadStarts(s, group, "pool_start", l->pools, &l->pool_start));
  PetscCall(ReadIndices(s, group, "pool_group", l->pool_start[l->pools], l->groups, PETSC_TRUE, &l->pool_group));
  alone = l->pools == l->groups && l->pool_start[l->pools] == l->groups ? PETSC_TRUE : PETSC_FALSE;
  for (size_t q = 0; q < l->pools && alone; ++q)
    if (l->pool_start[q] != q || l->pool_group[q] != (int)q) alone = PETSC_FALSE;
  if (!alone) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscFree(l->pool_start));
  PetscCall(PetscFree(l->pool_group));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No more weights and channels than there are connections and units. */
static PetscErrorCode CheckShape(const Source *s, const char group[], const WeftNetworkLayer *l)
{
  const size_t connections = WeftNetworkConnections(l), singles = l->groups * l->group_size;

  PetscFunctionBegin;
  WeftUserCheck(l->group_size && l->rows <= connections && l->pooled_channels <= l->pools &&
                  (!l->read_single || l->single_channels <= singles),
                s->comm, "%s: the attributes of %s do not fit one another: damaged", s->path, group);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadLayer(const Source *s, int i, WeftNetworkLayer *l)
{
  char group[48];

  PetscFunctionBegin;
  snprintf(group, sizeof(group), "/network/layers/%d", i);
  PetscCall(GetInt(s, group, "inputs", INT_MAX, &l->inputs));
  PetscCall(GetInt(s, group, "groups", INT_MAX, &l->groups));
  PetscCall(GetInt(s, group, "group_size", 1 << 20, &l->group_size));
  PetscCall(GetInt(s, group, "pools", INT_MAX, &l->pools));
  PetscCall(GetInt(s, group, "rows", INT_MAX, &l->rows));
  PetscCall(GetInt(s, group, "pooled_channels", INT_MAX, &l->pooled_channels));
  PetscCall(GetInt(s, group, "single_channels", INT_MAX, &l->single_channels));
  PetscCall(GetFlag(s, group, "read_pooled", &l->read_pooled));
  PetscCall(GetFlag(s, group, "read_single", &l->read_single));
  PetscCall(GetReal(s, group, "threshold", &l->threshold));
  PetscCall(ReadStarts(s, group, "start", l->groups, &l->start));
  PetscCall(CheckShape(s, group, l));
  PetscCall(ReadIndices(s, group, "input", WeftNetworkConnections(l), l->inputs, PETSC_TRUE, &l->input));
  PetscCall(ReadIndices(s, group, "row", WeftNetworkConnections(l), l->rows, PETSC_FALSE, &l->row));
  PetscCall(ReadPools(s, group, l));
  PetscCall(ReadIndices(s, group, "pooled_channel", l->pools, l->pooled_channels, PETSC_FALSE, &l->pooled_channel));
  if (l->read_single)
    PetscCall(ReadIndices(s, group, "single_channel", l->groups * l->group_size, l->single_channels, PETSC_FALSE,
                          &l->single_channel));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadNetwork(const Source *s, WeftNetwork *net)
{
  size_t      layers, count = SIZE_MAX;
  PetscInt64 *hidden;

  PetscFunctionBegin;
  PetscCall(GetInt(s, "/network", "inputs", INT_MAX, &net->inputs));
  PetscCall(GetInt(s, "/network", "classes", INT_MAX, &net->classes));
  PetscCall(GetInt(s, "/network", "layers", WEFT_NETWORK_MAX_LAYERS, &layers));
  PetscCall(GetFlag(s, "/network", "whitened", &net->whitened));
  PetscCall(GetReal(s, "/network", "pool_epsilon", &net->pool_epsilon));
  PetscCall(GetReal(s, "/network", "norm_epsilon", &net->norm_epsilon));
  for (int i = 0; i < (int)layers; ++i) {
    const size_t before = i ? net->layer[i - 1].pools : net->inputs;
    net->nlayers = i + 1;
    PetscCall(ReadLayer(s, i, &net->layer[i]));
    WeftUserCheck(net->layer[i].inputs == before, s->comm,
                  "%s: layer %d has %zu inputs where %zu come before it: damaged", s->path, i, net->layer[i].inputs,
                  before);
  }
  PetscCall(ReadList(s, "/network", "hidden", &count, INT_MAX, &hidden));
  WeftUserCheck(count <= WEFT_NETWORK_MAX_HIDDEN, s->comm, "%s: /network/hidden has %zu entries: damaged", s->path,
                count);
  net->nhidden = (int)count;
  for (size_t i = 0; i < count; ++i) net->hidden[i].out = (size_t)hidden[i];
  PetscCall(PetscFree(hidden));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Weights that the file does not hold ask for no memory. */
static PetscErrorCode CheckWeights(const Source *s, WeftNetwork *net)
{
  char path[96];

  PetscFunctionBegin;
  PetscCall(WeftNetworkPlan(net));
  for (int i = 0; i < net->nparts; ++i) {
    const WeftNetworkPart *part = &net->part[i];
    PetscInt64             dims[2] = {(PetscInt64)part->rows, (PetscInt64)part->cols};
    snprintf(path, sizeof(path), "/weights/%s", part->name);
    PetscCall(WeftH5Expect(s->comm, s->file, path, part->cols ? 2 : 1, dims));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A flat block's numbers [rows, cols] from an offset on. */
static PetscErrorCode ReadPiece(const Source *s, const char path[], size_t rows, size_t cols, size_t first,
                                WeftBlock *flat)
{
  PetscInt64  dims[2] = {(PetscInt64)rows, (PetscInt64)cols};
  char       *to = (char *)flat->values.v + first * WeftPrecisionBytes(flat->precision);
  const hid_t type = flat->precision == WEFT_SINGLE ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;

  PetscFunctionBegin;
  PetscCall(WeftH5Expect(s->comm, s->file, path, cols ? 2 : 1, dims));
  PetscCall(WeftH5ReadRows(s->comm, s->file, path, 0, dims[0], type, to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadWeights(const Source *s, WeftNetwork *net)
{
  char path[96];

  PetscFunctionBegin;
  for (int i = 0; i < net->nparts; ++i) {
    const WeftNetworkPart *part = &net->part[i];
    snprintf(path, sizeof(path), "/weights/%s", part->name);
    PetscCall(
      ReadPiece(s, path, part->rows, part->cols, part->first, part->statistic ? &net->statistics : &net->parameters));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A readout's inputs are features of a structure, which it does not hold. */
static PetscErrorCode RefuseReadout(const Source *s)
{
  PetscBool found;

  PetscFunctionBegin;
  PetscCall(WeftH5Exists(s->file, "/readout", &found));
  WeftUserCheck(!found, s->comm,
                "%s: a readout of a structure's features, not a network of samples: encode with the structure that its "
                "attribute names, and multiply by /weights/output",
                s->path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadInput(const Source *s, size_t inputs, WeftPrep *prep)
{
  PetscInt64         d = (PetscInt64)inputs, square[2] = {d, d};
  WeftPrepParameters q;
  double            *mean, *whitening;

  PetscFunctionBegin;
  PetscCall(WeftPrepCreate(s->comm, (PetscInt)inputs, prep));
  PetscCall(WeftPrepGetParameters(*prep, &q));
  PetscCall(WeftH5Expect(s->comm, s->file, "/network/mean", 1, &d));
  PetscCall(WeftH5Expect(s->comm, s->file, "/network/whitening", 2, square));
  PetscCall(PetscMalloc2(inputs, &mean, (size_t)q.rows * inputs, &whitening));
  PetscCall(WeftH5ReadRows(s->comm, s->file, "/network/mean", 0, d, H5T_NATIVE_DOUBLE, mean));
  PetscCall(WeftH5ReadRows(s->comm, s->file, "/network/whitening", q.row0, q.rows, H5T_NATIVE_DOUBLE, whitening));
  PetscCall(GetReal(s, "/network", "contrast_floor", &q.contrast_floor));
  PetscCall(GetReal(s, "/network", "whitening_ridge", &q.ridge));
  WeftUserCheck(q.contrast_floor > 0, s->comm, "%s: contrast_floor is not positive: damaged", s->path);
  q.mean = mean;
  q.whitening = whitening;
  PetscCall(WeftPrepSetParameters(*prep, &q));
  PetscCall(PetscFree2(mean, whitening));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNetworkFileRead(MPI_Comm comm, const char option[], const char path[], WeftPrecision precision,
                                   WeftNetwork *net, WeftPrep *prep)
{
  Source s = {comm, H5I_INVALID_HID, path};

  PetscFunctionBegin;
  *net = (WeftNetwork){.precision = precision};
  PetscCall(WeftRunFileVerify(comm, option, path));
  PetscCall(WeftH5OpenRead(comm, option, path, &s.file));
  PetscCall(RefuseReadout(&s));
  PetscCall(ReadNetwork(&s, net));
  PetscCall(CheckWeights(&s, net));
  PetscCall(WeftNetworkCreate(net));
  PetscCall(ReadWeights(&s, net));
  PetscCall(ReadInput(&s, net->inputs, prep));
  WeftH5Close(s.file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ReadHistory(const Source *s, WeftNetworkRecord *r)
{
  const size_t columns = (size_t)r->columns;
  double      *column;
  char         path[96];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(r->room + 1, &column));
  for (size_t f = 0; f < columns; ++f) {
    PetscInt64 length = f ? (PetscInt64)r->entries : -1;
    snprintf(path, sizeof(path), "/history/%s", r->column_name[f]);
    PetscCall(WeftH5Expect(s->comm, s->file, path, 1, &length));
    WeftUserCheck((size_t)length <= r->room, s->comm, "%s: %s has %lld epochs, more than %zu: damaged", s->path, path,
                  (long long)length, r->room);
    r->entries = (size_t)length;
    PetscCall(WeftH5ReadRows(s->comm, s->file, path, 0, length, H5T_NATIVE_DOUBLE, column));
    for (size_t i = 0; i < r->entries; ++i) r->history[i * columns + f] = column[i];
  }
  PetscCall(PetscFree(column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNetworkFileResume(MPI_Comm comm, const char path[], WeftNetworkRecord *r, WeftNetwork *net)
{
  Source s = {comm, H5I_INVALID_HID, path};
  char   name[96];

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(comm, "-o", path, &s.file));
  PetscCall(ReadWeights(&s, net));
  PetscCall(ReadHistory(&s, r));
  for (int i = 0; i < r->nscalars; ++i) {
    PetscInt64 one = 1;
    snprintf(name, sizeof(name), "/state/%s", r->scalar_name[i]);
    PetscCall(WeftH5Expect(comm, s.file, name, 1, &one));
    PetscCall(WeftH5ReadRows(comm, s.file, name, 0, 1, H5T_NATIVE_DOUBLE, r->scalar[i]));
  }
  for (int i = 0; i < r->nstate; ++i) {
    snprintf(name, sizeof(name), "/state/%s", r->state_name[i]);
    PetscCall(ReadPiece(&s, name, r->state[i]->cols, 0, 0, r->state[i]));
  }
  WeftH5Close(s.file);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNetworkFileCheckLabels(MPI_Comm comm, const char path[], const char data_path[],
                                          const WeftNetworkRecord *r)
{
  hid_t      file;
  PetscInt64 labels = 0, test = 0;
  PetscBool  has_labels, has_test;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(comm, "-o", path, &file));
  PetscCall(WeftH5GetInts(file, "/", "labels_checksum", 1, &labels, &has_labels));
  PetscCall(WeftH5GetInts(file, "/", "test_checksum", 1, &test, &has_test));
  WeftH5Close(file);
  WeftUserCheck(has_labels == has_test, comm, "%s: lacks the attribute %s: damaged", path,
                has_labels ? "test_checksum" : "labels_checksum");
  if (!has_labels) {
    PetscCall(
      PetscFPrintf(comm, stderr,
                   "weft: note: %s: written before files told of their labels and test samples: that %s has the "
                   "same is taken on trust\n",
                   path, data_path));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  WeftUserCheck(labels == r->labels_checksum, comm,
                "-data %s: other labels than those that %s was begun with; resume with those", data_path, path);
  WeftUserCheck(test == r->test_checksum, comm,
                "-data %s: other test samples than those that %s was begun with; resume with those", data_path, path);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftNetworkFileCheckStructure(MPI_Comm comm, const char path[], const char structure[])
{
  hid_t       file;
  char        begun[PETSC_MAX_PATH_LEN + 32];
  const char *then, *now = strrchr(structure, ' ');
  PetscBool   found;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(comm, "-o", path, &file));
  PetscCall(WeftH5GetText(file, "/", "structure", sizeof(begun), begun, &found));
  WeftH5Close(file);
  WeftUserCheck(found, comm, "%s: lacks the attribute structure: damaged", path);
  then = strrchr(begun, ' ');
  WeftUserCheck(then && now && !strcmp(then, now), comm,
                "-structure: another structure than %s was begun with (%s); resume with that one", path, begun);
  PetscFunctionReturn(PETSC_SUCCESS);
}
