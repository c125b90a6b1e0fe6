/* The verbs of the command line, one file each; main.c lists them. */
#pragma once
#include <weft/options.h>

extern const WeftVerb WeftVerbImport, WeftVerbSynth, WeftVerbLearn, WeftVerbInfo;
