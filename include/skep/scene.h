/* SPDX-License-Identifier: MIT */
/* Scenes: what a world holds and which systems run in it, as one function that the command, a
 * wasm module and a program that links it use in the same way.
 *
 *     SKEP_SCENE(bees, "A thousand bees fly straight on")
 *     {
 *         const uint32_t n = skep_param_u32(b, "entities", 1000, "how many bees");
 *         Pos_mut pos;
 *         Vel_mut vel;
 *         skep_add(b, "update", &move);
 *         skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel));
 *         for (uint32_t i = 0; i < n; i++) {
 *             pos.x[i] = 0.0f;
 *             ...
 *         }
 *     }
 *
 * The builder `b` lives while that function runs. Its calls return no errors: mistakes are
 * collected, and shown all at once when the function is done; nothing is run then. After a
 * mistake the calls go on giving memory that can be written to, so a scene needs no checks. Where
 * there is no such memory, the scene's function is left by longjmp, so what it allocated itself
 * is best got before it creates anything; in C++ nothing with a destructor may be alive in it
 * then. All calls come from the thread that opens the scene, inside of its function. */
#ifndef SKEP_SCENE_H
#define SKEP_SCENE_H

#include "skep/job.h"
#include "skep/plan.h"
#include "skep/world.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what a scene is --------------------------------------------------------------------- */

/* The version of everything that a scene built as a module shares with the program that opens it.
 */
#define SKEP_ABI 1u

/* Builds a world; see the head of this file. */
typedef struct skep_builder skep_builder;

/* A scene. Made by SKEP_SCENE, constant. */
typedef struct skep_scene {
    uint32_t abi;                   /* SKEP_ABI of the headers that it was compiled with */
    uint32_t flags;                 /* 0 */
    const char *name;               /* static text */
    const char *about;              /* one line for lists, static text */
    void (*build)(skep_builder *b); /* the function */
} skep_scene;

/* The name under which a module exports its scene: const skep_scene *skep_scene_entry(void). */
#define SKEP_SCENE_ENTRY "skep_scene_entry"

#if defined(__wasm__)
#define SKEP_EXPORT __attribute__((export_name(SKEP_SCENE_ENTRY)))
#elif defined(_WIN32)
#define SKEP_EXPORT __declspec(dllexport)
#elif defined(__GNUC__) || defined(__clang__)
/* Makes a module's entry visible. */
#define SKEP_EXPORT __attribute__((visibility("default")))
#else
#define SKEP_EXPORT
#endif

/* Opens the definition of a scene: SKEP_SCENE(bees, "what it shows") { ... }. As a module of its
 * own (the default) it exports the entry that `skep run bees.so` looks for, one scene a module.
 * With SKEP_SCENE_STATIC defined before the include it defines the constant skep_scene_bees
 * instead, for programs that link their scenes; see SKEP_SCENE_DECLARE. */
#ifdef SKEP_SCENE_STATIC
#define SKEP_SCENE(id, about_text)                                                                 \
    static void id##_build(skep_builder *b);                                                       \
    SKEP_SCENE_DECLARE(id);                                                                        \
    const skep_scene skep_scene_##id = {SKEP_ABI, 0u, #id, about_text, id##_build};                \
    static void id##_build(SKEP_UNUSED skep_builder *b)
#else
#define SKEP_SCENE(id, about_text)                                                                 \
    static void id##_build(skep_builder *b);                                                       \
    static const skep_scene id##_scene = {SKEP_ABI, 0u, #id, about_text, id##_build};              \
    SKEP_EXTERN_C SKEP_EXPORT const skep_scene *skep_scene_entry(void);                            \
    const skep_scene *skep_scene_entry(void)                                                       \
    {                                                                                              \
        return &id##_scene;                                                                        \
    }                                                                                              \
    static void id##_build(SKEP_UNUSED skep_builder *b)
#endif

/* Declares a scene that another file of the program defines: SKEP_SCENE_DECLARE(bees); gives
 * skep_scene_bees. */
#define SKEP_SCENE_DECLARE(id) SKEP_EXTERN_C const skep_scene skep_scene_##id

/* ---- parameters -------------------------------------------------------------------------- */

/* Returns a number that the host may set by name (`--param name=value`), or `fallback` where it
 * did not. `help` is one static line for lists of parameters. A text that is no such number, and
 * a name that no call asks for, are mistakes. By convention "entities" is a scene's main number,
 * which `--entities` sets. */
SKEP_API uint32_t skep_param_u32(skep_builder *b, const char *name, uint32_t fallback,
                                 const char *help);
/* As skep_param_u32, for a finite number. */
SKEP_API float skep_param_f32(skep_builder *b, const char *name, float fallback, const char *help);
/* As skep_param_u32, for a finite number. */
SKEP_API double skep_param_f64(skep_builder *b, const char *name, double fallback,
                               const char *help);
/* As skep_param_u32, for any text. Valid while the simulation is open; `fallback` may be NULL and
 * is returned as it is. */
SKEP_API const char *skep_param_str(skep_builder *b, const char *name, const char *fallback,
                                    const char *help);

/* Returns the text of the host's data file (`--data`) and its size without the zero behind it, or
 * NULL where none was given. Valid while the scene's function runs; `bytes` may be NULL. */
SKEP_API const char *skep_data(skep_builder *b, size_t *bytes);

/* Returns the world's seed, as the host gave it. */
SKEP_API uint64_t skep_init_seed(const skep_builder *b);

/* Adds a mistake of the scene's own: bad data, parameters that do not fit each other. Formats as
 * skep_logf. */
SKEP_API void skep_scene_fail(skep_builder *b, const char *format, ...)
#if defined(__GNUC__) || defined(__clang__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Returns whether there were mistakes so far, so that a scene can skip what would only add more. */
SKEP_API bool skep_scene_failed(const skep_builder *b);

/* ---- systems ----------------------------------------------------------------------------- */

/* Adds a job as a system of a stage: "startup" (once), "input", "update", "late", "render",
 * "cleanup". The system has the job's name. */
SKEP_API void skep_add(skep_builder *b, const char *stage, const skep_job *job);

/* When and how a system runs, to be filled in after skep_add_when or skep_run returned it. Texts
 * and arrays are needed until the scene's function returns; zero is the default of every member. */
typedef struct skep_when {
    const char *name;          /* NULL: the job's; needed when one job is added twice */
    const char *stage;         /* as given */
    const char *after;         /* system that runs before it; several: "move, shoot" */
    const char *before;        /* system that runs after it; several as in `after` */
    uint32_t every;            /* runs in frames whose tick is a multiple of it */
    uint32_t deadline_ms;      /* the most that one of its tasks may take */
    uint32_t flags;            /* SKEP_SYSTEM_* of skep/plan.h */
    uint32_t access_count;     /* of `access` */
    const skep_access *access; /* what `run` uses; see skep_run_using */
    skep_system_fold fold;     /* for the job's `fold` reductions */
    skep_system_run run;       /* beside a job: does its work when the job failed */
    void *ctx;                 /* for run; outlives the simulation */
} skep_when;

/* As skep_add, and returns what more there is to say, never NULL: skep_add_when(b, "update",
 * &hurt)->after = "shoot". Valid until the scene's function returns. */
SKEP_API skep_when *skep_add_when(skep_builder *b, const char *stage, const skep_job *job);

/* Adds a system on the main thread: `run` has the world, sees its own writes at once, and
 * conflicts with every other system, since nothing says what it uses. A status other than SKEP_OK
 * is a fault. Returns as skep_add_when. */
SKEP_API skep_when *skep_run(skep_builder *b, const char *stage, const char *name,
                             skep_system_run run);

/* As skep_run, for a system that declares what it uses, so that it runs beside jobs that it does
 * not conflict with: skep_run_using(b, "render", "draw", draw, SKEP_USES(in, Pos), SKEP_USES(res,
 * Rules)). Using anything else is an error in every build. */
#define skep_run_using(b, stage, name, run, ...)                                                   \
    skep__builder_run_using((b), (stage), (name), (run), SKEP_LIT(skep_uses, {__VA_ARGS__}))

/* One use of skep_run_using: SKEP_USES(mut, Pos). */
#define SKEP_USES(mode, C) SKEP_LIT(skep_access, &C##_info, SKEP_MODE_##mode, 0u)

/* The uses of one system; the first without a component ends them. */
typedef struct skep_uses {
    skep_access of[SKEP_ACCESS_MAX];
} skep_uses;

/* ---- what the world holds ---------------------------------------------------------------- */

/* The most components or parts of one call. */
#define SKEP_LIST_MAX 32u

/* The parts of one call; the first without a component ends them. */
typedef struct skep_part_list {
    skep_part of[SKEP_LIST_MAX];
} skep_part_list;

/* A part: the component with zeros, or what the prefab says; or a tag; or, in skep_prefab, a child:
 * SKEP_OF(Enemy). */
#define SKEP_OF(C) skep_part_make(&C##_info, NULL)

/* A part: the component with these values: SKEP_WITH(Hp, 3.0f). */
#define SKEP_WITH(C, ...) skep_part_make(&C##_info, SKEP__ADDRESS(C, __VA_ARGS__))

/* Creates `n` entities from parts and returns their handles, valid until the scene's function
 * returns:
 *     skep_create_many(b, n, Pos_columns(&pos), SKEP_WITH(Hp, 3.0f), SKEP_OF(Enemy));
 * Here the pointers of a column struct are the call's to fill: each gets an array of n zeroed
 * rows. What the arrays hold when the scene's function returns, or asks for skep_builder_world,
 * goes into the world. */
#define skep_create_many(b, n, ...)                                                                \
    skep__builder_create_many((b), (n), SKEP_LIT(skep_part_list, {__VA_ARGS__}))

/* Creates one entity from parts and returns its handle: skep_create(b, SKEP_WITH(Pos, 1.0f, 2.0f),
 * SKEP_OF(Enemy)). Null after a mistake. */
#define skep_create(b, ...) skep__builder_create((b), SKEP_LIT(skep_part_list, {__VA_ARGS__}))

/* Says what a prefab is made of, once a prefab: skep_prefab(b, Bullet, SKEP_OF(Pos),
 * SKEP_WITH(Vel, 9.0f, 0.0f), SKEP_OF(Trail)), where Trail is a prefab that was defined before,
 * and becomes a child. Values are copied. */
#define skep_prefab(b, P, ...)                                                                     \
    skep__builder_prefab((b), &P##_info, SKEP_LIT(skep_part_list, {__VA_ARGS__}))

/* Spawns `n` entities from a prefab, with parts that replace or add values, and returns the
 * handles of the roots as skep_create_many does: skep_spawn_many(b, n, Bullet, SKEP_WITH(Pos,
 * 1.0f, 2.0f)). A part's `fill` sets a value for each; column structs are filled in as by
 * skep_create_many. At least one part. */
#define skep_spawn_many(b, n, P, ...)                                                              \
    skep__builder_spawn((b), (n), &P##_info, SKEP_LIT(skep_part_list, {__VA_ARGS__}))

/* Gives a resource its first value: skep_resource(b, SKEP_WITH(Rules, 2.0f)). Without that it is
 * all zeros. */
SKEP_API void skep_resource(skep_builder *b, skep_part part);

/* Returns a random number of [0, 1), the next of a row that depends on the world's seed alone. */
SKEP_API float skep_init_rand(skep_builder *b);
/* As skep_init_rand, with 53 bits. */
SKEP_API double skep_init_rand_f64(skep_builder *b);
/* As skep_init_rand, a whole number below `below` (0 when that is 0). */
SKEP_API uint32_t skep_init_rand_u32(skep_builder *b, uint32_t below);

/* Returns `bytes` of zeroed memory, aligned to 64, for what a scene works out while it is built;
 * it lives until the scene's function returns. Never NULL. */
SKEP_API void *skep_init_memory(skep_builder *b, size_t bytes);

/* Returns the world that is built, for what has no call here: hooks, queries, events. Columns
 * that were to be filled are done with. Borrowed; it lives as long as the simulation. */
SKEP_API skep_world *skep_builder_world(skep_builder *b);

/* ---- what a live world publishes --------------------------------------------------------- */

/* A scene that says nothing of this section publishes every component, event, resource and input of
 * its world as it is (skep/publish.h). These calls may come before or after those that use the
 * components. Lists of fields are texts like "x, y". */

/* Gives fields of a component, event or resource a quantum, the step in which their values are
 * sent: skep_publish(b, &Pos_info, "x, y", 1.0f / 64). A power of two from 2^-32 to 2^31; 0: as
 * they are. Fields of type f32 only. With fields NULL it only says that the component is published,
 * which one that no system uses needs. */
SKEP_API void skep_publish(skep_builder *b, const skep_component *component, const char *fields,
                           float quantum);

/* Keeps a component, event, resource or input out of what is published. */
SKEP_API void skep_publish_hide(skep_builder *b, const skep_component *component);

/* Says where entities are, once a scene, so that clients may ask for an area: one to three f32
 * fields of a component, and the edge of a cell of the grid that areas are sent by. */
SKEP_API void skep_publish_place(skep_builder *b, const skep_component *component,
                                 const char *fields, float cell);

/* Says that fields of `speed` are the change a second of fields of `value`, pairwise, which makes
 * messages smaller. All need a quantum. */
SKEP_API void skep_publish_rate(skep_builder *b, const skep_component *value,
                                const char *value_fields, const skep_component *speed,
                                const char *speed_fields);

/* Makes the entity of a player who joins, and returns it; null: he only looks on. Called on the
 * world's thread between frames. */
typedef skep_entity skep_publish_join_fn(skep_world *world, uint32_t player, void *ctx);

/* Takes back what skep_publish_join_fn made: `own` is its entity, which may be gone. */
typedef void skep_publish_leave_fn(skep_world *world, uint32_t player, skep_entity own, void *ctx);

/* Says how players get their own entities; `ctx` is NULL or outlives the simulation. */
SKEP_API void skep_publish_join(skep_builder *b, skep_publish_join_fn *join, void *ctx);

/* Says what happens when a player is gone. Without it his entity is destroyed. */
SKEP_API void skep_publish_leave(skep_builder *b, skep_publish_leave_fn *leave, void *ctx);

/* Says that clients predict what a system does to their own entities, by running it themselves; of
 * a system added before or after. What it uses of an entity must not be hidden, and reaches the
 * owner without quantum. It should draw no random numbers, and look at nobody else. */
SKEP_API void skep_publish_predict(skep_builder *b, const char *system);

/* ---- private: what the macros call ------------------------------------------------------- */

SKEP_API const skep_entity *skep__builder_create_many(skep_builder *b, uint32_t n,
                                                      skep_part_list list);
SKEP_API skep_entity skep__builder_create(skep_builder *b, skep_part_list list);
SKEP_API void skep__builder_prefab(skep_builder *b, const skep_component *prefab,
                                   skep_part_list list);
SKEP_API const skep_entity *skep__builder_spawn(skep_builder *b, uint32_t n,
                                                const skep_component *prefab, skep_part_list list);
SKEP_API skep_when *skep__builder_run_using(skep_builder *b, const char *stage, const char *name,
                                            skep_system_run run, skep_uses uses);

#ifdef __cplusplus
}
#endif

#ifdef __cplusplus
/* A temporary of C++ lives to the end of the call that it is an argument of, but has no address. */
template <class T> static inline const void *skep__address_of(const T &value)
{
    return &value;
}
#define SKEP__ADDRESS(C, ...) skep__address_of(C{__VA_ARGS__})
#else
#define SKEP__ADDRESS(C, ...) (&(const C){__VA_ARGS__})
#endif

#endif
