/* SPDX-License-Identifier: MIT */
/* The files of a folder of checkpoints: checkpoint-N-T.skep, the N-th of a world at tick T, and
 * checkpoint-N-T.skep.tmp while it is being written. */
#ifndef SKEP_SIM_CHECKPOINT_FILE_H
#define SKEP_SIM_CHECKPOINT_FILE_H

#include "port/port.h"
#include "skep/recovery.h"
#include "skep/snapshot.h"

/* What one looks for in a folder. */
typedef struct skep__checkpoint_list {
    uint64_t below;  /* only numbers below this; 0: any */
    uint64_t number; /* the largest, with its tick; 0: none */
    uint64_t tick;
} skep__checkpoint_list;

/* Finds the largest number below list->below. False when the folder cannot be read. */
bool skep__checkpoint_list_of(const char *folder, skep__checkpoint_list *list);

/* Writes a file's path; false when it is too long. */
bool skep__checkpoint_path(char *out, const char *folder, uint64_t number, uint64_t tick,
                           bool temporary);

/* Removes what killed programs left half written. */
void skep__checkpoint_sweep(const char *folder);

/* One being written. */
typedef struct skep__checkpoint_job {
    const char *folder;
    const skep_snapshot *snapshot; /* detached */
    uint64_t number;
    uint64_t tick;
    uint32_t keep;
    uint8_t *block;     /* SKEP__PORT_DIRECT bytes, aligned to as many: the file's first ones */
    uint8_t *piece;     /* piece_bytes to gather in, likewise */
    size_t piece_bytes; /* a multiple of SKEP__PORT_DIRECT */
    uint64_t bytes;     /* written */
    char why[256];      /* it failed */
} skep__checkpoint_job;

/* Writes one, syncs it, gives it its name, and removes those beyond `keep`. Any thread; allocates
 * nothing of the simulation's. False with `why`. */
bool skep__checkpoint_write(skep__checkpoint_job *job);

#endif
