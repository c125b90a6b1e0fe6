/* Options: one table per part of the program is the single source of names, defaults and help. */
#pragma once
#include <weft/sys.h>

typedef struct {
  const char *name;     /* with its dash: "-weft_atoms" */
  const char *argument; /* what follows it: "K"; NULL for a flag */
  const char *fallback; /* the default as text; NULL: none */
  const char *help;
} WeftOption; /* a table ends with an entry whose name is NULL */

enum { WEFT_MAX_TABLES = 10, WEFT_MAX_LAYERS = 16 };

/* A verb of the command line. */
typedef struct {
  const char       *name;     /* "learn" */
  const char       *word;     /* the word that follows the verb ("FILE", "idx|cifar10|hdf5"), or NULL */
  const char       *summary;  /* one line */
  const char       *synopsis; /* usage lines, newline separated */
  const WeftOption *tables[WEFT_MAX_TABLES];
  PetscErrorCode (*run)(const char word[]); /* collective on PETSC_COMM_WORLD */
} WeftVerb;

/* A table without options: those of the tables that stand after it in a verb may be given for a single layer. */
extern const WeftOption WeftOptionsPerLayer[];

/* WeftOptionsRefused - the first of the words that is an option of PETSc's that must not reach it, or NULL. To be asked
   before PetscInitialize() and after -options_file was taken out. Not collective. */
extern const char *WeftOptionsRefused(int argc, char *argv[]);
/* WeftOptionsCheck - a user's mistake where the options database holds a name that neither the verb's tables nor PETSc
   know; suggests the nearest name. Collective on PETSC_COMM_WORLD. */
extern PetscErrorCode WeftOptionsCheck(const WeftVerb *verb);
/* The value of every option of the tables, as YAML lines "weft_atoms: 1024", and of those that were given for a layer
   alone, "layer1_weft_atoms: 512". PetscFree() it. Not collective. */
extern PetscErrorCode WeftOptionsYAML(const WeftVerb *verb, char **text);

/* WeftOptionsPrefix - the functions below look for names with this prefix first ("a_": -a_weft_atoms before
   -weft_atoms), until it is NULL again. Not collective. */
extern void WeftOptionsPrefix(const char prefix[]);

/* WeftOptionsLayer - they look for names with the prefix of layer 0 .. WEFT_MAX_LAYERS - 1 before all others
   ("layer1_": -layer1_weft_atoms), until it is -1 again. Not collective. */
extern void WeftOptionsLayer(int layer);
/* *any: is an option given for this layer alone? Not collective. */
extern PetscErrorCode WeftOptionsOfLayer(int layer, PetscBool *any);

/* The value given, else the table's default. Out of [low, high] or not a number: a user's mistake.
   Collective in that all ranks hold the same database. */
extern PetscErrorCode WeftOptionsGetInt(const WeftOption table[], const char name[], PetscInt64 low, PetscInt64 high,
                                        PetscInt64 *value);
extern PetscErrorCode WeftOptionsGetReal(const WeftOption table[], const char name[], double low, double high,
                                         double *value);
/* An empty text and *given = PETSC_FALSE where there is neither value nor default. given may be NULL. */
extern PetscErrorCode WeftOptionsGetText(const WeftOption table[], const char name[], size_t size, char text[],
                                         PetscBool *given);
/* The same for an option that must be given: its absence is a user's mistake. */
extern PetscErrorCode WeftOptionsGetNeeded(const WeftOption table[], const char name[], size_t size, char text[]);
extern PetscErrorCode WeftOptionsGetFlag(const WeftOption table[], const char name[], PetscBool *value);
/* One of the words of choices ("single|double"): its index. */
extern PetscErrorCode WeftOptionsGetChoice(const WeftOption table[], const char name[], const char choices[],
                                           int *index);
/* The name in the NULL-ended list nearest to word by edit distance, or NULL where none is near. */
extern const char *WeftNearest(const char word[], const char *const names[]);
