/* SPDX-License-Identifier: MIT */
/* Saving and loading: a world as bytes that outlive the program.
 *
 * A save holds the whole state with the names and layouts of its components, each part with a
 * checksum. Loading it into a world that knows the same components gives the same world: the same
 * handles, rows, order of tables and of the free queue, the same hash, and the same future.
 * Components are matched by name, so a program may have grown since: a field that the save lacks is
 * zero, one that the program lacks is dropped and reported, and one that changed its type is
 * refused. Bytes are in little-endian order on every machine. skep/sim.h has the calls that write
 * and read files. */
#ifndef SKEP_SAVE_H
#define SKEP_SAVE_H

#include "skep/snapshot.h"
#include "skep/status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The format that this library writes; it reads this one and older ones. */
#define SKEP_SAVE_VERSION 1u

/* Takes the next `n` bytes of a save; they are the callee's for the call only. Returns false to
 * give up. */
typedef bool (*skep_write_fn)(void *ctx, const void *bytes, size_t n);

/* Writes a world as it is between two frames. Owner's thread only. SKEP_IO when `write` gave up,
 * SKEP_NO_MEMORY when there is none for a snapshot, SKEP_LIMIT for a name of more than 255 bytes.
 * Reads everything twice: checksums come first in the file. */
SKEP_API SKEP_NODISCARD skep_status skep_save(skep_world *world, skep_write_fn write, void *ctx);

/* Writes a snapshot, without touching its world or allocating anything: on the owner's thread, or
 * after skep_snapshot_detach on another one while the world runs on. Fails as skep_save does. */
SKEP_API SKEP_NODISCARD skep_status skep_save_snapshot(const skep_snapshot *snapshot,
                                                       skep_write_fn write, void *ctx);

/* What is known of a save without loading it. */
typedef struct skep_save_info {
    uint32_t version;
    uint32_t entity_count;
    uint64_t tick;
    double time; /* seconds */
    uint64_t seed;
} skep_save_info;

/* Checks magic, version, lengths and checksums of a save and says what is in it; `info` and `error`
 * may be NULL. SKEP_FOREIGN, SKEP_VERSION or SKEP_CORRUPT, with text and byte offset in `error`.
 * Any thread; reads all bytes once. */
SKEP_API SKEP_NODISCARD skep_status skep_save_check(const void *bytes, size_t size,
                                                    skep_save_info *info, skep_error *error);

/* The most bytes of a name in a report, with the ending zero; longer ones are cut. */
#define SKEP_LOAD_NAME_BYTES 64u

/* What loading found. */
typedef struct skep_load_report {
    skep_error error;                     /* why it was refused */
    char component[SKEP_LOAD_NAME_BYTES]; /* with SKEP_SCHEMA: whose field it is, */
    char field[SKEP_LOAD_NAME_BYTES];     /* and which; else empty */
    uint32_t entity_count;                /* that were loaded */
    uint32_t components_dropped; /* in the save, unknown here; events, resources included */
    uint32_t fields_dropped;     /* of components that are known */
    uint32_t fields_added;       /* known here, not in the save: zero */
} skep_load_report;

/* Loads a save into a world without living entities, between frames. The components, resources,
 * events and inputs that it should keep must have been registered; what is dropped is also said in
 * the world's log. Resources that the save does not know keep their values. Everything is checked
 * before anything changes; on failure the world is as it was: SKEP_FOREIGN, SKEP_VERSION,
 * SKEP_CORRUPT (damaged or malicious bytes), SKEP_SCHEMA (a field has another type or count here),
 * SKEP_LIMIT (more indexes than entity_max), SKEP_NO_MEMORY, SKEP_BUSY, SKEP_ARGUMENT (there are
 * living entities). `report` may be NULL. */
SKEP_API SKEP_NODISCARD skep_status skep_load(skep_world *world, const void *bytes, size_t size,
                                              skep_load_report *report);

#ifdef __cplusplus
}
#endif

#endif
