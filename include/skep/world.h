/* SPDX-License-Identifier: MIT */
/* The world: entities, their components, and all else that a simulation remembers.
 *
 * Everything here is for the one thread that owns the world. Jobs never see it. Between frames
 * writes are immediate; inside the `run` of a system structural changes become commands of the
 * batch; from outside while a frame runs, all writes are queued for the next one. Reads always show
 * what was asked for before.
 *
 * Include this before declaring components, and SKEP_COMPONENT gives the main thread's functions
 * beside the job's (see "what the declarations add" below):
 *
 *     #include "skep/world.h"
 *     SKEP_COMPONENT(Pos, (f32, x), (f32, y));
 *     ...
 *     skep_entity e;
 *     if (skep_entity_create(world, &e) != SKEP_OK) return;
 *     if (Pos_attach(world, e, SKEP_LIT(Pos, 1.0f, 2.0f)) != SKEP_OK) return;
 *     Pos p;
 *     if (Pos_of(world, e, &p)) draw(p.x, p.y);
 *
 * Every call that can fail returns a skep_status, leaves the world as it was when it does, and
 * keeps a text that names the thing and the knob: skep_world_error. */
#ifndef SKEP_WORLD_H
#define SKEP_WORLD_H

#include "skep/job.h"
#include "skep/log.h"
#include "skep/query.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- life ------------------------------------------------------------------------------------ */

/* What a world is made with. Made by skep_world_desc_default. */
typedef struct skep_world_desc {
    uint32_t canary;     /* private: shows that the default was taken */
    uint32_t entity_max; /* most entities alive at once, 1 to 67,108,863; reserves 8 bytes each in
                            the region. 0: 1,048,576 */
    uint64_t seed;       /* of all random numbers; part of the world's hash */
    skep_region region;  /* needed; borrowed, outlives the world. Natively skep/sim.h opens one */
    skep_allocator allocator; /* needed; for what jobs never read */
    skep_log log;             /* or all zero: silence */
} skep_world_desc;

/* Returns the defaults; region and allocator are still to be given. Any thread. */
SKEP_API skep_world_desc skep_world_desc_default(void);

/* Makes an empty world. Fails with SKEP_ARGUMENT for a description without region, allocator or
 * default, and with SKEP_NO_MEMORY; the reason goes to desc->log. The caller ends it with
 * skep_world_destroy. */
SKEP_API SKEP_NODISCARD skep_status skep_world_create(const skep_world_desc *desc,
                                                      skep_world **world);

/* Frees a world and its queries; NULL is fine. Snapshots of it must have been released. */
SKEP_API void skep_world_destroy(skep_world *world);

/* Returns what the last failed call of this world had to say: a sentence that names the thing and,
 * for a limit, the knob. Empty before the first failure; valid until the next one. */
SKEP_API const char *skep_world_error(const skep_world *world);

/* Number of entities alive. */
SKEP_API uint32_t skep_world_entity_count(const skep_world *world);

/* Frames run so far. */
SKEP_API uint64_t skep_world_tick(const skep_world *world);

/* Seconds that the frames simulated. */
SKEP_API double skep_world_time(const skep_world *world);

/* Bytes of the region that are in use by blocks, ids, resources and events. */
SKEP_API size_t skep_world_bytes(const skep_world *world);

/* Number of patches and commands so far that were dropped, because their entity was gone or lacked
 * what was to be set. */
SKEP_API uint64_t skep_world_dropped(const skep_world *world);

/* Checks everything that must hold between storage, ids, free queue and counts. For tests and for
 * bug hunts: O(entities). Returns SKEP_CORRUPT, with the first contradiction as the error text. */
SKEP_API SKEP_NODISCARD skep_status skep_world_check(skep_world *world);

/* ---- entities -------------------------------------------------------------------------------- */

/* Registers a component before its first use, which would do it too. Fails with SKEP_SCHEMA when a
 * component of this name has another layout, with SKEP_ARGUMENT for a description that breaks a
 * rule. */
SKEP_API SKEP_NODISCARD skep_status skep_world_component(skep_world *world,
                                                         const skep_component *component);

/* Returns the description number `index` of what the world knows of a kind (component, resource or
 * prefab), in the order in which it got to know them; NULL past the end, and for other kinds. */
SKEP_API const skep_component *skep_world_known(const skep_world *world, skep_kind kind,
                                                uint32_t index);

/* Creates an entity without components. From outside while a frame runs the handle cannot be known
 * yet: SKEP_BUSY. Fails with SKEP_LIMIT at entity_max and with SKEP_NO_MEMORY. */
SKEP_API SKEP_NODISCARD skep_status skep_entity_create(skep_world *world, skep_entity *entity);

/* Creates an entity with exactly this handle, whose index must not be alive: for loading and for
 * views of other worlds. Between frames only (SKEP_BUSY). SKEP_EXISTS when the index is alive. */
SKEP_API SKEP_NODISCARD skep_status skep_entity_create_at(skep_world *world, skep_entity entity);

/* Destroys an entity and, first to last, its children by Parent, level by level in the order of
 * indexes. SKEP_GONE when it is gone already. */
SKEP_API SKEP_NODISCARD skep_status skep_entity_destroy(skep_world *world, skep_entity entity);

/* Returns whether the entity is alive; commands that wait count as done. */
SKEP_API bool skep_entity_alive(skep_world *world, skep_entity entity);

/* ---- components ------------------------------------------------------------------------------ */

/* Returns whether the entity is alive and has the component. */
SKEP_API bool skep_world_has(skep_world *world, skep_entity entity,
                             const skep_component *component);

/* Copies the entity's value to `value`, the component's C struct; NULL for tags. False: gone, or
 * has none. */
SKEP_API bool skep_world_get(skep_world *world, skep_entity entity, const skep_component *component,
                             void *value);

/* Sets the value of a component that the entity has; NULL writes zeros. SKEP_GONE, or
 * SKEP_NOT_FOUND when it has none. */
SKEP_API SKEP_NODISCARD skep_status skep_world_set(skep_world *world, skep_entity entity,
                                                   const skep_component *component,
                                                   const void *value);

/* Adds a component with this value, or sets it where there is one; NULL writes zeros. SKEP_GONE
 * when the entity is. */
SKEP_API SKEP_NODISCARD skep_status skep_world_add(skep_world *world, skep_entity entity,
                                                   const skep_component *component,
                                                   const void *value);

/* Removes a component; what is not there is as good as removed. SKEP_GONE when the entity is. */
SKEP_API SKEP_NODISCARD skep_status skep_world_remove(skep_world *world, skep_entity entity,
                                                      const skep_component *component);

/* Fills a lookup for many reads in a row: skep/job.h's Pos_get with it is inline all the way. It
 * does not see waiting commands, and dies at the next call that writes. */
SKEP_API skep_lookup skep_world_lookup(skep_world *world, const skep_component *component);

/* ---- many at once ---------------------------------------------------------------------------- */

/* The most components that one call can name. */
#define SKEP_CREATE_MAX 64u

/* The part of a declared component, from skep/job.h's skep_part: SKEP_PART(Pos, &value). */
#define SKEP_PART(C, value) skep_part_make(&C##_info, (value))
/* The part of a tag, or of a component with zeros or what a prefab says: SKEP_PART_OF(Enemy). */
#define SKEP_PART_OF(C) skep_part_make(&C##_info, NULL)

/* Creates n entities with these parts. `entities` takes their handles, or is NULL. All or
 * nothing. Inside a `run` or an iteration it queues commands. */
SKEP_API SKEP_NODISCARD skep_status skep_entity_create_many(skep_world *world, uint32_t n,
                                                            const skep_part *parts,
                                                            size_t part_count,
                                                            skep_entity *entities);

/* Destroys entities with all their children. Those that are gone are skipped. All or nothing. */
SKEP_API SKEP_NODISCARD skep_status skep_entity_destroy_many(skep_world *world,
                                                             const skep_entity *entities, size_t n);

/* Adds or sets a component on n entities; `values` are n C structs, or NULL for zeros. Those that
 * are gone are skipped and counted as dropped. All or nothing. */
SKEP_API SKEP_NODISCARD skep_status skep_world_add_many(skep_world *world,
                                                        const skep_entity *entities, uint32_t n,
                                                        const skep_component *component,
                                                        const void *values);

/* Removes a component from n entities; as skep_world_add_many. */
SKEP_API SKEP_NODISCARD skep_status skep_world_remove_many(skep_world *world,
                                                           const skep_entity *entities, uint32_t n,
                                                           const skep_component *component);

/* A set of components prepared for creating one entity after the other, fast. The caller's memory;
 * no clean-up. Everything in it is private. */
typedef struct skep_shape {
    skep_world *world;
    const skep_component *components[16];
    uint64_t generation;
    uint32_t count;
    uint32_t table;
    uint16_t first[16];
} skep_shape;

/* The row of an entity just created: dies at the next call that writes to the world, other than
 * filling it. */
typedef struct skep_row {
    skep_entity entity;
    const skep__cell *cells; /* private from here on */
    const skep_shape *shape;
    uint32_t row;
} skep_row;

/* Prepares a shape of 1 to 16 different components. */
SKEP_API SKEP_NODISCARD skep_status skep_shape_init(skep_shape *shape, skep_world *world,
                                                    const skep_component *const *components,
                                                    size_t count);

/* Creates an entity of this shape. Every component must then be filled: Pos_fill(&row, 0, value),
 * where 0 is its number in the shape; what is not filled holds anything (debug builds write 0xA5).
 */
SKEP_API SKEP_NODISCARD skep_status skep_shape_create(skep_shape *shape, skep_row *row);

/* ---- prefabs --------------------------------------------------------------------------------- */

/* Defines what a prefab (SKEP_PREFAB) spawns: components and their values, copied. SKEP_EXISTS when
 * it is defined already. */
SKEP_API SKEP_NODISCARD skep_status skep_world_prefab_define(skep_world *world,
                                                             const skep_component *prefab,
                                                             const skep_part *parts,
                                                             size_t part_count);

/* Gives a defined prefab a child: each spawn of it also spawns one of `child`, with Parent set. The
 * child must be defined, and is copied as it is at this moment. At most 64 entities a spawn, the
 * root included (SKEP_LIMIT). */
SKEP_API SKEP_NODISCARD skep_status skep_world_prefab_child(skep_world *world,
                                                            const skep_component *prefab,
                                                            const skep_component *child);

/* Spawns one entity from a prefab; `parts` (part_count of them, NULL for none) replace or add
 * values of the root. `entity` takes the handle; from outside while a frame runs it must be NULL
 * (SKEP_BUSY). SKEP_NOT_FOUND for a prefab that was not defined. */
SKEP_API SKEP_NODISCARD skep_status skep_world_spawn(skep_world *world,
                                                     const skep_component *prefab,
                                                     const skep_part *parts, size_t part_count,
                                                     skep_entity *entity);

/* Spawns n entities from a prefab, with overrides for each: a constant or a function of the index.
 * `entities` takes the roots' handles, or is NULL. All or nothing. */
SKEP_API SKEP_NODISCARD skep_status skep_world_spawn_many(skep_world *world,
                                                          const skep_component *prefab, uint32_t n,
                                                          const skep_part *parts, size_t part_count,
                                                          skep_entity *entities);

/* Lists the living entities whose Parent is `parent`, by index. The array is the world's and dies
 * at the next call. O(children), and once in a while O(entities that have a Parent). */
SKEP_API SKEP_NODISCARD skep_status skep_world_children(skep_world *world, skep_entity parent,
                                                        const skep_entity **children,
                                                        uint32_t *count);

/* ---- resources ------------------------------------------------------------------------------- */

/* Sets a resource's value, `bytes` of it: the C struct's size, or a greater one for a buffer behind
 * it. NULL writes zeros. The first call makes it. Fails with SKEP_NO_MEMORY, SKEP_SCHEMA or
 * SKEP_ARGUMENT. */
SKEP_API SKEP_NODISCARD skep_status skep_world_resource_set(skep_world *world,
                                                            const skep_component *resource,
                                                            const void *value, size_t bytes);

/* Returns a resource's value for reading, or NULL when it was never set. Valid until it is written.
 */
SKEP_API const void *skep_world_resource_read(skep_world *world, const skep_component *resource,
                                              size_t *bytes);

/* Returns a resource's value for changing it in place, made of zeros when it was never set, or NULL
 * (see skep_world_error). Valid until the next call that writes to the world. */
SKEP_API void *skep_world_resource_write(skep_world *world, const skep_component *resource,
                                         size_t *bytes);

/* ---- events and inputs ----------------------------------------------------------------------- */

/* Sends an event, to an entity or, with null, to all. It lives until the end of the frame after the
 * one that sent it. */
SKEP_API SKEP_NODISCARD skep_status skep_world_send(skep_world *world, const skep_component *event,
                                                    skep_entity to, const void *value);

/* Returns the sequence number that the next event will get. Numbers only grow, over all types. */
SKEP_API uint64_t skep_world_event_seq(const skep_world *world);

/* One pass over the events of a type, oldest first. The caller reads the first group. Dies at the
 * next call that writes. */
typedef struct skep_event_iter {
    skep_entity to;    /* null: to all */
    uint64_t seq;      /* its number */
    const void *value; /* the C struct */

    /* Private from here on. */
    const uint8_t *next;
    const uint8_t *end;
    uint32_t stride;
} skep_event_iter;

/* Starts a pass over events or inputs of a type whose numbers are `since` or greater. */
SKEP_API skep_event_iter skep_world_events(skep_world *world, const skep_component *event,
                                           uint64_t since);

/* Moves to the next event; false at the end. */
SKEP_API bool skep_event_next(skep_event_iter *it);

/* Gives the world an input message of a player or device (`source`), its `number`-th, addressed to
 * an entity or, with null, to all. Inputs are collected and delivered when the next frame begins,
 * in the order (source, number, order of arrival). */
SKEP_API SKEP_NODISCARD skep_status skep_world_input(skep_world *world, uint32_t source,
                                                     uint64_t number, skep_entity to,
                                                     const skep_component *input,
                                                     const void *value);

/* Ends a frame of a world that has no plan: events and removals older than one frame are dropped.
 * Worlds that a plan drives must not call it. */
SKEP_API void skep_world_frame_end(skep_world *world);

/* ---- hooks ----------------------------------------------------------------------------------- */

/* Is told that an entity got or lost a component. The entity may be gone. What a hook changes is
 * queued and made when all hooks were told. */
typedef void skep_hook_fn(void *ctx, skep_world *world, skep_entity entity);

/* Calls `fn` after each adding of the component: at once between frames, after apply in a frame, in
 * the order in which things happened; never on restore. Setting an existing value is no adding. */
SKEP_API SKEP_NODISCARD skep_status skep_world_on_add(skep_world *world,
                                                      const skep_component *component,
                                                      skep_hook_fn *fn, void *ctx);

/* As skep_world_on_add, for removing it, destroying its entity included. */
SKEP_API SKEP_NODISCARD skep_status skep_world_on_remove(skep_world *world,
                                                         const skep_component *component,
                                                         skep_hook_fn *fn, void *ctx);

/* Takes back every hook that was given with this function and context. */
SKEP_API void skep_world_unhook(skep_world *world, skep_hook_fn *fn, void *ctx);

/* ---- private: what the generated functions call ---------------------------------------------- */

/* Fills a row that is still a command. */
SKEP_API skep_status skep__row_fill(const skep_row *row, uint32_t part, const void *value);

#ifdef __cplusplus
}
#endif

/* ---- what the declarations add --------------------------------------------------------------- */

/* SKEP_COMPONENT(Pos, ...) and SKEP_STRUCT add, for the main thread:
 *   bool         Pos_of(world, entity, Pos *value)      false: gone, or has no Pos
 *   skep_status  Pos_set(world, entity, value)          of an entity that has one
 *   skep_status  Pos_attach(world, entity, value)       add or set
 *   skep_status  Pos_detach(world, entity)
 *   Pos_in       Pos_read(&it, term)                    columns of a query's block; NULLs where
 * there are none Pos_mut      Pos_write(&it, term)                   the same to be written, whole
 * block at once; NULLs and it.status without memory skep_status  Pos_fill(&row, part, value) of an
 * entity that skep_shape_create made skep_columns Pos_columns(&columns)                  arrays for
 * skep_entity_create_many Pos_lookup   Pos_lookup_of(world)                   see skep_world_lookup
 */
#undef SKEP__WORLD_COMPONENT
#define SKEP__WORLD_COMPONENT(C, ...)                                                              \
    SKEP_UNUSED static inline bool C##_of(skep_world *world, skep_entity e, C *value)              \
    {                                                                                              \
        const skep__spot at = skep__spot_of(world, e, &C##_info);                                  \
        const skep__cell *cell = at.cell;                                                          \
        const uint32_t row = at.row;                                                               \
        if (!cell) return false;                                                                   \
        SKEP__EACH(SKEP__LOAD, C, __VA_ARGS__)                                                     \
        return true;                                                                               \
    }                                                                                              \
    SKEP_UNUSED SKEP_NODISCARD static inline skep_status C##_set(skep_world *world, skep_entity e, \
                                                                 C value)                          \
    {                                                                                              \
        const skep__spot at = skep__spot_own(world, e, &C##_info);                                 \
        const skep__cell *cell = at.cell;                                                          \
        const uint32_t row = at.row;                                                               \
        if (!cell) {                                                                               \
            const C other = value; /* so that `value` itself can stay in registers */              \
            return skep_world_set(world, e, &C##_info, &other);                                    \
        }                                                                                          \
        SKEP__EACH(SKEP__STORE, C, __VA_ARGS__)                                                    \
        return SKEP_OK;                                                                            \
    }                                                                                              \
    SKEP_UNUSED SKEP_NODISCARD static inline skep_status C##_attach(skep_world *world,             \
                                                                    skep_entity e, C value)        \
    {                                                                                              \
        const uint32_t type = skep__plain_type(world, &C##_info);                                  \
        if (type != UINT32_MAX && skep__world_row_add(world, e, type, &value) == SKEP_OK)          \
            return SKEP_OK;                                                                        \
        return skep_world_add(world, e, &C##_info, &value);                                        \
    }                                                                                              \
    SKEP__WORLD_DETACH(C)                                                                          \
    SKEP_UNUSED static inline C##_in C##_read(const skep_query_iter *it, uint32_t term)            \
    {                                                                                              \
        C##_in columns;                                                                            \
        const skep__cell *cell = skep__query_read(it, term, &C##_info);                            \
        SKEP__EACH(SKEP__VIEW, C, __VA_ARGS__)                                                     \
        return columns;                                                                            \
    }                                                                                              \
    SKEP_UNUSED static inline C##_mut C##_write(skep_query_iter *it, uint32_t term)                \
    {                                                                                              \
        C##_mut columns;                                                                           \
        const skep__cell *cell = skep__query_write(it, term, &C##_info);                           \
        SKEP__EACH(SKEP__VIEW_MUT, C, __VA_ARGS__)                                                 \
        return columns;                                                                            \
    }                                                                                              \
    SKEP_UNUSED static inline skep_status C##_fill(const skep_row *at, uint32_t part, C value)     \
    {                                                                                              \
        if (!at->cells) return skep__row_fill(at, part, &value);                                   \
        const skep__cell *cell = at->cells + at->shape->first[part];                               \
        const uint32_t row = at->row;                                                              \
        SKEP__EACH(SKEP__STORE, C, __VA_ARGS__)                                                    \
        return SKEP_OK;                                                                            \
    }                                                                                              \
    SKEP__WORLD_LOOKUP(C)

/* SKEP_TAG(Enemy) adds Enemy_attach(world, entity), Enemy_detach(world, entity) and
 * Enemy_lookup_of(world). */
#undef SKEP__WORLD_TAG
#define SKEP__WORLD_TAG(C)                                                                         \
    SKEP_UNUSED SKEP_NODISCARD static inline skep_status C##_attach(skep_world *world,             \
                                                                    skep_entity e)                 \
    {                                                                                              \
        return skep_world_add(world, e, &C##_info, NULL);                                          \
    }                                                                                              \
    SKEP__WORLD_DETACH(C)                                                                          \
    SKEP__WORLD_LOOKUP(C)

/* SKEP_EVENT(Hit, ...) adds
 *   skep_status Hit_post(world, to, value)              null: to all
 *   bool        Hit_next(&events, Hit *value)           over skep_world_events(world, &Hit_info,
 * since) */
#undef SKEP__WORLD_EVENT
#define SKEP__WORLD_EVENT(C)                                                                       \
    SKEP_UNUSED SKEP_NODISCARD static inline skep_status C##_post(skep_world *world,               \
                                                                  skep_entity to, C value)         \
    {                                                                                              \
        return skep_world_send(world, &C##_info, to, &value);                                      \
    }                                                                                              \
    SKEP__WORLD_NEXT(C)

/* SKEP_INPUT(Steer, ...) adds
 *   skep_status Steer_post(world, source, number, to, value)
 *   bool        Steer_next(&events, Steer *value) */
#undef SKEP__WORLD_INPUT
#define SKEP__WORLD_INPUT(C)                                                                       \
    SKEP_UNUSED SKEP_NODISCARD static inline skep_status C##_post(                                 \
        skep_world *world, uint32_t source, uint64_t number, skep_entity to, C value)              \
    {                                                                                              \
        return skep_world_input(world, source, number, to, &C##_info, &value);                     \
    }                                                                                              \
    SKEP__WORLD_NEXT(C)

/* SKEP_RESOURCE(Rules, ...) adds
 *   const Rules *Rules_read(world)                      NULL when it was never set
 *   Rules       *Rules_write(world)                     to be changed in place; NULL without memory
 *   skep_status  Rules_set(world, value) */
#undef SKEP__WORLD_RESOURCE
#define SKEP__WORLD_RESOURCE(C)                                                                    \
    SKEP_UNUSED static inline const C *C##_read(skep_world *world)                                 \
    {                                                                                              \
        return (const C *)skep_world_resource_read(world, &C##_info, NULL);                        \
    }                                                                                              \
    SKEP_UNUSED static inline C *C##_write(skep_world *world)                                      \
    {                                                                                              \
        return (C *)skep_world_resource_write(world, &C##_info, NULL);                             \
    }                                                                                              \
    SKEP_UNUSED SKEP_NODISCARD static inline skep_status C##_set(skep_world *world, C value)       \
    {                                                                                              \
        return skep_world_resource_set(world, &C##_info, &value, sizeof value);                    \
    }

#define SKEP__STORE(C, p) SKEP__PICK(S, p) cell++;
#define SKEP__VIEW(C, p)                                                                           \
    columns.SKEP__PICK(X, p) = cell ? (SKEP__TYPE_OF(p) const *)(const void *)(cell++)->data : NULL;
#define SKEP__VIEW_MUT(C, p)                                                                       \
    columns.SKEP__PICK(X, p) = cell ? (SKEP__TYPE_OF(p) *)(void *)(cell++)->data : NULL;

#define SKEP__WORLD_DETACH(C)                                                                      \
    SKEP_UNUSED SKEP_NODISCARD static inline skep_status C##_detach(skep_world *world,             \
                                                                    skep_entity e)                 \
    {                                                                                              \
        const uint32_t type = skep__plain_type(world, &C##_info);                                  \
        if (type != UINT32_MAX && skep__world_row_remove(world, e, type) == SKEP_OK)               \
            return SKEP_OK;                                                                        \
        return skep_world_remove(world, e, &C##_info);                                             \
    }

#define SKEP__WORLD_LOOKUP(C)                                                                      \
    SKEP_UNUSED static inline C##_lookup C##_lookup_of(skep_world *world)                          \
    {                                                                                              \
        C##_lookup lookup;                                                                         \
        lookup.at = skep_world_lookup(world, &C##_info);                                           \
        return lookup;                                                                             \
    }

#define SKEP__WORLD_NEXT(C)                                                                        \
    SKEP_UNUSED static inline bool C##_next(skep_event_iter *it, C *value)                         \
    {                                                                                              \
        if (!skep_event_next(it)) return false;                                                    \
        *value = *(const C *)it->value;                                                            \
        return true;                                                                               \
    }

#include "skep/parent.h"

#endif
