/* What the program says of its verbs and options, from the option tables alone. None of this needs MPI to be started:
   one process prints to stdout. */
#pragma once
#include <weft/options.h>

typedef enum {
  WEFT_HELP_TEXT,
  WEFT_HELP_JSON, /* one object; of all verbs {version, git, verbs, everywhere}, see the README */
  WEFT_HELP_MAN   /* the man page weft(1), of all verbs always */
} WeftHelpForm;

/* The options that every verb takes and that no verb reads: the program's and PETSc's. */
extern const WeftOption WeftOptionsEverywhere[];

/* WeftHelp - of one verb, or where it is NULL of all, which end with NULL. */
extern PetscErrorCode WeftHelp(WeftHelpForm form, const WeftVerb *const verbs[], const WeftVerb *verb);
/* WeftHelpUsage - the verbs, a line each. */
extern void WeftHelpUsage(FILE *to, const WeftVerb *const verbs[]);
/* WeftHelpMan - the page in roff. */
extern void WeftHelpMan(const WeftVerb *const verbs[]);
