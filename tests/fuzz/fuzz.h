/* For fuzz targets: the program, in one process, run again and again on what the fuzzer makes. A target is one file
   that writes its input to files and runs the program on them. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Makes the program ready and goes to a folder of its own, where all files are. Call it from LLVMFuzzerInitialize(). */
extern void FuzzStart(void);
/* The file of that name, holding these bytes. */
extern void FuzzWrite(const char name[], const uint8_t data[], size_t size);
/* From now on runs find that they were asked to stop, or that they were not. */
extern void FuzzStop(int stop);
/* Runs "weft arguments...", separated by single spaces; new.h5 is not there before, and not after a refusal. Ends the
   process unless the status is 0, 75 or that of a user's mistake, and after 20 s of processor time. */
extern void FuzzRun(const char arguments[]);
/* The same of separate arguments, which are changed; argv[argc] is NULL. */
extern void FuzzRunList(int argc, char *argv[]);
