/* SPDX-License-Identifier: MIT */
/* What a scene's module does that is not pure, or not the same on every machine, as far as that can
 * be seen without running it: writable globals, calls of libm and of the outside world, fused
 * multiply-adds, flags that change arithmetic, constructors, the ABI. */
#ifndef SKEP_CHECK_MODULE_CHECK_H
#define SKEP_CHECK_MODULE_CHECK_H

#include "core/base/base.h"

typedef enum skep__finding_kind {
    SKEP__FINDING_GLOBAL,      /* name, bytes */
    SKEP__FINDING_LIBM,        /* name, function, calls */
    SKEP__FINDING_IMPURE,      /* the same */
    SKEP__FINDING_UNKNOWN,     /* the same: nothing is known of it */
    SKEP__FINDING_SECOND_TRY,  /* the same: it asks whether it is one */
    SKEP__FINDING_FUSED,       /* function, number of instructions */
    SKEP__FINDING_FLAGS,       /* name: the flag */
    SKEP__FINDING_CONSTRUCTOR, /* name: of a function that runs when the module is opened */
    SKEP__FINDING_ABI          /* advice says all */
} skep__finding_kind;

typedef struct skep__finding {
    skep__finding_kind kind;
    bool note;          /* no job does it, as far as can be seen: it is told, and is no fault */
    char name[64];      /* cut off where it is longer */
    char function[64];  /* in which it was seen first; "" where that is not known */
    const char *advice; /* what to do; static */
    uint64_t count;     /* bytes, calls or instructions */
} skep__finding;

/* The most findings that are kept, and the most functions and imports that are looked at. */
#define SKEP__FINDINGS_MAX 256u
#define SKEP__CHECK_FUNCTIONS_MAX 8192u
#define SKEP__CHECK_IMPORTS_MAX 1024u

typedef struct skep__check {
    skep__finding findings[SKEP__FINDINGS_MAX];
    uint32_t finding_count;
    uint32_t note_count; /* of them */
    uint32_t more;       /* findings that were not kept */
    uint32_t jobs;       /* seen */
    uint32_t abi;        /* 0: not seen */
    uint32_t machine;    /* of ELF */
    char scene[64];      /* its name as it is written in the code, or "" */
    bool names;          /* the table of all symbols is there */
    bool flags;          /* debugging information says what it was compiled with */
    bool code;           /* instructions of this machine are known here */
    bool truncated;      /* more functions or imports than are looked at */
} skep__check;

/* Looks at a module's bytes; any bytes will do. SKEP_FOREIGN or SKEP_CORRUPT when it is no shared
 * object that can be read, with the reason in `error`. SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__check_module(const uint8_t *bytes, size_t size,
                                              const skep_allocator *allocator, skep__check *check,
                                              skep_error *error);

#endif
