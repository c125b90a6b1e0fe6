#include "ioimpl.h"
#include <weft/networkfile.h>

static hid_t FileReal(WeftPrecision precision)
{
  return precision == WEFT_SINGLE ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
}

static hid_t MemoryReal(WeftPrecision precision)
{
  return precision == WEFT_SINGLE ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
}

/* `rows` numbers of a flat block from an offset on. */
static PetscErrorCode WritePiece(MPI_Comm comm, hid_t file, const char path[], const WeftBlock *flat, size_t first,
                                 size_t rows, size_t cols, WeftH5Note note)
{
  const char *from = (const char *)flat->values.v + first * WeftPrecisionBytes(flat->precision);

  PetscFunctionBegin;
  PetscCall(WeftH5WriteSmall(comm, file, path, FileReal(flat->precision), MemoryReal(flat->precision), (PetscInt64)rows,
                             (PetscInt64)cols, from, note));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a part is, by the last word of its name. */
static WeftH5Note PartNote(const WeftNetworkPart *part)
{
  static const struct {
    const char *word, *text, *labels;
  } kinds[] = {{"weights", "weights", "row,column"},
               {"bias", "added to the logits", "class"},
               {"scale", "norm(z) = scale (z - mean) / sqrt(variance + norm_epsilon) + shift", "channel"},
               {"shift", "see scale", "channel"},
               {"mean", "running mean, see scale", "channel"},
               {"variance", "running variance, see scale", "channel"}};
  const char *word = strrchr(part->name, '/') + 1;

  if (!strcmp(word, "weights") && !strncmp(part->name, "layers", 6))
    return (WeftH5Note){"weights of the connections, p to a row: h[g, a] = sum over c of weights[row[c], a] "
                        "u[input[c]]",
                        "1", "row,atom of group"};
  for (size_t i = 1; i < sizeof(kinds) / sizeof(kinds[0]); ++i)
    if (!strcmp(word, kinds[i].word)) return (WeftH5Note){kinds[i].text, "1", kinds[i].labels};
  return (WeftH5Note){"weights of a dense layer", "1", "output,input"};
}

static PetscErrorCode WriteWeights(MPI_Comm comm, hid_t file, const WeftNetwork *net)
{
  char path[96];

  PetscFunctionBegin;
  for (int i = 0; i < net->nparts; ++i) {
    const WeftNetworkPart *part = &net->part[i];
    snprintf(path, sizeof(path), "/weights/%s", part->name);
    PetscCall(WritePiece(comm, file, path, part->statistic ? &net->statistics : &net->parameters, part->first,
                         part->rows, part->cols, PartNote(part)));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Index arrays: as they are, or what they stand for where there is none. */
static PetscErrorCode WriteIndices(MPI_Comm comm, hid_t file, const char group[], const char name[], size_t count,
                                   const int values[], const size_t longs[], const char description[],
                                   const char labels[])
{
  char        path[96];
  PetscInt64 *copy;

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(count, &copy));
  for (size_t i = 0; i < count; ++i) copy[i] = values ? values[i] : longs ? (PetscInt64)longs[i] : (PetscInt64)i;
  snprintf(path, sizeof(path), "%s/%s", group, name);
  PetscCall(WeftH5WriteSmall(comm, file, path, longs ? H5T_STD_I64LE : H5T_STD_I32LE, H5T_NATIVE_INT64,
                             (PetscInt64)count, 0, copy, (WeftH5Note){description, "1", labels}));
  PetscCall(PetscFree(copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WritePools(MPI_Comm comm, hid_t file, const char group[], const WeftNetworkLayer *l)
{
  const size_t members = l->pool_start ? l->pool_start[l->pools] : l->groups;
  size_t      *ones = NULL;

  PetscFunctionBegin;
  if (!l->pool_start) {
    PetscCall(PetscMalloc1(l->pools + 1, &ones));
    for (size_t q = 0; q <= l->pools; ++q) ones[q] = q;
  }
  PetscCall(WriteIndices(comm, file, group, "pool_start", l->pools + 1, NULL, ones ? ones : l->pool_start,
                         "pool q has the groups pool_group[pool_start[q]] .. pool_group[pool_start[q + 1] - 1]",
                         "pool"));
  PetscCall(WriteIndices(comm, file, group, "pool_group", members, l->pool_group, NULL, "see pool_start", "member"));
  PetscCall(PetscFree(ones));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteLayer(MPI_Comm comm, hid_t file, int i, const WeftNetworkLayer *l)
{
  const size_t count = WeftNetworkConnections(l), p = l->group_size;
  char         group[48];

  PetscFunctionBegin;
  snprintf(group, sizeof(group), "/network/layers/%d", i);
  PetscCall(WriteIndices(comm, file, group, "start", l->groups + 1, NULL, l->start,
                         "group g has the connections start[g] .. start[g + 1] - 1", "group"));
  PetscCall(WriteIndices(comm, file, group, "input", count, l->input, NULL, "which input a connection leads from",
                         "connection"));
  PetscCall(
    WriteIndices(comm, file, group, "row", count, l->row, NULL, "which row of the weights it has", "connection"));
  PetscCall(WritePools(comm, file, group, l));
  PetscCall(WriteIndices(comm, file, group, "pooled_channel", l->pools, l->pooled_channel, NULL,
                         "which channel normalises a pooled unit", "pool"));
  if (l->read_single)
    PetscCall(WriteIndices(comm, file, group, "single_channel", l->groups * p, l->single_channel, NULL,
                           "which channel normalises a single unit g p + a", "unit"));
  const struct {
    const char *name;
    PetscInt64  value;
  } ints[] = {{"inputs", (PetscInt64)l->inputs},
              {"groups", (PetscInt64)l->groups},
              {"group_size", (PetscInt64)p},
              {"pools", (PetscInt64)l->pools},
              {"rows", (PetscInt64)l->rows},
              {"pooled_channels", (PetscInt64)l->pooled.channels},
              {"single_channels", (PetscInt64)l->single.channels},
              {"read_pooled", l->read_pooled},
              {"read_single", l->read_single}};
  for (size_t k = 0; k < sizeof(ints) / sizeof(ints[0]); ++k)
    PetscCall(WeftH5SetInt(file, group, ints[k].name, ints[k].value));
  PetscCall(WeftH5SetReal(file, group, "threshold", l->threshold));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteInput(MPI_Comm comm, hid_t file, const WeftNetwork *net, WeftPrep prep)
{
  WeftPrepParameters q;
  WeftBlock          w;

  PetscFunctionBegin;
  PetscCall(WeftPrepGetParameters(prep, &q));
  PetscCall(WeftH5WriteSmall(comm, file, "/network/mean", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, q.d, 0, q.mean,
                             (WeftH5Note){"mean of the contrast-normalised samples", "1", "input"}));
  PetscCall(WeftBlockCreate((size_t)q.rows, (size_t)q.d, net->precision, &w));
  for (size_t j = 0; j < w.rows; ++j) WeftBlockSetRow(&w, j, q.whitening + j * w.cols);
  PetscCall(WeftH5CreateRows(file, "/network/whitening", FileReal(net->precision), q.d, q.d,
                             (WeftH5Note){"the network's input is (cn(x) - mean) . whitening, or cn(x) - mean where "
                                          "the attribute whitened of /network is 0; cn(x) = (x - mean of x) / "
                                          "max(standard deviation of x, contrast_floor)",
                                          "1", "input,whitened input"}));
  PetscCall(WeftH5WriteRows(comm, file, "/network/whitening", q.row0, q.rows, MemoryReal(net->precision), w.values.v));
  PetscCall(WeftBlockDestroy(&w));
  PetscCall(WeftH5SetReal(file, "/network", "contrast_floor", q.contrast_floor));
  PetscCall(WeftH5SetReal(file, "/network", "whitening_ridge", q.ridge));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteNetwork(MPI_Comm comm, hid_t file, const WeftNetwork *net)
{
  PetscInt64 hidden[WEFT_NETWORK_MAX_HIDDEN];

  PetscFunctionBegin;
  for (int i = 0; i < net->nlayers; ++i) PetscCall(WriteLayer(comm, file, i, &net->layer[i]));
  for (int i = 0; i < net->nhidden; ++i) hidden[i] = (PetscInt64)net->hidden[i].out;
  PetscCall(WeftH5WriteSmall(comm, file, "/network/hidden", H5T_STD_I64LE, H5T_NATIVE_INT64, net->nhidden, 0, hidden,
                             (WeftH5Note){"units of the dense hidden layers", "1", "hidden layer"}));
  PetscCall(WeftH5SetInt(file, "/network", "inputs", (PetscInt64)net->inputs));
  PetscCall(WeftH5SetInt(file, "/network", "classes", (PetscInt64)net->classes));
  PetscCall(WeftH5SetInt(file, "/network", "layers", net->nlayers));
  PetscCall(WeftH5SetInt(file, "/network", "whitened", net->whitened ? 1 : 0));
  PetscCall(WeftH5SetInt(file, "/network", "parameters", (PetscInt64)net->parameters.cols));
  PetscCall(WeftH5SetReal(file, "/network", "pool_epsilon", net->pool_epsilon));
  PetscCall(WeftH5SetReal(file, "/network", "norm_epsilon", net->norm_epsilon));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteHistory(MPI_Comm comm, hid_t file, const WeftNetworkRecord *r)
{
  const size_t columns = (size_t)r->columns;
  double      *column;
  char         path[96];

  PetscFunctionBegin;
  PetscCall(PetscMalloc1(r->entries + 1, &column));
  for (size_t f = 0; f < columns; ++f) {
    const PetscBool time = !strcmp(r->column_name[f], "seconds") ? PETSC_TRUE : PETSC_FALSE;
    for (size_t i = 0; i < r->entries; ++i) column[i] = r->history[i * columns + f];
    snprintf(path, sizeof(path), "/history/%s", r->column_name[f]);
    PetscCall(WeftH5WriteSmall(comm, file, path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, (PetscInt64)r->entries, 0, column,
                               (WeftH5Note){r->column_note[f], time ? "s" : "1", "epoch"}));
  }
  PetscCall(PetscFree(column));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteState(MPI_Comm comm, hid_t file, const WeftNetworkRecord *r)
{
  double values[WEFT_NETWORK_MAX_SCALARS];
  char   path[96];

  PetscFunctionBegin;
  for (int i = 0; i < r->nscalars; ++i) {
    values[i] = *r->scalar[i];
    snprintf(path, sizeof(path), "/state/%s", r->scalar_name[i]);
    PetscCall(WeftH5WriteSmall(comm, file, path, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, 0, &values[i],
                               (WeftH5Note){"where training stands", "1", "one"}));
  }
  for (int i = 0; i < r->nstate; ++i) {
    snprintf(path, sizeof(path), "/state/%s", r->state_name[i]);
    PetscCall(WritePiece(comm, file, path, r->state[i], 0, r->state[i]->cols, 0,
                         (WeftH5Note){r->state_note[i], "1", "parameter"}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WriteFigures(MPI_Comm comm, hid_t file, const WeftNetworkRecord *r)
{
  char path[96];

  PetscFunctionBegin;
  for (int i = 0; i < r->nfigures; ++i) {
    snprintf(path, sizeof(path), "/readout/%s", r->figure_name[i]);
    PetscCall(WritePiece(comm, file, path, r->figure[i], 0, r->figure[i]->cols, 0,
                         (WeftH5Note){r->figure_note[i], "1", "penalty"}));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* How much a write takes, all ranks together. */
static PetscInt64 FileBytes(const WeftNetworkRecord *r, const WeftNetwork *net, PetscBool complete)
{
  const PetscInt64 real = (PetscInt64)WeftPrecisionBytes(net->precision), d = (PetscInt64)net->inputs;
  PetscInt64       bytes = real * (PetscInt64)(net->parameters.cols + net->statistics.cols) + (real * d + 8) * d;

  for (int i = 0; i < net->nlayers; ++i) {
    const WeftNetworkLayer *l = &net->layer[i];
    bytes += 8 * (PetscInt64)(WeftNetworkConnections(l) + 6 * l->groups * (1 + l->group_size));
  }
  for (int i = 0; i < r->nstate && !complete; ++i) bytes += real * (PetscInt64)r->state[i]->cols;
  return bytes + 8 * (PetscInt64)r->entries * r->columns + (1 << 17);
}

PetscErrorCode WeftNetworkFileWrite(MPI_Comm comm, const char path[], const WeftNetworkRecord *r,
                                    const WeftNetwork *net, WeftPrep prep, PetscBool complete)
{
  WeftOutput output;
  hid_t      file;

  PetscFunctionBegin;
  PetscCall(WeftEventBegin(WEFT_EVENT_CHECKPOINT));
  PetscCall(WeftOutputCreate(comm, path, FileBytes(r, net, complete), &output));
  file = WeftOutputFile(output);
  PetscCall(WriteWeights(comm, file, net));
  if (prep) PetscCall(WriteInput(comm, file, net, prep));
  PetscCall(WriteNetwork(comm, file, net));
  PetscCall(WriteHistory(comm, file, r));
  PetscCall(WriteFigures(comm, file, r));
  if (!complete) PetscCall(WriteState(comm, file, r));
  PetscCall(WeftFileStamp(comm, file, r->data, r->seed, complete));
  PetscCall(WeftH5SetInt(file, "/", "data_checksum", r->data_checksum));
  PetscCall(WeftH5SetInt(file, "/", "labels_checksum", r->labels_checksum));
  PetscCall(WeftH5SetInt(file, "/", "test_checksum", r->test_checksum));
  PetscCall(WeftH5SetInt(file, "/", "weights", (PetscInt64)net->parameters.cols));
  PetscCall(WeftH5SetText(file, "/", "rule", r->rule));
  PetscCall(WeftH5SetText(file, "/", "structure", r->structure));
  PetscCall(WeftH5SetReal(file, "/", "test_accuracy", r->test_accuracy));
  PetscCall(WeftH5WriteText(comm, file, "/options", r->options, (WeftH5Note){"options as run, YAML", NULL, NULL}));
  PetscCall(WeftOutputCommit(&output));
  PetscCall(WeftEventEnd(WEFT_EVENT_CHECKPOINT));
  PetscFunctionReturn(PETSC_SUCCESS);
}
