/* SPDX-License-Identifier: MIT */
/* What the files of check/ share: names of imports, and the look at the code. */
#ifndef SKEP_CHECK_CHECK_INTERNAL_H
#define SKEP_CHECK_CHECK_INTERNAL_H

#include "check/elf.h"
#include "check/module_check.h"

/* ---- imports -------------------------------------------------------------------------------- */

typedef enum skep__import_kind {
    SKEP__IMPORT_FINE,
    SKEP__IMPORT_LIBM,   /* other bits elsewhere */
    SKEP__IMPORT_CHANCE, /* another value each time, which not even a scene's function may use */
    SKEP__IMPORT_IMPURE, /* for jobs; harmless while a world is built */
    SKEP__IMPORT_AGAIN,  /* skep__task_again */
    SKEP__IMPORT_UNKNOWN
} skep__import_kind;

/* What is known of an imported function; `advice` gets what to use instead. */
skep__import_kind skep__import_look(const char *name, const char **advice);

/* ---- code ----------------------------------------------------------------------------------- */

/* A function of the module. */
typedef struct skep__code_function {
    uint64_t begin;
    uint64_t end;
    const char *name;
    bool job;     /* a job's entry */
    bool reached; /* from a job, by direct calls */
} skep__code_function;

/* An imported function: how it is reached, and who calls it. */
typedef struct skep__code_import {
    const char *name;
    uint64_t slot;  /* its entry of the global offset table; 0: none */
    uint64_t gate;  /* its entry of the procedure linkage table; 0: none */
    uint32_t calls; /* seen */
    uint32_t first; /* function of the first of them, of a job if there is one */
    bool in_job;    /* a function that a job reaches calls it */
} skep__code_import;

typedef struct skep__code {
    const skep__elf *elf;
    skep__code_function *functions; /* by address */
    skep__code_import *imports;
    uint32_t function_count;
    uint32_t import_count;
    uint32_t fused;          /* fused multiply-adds */
    uint32_t fused_function; /* of the first; UINT32_MAX: not known */
} skep__code;

/* Whether instructions of this machine are known. */
bool skep__code_known(uint32_t machine);

/* Finds the function that holds an address, UINT32_MAX: none. */
uint32_t skep__code_function_of(const skep__code *code, uint64_t address);

/* Marks what jobs reach, who calls which import, and counts fused multiply-adds. */
void skep__code_look(skep__code *code);

#endif
