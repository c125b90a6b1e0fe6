/* One JSON object, put together as text and written whole. The text is the same on every rank if the calls are. */
#pragma once
#include <weft/sys.h>

enum { WEFT_JSON_DEPTH = 8 };

typedef struct {
  char     *text;
  size_t    used, size;
  int       depth;
  char      closing[WEFT_JSON_DEPTH]; /* what ends each of the open objects and arrays */
  PetscBool empty;                    /* is nothing yet in the innermost one? */
} WeftJson;

/* None but WeftJsonWrite() is collective. name: NULL within an array. Create opens the outermost object. */
extern PetscErrorCode WeftJsonCreate(WeftJson *json);
extern PetscErrorCode WeftJsonDestroy(WeftJson *json);
extern PetscErrorCode WeftJsonObject(WeftJson *json, const char name[]); /* opens one, until WeftJsonEnd() */
extern PetscErrorCode WeftJsonArray(WeftJson *json, const char name[]);  /* opens one, until WeftJsonEnd() */
extern PetscErrorCode WeftJsonEnd(WeftJson *json);
extern PetscErrorCode WeftJsonText(WeftJson *json, const char name[], const char value[]); /* NULL: null */
extern PetscErrorCode WeftJsonInt(WeftJson *json, const char name[], PetscInt64 value);
extern PetscErrorCode WeftJsonReal(WeftJson *json, const char name[], double value); /* null unless finite */
extern PetscErrorCode WeftJsonFlag(WeftJson *json, const char name[], PetscBool value);

/* WeftJsonWrite - closes the object and writes rank 0's text to path, whole or not at all, or to stdout where path is
   empty. Collective. What cannot be written is a user's mistake that names option and path. */
extern PetscErrorCode WeftJsonWrite(MPI_Comm comm, WeftJson *json, const char option[], const char path[]);
