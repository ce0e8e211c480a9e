/* SPDX-License-Identifier: MIT */
/* Jobs: all that a job file can see.
 *
 * A job is a pure function over columns: it reads the old values of the components it declared and
 * returns new columns and patches. It never sees the world, so the same job runs on threads, in
 * processes, in workers and in process, and gives the same bits. This header has, from top to
 * bottom: the macros that declare components, events, resources and prefabs (SKEP_COMPONENT and its
 * kin), the one that declares a job (SKEP_JOB), what a job gets (skep_task) and what it may call.
 * Everything with a double underscore is the macros' own.
 *
 *     SKEP_COMPONENT(Pos, (f32, x), (f32, y));
 *     SKEP_COMPONENT(Vel, (f32, x), (f32, y));
 *     SKEP_JOB(move, (mut, Pos, pos), (in, Vel, vel))
 *     {
 *         SKEP_ROWS(i, task) c->pos.x[i] += c->vel.x[i] * task->dt;
 *     }
 */
#ifndef SKEP_JOB_H
#define SKEP_JOB_H

#include "skep/component.h"
#include "skep/id.h"
#include "skep/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define SKEP_RESTRICT __restrict
/* Writes a value of struct type T in place: SKEP_LIT(Pos, 1.0f, 2.0f). */
#define SKEP_LIT(T, ...)                                                                           \
    T                                                                                              \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define SKEP_UNUSED [[maybe_unused]]
#define SKEP_EXTERN_C extern "C"
#else
/* The C and C++ spelling of restrict. */
#define SKEP_RESTRICT restrict
/* Writes a value of struct type T in place: SKEP_LIT(Pos, 1.0f, 2.0f). */
#define SKEP_LIT(T, ...) ((T){__VA_ARGS__})
/* C linkage in both languages. */
#define SKEP_EXTERN_C extern
#if defined(__GNUC__) || defined(__clang__)
/* Says that a declaration may stay unused. */
#define SKEP_UNUSED __attribute__((unused))
#else
#define SKEP_UNUSED
#endif
#endif

#if defined(__clang__)
/* Says that the iterations of the next loop are independent, so that it is vectorised. */
#define SKEP_IVDEP _Pragma("clang loop vectorize(assume_safety)")
/* A loop that cannot be vectorised after all is no mistake of its author's. */
#pragma clang diagnostic ignored "-Wpass-failed"
#elif defined(__GNUC__)
/* Says that the iterations of the next loop are independent, so that it is vectorised. */
#define SKEP_IVDEP _Pragma("GCC ivdep")
#else
#define SKEP_IVDEP
#endif

/* Loops `i` over the rows of a task and promises that the rows are independent of each other: the
 * count is hoisted, and compilers vectorise over many columns, which they refuse for a plain `for`.
 */
#define SKEP_ROWS(i, task)                                                                         \
    SKEP_IVDEP                                                                                     \
    for (uint32_t i = 0, i##_end = (task)->n; i < i##_end; i++)

/* ---- access modes ---------------------------------------------------------------------------- */

/* Every access mode: name in a declaration, value, meaning.
 *   in      const columns of old values
 *   mut     columns that hold the old values, to be changed
 *   out     fresh columns, every row to be written
 *   opt     as `in`, NULL pointers where the table lacks the component
 *   with    the entity has it; no columns          not   the entity lacks it
 *   lookup  any entity's old value, read only      changed  which rows were written since the last
 * run res     const resource                          res_mut  resource to be changed; unsplit jobs
 * only inbox   the events addressed to each row        events   all events of a type, in the order
 * sent add     right to add or set on any entity       remove   right to remove from any entity
 *   spawn   right to spawn from a prefab            destroy  right to destroy any entity (Entity)
 *   emit    right to send an event
 *   sum min max fold   reduction into a resource: each block has its own value, combined in block
 * order */
#define SKEP_MODE_TABLE(X)                                                                         \
    X(in, 1)                                                                                       \
    X(mut, 2)                                                                                      \
    X(out, 3)                                                                                      \
    X(opt, 4)                                                                                      \
    X(with, 5)                                                                                     \
    X(not, 6)                                                                                      \
    X(lookup, 7)                                                                                   \
    X(changed, 8)                                                                                  \
    X(res, 9)                                                                                      \
    X(res_mut, 10)                                                                                 \
    X(inbox, 11)                                                                                   \
    X(events, 12)                                                                                  \
    X(add, 13)                                                                                     \
    X(remove, 14)                                                                                  \
    X(spawn, 15)                                                                                   \
    X(destroy, 16)                                                                                 \
    X(emit, 17)                                                                                    \
    X(sum, 18)                                                                                     \
    X(min, 19)                                                                                     \
    X(max, 20)                                                                                     \
    X(fold, 21)

/* How a job uses a component; see SKEP_MODE_TABLE. */
typedef enum skep_mode {
#define SKEP_MODE_ROW(name, value) SKEP_MODE_##name = value,
    SKEP_MODE_TABLE(SKEP_MODE_ROW)
#undef SKEP_MODE_ROW
} skep_mode;

/* One line of a job's declaration. */
typedef struct skep_access {
    const skep_component *component; /* what is used */
    uint32_t mode;                   /* skep_mode */
    uint32_t offset;                 /* byte offset of its member in the job's column struct */
} skep_access;

/* ---- tasks and jobs -------------------------------------------------------------------------- */

struct skep__run; /* private: where a running task writes */

/* What a job is called with: one run of rows of one table. Dies when the job returns. */
typedef struct skep_task {
    uint32_t n;                /* rows; 0 for a job that has no rows */
    float dt;                  /* seconds that this frame simulates */
    double time;               /* seconds since the world began */
    uint64_t tick;             /* frames run before this one */
    const skep_entity *entity; /* the rows' handles, n of them; NULL without rows */
    uint32_t block;            /* number of the task within its system, from 0 */
    uint32_t part;             /* number of this call within its task, from 0 */
    uint32_t parts;            /* calls that this task makes: 1, or more for unsplit jobs */
    uint32_t row;              /* number of the first row within the task */
    struct skep__run *run;     /* private */
} skep_task;

/* Flags of SKEP_JOB_WITH. */
enum {
    SKEP_JOB_MAY_FAIL = 1, /* the job may call skep_fail: its output is dropped whole then */
    SKEP_JOB_UNSPLIT = 2   /* one task for all rows, called once a table block, in order; once with
                              n = 0 where nothing matches. Needed for res_mut */
};

/* A job: name, declared access and the function. Made by SKEP_JOB, constant. */
typedef struct skep_job {
    const char *name;                                      /* static text, also the system's name */
    const skep_access *access;                             /* access_count entries */
    uint32_t access_count;                                 /* at most SKEP_ACCESS_MAX */
    uint32_t cols_size;                                    /* bytes of the column struct */
    uint32_t flags;                                        /* SKEP_JOB_MAY_FAIL, SKEP_JOB_UNSPLIT */
    uint32_t spawn_max;                                    /* spawns a block; 0: one a row */
    void (*call)(const skep_task *task, const void *cols); /* the function */
} skep_job;

/* The most access entries of one job. */
#define SKEP_ACCESS_MAX 24u

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a job may call --------------------------------------------------------------------- */

/* Returns a number that is a pure function of (world seed, system name, tick, entity, draw):
 * uniform in [0, 1), 24 bits for f32 and 53 for f64, or uniform below `below` (0 when that is 0).
 * `draw` numbers the draws for one entity in one frame. */
SKEP_API float skep_rand_f32(const skep_task *task, skep_entity entity, uint32_t draw);
/* As skep_rand_f32, with 53 bits. */
SKEP_API double skep_rand_f64(const skep_task *task, skep_entity entity, uint32_t draw);
/* As skep_rand_f32, a whole number below `below`. */
SKEP_API uint32_t skep_rand_u32(const skep_task *task, skep_entity entity, uint32_t draw,
                                uint32_t below);

/* Returns `bytes` of zeroed memory, aligned to 16, that live until the job's task ends, or NULL
 * when the worker's scratch (knob scratch_bytes) is used up. */
SKEP_API void *skep_scratch(const skep_task *task, size_t bytes);

/* Writes a line to the host's log, named after the system and block. Known: %d %u %s %f %g %x %c
 * %p, the sizes l, ll and z, widths and precisions. Lines of a dropped task still appear. */
SKEP_API void skep_logf(const skep_task *task, const char *format, ...)
#if defined(__GNUC__) || defined(__clang__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Says that the job failed, and why; return soon after. Everything that this system did in this
 * frame is dropped. Needs SKEP_JOB_MAY_FAIL; `text` is static. */
SKEP_API void skep_fail(const skep_task *task, const char *text);

/* ---- private: what the macros' functions call ------------------------------------------------ */

/* A column block of a table: its rows, and the epoch in which it was last made writable. */
typedef struct skep__cell {
    uint8_t *data;
    uint64_t epoch;
} skep__cell;

/* Where a component's columns are in one table: the first column's cell in row block 0, or NULL.
 * Row blocks are `stride` bytes apart and hold 1 << shift rows. */
typedef struct skep__colref {
    uint8_t *cells;
    uint32_t stride;
    uint32_t shift;
} skep__colref;

/* Finds any entity's value of one component; valid for the job's whole life. */
typedef struct skep_lookup {
    const uint64_t *index;   /* a record an entity index */
    const skep__colref *dir; /* an entry a table */
    uint32_t index_count;
    uint32_t pad;
} skep_lookup;

/* The layout of an entity record: generation 21, table 17, row 26 bits; table 0 is nowhere. */
#define SKEP__RECORD_TABLE_SHIFT 26
#define SKEP__RECORD_GENERATION_SHIFT 43
#define SKEP__RECORD_ROW_MASK 0x3ffffffu
#define SKEP__RECORD_TABLE_MASK 0x1ffffu

/* Returns the first cell of the entity's component and its row in that block, or NULL. */
static inline const skep__cell *skep__find(const skep_lookup *l, skep_entity e, uint32_t *row)
{
    const uint32_t i = (uint32_t)e.bits;
    if (i >= l->index_count) return NULL;
    const uint64_t record = l->index[i];
    if ((record >> SKEP__RECORD_GENERATION_SHIFT) != (e.bits >> 32)) return NULL;
    const skep__colref *ref =
        &l->dir[(uint32_t)(record >> SKEP__RECORD_TABLE_SHIFT) & SKEP__RECORD_TABLE_MASK];
    if (!ref->cells) return NULL;
    const uint32_t at = (uint32_t)record & SKEP__RECORD_ROW_MASK;
    *row = at & ((1u << ref->shift) - 1u);
    return (const skep__cell *)(const void *)(ref->cells +
                                              (size_t)(at >> ref->shift) * ref->stride);
}

SKEP_API void skep__put(const skep_task *task, uint32_t slot, skep_entity e, const void *value);
SKEP_API void skep__drop(const skep_task *task, uint32_t slot, skep_entity e);
SKEP_API void skep__destroy(const skep_task *task, uint32_t slot, skep_entity e);
SKEP_API void skep__send(const skep_task *task, uint32_t slot, skep_entity to, const void *value);
SKEP_API skep_entity skep__spawn(const skep_task *task, uint32_t slot);
SKEP_API void skep__init(const skep_task *task, const skep_component *component, skep_entity e,
                         const void *value);

/* Whether this task failed before and is tried once more (SKEP_BATCH_RETRY). For the scene
 * `hostile`, whose second tries must succeed: what a job makes of it must not reach the world, and
 * `skep check` names whoever asks. */
SKEP_API bool skep__task_again(const skep_task *task);

/* The right to destroy: declared as (destroy, Entity, name). */
typedef struct Entity_destroy {
    uint32_t slot;
} Entity_destroy;
/* The right to spawn an entity without components: declared as (spawn, Entity, name). */
typedef struct Entity_spawn {
    uint32_t slot;
} Entity_spawn;
/* Names any entity in declarations of rights. */
SKEP_UNUSED static const skep_component Entity_info = {"Entity", NULL, 0u,
                                                       0u,       1u,   SKEP_KIND_PREFAB};

/* Destroys an entity, and all that have it as their Parent, when the batch is applied. An entity
 * that is gone already is no error. */
static inline void skep_destroy(const skep_task *task, Entity_destroy right, skep_entity e)
{
    skep__destroy(task, right.slot, e);
}

/* Spawns an entity without components; see P_new of SKEP_PREFAB. */
static inline skep_entity skep_spawn(const skep_task *task, Entity_spawn right)
{
    return skep__spawn(task, right.slot);
}

#ifdef __cplusplus
}
#endif

/* ---- private: for-each over (tuples), 1 to 24 ------------------------------------------------ */

#define SKEP__N(...)                                                                               \
    SKEP__N_(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6,  \
             5, 4, 3, 2, 1, 0)
#define SKEP__N_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, ...) y
#define SKEP__CAT(a, b) SKEP__CAT_(a, b)
#define SKEP__CAT_(a, b) a##b
#define SKEP__STR(x) SKEP__STR_(x)
#define SKEP__STR_(x) #x
#define SKEP__E1(M, C, x) M(C, x)
#define SKEP__E2(M, C, x, ...) M(C, x) SKEP__E1(M, C, __VA_ARGS__)
#define SKEP__E3(M, C, x, ...) M(C, x) SKEP__E2(M, C, __VA_ARGS__)
#define SKEP__E4(M, C, x, ...) M(C, x) SKEP__E3(M, C, __VA_ARGS__)
#define SKEP__E5(M, C, x, ...) M(C, x) SKEP__E4(M, C, __VA_ARGS__)
#define SKEP__E6(M, C, x, ...) M(C, x) SKEP__E5(M, C, __VA_ARGS__)
#define SKEP__E7(M, C, x, ...) M(C, x) SKEP__E6(M, C, __VA_ARGS__)
#define SKEP__E8(M, C, x, ...) M(C, x) SKEP__E7(M, C, __VA_ARGS__)
#define SKEP__E9(M, C, x, ...) M(C, x) SKEP__E8(M, C, __VA_ARGS__)
#define SKEP__E10(M, C, x, ...) M(C, x) SKEP__E9(M, C, __VA_ARGS__)
#define SKEP__E11(M, C, x, ...) M(C, x) SKEP__E10(M, C, __VA_ARGS__)
#define SKEP__E12(M, C, x, ...) M(C, x) SKEP__E11(M, C, __VA_ARGS__)
#define SKEP__E13(M, C, x, ...) M(C, x) SKEP__E12(M, C, __VA_ARGS__)
#define SKEP__E14(M, C, x, ...) M(C, x) SKEP__E13(M, C, __VA_ARGS__)
#define SKEP__E15(M, C, x, ...) M(C, x) SKEP__E14(M, C, __VA_ARGS__)
#define SKEP__E16(M, C, x, ...) M(C, x) SKEP__E15(M, C, __VA_ARGS__)
#define SKEP__E17(M, C, x, ...) M(C, x) SKEP__E16(M, C, __VA_ARGS__)
#define SKEP__E18(M, C, x, ...) M(C, x) SKEP__E17(M, C, __VA_ARGS__)
#define SKEP__E19(M, C, x, ...) M(C, x) SKEP__E18(M, C, __VA_ARGS__)
#define SKEP__E20(M, C, x, ...) M(C, x) SKEP__E19(M, C, __VA_ARGS__)
#define SKEP__E21(M, C, x, ...) M(C, x) SKEP__E20(M, C, __VA_ARGS__)
#define SKEP__E22(M, C, x, ...) M(C, x) SKEP__E21(M, C, __VA_ARGS__)
#define SKEP__E23(M, C, x, ...) M(C, x) SKEP__E22(M, C, __VA_ARGS__)
#define SKEP__E24(M, C, x, ...) M(C, x) SKEP__E23(M, C, __VA_ARGS__)
#define SKEP__EACH(M, C, ...) SKEP__CAT(SKEP__E, SKEP__N(__VA_ARGS__))(M, C, __VA_ARGS__)

/* A field is (type, name) or (type, name, count). */
#define SKEP__T2(t, x) t
#define SKEP__T3(t, x, n) t
#define SKEP__X2(t, x) x
#define SKEP__X3(t, x, n) x
#define SKEP__K2(t, x) 1u
#define SKEP__K3(t, x, n) n
#define SKEP__D2(t, x) x
#define SKEP__D3(t, x, n) x[n]
#define SKEP__L2(t, x) value->x = ((SKEP__CTYPE(t) const *)(const void *)cell->data)[row];
#define SKEP__L3(t, x, n)                                                                          \
    for (uint32_t k = 0; k < (n); k++)                                                             \
        value->x[k] = ((SKEP__CTYPE(t) const *)(const void *)cell->data)[(size_t)row * (n) + k];
#define SKEP__S2(t, x) ((SKEP__CTYPE(t) *)(void *)cell->data)[row] = value.x;
#define SKEP__S3(t, x, n)                                                                          \
    for (uint32_t k = 0; k < (n); k++)                                                             \
        ((SKEP__CTYPE(t) *)(void *)cell->data)[(size_t)row * (n) + k] = value.x[k];
#define SKEP__PICK(what, p) SKEP__CAT(SKEP__##what, SKEP__N p) p
#define SKEP__CTYPE(t) SKEP__CAT(skep_, t)
#define SKEP__TYPE_OF(p) SKEP__CTYPE(SKEP__PICK(T, p))

#define SKEP__VALUE(C, p) SKEP__TYPE_OF(p) SKEP__PICK(D, p);
#define SKEP__COL_IN(C, p) SKEP__TYPE_OF(p) const *SKEP__PICK(X, p);
#define SKEP__COL_MUT(C, p) SKEP__TYPE_OF(p) * SKEP_RESTRICT SKEP__PICK(X, p);
#define SKEP__INFO(C, p)                                                                           \
    {SKEP__STR(SKEP__PICK(X, p)), (uint8_t)SKEP__CAT(SKEP_TYPE_, SKEP__PICK(T, p)),                \
     (uint8_t)sizeof(SKEP__TYPE_OF(p)), (uint16_t)(SKEP__PICK(K, p)),                              \
     (uint32_t)offsetof(C, SKEP__PICK(X, p))},
#define SKEP__ONE(C, p) +1
#define SKEP__LOAD(C, p) SKEP__PICK(L, p) cell++;

/* What all kinds of described values share: value struct and description. */
#define SKEP__DESCRIBE(C, described_kind, ...)                                                     \
    typedef struct C {                                                                             \
        SKEP__EACH(SKEP__VALUE, C, __VA_ARGS__)                                                    \
    } C;                                                                                           \
    SKEP_UNUSED static const skep_field C##_fields[] = {SKEP__EACH(SKEP__INFO, C, __VA_ARGS__)};   \
    struct C##__align {                                                                            \
        char first;                                                                                \
        C value;                                                                                   \
    };                                                                                             \
    SKEP_UNUSED static const skep_component C##_info = {                                           \
        #C,                                                                                        \
        C##_fields,                                                                                \
        (uint32_t)(0 SKEP__EACH(SKEP__ONE, C, __VA_ARGS__)),                                       \
        (uint32_t)sizeof(C),                                                                       \
        (uint32_t)offsetof(struct C##__align, value),                                              \
        described_kind}

#define SKEP__SLOT(C, right)                                                                       \
    typedef struct C##_##right {                                                                   \
        uint32_t slot;                                                                             \
    } C##_##right

/* ---- parts ----------------------------------------------------------------------------------- */

/* One component of entities that are made, or of rows that a job is run over, with where its values
 * come from. The first that is given counts: columns, fill, value; none of them: zeros, or what a
 * prefab says. */
typedef struct skep_part {
    const skep_component *component;
    void *columns;     /* the column struct (Pos_mut), n rows a pointer; a NULL pointer: as without
                          columns */
    const void *value; /* the C struct, the same for all */
    void (*fill)(void *ctx, uint32_t index,
                 void *at); /* called for each with its number from 0; *at holds
                               the value so far, to be changed */
    void *ctx;              /* for fill */
} skep_part;

/* Returns a part with the same value for all; NULL: zeros, or what a prefab says. */
static inline skep_part skep_part_make(const skep_component *component, const void *value)
{
    skep_part part;
    part.component = component;
    part.columns = NULL;
    part.value = value;
    part.fill = NULL;
    part.ctx = NULL;
    return part;
}

/* ---- private: where skep/world.h adds the main thread's functions ---------------------------- */

/* Empty here, so that a job file cannot reach the world; skep/world.h gives them their contents.
 * They are looked up where a component is declared, not here: what is declared after that header
 * gets both faces. */
#ifndef SKEP__WORLD_COMPONENT
#define SKEP__WORLD_COMPONENT(C, ...)
#define SKEP__WORLD_TAG(C)
#define SKEP__WORLD_EVENT(C)
#define SKEP__WORLD_INPUT(C)
#define SKEP__WORLD_RESOURCE(C)
#endif

/* ---- declarations ---------------------------------------------------------------------------- */

/* Declares a component by its fields, (type, name) or (type, name, count): SKEP_COMPONENT(Pos,
 * (f32, x), (f32, y)). Gives the value struct Pos; the column structs Pos_in, Pos_mut, Pos_out,
 * Pos_opt (a pointer a field; an array field is row-major, m[i * count + k]); Pos_lookup with
 * Pos_get; Pos_changed with Pos_changed_at; the rights Pos_add with Pos_put and Pos_remove with
 * Pos_drop; Pos_init for own spawns; and its description Pos_info. bool Pos_get(const Pos_lookup *,
 * skep_entity, Pos *value)    false: gone, or has no Pos void Pos_put(const skep_task *, Pos_add,
 * skep_entity, Pos)   add or set; the last one wins void Pos_drop(const skep_task *, Pos_remove,
 * skep_entity) void Pos_init(const skep_task *, skep_entity own_spawn, Pos) a first value of what
 * this task spawned skep_part Pos_columns(Pos_mut *)                             arrays of n rows,
 * for calls that take parts */
#define SKEP_COMPONENT(C, ...)                                                                     \
    SKEP__DESCRIBE(C, SKEP_KIND_COMPONENT, __VA_ARGS__);                                           \
    typedef struct C##_in {                                                                        \
        SKEP__EACH(SKEP__COL_IN, C, __VA_ARGS__)                                                   \
    } C##_in;                                                                                      \
    typedef C##_in C##_opt;                                                                        \
    typedef struct C##_mut {                                                                       \
        SKEP__EACH(SKEP__COL_MUT, C, __VA_ARGS__)                                                  \
    } C##_mut;                                                                                     \
    typedef C##_mut C##_out;                                                                       \
    SKEP__RELATIONS(C);                                                                            \
    SKEP_UNUSED static inline bool C##_get(const C##_lookup *lookup, skep_entity e, C *value)      \
    {                                                                                              \
        uint32_t row = 0;                                                                          \
        const skep__cell *cell = skep__find(&lookup->at, e, &row);                                 \
        if (!cell) return false;                                                                   \
        SKEP__EACH(SKEP__LOAD, C, __VA_ARGS__)                                                     \
        return true;                                                                               \
    }                                                                                              \
    SKEP_UNUSED static inline void C##_put(const skep_task *task, C##_add right, skep_entity e,    \
                                           C value)                                                \
    {                                                                                              \
        skep__put(task, right.slot, e, &value);                                                    \
    }                                                                                              \
    SKEP_UNUSED static inline void C##_init(const skep_task *task, skep_entity e, C value)         \
    {                                                                                              \
        skep__init(task, &C##_info, e, &value);                                                    \
    }                                                                                              \
    SKEP__PART(C)                                                                                  \
    SKEP__WORLD_COMPONENT(C, __VA_ARGS__)                                                          \
    struct C##__end

#define SKEP__PART(C)                                                                              \
    SKEP_UNUSED static inline skep_part C##_columns(C##_mut *columns)                              \
    {                                                                                              \
        skep_part part = skep_part_make(&C##_info, NULL);                                          \
        part.columns = columns;                                                                    \
        return part;                                                                               \
    }

#define SKEP__RELATIONS(C)                                                                         \
    typedef struct C##_lookup {                                                                    \
        skep_lookup at;                                                                            \
    } C##_lookup;                                                                                  \
    typedef struct C##_changed {                                                                   \
        const uint64_t *stamp;                                                                     \
        uint64_t since;                                                                            \
    } C##_changed;                                                                                 \
    SKEP__SLOT(C, with);                                                                           \
    SKEP__SLOT(C, not );                                                                           \
    SKEP__SLOT(C, add);                                                                            \
    SKEP__SLOT(C, remove);                                                                         \
    SKEP_UNUSED static inline bool C##_has(const C##_lookup *lookup, skep_entity e)                \
    {                                                                                              \
        uint32_t row = 0;                                                                          \
        return skep__find(&lookup->at, e, &row) != NULL;                                           \
    }                                                                                              \
    SKEP_UNUSED static inline bool C##_changed_at(const C##_changed *changed, uint32_t i)          \
    {                                                                                              \
        return changed->stamp[i] > changed->since;                                                 \
    }                                                                                              \
    SKEP_UNUSED static inline void C##_drop(const skep_task *task, C##_remove right,               \
                                            skep_entity e)                                         \
    {                                                                                              \
        skep__drop(task, right.slot, e);                                                           \
    }                                                                                              \
    struct C##__relations_end

/* Declares a tag: a component without fields. Gives Enemy_with, Enemy_not, the rights Enemy_add
 * with Enemy_put(task, right, entity) and Enemy_remove with Enemy_drop, Enemy_lookup with
 * Enemy_has, and Enemy_info. */
#define SKEP_TAG(C)                                                                                \
    SKEP_UNUSED static const skep_component C##_info = {                                           \
        #C, NULL, 0u, 0u, 1u, SKEP_KIND_COMPONENT};                                                \
    SKEP__RELATIONS(C);                                                                            \
    SKEP_UNUSED static inline void C##_put(const skep_task *task, C##_add right, skep_entity e)    \
    {                                                                                              \
        skep__put(task, right.slot, e, NULL);                                                      \
    }                                                                                              \
    SKEP_UNUSED static inline void C##_init(const skep_task *task, skep_entity e)                  \
    {                                                                                              \
        skep__init(task, &C##_info, e, NULL);                                                      \
    }                                                                                              \
    SKEP__WORLD_TAG(C)                                                                             \
    struct C##__end

/* Declares a component that is one column of a C struct: SKEP_STRUCT(Xform, xform_t, m, scale). Its
 * one field is `v`: c->xform.v[i] is an xform_t. The struct's members are named behind it, so that
 * padding, whose bytes would be hashed and sent, is refused on the line of the declaration. */
#define SKEP_STRUCT(C, T, ...)                                                                     \
    typedef T skep_##C##__struct;                                                                  \
    typedef struct C {                                                                             \
        T v;                                                                                       \
    } C;                                                                                           \
    SKEP__NO_PADDING(T, __VA_ARGS__);                                                              \
    SKEP_UNUSED static const skep_field C##_fields[] = {                                           \
        {"v", (uint8_t)SKEP_TYPE_bytes, 1u, (uint16_t)sizeof(T), 0u}};                             \
    struct C##__align {                                                                            \
        char first;                                                                                \
        C value;                                                                                   \
    };                                                                                             \
    SKEP_UNUSED static const skep_component C##_info = {                                           \
        #C,                                                                                        \
        C##_fields,                                                                                \
        1u,                                                                                        \
        (uint32_t)sizeof(C),                                                                       \
        (uint32_t)offsetof(struct C##__align, value),                                              \
        SKEP_KIND_COMPONENT};                                                                      \
    typedef struct C##_in {                                                                        \
        T const *v;                                                                                \
    } C##_in;                                                                                      \
    typedef C##_in C##_opt;                                                                        \
    typedef struct C##_mut {                                                                       \
        T *SKEP_RESTRICT v;                                                                        \
    } C##_mut;                                                                                     \
    typedef C##_mut C##_out;                                                                       \
    SKEP__RELATIONS(C);                                                                            \
    SKEP_UNUSED static inline bool C##_get(const C##_lookup *lookup, skep_entity e, C *value)      \
    {                                                                                              \
        uint32_t row = 0;                                                                          \
        const skep__cell *cell = skep__find(&lookup->at, e, &row);                                 \
        if (!cell) return false;                                                                   \
        value->v = ((T const *)(const void *)cell->data)[row];                                     \
        return true;                                                                               \
    }                                                                                              \
    SKEP_UNUSED static inline void C##_put(const skep_task *task, C##_add right, skep_entity e,    \
                                           C value)                                                \
    {                                                                                              \
        skep__put(task, right.slot, e, &value);                                                    \
    }                                                                                              \
    SKEP_UNUSED static inline void C##_init(const skep_task *task, skep_entity e, C value)         \
    {                                                                                              \
        skep__init(task, &C##_info, e, &value);                                                    \
    }                                                                                              \
    SKEP__PART(C)                                                                                  \
    SKEP__WORLD_COMPONENT(C, (C##__struct, v))                                                     \
    struct C##__end

/* The members' bytes must be all bytes of the struct: then none is padding. */
#define SKEP__MEMBER_BYTES(T, m) +sizeof(((T *)0)->m)
#ifdef __cplusplus
#define SKEP__NO_PADDING(T, ...)                                                                   \
    static_assert(sizeof(T) == 0 SKEP__EACH(SKEP__MEMBER_BYTES, T, __VA_ARGS__),                   \
                  #T " has padding, or members that SKEP_STRUCT does not name");                   \
    static_assert(sizeof(T) <= SKEP_FIELD_BYTES_MAX, #T " is larger than a field may be")
#else
#define SKEP__NO_PADDING(T, ...)                                                                   \
    _Static_assert(sizeof(T) == 0 SKEP__EACH(SKEP__MEMBER_BYTES, T, __VA_ARGS__),                  \
                   #T " has padding, or members that SKEP_STRUCT does not name");                  \
    _Static_assert(sizeof(T) <= SKEP_FIELD_BYTES_MAX, #T " is larger than a field may be")
#endif

/* Declares an event. Gives the right Hit_emit with Hit_send; Hit_inbox for the events addressed to
 * each row: those of row i are k from begin[i] to begin[i + 1]; and Hit_events: all `count` events
 * that the system has not seen, with their addressees. void Hit_send(const skep_task *, Hit_emit,
 * skep_entity to, Hit)   null: to all */
#define SKEP_EVENT(C, ...)                                                                         \
    SKEP__MESSAGE(C, SKEP_KIND_EVENT, __VA_ARGS__);                                                \
    SKEP__WORLD_EVENT(C)                                                                           \
    struct C##__end

/* Declares an input: a typed, numbered message from outside. Jobs read it as Steer_inbox or
 * Steer_events, like an event. */
#define SKEP_INPUT(C, ...)                                                                         \
    SKEP__MESSAGE(C, SKEP_KIND_INPUT, __VA_ARGS__);                                                \
    SKEP__WORLD_INPUT(C)                                                                           \
    struct C##__end

#define SKEP__MESSAGE(C, message_kind, ...)                                                        \
    SKEP__DESCRIBE(C, message_kind, __VA_ARGS__);                                                  \
    typedef struct C##_inbox {                                                                     \
        const uint32_t *begin;                                                                     \
        SKEP__EACH(SKEP__COL_IN, C, __VA_ARGS__)                                                   \
    } C##_inbox;                                                                                   \
    typedef struct C##_events {                                                                    \
        uint64_t count;                                                                            \
        const skep_entity *to;                                                                     \
        SKEP__EACH(SKEP__COL_IN, C, __VA_ARGS__)                                                   \
    } C##_events;                                                                                  \
    SKEP__SLOT(C, emit);                                                                           \
    SKEP_UNUSED static inline void C##_send(const skep_task *task, C##_emit right, skep_entity to, \
                                            C value)                                               \
    {                                                                                              \
        skep__send(task, right.slot, to, &value);                                                  \
    }                                                                                              \
    struct C##__end

/* Declares a resource: a named value that is no entity's. Gives Rules_res (const Rules *),
 * Rules_res_mut (Rules *) and the reductions Rules_sum, _min, _max, _fold (Rules *, the block's own
 * value). */
#define SKEP_RESOURCE(C, ...)                                                                      \
    SKEP__DESCRIBE(C, SKEP_KIND_RESOURCE, __VA_ARGS__);                                            \
    typedef const C *C##_res;                                                                      \
    typedef C *C##_res_mut;                                                                        \
    typedef C *C##_sum;                                                                            \
    typedef C *C##_min;                                                                            \
    typedef C *C##_max;                                                                            \
    typedef C *C##_fold;                                                                           \
    SKEP__WORLD_RESOURCE(C)                                                                        \
    struct C##__end

/* Declares a prefab's name; its components and values are given where the scene is built. Gives the
 * right Bullet_spawn with Bullet_new, which returns a real handle at once, or null past spawn_max
 * (a fault). skep_entity Bullet_new(const skep_task *, Bullet_spawn) */
#define SKEP_PREFAB(P)                                                                             \
    SKEP_UNUSED static const skep_component P##_info = {#P, NULL, 0u, 0u, 1u, SKEP_KIND_PREFAB};   \
    SKEP__SLOT(P, spawn);                                                                          \
    SKEP_UNUSED static inline skep_entity P##_new(const skep_task *task, P##_spawn right)          \
    {                                                                                              \
        return skep__spawn(task, right.slot);                                                      \
    }                                                                                              \
    struct P##__end

/* An access entry is (mode, component, name). */
#define SKEP__A1(m, C, v) m
#define SKEP__A2(m, C, v) C
#define SKEP__A3(m, C, v) v
#define SKEP__AMEMBER(m, C, v) C##_##m v;
#define SKEP__ACOL(J, p) SKEP__AMEMBER p
#define SKEP__AINFO(J, p)                                                                          \
    {&SKEP__CAT(SKEP__A2 p, _info), SKEP__CAT(SKEP_MODE_, SKEP__A1 p),                             \
     (uint32_t)offsetof(J##_cols, SKEP__A3 p)},

/* Declares and opens a job: SKEP_JOB(move, (mut, Pos, pos), (in, Vel, vel)) { ... }. The body sees
 * `task` and the columns as members of `c`. Exports the constant `move`, a skep_job with its access
 * table, so that declaration and code cannot drift. */
#define SKEP_JOB(J, ...) SKEP_JOB_WITH(J, 0, 0, __VA_ARGS__)

/* SKEP_JOB with flags (SKEP_JOB_MAY_FAIL, SKEP_JOB_UNSPLIT) and the most spawns a block (0: one a
 * row). */
#define SKEP_JOB_WITH(J, job_flags, job_spawn_max, ...)                                            \
    typedef struct J##_cols {                                                                      \
        SKEP__EACH(SKEP__ACOL, J, __VA_ARGS__)                                                     \
    } J##_cols;                                                                                    \
    static inline void J##_rows(const skep_task *task, const J##_cols *c);                         \
    static void J##_call(const skep_task *task, const void *cols)                                  \
    {                                                                                              \
        const skep_task own_task = *task; /* copies: no store of the job's can change them */      \
        const J##_cols own_cols = *(const J##_cols *)cols;                                         \
        J##_rows(&own_task, &own_cols);                                                            \
    }                                                                                              \
    static const skep_access J##_access[] = {SKEP__EACH(SKEP__AINFO, J, __VA_ARGS__)};             \
    SKEP_UNUSED static const skep_job J = {#J,                                                     \
                                           J##_access,                                             \
                                           (uint32_t)(sizeof J##_access / sizeof J##_access[0]),   \
                                           (uint32_t)sizeof(J##_cols),                             \
                                           (uint32_t)(job_flags),                                  \
                                           (uint32_t)(job_spawn_max),                              \
                                           J##_call};                                              \
    static inline void J##_rows(SKEP_UNUSED const skep_task *task, SKEP_UNUSED const J##_cols *c)

#endif
