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
                                            "-options_file_yaml",
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
                                            "-history",
                                            "-petscrc",
                                            "-options_string",
                                            "-prefix_push",
                                            "-prefix_pop",
                                            "-saws_options",
                                            "-cuda_view",
                                            "-device_enable",
                                            "-default_device_type",
                                            "-dynamic_library",
                                            "-logfile",
                                            "-python",
                                            "-splitreduction_async",
                                            NULL};

static const char *options_prefix = NULL;

void WeftOptionsPrefix(const char prefix[])
{
  options_prefix = prefix;
}

static const WeftOption *Find(const WeftOption table[], const char name[])
{
  for (; table->name; ++table)
    if (!strcmp(table->name, name)) return table;
  return NULL;
}

static PetscBool Known(const WeftVerb *verb, const char name[])
{
  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t)
    if (Find(verb->tables[t], name)) return PETSC_TRUE;
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
  const char *names[256];
  int         n = 0;

  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t)
    for (const WeftOption *o = verb->tables[t]; o->name && n < 192; ++o) names[n++] = o->name;
  for (int i = 0; petsc_options[i] && n < 255; ++i) names[n++] = petsc_options[i];
  names[n] = NULL;
  return WeftNearest(name, names);
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

void WeftOptionsHelp(const WeftVerb *verb)
{
  char head[128];

  printf("weft %s: %s\n\n%s\n", verb->name, verb->summary, verb->synopsis);
  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t) {
    for (const WeftOption *o = verb->tables[t]; o->name; ++o) {
      snprintf(head, sizeof(head), "%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
      printf("  %-38s %s%s%s%s\n", head, o->help, o->fallback ? " [" : "", o->fallback ? o->fallback : "",
             o->fallback ? "]" : "");
    }
  }
  printf(
    "\nOptions take one dash or two, and may stand in a YAML file (-options_file F). PETSc's -log_view, -info and\n"
    "their like work too. Exit status: 0 done, 2 a mistake to mend, 75 stopped after a checkpoint.\n");
}

/* YAML's reserved characters do not occur in numbers and plain paths; anything else is quoted. */
static PetscBool NeedsQuotes(const char value[])
{
  return !value[0] || strpbrk(value, ":#{}[],&*!|>'\"%@` \t") ? PETSC_TRUE : PETSC_FALSE;
}

PetscErrorCode WeftOptionsYAML(const WeftVerb *verb, char **text)
{
  char      value[PETSC_MAX_PATH_LEN];
  PetscBool given;
  size_t    used = 0, size = 65536;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(size, text));
  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t) {
    for (const WeftOption *o = verb->tables[t]; o->name; ++o) {
      PetscCall(WeftOptionsGetText(verb->tables[t], o->name, sizeof(value), value, &given));
      if (!given && !o->fallback) continue;
      if (given && !value[0]) snprintf(value, sizeof(value), "true");
      const char *quote = NeedsQuotes(value) ? "\"" : "";
      used += (size_t)snprintf(*text + used, size - used, "%s: %s%s%s\n", o->name + 1, quote, value, quote);
      PetscCheck(used < size, PETSC_COMM_SELF, PETSC_ERR_PLIB, "options longer than %zu bytes", size);
    }
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftOptionsGetText(const WeftOption table[], const char name[], size_t size, char text[],
                                  PetscBool *given)
{
  const WeftOption *option = Find(table, name);
  PetscBool         set;

  PetscFunctionBegin;
  PetscCheck(option, PETSC_COMM_SELF, PETSC_ERR_PLIB, "option %s is not in its table", name);
  text[0] = 0;
  PetscCall(PetscOptionsGetString(NULL, options_prefix, name, text, size, &set));
  if (!set && options_prefix) PetscCall(PetscOptionsGetString(NULL, NULL, name, text, size, &set));
  if (!set && option->fallback) snprintf(text, size, "%s", option->fallback);
  if (given) *given = set;
  PetscFunctionReturn(PETSC_SUCCESS);
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
                "%s %s: a whole number from %lld to %lld is wanted", name, text, (long long)low, (long long)high);
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
                "%s %s: a number from %s is wanted", name, text, range);
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
  WeftUserError(PETSC_COMM_WORLD, "%s %s: nothing, true or false is wanted", name, text);
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
  WeftUserError(PETSC_COMM_WORLD, "%s %s: one of %s is wanted", name, text, choices);
}
