/* Parses the verb, calls it, reports. */
#include "cmd/cmd.h"
#include <weft/help.h>
#include <stdlib.h>
#include <string.h>

static const WeftVerb *const verbs[] = {&WeftVerbImport, &WeftVerbSynth, &WeftVerbLearn, &WeftVerbEncode,
                                        &WeftVerbTrain,  &WeftVerbInfo,  &WeftVerbBench, NULL};

static int exit_status = WEFT_EXIT_DONE;

void WeftExitStatus(int status)
{
  exit_status = status;
}

/* The launchers tell each process its rank in the environment: help and version print once, before MPI starts. */
static int IsFirstRank(void)
{
  const char *names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"};

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
    const char *rank = getenv(names[i]);
    if (rank) return !atoi(rank);
  }
  return 1;
}

static int UserError(const char text[], const char word[])
{
  if (IsFirstRank()) fprintf(stderr, "weft: error: %s %s (weft -help lists the verbs)\n", text, word);
  return WEFT_EXIT_USER;
}

static const WeftVerb *FindVerb(const char name[])
{
  for (int i = 0; verbs[i]; ++i)
    if (!strcmp(verbs[i]->name, name)) return verbs[i];
  return NULL;
}

/* "--option" becomes "-option" in place. */
static void OneDash(int argc, char **argv)
{
  for (int i = 1; i < argc; ++i)
    if (!strncmp(argv[i], "--", 2) && argv[i][2]) ++argv[i];
}

static int HasOption(int argc, char **argv, const char name[])
{
  for (int i = 1; i < argc; ++i)
    if (!strcmp(argv[i], name)) return 1;
  return 0;
}

/* Of one verb, or where it is NULL of all. */
static int Help(int argc, char **argv, const WeftVerb *verb)
{
  WeftHelpForm form = WEFT_HELP_TEXT;

  if (HasOption(argc, argv, "-json")) form = WEFT_HELP_JSON;
  if (HasOption(argc, argv, "-man")) form = WEFT_HELP_MAN;
  if (IsFirstRank() && (WeftHelp(form, verbs, verb) || fflush(stdout))) return WEFT_EXIT_FAULT;
  return WEFT_EXIT_DONE;
}

/* Takes entries [at, at + n) out of argv. */
static void Remove(int *argc, char **argv, int at, int n)
{
  memmove(&argv[at], &argv[at + n], (size_t)(*argc - at - n + 1) * sizeof(argv[0]));
  *argc -= n;
}

/* PETSc would end the run with a trace on a bad options file: it is taken out here and read by WeftInitialize(). */
static const char *TakeOptionsFile(int *argc, char **argv)
{
  const char *file = NULL;

  for (int i = 1; i + 1 < *argc; ++i) {
    if (strcmp(argv[i], "-options_file")) continue;
    file = argv[i + 1];
    Remove(argc, argv, i, 2);
    --i;
  }
  return file;
}

static PetscErrorCode Run(int *argc, char ***argv, const char options_file[], const WeftVerb *verb, const char word[])
{
  PetscErrorCode ierr = WeftInitialize(argc, argv, options_file);

  if (ierr) return ierr;
  PetscFunctionBegin;
  for (int i = 1; i < *argc; ++i)
    WeftUserCheck((*argv)[i][0] == '-' || (*argv)[i - 1][0] == '-', PETSC_COMM_WORLD,
                  "%s: what is this word? Options start with a dash (weft %s -help)", (*argv)[i], verb->name);
  PetscCall(WeftOptionsCheck(verb));
  PetscCall(verb->run(word));
  PetscCall(WeftFinalize());
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const WeftVerb *verb;
  const char     *word = NULL, *options_file, *refused, *version, *git;
  PetscErrorCode  ierr;

  WeftBlasChooseKernel(argv);
  OneDash(argc, argv);
  if (argc < 2) {
    if (IsFirstRank()) WeftHelpUsage(stderr, verbs);
    return WEFT_EXIT_USER;
  }
  if (!strcmp(argv[1], "-help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) return Help(argc, argv, NULL);
  if (!strcmp(argv[1], "-version")) {
    WeftVersion(&version, &git);
    if (IsFirstRank()) printf("weft %s (%s)\n", version, git);
    return WEFT_EXIT_DONE;
  }
  verb = FindVerb(argv[1]);
  if (!verb) return UserError("unknown verb", argv[1]);
  if (HasOption(argc, argv, "-help") || HasOption(argc, argv, "-h")) return Help(argc, argv, verb);
  Remove(&argc, argv, 1, 1);
  if (verb->word) {
    if (argc < 2 || argv[1][0] == '-') return UserError("a word is needed after the verb:", verb->word);
    word = argv[1];
    Remove(&argc, argv, 1, 1);
  }
  if (!strcmp(argv[argc - 1], "-options_file")) return UserError("-options_file", "FILE: a file is needed");
  options_file = TakeOptionsFile(&argc, argv);
  refused = WeftOptionsRefused(argc, argv);
  if (refused) return UserError("not an option here, -options_file FILE reads a file of options:", refused);
  ierr = Run(&argc, &argv, options_file, verb, word);
  return ierr ? WeftAbort(ierr) : exit_status;
}
