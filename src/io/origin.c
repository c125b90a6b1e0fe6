/* Does a checkpoint belong to these options and these data? */
#include "ioimpl.h"
#include <stdlib.h>
#include <string.h>

/* A line "name: value" of the options. */
typedef struct {
  const char *name, *value;
  int         name_length, value_length;
} Line;

/* Takes the next line off *text; PETSC_FALSE where there is none. */
static PetscBool NextLine(const char **text, Line *line)
{
  const char *end, *colon;

  for (; **text; *text = *end ? end + 1 : end) {
    end = *text + strcspn(*text, "\n");
    colon = strstr(*text, ": ");
    if (!colon || colon > end) continue;
    *line = (Line){*text, colon + 2, (int)(colon - *text), (int)(end - colon - 2)};
    *text = *end ? end + 1 : end;
    return PETSC_TRUE;
  }
  return PETSC_FALSE;
}

static PetscBool FindLine(const char text[], const Line *wanted, Line *line)
{
  while (NextLine(&text, line))
    if (line->name_length == wanted->name_length && !strncmp(line->name, wanted->name, (size_t)line->name_length))
      return PETSC_TRUE;
  return PETSC_FALSE;
}

static PetscBool IsFree(const Line *line, const char *const free[])
{
  for (; *free; ++free)
    if ((int)strlen(*free) == line->name_length + 1 && !strncmp(*free + 1, line->name, (size_t)line->name_length))
      return PETSC_TRUE;
  return PETSC_FALSE;
}

/* "0.5" is "0.50". */
static PetscBool SameValue(const Line *a, const Line *b)
{
  char        *end_a, *end_b;
  const double x = strtod(a->value, &end_a), y = strtod(b->value, &end_b);

  if (end_a == a->value + a->value_length && end_b == b->value + b->value_length && a->value_length && b->value_length)
    return x == y ? PETSC_TRUE : PETSC_FALSE;
  return a->value_length == b->value_length && !strncmp(a->value, b->value, (size_t)a->value_length) ? PETSC_TRUE
                                                                                                     : PETSC_FALSE;
}

/* Every line of the file must stand in options with the same value, and the other way round. */
static PetscErrorCode CompareOptions(MPI_Comm comm, const char path[], const char begun[], const char options[],
                                     const char *const free[])
{
  const char *text = begun;
  Line        then, now;

  PetscFunctionBegin;
  while (NextLine(&text, &then)) {
    if (IsFree(&then, free)) continue;
    WeftUserCheck(FindLine(options, &then, &now), comm, "-resume: %s was begun with -%.*s %.*s; give it again", path,
                  then.name_length, then.name, then.value_length, then.value);
    WeftUserCheck(SameValue(&then, &now), comm,
                  "-resume: %s was begun with -%.*s %.*s, not %.*s; resume with what it was begun with", path,
                  then.name_length, then.name, then.value_length, then.value, now.value_length, now.value);
  }
  for (text = options; NextLine(&text, &now);)
    WeftUserCheck(IsFree(&now, free) || FindLine(begun, &now, &then), comm,
                  "-resume: %s was begun without -%.*s; leave it out", path, now.name_length, now.name);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunFileCheckOptions(MPI_Comm comm, const char path[], const char options[], const char *const free[])
{
  hid_t file;
  char *begun;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(comm, "-o", path, &file));
  PetscCall(WeftH5ReadText(file, "/options", &begun));
  WeftH5Close(file);
  WeftUserCheck(begun, comm, "%s: /options is missing or no text: damaged", path);
  PetscCall(CompareOptions(comm, path, begun, options, free));
  PetscCall(PetscFree(begun));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode WeftRunFileCheckData(MPI_Comm comm, const char path[], const char data_path[], PetscInt64 data_checksum)
{
  hid_t      file;
  PetscInt64 begun = 0;
  PetscBool  found;

  PetscFunctionBegin;
  PetscCall(WeftH5OpenRead(comm, "-o", path, &file));
  PetscCall(WeftH5GetInts(file, "/", "data_checksum", 1, &begun, &found));
  WeftH5Close(file);
  WeftUserCheck(found, comm, "%s: lacks the attribute data_checksum: damaged", path);
  WeftUserCheck(begun == data_checksum, comm,
                "-data %s: other samples than those that %s was begun with; resume with those", data_path, path);
  PetscFunctionReturn(PETSC_SUCCESS);
}
