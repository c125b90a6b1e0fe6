#include <weft/options.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* PETSc's own options that act on any program; the rest of PETSc's belong to objects that Weft does not expose. */
static const char *const petsc_options[] = {"-log_view",
                                            "-log_view_memory",
                                            "-log_trace",
                                            "-log_sync",
                                            "-log_exclude",
                                            "-log_all",
                                            "-log_mpe",
                                            "-info",
                                            "-malloc_view",
                                            "-malloc_dump",
                                            "-malloc_debug",
                                            "-malloc_test",
                                            "-malloc_coalesce",
                                            "-malloc_hbw",
                                            "-malloc",
                                            "-memory_view",
                                            "-options_view",
                                            "-options_left",
                                            "-options_monitor",
                                            "-on_error_abort",
                                            "-on_error_mpiabort",
                                            "-on_error_attach_debugger",
                                            "-error_output_stdout",
                                            "-error_output_none",
                                            "-start_in_debugger",
                                            "-debugger_nodes",
                                            "-debugger_pause",
                                            "-debugger_ranks",
                                            "-stop_for_debugger",
                                            "-fp_trap",
                                            "-no_signal_handler",
                                            "-skip_petscrc",
                                            "-objects_dump",
                                            "-checkstack",
                                            "-citations",
                                            "-get_total_flops",
                                            "-shared_tmp",
                                            "-not_shared_tmp",
                                            "-tmp",
                                            "-mpi_linear_solver_server",
                                            "-use_gpu_aware_mpi",
                                            "-nox",
                                            "-nox_warning",
                                            "-display",
                                            "-viewer_hdf5_collective",
                                            "-mat_view",
                                            "-vec_view",
                                            "-blas_view",
                                            "-petscrc",
                                            "-saws_options",
                                            "-cuda_view",
                                            "-device_enable",
                                            "-default_device_type",
                                            "-dynamic_library",
                                            "-splitreduction_async",
                                            NULL};

/* What PETSc does at once where it meets them, before it can be asked: read another file, rename the options that
   follow, run a program, open a file (and crash where that fails). It takes their names in any case. */
static const char *const refused_options[] = {"-options_file",
                                              "-options_file_yaml",
                                              "-options_string_yaml",
                                              "-prefix_push",
                                              "-prefix_pop",
                                              "-history",
                                              "-python",
                                              NULL};

const char *WeftOptionsRefused(int argc, char *argv[])
{
  for (int a = 1; a < argc; ++a)
    for (int i = 0; refused_options[i]; ++i)
      if (!strcasecmp(argv[a], refused_options[i])) return argv[a];
  return NULL;
}

const WeftOption WeftOptionsPerLayer[] = {{NULL, NULL, NULL, NULL}};

static const char *options_prefix = NULL;
static char        layer_prefix[24];

void WeftOptionsPrefix(const char prefix[])
{
  options_prefix = prefix;
}

static void LayerPrefix(int layer, char prefix[], size_t size)
{
  snprintf(prefix, size, "layer%d_", layer);
}

void WeftOptionsLayer(int layer)
{
  layer_prefix[0] = 0;
  if (layer >= 0) LayerPrefix(layer, layer_prefix, sizeof(layer_prefix));
}

PetscErrorCode WeftOptionsOfLayer(int layer, PetscBool *any)
{
  char prefix[24], *all, *at;

  PetscFunctionBegin;
  LayerPrefix(layer, prefix, sizeof(prefix));
  PetscCall(PetscOptionsGetAll(NULL, &all));
  for (at = strstr(all, prefix); at && (at == all || at[-1] != '-'); at = strstr(at + 1, prefix)) continue;
  *any = at ? PETSC_TRUE : PETSC_FALSE;
  PetscCall(PetscFree(all));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const WeftOption *Find(const WeftOption table[], const char name[])
{
  for (; table->name; ++table)
    if (!strcmp(table->name, name)) return table;
  return NULL;
}

/* "-layer1_weft_atoms" is "-weft_atoms" of a layer; NULL: the name is of no layer that there may be. */
static const char *NameInLayer(const char name[])
{
  static char rest[256];
  int         layer, length = 0;

  if (sscanf(name, "-layer%d_%n", &layer, &length) < 1 || !length || layer < 0 || layer >= WEFT_MAX_LAYERS) return NULL;
  snprintf(rest, sizeof(rest), "-%.250s", name + length);
  return rest;
}

static PetscBool Known(const WeftVerb *verb, const char name[])
{
  const char *of_layer = NameInLayer(name);
  PetscBool   per_layer = PETSC_FALSE;

  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t) {
    if (Find(verb->tables[t], name)) return PETSC_TRUE;
    if (verb->tables[t] == WeftOptionsPerLayer) per_layer = PETSC_TRUE;
    if (of_layer && per_layer && Find(verb->tables[t], of_layer)) return PETSC_TRUE;
  }
  for (int i = 0; petsc_options[i]; ++i)
    if (!strcmp(petsc_options[i], name)) return PETSC_TRUE;
  return PETSC_FALSE;
}

static size_t EditDistance(const char a[], const char b[])
{
  size_t row[128], m = strlen(a), n = PetscMin(strlen(b), sizeof(row) / sizeof(row[0]) - 1);

  for (size_t j = 0; j <= n; ++j) row[j] = j;
  for (size_t i = 1; i <= m; ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= n; ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = PetscMin(change, 1 + PetscMin(row[j], row[j - 1]));
    }
  }
  return row[n];
}

const char *WeftNearest(const char word[], const char *const names[])
{
  const char *best = NULL;
  size_t      nearest = 2 + strlen(word) / 3;

  for (; *names; ++names) {
    const size_t distance = EditDistance(word, *names);
    if (distance < nearest) {
      nearest = distance;
      best = *names;
    }
  }
  return best;
}

static const char *Suggest(const WeftVerb *verb, const char name[])
{
  const char *names[256], *of_layer = NameInLayer(name);
  int         n = 0;

  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t)
    for (const WeftOption *o = verb->tables[t]; o->name && n < 192; ++o) names[n++] = o->name;
  for (int i = 0; petsc_options[i] && n < 255; ++i) names[n++] = petsc_options[i];
  names[n] = NULL;
  return WeftNearest(of_layer ? of_layer : name, names);
}

/* What PETSc has not asked for by now is ours, a mistake, or one of PETSc's that are read at the end. */
PetscErrorCode WeftOptionsCheck(const WeftVerb *verb)
{
  char      **names, **values, name[256] = "";
  const char *nearest;
  PetscInt    n;

  PetscFunctionBegin;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n && !name[0]; ++i) {
    snprintf(name, sizeof(name), "-%s", names[i]);
    if (Known(verb, name)) name[0] = 0;
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  if (!name[0]) PetscFunctionReturn(PETSC_SUCCESS);
  nearest = Suggest(verb, name);
  WeftUserCheck(!nearest, PETSC_COMM_WORLD, "%s: unknown option; did you mean %s? (weft %s -help lists all)", name,
                nearest, verb->name);
  WeftUserError(PETSC_COMM_WORLD, "%s: unknown option (weft %s -help lists all)", name, verb->name);
}

/* YAML's reserved characters do not occur in numbers and plain paths; anything else is quoted. */
static PetscBool NeedsQuotes(const char value[])
{
  return !value[0] || strpbrk(value, ":#{}[],&*!|>'\"%@` \t") ? PETSC_TRUE : PETSC_FALSE;
}

/* Appends a line "name: value" to the text, whose size is limited. */
static PetscErrorCode AppendLine(const char prefix[], const char name[], const char value[], size_t size, char text[])
{
  const char  *quote = NeedsQuotes(value) ? "\"" : "";
  const size_t used = strlen(text);

  PetscFunctionBegin;
  snprintf(text + used, size - used, "%s%s: %s%s%s\n", prefix, name + 1, quote, value, quote);
  PetscCheck(strlen(text) + 1 < size, PETSC_COMM_SELF, PETSC_ERR_PLIB, "options longer than %zu bytes", size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The options of a table that were given for the layer alone. */
static PetscErrorCode AppendLayer(const WeftOption table[], int layer, size_t size, char text[])
{
  char      prefix[24], value[PETSC_MAX_PATH_LEN];
  PetscBool given;

  PetscFunctionBegin;
  LayerPrefix(layer, prefix, sizeof(prefix));
  for (const WeftOption *o = table; o->name; ++o) {
    PetscCall(PetscOptionsGetString(NULL, prefix, o->name, value, sizeof(value), &given));
    if (given) PetscCall(AppendLine(prefix, o->name, value[0] ? value : "true", size, text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOptionsYAML(const WeftVerb *verb, char **text)
{
  const size_t size = 65536;
  char         value[PETSC_MAX_PATH_LEN];
  PetscBool    given, per_layer = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(size, text));
  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t) {
    for (const WeftOption *o = verb->tables[t]; o->name; ++o) {
      PetscCall(WeftOptionsGetText(verb->tables[t], o->name, sizeof(value), value, &given));
      if (!given && !o->fallback) continue;
      PetscCall(AppendLine("", o->name, given && !value[0] ? "true" : value, size, *text));
    }
    if (verb->tables[t] == WeftOptionsPerLayer) per_layer = PETSC_TRUE;
    for (int layer = 0; per_layer && layer < WEFT_MAX_LAYERS; ++layer)
      PetscCall(AppendLayer(verb->tables[t], layer, size, *text));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOptionsGetText(const WeftOption table[], const char name[], size_t size, char text[],
                                  PetscBool *given)
{
  const WeftOption *option = Find(table, name);
  PetscBool         set = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCheck(option, PETSC_COMM_SELF, PETSC_ERR_PLIB, "option %s is not in its table", name);
  text[0] = 0;
  if (layer_prefix[0]) PetscCall(PetscOptionsGetString(NULL, layer_prefix, name, text, size, &set));
  if (!set && options_prefix) PetscCall(PetscOptionsGetString(NULL, options_prefix, name, text, size, &set));
  if (!set) PetscCall(PetscOptionsGetString(NULL, NULL, name, text, size, &set));
  if (!set && option->fallback) snprintf(text, size, "%s", option->fallback);
  if (given) *given = set;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The name that gave an option's value: that of the layer asked for, where the layer has its own. */
static const char *GivenAs(const char name[])
{
  static char own[128];
  PetscBool   has = PETSC_FALSE;

  snprintf(own, sizeof(own), "-%s%s", layer_prefix, name + 1);
  if (layer_prefix[0]) (void)!PetscOptionsHasName(NULL, NULL, own, &has);
  return has ? own : name;
}

PetscErrorCode WeftOptionsGetNeeded(const WeftOption table[], const char name[], size_t size, char text[])
{
  PetscBool given;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetText(table, name, size, text, &given));
  WeftUserCheck(text[0], PETSC_COMM_WORLD, "%s %s is needed: %s", name, Find(table, name)->argument,
                Find(table, name)->help);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOptionsGetInt(const WeftOption table[], const char name[], PetscInt64 low, PetscInt64 high,
                                 PetscInt64 *value)
{
  char text[64], *end;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetText(table, name, sizeof(text), text, NULL));
  errno = 0;
  *value = strtoll(text, &end, 10);
  WeftUserCheck(text[0] && !*end && !errno && *value >= low && *value <= high, PETSC_COMM_WORLD,
                "%s %s: a whole number from %lld to %lld is wanted", GivenAs(name), text, (long long)low,
                (long long)high);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOptionsGetReal(const WeftOption table[], const char name[], double low, double high, double *value)
{
  char text[64], range[64], *end;

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetText(table, name, sizeof(text), text, NULL));
  *value = strtod(text, &end);
  snprintf(range, sizeof(range), "%g to %g", low, high); /* PETSc's own %g ends whole numbers with a point */
  WeftUserCheck(text[0] && !*end && *value >= low && *value <= high, PETSC_COMM_WORLD,
                "%s %s: a number from %s is wanted", GivenAs(name), text, range);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOptionsGetFlag(const WeftOption table[], const char name[], PetscBool *value)
{
  static const char *const yes[] = {"", "true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
  char      text[16];
  PetscBool given;

  PetscFunctionBegin;
  *value = PETSC_FALSE;
  PetscCall(WeftOptionsGetText(table, name, sizeof(text), text, &given));
  if (!given) PetscFunctionReturn(PETSC_SUCCESS);
  *value = PETSC_TRUE;
  for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); ++i)
    if (!strcasecmp(text, yes[i])) PetscFunctionReturn(PETSC_SUCCESS);
  *value = PETSC_FALSE;
  for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); ++i)
    if (!strcasecmp(text, no[i])) PetscFunctionReturn(PETSC_SUCCESS);
  WeftUserError(PETSC_COMM_WORLD, "%s %s: nothing, true or false is wanted", GivenAs(name), text);
}

PetscErrorCode WeftOptionsGetChoice(const WeftOption table[], const char name[], const char choices[], int *index)
{
  char text[64], copy[256];

  PetscFunctionBegin;
  PetscCall(WeftOptionsGetText(table, name, sizeof(text), text, NULL));
  snprintf(copy, sizeof(copy), "%s", choices);
  *index = 0;
  for (char *save, *word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save), ++*index)
    if (!strcmp(word, text)) PetscFunctionReturn(PETSC_SUCCESS);
  WeftUserError(PETSC_COMM_WORLD, "%s %s: one of %s is wanted", GivenAs(name), text, choices);
}
