/* SPDX-License-Identifier: MIT */
/* The packed patch format: what jobs, commands and other processes say that the world should
 * become.
 *
 * A patch buffer is a run of records, each 8-byte aligned, little-endian:
 *     header 16 B : kind u8 | flags u8 | slot u16 | bytes u32 (payload) | entity u64
 *     payload     : the value as its C struct (fields at their offsets), padded with zeros to 8
 * bytes `slot` is an index into a table of things that the reader has: for a job's output, its
 * access entry; for commands, a per-world number. A job's DESTROY names the access entry of its
 * right too. INIT uses 0xffff with the component's identity hash in front of the value, since a job
 * may give its own spawn any component; LOG uses 0xffff as well. A writer never writes past its
 * end: it counts what it would have needed, so that the host can try again with more. */
#ifndef SKEP_CORE_STORE_PATCH_H
#define SKEP_CORE_STORE_PATCH_H

#include "core/base/base.h"
#include "skep/component.h"
#include "skep/id.h"

typedef enum skep_patch_kind {
#define SKEP_PATCH(name, value, slot, payload) SKEP_PATCH_##name = value,
#include "core/store/patch_kinds.inl"
#undef SKEP_PATCH
} skep_patch_kind;

typedef struct skep_patch_header {
    uint8_t kind;
    uint8_t flags; /* 0 */
    uint16_t slot;
    uint32_t bytes; /* of the payload, without padding */
    uint64_t entity;
} skep_patch_header;

/* The slot of patches that name nothing. */
#define SKEP_PATCH_NO_SLOT 0xffffu

typedef struct skep_patch_writer {
    uint8_t *at;
    uint8_t *end;
    size_t wanted; /* bytes that were asked for in all, written or not */
} skep_patch_writer;

/* Appends one patch. Returns where its payload (zeroed padding behind it) is to be written, or NULL
 * when it does not fit; wanted counts it either way. After the first that did not fit nothing is
 * appended any more, so that the buffer is a prefix of what was meant; a LOG that does not fit is
 * left out alone. */
void *skep__patch_push(skep_patch_writer *w, skep_patch_kind kind, uint32_t slot, uint64_t entity,
                       uint32_t bytes);

/* Writes a value in its payload form: the fields of the C struct, and zeros between them, since
 * what a struct's padding holds is not the same twice. */
void skep__patch_value(void *payload, const skep_component *component, const void *value);

/* Reads the patch at *offset and moves *offset behind it. Returns false at the end. The buffer was
 * verified before. */
bool skep__patch_next(const uint8_t *buffer, size_t bytes, size_t *offset,
                      const skep_patch_header **header, const uint8_t **payload);

/* The 64-bit identity of a component: kind, name and layout (field names, types, counts), not its
 * address. Part of saves and of the wire. */
uint64_t skep__component_identity(const skep_component *component);

/* What a verifier knows of one slot of a job's output. */
typedef struct skep_patch_slot {
    const skep_component *component;
    uint32_t kinds; /* bit 1 << kind for every kind that is allowed here */
    uint32_t pad;
} skep_patch_slot;

/* What a buffer may contain. */
typedef struct skep_patch_rules {
    const skep_patch_slot *slots; /* slot_count entries */
    uint32_t slot_count;
    uint32_t spawn_count;      /* handles that were reserved */
    const skep_entity *spawns; /* SPAWN must take them in order, each once */
    /* Finds the component of an INIT by its identity, NULL when the world does not know it. */
    const skep_component *(*component)(void *ctx, uint64_t identity);
    void *ctx;
} skep_patch_rules;

/* The longest text of a LOG. */
#define SKEP__PATCH_LOG_MAX 1024u

/* Checks a buffer from anywhere, hostile ones too: sizes add up exactly, kinds and slots are
 * allowed, payloads have their component's size, bools are 0 or 1, padding is zero (inside values
 * too), handles are well formed and not null (an EVENT's may be: to all), spawns are the reserved
 * handles in order, and INIT names an entity spawned earlier in the same buffer. DESTROY is allowed
 * where its slot allows it, INIT where any slot allows SPAWN, LOG always. Returns SKEP_OK and the
 * number of spawns, or fills `error` (code, static message, byte offset). Never asserts, never
 * reads past `bytes`. */
skep_status skep__patch_verify(const uint8_t *buffer, size_t bytes, const skep_patch_rules *rules,
                               uint32_t *spawned, skep_error *error);

#endif
