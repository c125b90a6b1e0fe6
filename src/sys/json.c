#include <weft/json.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* Appends length bytes. */
static PetscErrorCode Put(WeftJson *j, const char text[], size_t length)
{
  PetscFunctionBegin;
  if (j->used + length + 1 > j->size) {
    j->size = 2 * (j->used + length) + 1024;
    PetscCall(PetscRealloc(j->size, &j->text));
  }
  memcpy(j->text + j->used, text, length);
  j->used += length;
  j->text[j->used] = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PutString(WeftJson *j, const char string[])
{
  char   escaped[8];
  size_t length;

  PetscFunctionBegin;
  PetscCall(Put(j, "\"", 1));
  for (; *string; ++string) {
    const unsigned char c = (unsigned char)*string;
    if (c < 0x20)
      length = (size_t)snprintf(escaped, sizeof(escaped), "\\u%04x", (unsigned)c);
    else
      length = (size_t)snprintf(escaped, sizeof(escaped), "%s%c", c == '"' || c == '\\' ? "\\" : "", c);
    PetscCall(Put(j, escaped, length));
  }
  PetscCall(Put(j, "\"", 1));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A new line at the depth of what follows. */
static PetscErrorCode Indent(WeftJson *j)
{
  PetscFunctionBegin;
  PetscCall(Put(j, "\n", 1));
  for (int i = 0; i < j->depth; ++i) PetscCall(Put(j, "  ", 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What stands before a value. */
static PetscErrorCode Lead(WeftJson *j, const char name[])
{
  PetscFunctionBegin;
  if (!j->empty) PetscCall(Put(j, ",", 1));
  j->empty = PETSC_FALSE;
  PetscCall(Indent(j));
  if (!name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PutString(j, name));
  PetscCall(Put(j, ": ", 2));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Open(WeftJson *j, char opening, char closing)
{
  PetscFunctionBegin;
  PetscCheck(j->depth < WEFT_JSON_DEPTH, PETSC_COMM_SELF, PETSC_ERR_PLIB, "more than %d nested objects",
             WEFT_JSON_DEPTH);
  PetscCall(Put(j, &opening, 1));
  j->closing[j->depth++] = closing;
  j->empty = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonCreate(WeftJson *j)
{
  PetscFunctionBegin;
  *j = (WeftJson){0};
  PetscCall(Open(j, '{', '}'));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonDestroy(WeftJson *j)
{
  PetscFunctionBegin;
  PetscCall(PetscFree(j->text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonObject(WeftJson *j, const char name[])
{
  PetscFunctionBegin;
  PetscCall(Lead(j, name));
  PetscCall(Open(j, '{', '}'));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonArray(WeftJson *j, const char name[])
{
  PetscFunctionBegin;
  PetscCall(Lead(j, name));
  PetscCall(Open(j, '[', ']'));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonEnd(WeftJson *j)
{
  PetscFunctionBegin;
  PetscCheck(j->depth > 0, PETSC_COMM_SELF, PETSC_ERR_PLIB, "nothing is open");
  --j->depth;
  if (!j->empty) PetscCall(Indent(j));
  PetscCall(Put(j, &j->closing[j->depth], 1));
  j->empty = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A value whose text needs no quotes. */
static PetscErrorCode PutPlain(WeftJson *j, const char name[], const char value[])
{
  PetscFunctionBegin;
  PetscCall(Lead(j, name));
  PetscCall(Put(j, value, strlen(value)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonText(WeftJson *j, const char name[], const char value[])
{
  PetscFunctionBegin;
  if (!value) {
    PetscCall(PutPlain(j, name, "null"));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(Lead(j, name));
  PetscCall(PutString(j, value));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonInt(WeftJson *j, const char name[], PetscInt64 value)
{
  char text[32];

  PetscFunctionBegin;
  snprintf(text, sizeof(text), "%lld", (long long)value);
  PetscCall(PutPlain(j, name, text));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonReal(WeftJson *j, const char name[], double value)
{
  char text[32];

  PetscFunctionBegin;
  snprintf(text, sizeof(text), "%.17g", value);
  PetscCall(PutPlain(j, name, isfinite(value) ? text : "null"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftJsonFlag(WeftJson *j, const char name[], PetscBool value)
{
  PetscFunctionBegin;
  PetscCall(PutPlain(j, name, value ? "true" : "false"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* 0, or why the text could not be written; what was at path then still stands. */
static int WriteFile(const char text[], const char path[])
{
  char  partial[PETSC_MAX_PATH_LEN + 16];
  FILE *file;
  int   error = 0;

  snprintf(partial, sizeof(partial), "%s.partial", path);
  file = fopen(partial, "w");
  if (!file) return errno;
  if (fputs(text, file) < 0) error = errno;
  if (fclose(file) && !error) error = errno;
  if (!error && rename(partial, path)) error = errno;
  if (error) unlink(partial);
  return error;
}

PetscErrorCode WeftJsonWrite(MPI_Comm comm, WeftJson *j, const char option[], const char path[])
{
  int rank, error = 0;

  PetscFunctionBegin;
  while (j->depth) PetscCall(WeftJsonEnd(j));
  PetscCall(Put(j, "\n", 1));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank && path[0]) error = WriteFile(j->text, path);
  if (!rank && !path[0] && (fputs(j->text, stdout) < 0 || fflush(stdout))) error = errno;
  PetscCallMPI(MPI_Bcast(&error, 1, MPI_INT, 0, comm));
  WeftUserCheck(!error, comm, "%s %s: cannot write it: %s", option, path, strerror(error));
  PetscFunctionReturn(PETSC_SUCCESS);
}
