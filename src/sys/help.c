/* Help as text and as JSON; manpage.c has it as a page of the manual. */
#include <weft/help.h>
#include <weft/json.h>

const WeftOption WeftOptionsEverywhere[] = {
  {"-help", NULL, NULL, "print the verb's options; -help -json: as one JSON object"},
  {"-options_file", "F.yaml", NULL, "read options from lines \"option: value\" first; the command line wins"},
  {"-log_view", NULL, NULL, "PETSc's: print how long the steps of the method took"},
  {"-info", NULL, NULL, "PETSc's: print what its objects do"},
  {NULL, NULL, NULL, NULL}};

void WeftHelpUsage(FILE *to, const WeftVerb *const verbs[])
{
  fprintf(to, "weft: learns the structure of neural networks from data, without labels\n\n");
  for (int i = 0; verbs[i]; ++i) fprintf(to, "  weft %-8s %s\n", verbs[i]->name, verbs[i]->summary);
  fprintf(to, "\nweft VERB -help lists a verb's options; weft -version. Runs alone or under mpirun or srun, e.g.\n"
              "  weft synth -o data.h5\n  mpirun -n 2 weft learn -data data.h5 -o run.h5\n");
}

/* ---- text ---- */

static void TableText(const WeftOption table[])
{
  char head[128];

  for (const WeftOption *o = table; o->name; ++o) {
    snprintf(head, sizeof(head), "%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    printf("  %-38s %s%s%s%s\n", head, o->help, o->fallback ? " [" : "", o->fallback ? o->fallback : "",
           o->fallback ? "]" : "");
  }
}

static void VerbText(const WeftVerb *verb)
{
  printf("weft %s: %s\n\n%s\n", verb->name, verb->summary, verb->synopsis);
  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t) TableText(verb->tables[t]);
  printf("\nEvery verb takes\n");
  TableText(WeftOptionsEverywhere);
  printf("\nOptions take one dash or two. Exit status: 0 done, 2 a mistake to mend, 75 stopped after a checkpoint.\n");
}

/* ---- JSON ---- */

static PetscErrorCode TableJson(WeftJson *json, const WeftOption table[], PetscBool per_layer)
{
  PetscFunctionBegin;
  for (const WeftOption *o = table; o->name; ++o) {
    PetscCall(WeftJsonObject(json, NULL));
    PetscCall(WeftJsonText(json, "name", o->name));
    PetscCall(WeftJsonText(json, "argument", o->argument));
    PetscCall(WeftJsonText(json, "default", o->fallback));
    PetscCall(WeftJsonText(json, "help", o->help));
    PetscCall(WeftJsonFlag(json, "per_layer", per_layer));
    PetscCall(WeftJsonEnd(json));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Into the object that is open. */
static PetscErrorCode VerbJson(WeftJson *json, const WeftVerb *verb)
{
  PetscBool per_layer = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(WeftJsonText(json, "name", verb->name));
  PetscCall(WeftJsonText(json, "word", verb->word));
  PetscCall(WeftJsonText(json, "summary", verb->summary));
  PetscCall(WeftJsonText(json, "synopsis", verb->synopsis));
  PetscCall(WeftJsonArray(json, "options"));
  for (int t = 0; t < WEFT_MAX_TABLES && verb->tables[t]; ++t) {
    PetscCall(TableJson(json, verb->tables[t], per_layer));
    if (verb->tables[t] == WeftOptionsPerLayer) per_layer = PETSC_TRUE;
  }
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode VerbsJson(WeftJson *json, const WeftVerb *const verbs[])
{
  const char *version, *git;

  PetscFunctionBegin;
  WeftVersion(&version, &git);
  PetscCall(WeftJsonText(json, "version", version));
  PetscCall(WeftJsonText(json, "git", git));
  PetscCall(WeftJsonArray(json, "verbs"));
  for (int i = 0; verbs[i]; ++i) {
    PetscCall(WeftJsonObject(json, NULL));
    PetscCall(VerbJson(json, verbs[i]));
    PetscCall(WeftJsonEnd(json));
  }
  PetscCall(WeftJsonEnd(json));
  PetscCall(WeftJsonArray(json, "everywhere"));
  PetscCall(TableJson(json, WeftOptionsEverywhere, PETSC_FALSE));
  PetscCall(WeftJsonEnd(json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode HelpJson(const WeftVerb *const verbs[], const WeftVerb *verb)
{
  WeftJson json;

  PetscFunctionBegin;
  PetscCall(WeftJsonCreate(&json));
  if (verb)
    PetscCall(VerbJson(&json, verb));
  else
    PetscCall(VerbsJson(&json, verbs));
  while (json.depth) PetscCall(WeftJsonEnd(&json));
  puts(json.text);
  PetscCall(WeftJsonDestroy(&json));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftHelp(WeftHelpForm form, const WeftVerb *const verbs[], const WeftVerb *verb)
{
  PetscFunctionBegin;
  if (form == WEFT_HELP_JSON)
    PetscCall(HelpJson(verbs, verb));
  else if (form == WEFT_HELP_MAN)
    WeftHelpMan(verbs);
  else if (verb)
    VerbText(verb);
  else
    WeftHelpUsage(stdout, verbs);
  PetscFunctionReturn(PETSC_SUCCESS);
}
