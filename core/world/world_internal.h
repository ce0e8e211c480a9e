/* SPDX-License-Identifier: MIT */
/* The world's insides, as the layers above (data, plan) see them: the store, and beside it all else
 * that belongs to a world's state, kept in versioned blobs so that a snapshot is nothing but
 * references.
 *
 *     state     : store (tables, index, queue) | resources | channels (events, inputs) | system
 * records | tick, time, seed, stamp, event_seq not state : prefabs, hooks, queries, pending
 * commands, the children cache: definitions and work in progress, untouched by restore
 *
 * A blob is one arena slot with a length; it is copied before it is written when a snapshot holds
 * it. The stamp is a counter that the plan raises once a batch (and the world once a flush between
 * frames); it is state, deterministic, and what `changed` compares. */
#ifndef SKEP_CORE_WORLD_INTERNAL_H
#define SKEP_CORE_WORLD_INTERNAL_H

#include "core/base/log.h"
#include "core/store/patch.h"
#include "core/store/store.h"
#include "skep/inline.h"
#include "skep/world.h"

/* ---- blobs ----------------------------------------------------------------------------------- */

typedef struct skep__blob {
    uint32_t slot;  /* arena name, 0 while empty */
    uint32_t bytes; /* in use */
    uint32_t cap;   /* usable bytes of the slot */
    uint32_t pad;
    uint64_t epoch; /* as a cell's */
} skep__blob;

SKEP_INLINE const uint8_t *skep__blob_read(const skep__store *s, const skep__blob *b)
{
    return b->slot ? (const uint8_t *)skep__slot_data(&s->arena, b->slot) : NULL;
}

/* Makes the blob writable with room for `bytes` (old contents kept, new bytes zero) and sets its
 * length. Returns its data, or NULL without memory, with nothing changed. */
uint8_t *skep__blob_write(skep__store *s, skep__blob *b, size_t bytes);

/* Drops the slot and empties the blob. */
void skep__blob_drop(skep__store *s, skep__blob *b);

/* ---- resources, channels, records ------------------------------------------------------------ */

typedef struct skep__resource {
    const skep_component *info;
    uint64_t identity;
    skep__blob value; /* info->size bytes: the C value struct; more for buffers */
} skep__resource;

/* Events or inputs of one type. Its blob holds `count` entries of `stride` bytes, oldest first:
 * [seq u64 | to u64 | value struct, padded to 8]. The first old_count were sent before the current
 * frame. */
typedef struct skep__channel {
    const skep_component *info; /* for `removed` channels: the component */
    uint64_t identity;
    bool removed; /* what was removed from entities of a watched component, not events */
    uint32_t stride;
    uint32_t count;
    uint32_t old_count;
    skep__blob entries;
} skep__channel;

typedef struct skep__entry {
    uint64_t seq;
    uint64_t to;
} skep__entry;

#define SKEP__RECORD_NAME_BYTES 64u
#define SKEP__RECORD_BYTES 192u

/* What the world keeps of one system; the plan alone knows what the bytes mean. */
typedef struct skep__record {
    char name[SKEP__RECORD_NAME_BYTES];
    uint8_t bytes[SKEP__RECORD_BYTES];
} skep__record;

/* ---- definitions ----------------------------------------------------------------------------- */

typedef struct skep__prefab_part {
    uint32_t type;
    uint32_t value; /* byte offset in skep__prefab.values; the C value struct */
} skep__prefab_part;

/* One entity below a prefab's root. */
typedef struct skep__prefab_node {
    uint32_t prefab;
    uint32_t parent; /* 0: the root; else 1 + its place in `children` */
} skep__prefab_node;

typedef struct skep__prefab {
    const skep_component *info; /* name */
    uint64_t identity;
    uint32_t table; /* 0 until first used; tables can vanish on restore, so check generation */
    uint64_t table_generation;
    skep__prefab_part *parts; /* sorted by type */
    uint32_t part_count;
    uint32_t part_cap;
    uint8_t *values;
    uint32_t value_bytes;
    uint32_t value_cap;
    bool defined;
    skep__prefab_node
        *children; /* of all levels, parents before their children; each gets a Parent */
    uint32_t child_count;
    uint32_t child_cap;
} skep__prefab;

/* A hook: called on the owner's thread after apply, in apply order; may only queue commands. */
typedef struct skep__hook {
    uint32_t type;
    bool added; /* else removed */
    skep_hook_fn *call;
    void *ctx;
} skep__hook;

typedef struct skep__note {
    skep_entity entity;
    uint32_t type;
    bool added;
} skep__note;

/* What a main-thread write does at the moment. */
typedef enum skep__write_mode {
    SKEP__WRITE_NOW,   /* between frames: at once */
    SKEP__WRITE_BATCH, /* inside a `run`: structural changes become commands of the batch */
    SKEP__WRITE_QUEUE  /* from outside while a frame runs: queued for the next begin */
} skep__write_mode;

/* A growing buffer of commands: patches whose slots are world numbers (types, channels, resources,
 * prefabs by kind). Host-private. */
typedef struct skep__commands {
    uint8_t *bytes;
    uint32_t used;
    uint32_t cap;
    uint32_t count;
    uint32_t generation; /* raised whenever commands are taken away */
    bool lives;          /* some of them spawn or destroy (or did, of those taken away) */
} skep__commands;

/* Inputs that wait for the next begin: a key each, and the messages behind each other.
 * Host-private. */
typedef struct skep__input_key {
    uint64_t number;
    uint32_t source;
    uint32_t at;    /* of its message in bytes: skep__input_head, then the value padded to 8 */
    uint32_t order; /* of arrival */
    uint32_t pad;
} skep__input_key;

typedef struct skep__input_head {
    uint64_t to;
    uint32_t channel;
    uint32_t bytes;
} skep__input_head;

typedef struct skep__inputs {
    skep__input_key *keys;
    uint32_t count, cap;
    uint8_t *bytes;
    uint32_t used, bytes_cap;
} skep__inputs;

/* What a `run` declared: sets of bits by number; NULL is the empty set. Without one it may do
 * anything. */
struct skep__system_access {
    const char *system;
    const uint64_t *read;  /* types whose values or presence it may read */
    const uint64_t *write; /* types whose values it may set; implies reading */
    const uint64_t *add;
    const uint64_t *remove;
    const uint64_t *resource_read;
    const uint64_t *resource_write; /* implies reading */
    const uint64_t *event_read;     /* channels */
    const uint64_t *emit;
    const uint64_t *spawn; /* prefabs; number 0 is Entity: entities without a prefab */
    uint32_t type_words;   /* words of each set of types, and so on */
    uint32_t resource_words;
    uint32_t channel_words;
    uint32_t prefab_words;
    bool destroy;
};

/* What core/data hangs on a world starts with this. */
typedef struct skep__data_head {
    void (*deinit)(skep_world *w);
} skep__data_head;

struct skep_world {
    union {
        skep__face face; /* what is inlined into callers */
        struct {
            const void *face_pointers[4];
            const struct skep__system_access *running; /* access of the `run` that executes; NULL:
                                                          anything */
            skep__write_mode mode;
            uint32_t iterating; /* open passes of queries: structural changes go to `batch` until
                                   all ended */
            uint32_t firing;    /* 1 while hooks are being told: the same */
        };
    };
    skep__store store;
    skep_log log;
    char error_text[256]; /* of the last call that failed */

    uint64_t seed;
    uint64_t tick;
    double time;
    uint64_t stamp;     /* starts at 1 */
    uint64_t event_seq; /* of the next event, starts at 1 */

    skep__resource *resources;
    uint32_t resource_count, resource_cap;
    skep__channel *channels;
    uint32_t channel_count, channel_cap;
    skep__blob
        records; /* record_count skep__record, in the order in which systems were first seen */
    uint32_t record_count;

    skep__prefab *prefabs;
    uint32_t prefab_count, prefab_cap;
    skep__hook *hooks;
    uint32_t hook_count, hook_cap;
    skep__note *notes; /* what hooks are still to be told, in apply order */
    uint32_t note_count, note_cap;
    uint32_t parent_type; /* SKEP__NO_TYPE until Parent is registered */

    skep__commands batch;   /* of the running batch's `run` systems */
    skep__commands outside; /* for the next begin */
    uint64_t dropped;       /* patches and commands for entities that were gone */

    struct skep__children *children; /* cache parent -> children, see children.c */
    struct skep__overlay *overlay;   /* pending commands by entity, see command.c */
    skep__inputs inputs;
    skep_query *queries; /* all of this world, newest first */
    skep_entity *list;   /* scratch of children.c and now.c */
    uint32_t list_cap;
    uint32_t *leaving;  /* scratch of now.c: rows that leave, a table */
    uint32_t *incoming; /* scratch of many.c: rows that come */
    uint32_t leaving_cap, incoming_cap;
    uint8_t *scratch; /* one value */
    uint32_t scratch_cap;
    skep__cell shown[SKEP_FIELD_MAX]; /* cells of a value that is still a command */
    void *data; /* struct skep__data of core/data, NULL until needed; its first member is a
                   void (*deinit)(skep_world *) that the world calls when it is destroyed */
};

/* ---- what the world offers to the layers above ----------------------------------------------- */

/* Registers things by description; the number is the per-world slot. Channels exist for every
 * event, input and watched `removed`. SKEP_SCHEMA when the same name has another layout. */
skep_status skep__world_type(skep_world *w, const skep_component *info, uint32_t *number);
skep_status skep__world_resource(skep_world *w, const skep_component *info, uint32_t *number);
skep_status skep__world_channel(skep_world *w, const skep_component *info, bool removed,
                                uint32_t *number);
skep_status skep__world_prefab(skep_world *w, const skep_component *info, uint32_t *number);

/* Appends an event. `to` may be null. SKEP_NO_MEMORY leaves the channel as it was. */
skep_status skep__channel_push(skep_world *w, uint32_t channel, skep_entity to, const void *value);

/* Makes sure that `count` more entries can be pushed without failing. */
skep_status skep__channel_reserve(skep_world *w, uint32_t channel, uint32_t count);

/* The end of a frame: drops what is older than one frame from every channel. */
void skep__channels_age(skep_world *w);

/* Finds or makes a system's record (zero bytes at first). */
skep_status skep__world_record(skep_world *w, const char *name, uint32_t *index);
const skep__record *skep__record_read(const skep_world *w, uint32_t index);
skep__record *skep__record_write(skep_world *w, uint32_t index); /* NULL without memory */

/* Writes what hooks and `removed` must hear of one entity: call after it happened. */
skep_status skep__world_note(skep_world *w, skep_entity e, uint32_t type, bool added);

/* Makes sure that `count` notes can be written without failing: calls of skep__world_note. */
skep_status skep__notes_room(skep_world *w, bool added, uint32_t count);

/* Tells the hooks of all notes, once each; what they change goes to `batch`. The caller applies
 * that and calls again, at most SKEP__HOOK_ROUNDS times, then gives up with SKEP_LIMIT, knob
 * hook_rounds. */
void skep__world_fire(skep_world *w);

#define SKEP__HOOK_ROUNDS 64u

/* The most resources, prefabs, and events with inputs and what is told of removals, each. */
#define SKEP__NUMBER_MAX 4096u

/* Between frames: makes what waits in `batch` (from passes of queries and hooks) one by one, tells
 * the hooks, and again until nothing is left. Passes that were left open count as ended. A frame's
 * begin, snapshot, save and hash call it first; it costs two compares when nothing waits. */
skep_status skep__world_settle(skep_world *w);

/* Delivers the collected inputs to their channels, in the order (source, number, arrival). All or
 * nothing. A frame's begin calls it. */
skep_status skep__inputs_deliver(skep_world *w);

/* Sorts the collected inputs in that order, for who records them. */
void skep__inputs_sort(skep_world *w);

/* Gives the spawns in `outside` their handles, so that it can be applied. A frame's begin calls it
 * before skep__apply. All or nothing. */
skep_status skep__outside_prepare(skep_world *w);

/* SKEP_OK, or SKEP_ACCESS with a text when the number is not in the set of what the running system
 * declared. */
skep_status skep__access_check(skep_world *w, const uint64_t *set, uint32_t words, uint32_t number,
                               const char *right, const char *name);

/* Prefab: its table (made if needed), and writing its values into a row that exists. */
skep_status skep__prefab_table(skep_world *w, uint32_t prefab, uint32_t *table);
void skep__prefab_fill(skep_world *w, uint32_t prefab, skep__table *t, uint32_t first_row,
                       uint32_t count);

/* Makes the children of a root that was just spawned, with handles of their own. All or nothing. */
skep_status skep__prefab_children(skep_world *w, uint32_t prefab, skep_entity root);

/* Collects the entities in `roots` that are alive, each once, and all below them, in the order in
 * which they are destroyed: the roots, then level by level, each by index. Into the world's
 * scratch; the pointer dies at the next call. */
skep_status skep__children_below(skep_world *w, const skep_entity *roots, uint32_t root_count,
                                 const skep_entity **all, uint32_t *count);

/* Collects the children of `e` (alive, Parent == e) into the world's scratch, ordered by index.
 * Returns their number; the pointer dies at the next call. */
skep_status skep__children_of(skep_world *w, skep_entity e, const skep_entity **children,
                              uint32_t *count);

/* Says that Parent values of whole rows changed behind the cache's back (a job wrote the column,
 * restore): it is rebuilt when next asked. */
void skep__children_forget(skep_world *w);

/* Makes sure that there is a cache to be rebuilt: whole rows with Parents will come from a save.
 * False without memory. */
bool skep__children_expect(skep_world *w);

/* Tells the cache that this entity's Parent was added or set. Never fails. */
void skep__children_touch(skep_world *w, skep_entity child);

/* skep__command_push where the buffer must grow first. */
SKEP_NOINLINE void *skep__command_grow(skep_world *w, skep__commands *c, skep_patch_kind kind,
                                       uint32_t slot, skep_entity e, uint32_t bytes);

/* Appends a command and returns where its payload goes; `slot` is a world number by kind. NULL
 * without memory. */
SKEP_INLINE void *skep__command_push(skep_world *w, skep__commands *c, skep_patch_kind kind,
                                     uint32_t slot, skep_entity e, uint32_t bytes)
{
    const size_t whole = sizeof(skep_patch_header) + skep__align(bytes, 8);
    if (SKEP_UNLIKELY(whole > c->cap - c->used))
        return skep__command_grow(w, c, kind, slot, e, bytes);
    uint8_t *at = c->bytes + c->used;
    const skep_patch_header head = {(uint8_t)kind, 0, skep__u16(slot), bytes, e.bits};
    memcpy(at, &head, sizeof head);
    if (bytes & 7u) memset(at + whole - 8, 0, 8);
    c->used += (uint32_t)whole;
    c->count++;
    if (kind == SKEP_PATCH_SPAWN || kind == SKEP_PATCH_DESTROY) c->lives = true;
    return at + sizeof head;
}

void skep__commands_clear(skep__commands *c);

/* Takes away what was pushed after the buffer had this many bytes and commands: what a failed `run`
 * queued. */
void skep__commands_cut(skep__commands *c, uint32_t used, uint32_t count);

/* Keeps a formatted text for skep_world_error and returns `status`. */
skep_status skep__world_fail(skep_world *w, skep_status status, const char *format, ...)
    SKEP__PRINTF(3, 4);

#endif
