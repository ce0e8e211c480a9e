/* SPDX-License-Identifier: MIT */
/* A small world whose jobs do bad things when they are told to: to see what becomes of it, and to
 * show that nothing does. Moths wander, bump into each other, die and are born again; four jobs,
 * two with a reduction, with every kind of output. `--param fault=segv` lets them crash now and
 * then; without it this is a scene like any other.
 *
 * When a job misbehaves is a random number of the world's, so it is the same on every run and every
 * executor: of a block's first moth, its system and the tick. With `attempts=first` the second try
 * of a task does its work, so that all is healed and the world's hash is that of a run without
 * faults. To know that it is one it asks skep__task_again, which no honest job needs.
 *
 * What the jobs are told must not make the world another one. So it is a resource that `tell` fills
 * when a frame begins and `forget` clears when it ends: between frames, where worlds are compared,
 * it is zero.
 *
 * The bad bytes are real ones. A reduction's value lies at the beginning of the task's output and
 * its patches behind it, so a job that has the one can write over the others: that is how `forge`
 * forges. On `local` and `threads` crimes that memory protection has to stop are not stopped. */
#ifndef __wasm__
#define _POSIX_C_SOURCE 200809L /* kill */
#endif

#include "skep/math.h"
#include "skep/scene.h"

#include <stdlib.h>
#include <string.h>
#ifndef __wasm__
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#endif

SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Life, (f32, left), (u32, bumps));
SKEP_EVENT(Bump, (f32, push), (entity, by));
SKEP_RESOURCE(Census, (u64, moths), (u64, bumps), (f64, east));
SKEP_RESOURCE(Births, (u64, births), (u64, calm));
SKEP_RESOURCE(Orders, (u32, kind), (u32, rate), (u32, turns), (u32, first));
SKEP_PREFAB(Moth);

/* ---- what can be asked for ------------------------------------------------------------------- */

/* Name, and what is done. Those up to `stack` need nothing but a job; the next six are forged
 * output, which `breed` alone does, as it alone has patches; then one that takes its time, and
 * three that no second try heals. */
#define HOSTILE_KINDS(X)                                                                           \
    X(none, "none", "nothing bad")                                                                 \
    X(segv, "segv", "writes to address 0")                                                         \
    X(write_snapshot, "write-snapshot", "writes to what it may only read")                         \
    X(overrun, "overrun", "writes on behind its columns")                                          \
    X(scribble, "scribble", "writes anywhere: output, stack, what the stack points to")            \
    X(exit, "exit", "ends the process")                                                            \
    X(abort, "abort", "aborts")                                                                    \
    X(open_file, "open-file", "opens a file")                                                      \
    X(socket, "socket", "opens a socket")                                                          \
    X(signal, "signal", "sends a signal to the first process")                                     \
    X(oom, "oom", "takes memory until there is none, and goes on")                                 \
    X(stack, "stack", "calls itself for ever")                                                     \
    X(undeclared, "undeclared", "sets a component that it only reads")                             \
    X(wrong_size, "wrong-size", "gives a value another size")                                      \
    X(forged_handle, "forged-handle", "makes up an entity")                                        \
    X(out_of_bounds, "out-of-bounds", "names a column that is not there")                          \
    X(truncated, "truncated", "leaves a patch out before its end")                                 \
    X(oversize, "oversize", "says that a patch has 2 GiB")                                         \
    X(loop, "loop", "does not come back")                                                          \
    X(fail, "fail", "says that it failed")                                                         \
    X(scratch, "scratch", "wants more scratch than there is")                                      \
    X(spawn, "spawn", "spawns more than it said")                                                  \
    X(bad_patch, "bad-patch", "one of the six kinds of forged output")                             \
    X(mild, "mild", "any that every executor contains")                                            \
    X(mix, "mix", "any that a second try heals")

typedef enum hostile_kind {
#define HOSTILE_KIND_ROW(id, name, what) HOSTILE_##id,
    HOSTILE_KINDS(HOSTILE_KIND_ROW)
#undef HOSTILE_KIND_ROW
        HOSTILE_KIND_COUNT
} hostile_kind;

static const char *const hostile_names[HOSTILE_KIND_COUNT] = {
#define HOSTILE_KIND_ROW(id, name, what) name,
    HOSTILE_KINDS(HOSTILE_KIND_ROW)
#undef HOSTILE_KIND_ROW
};

/* Rates are counted in parts of this. */
#define RATE_ONE 0xfffffu

/* One in so many faults of `mix` is a loop, since each costs a whole deadline. */
#define LOOPS_ONE_IN 512u

/* Random draws of jobs for a block's first moth; a moth's own have small numbers. */
enum { DRAW_WHETHER = 1000, DRAW_WHICH, DRAW_LOOP };

static bool is_forgery(uint32_t kind)
{
    return kind >= HOSTILE_undeclared && kind <= HOSTILE_oversize;
}

/* What stands for several kinds becomes one of them. */
static uint32_t kind_pick(const skep_task *task, uint32_t kind, bool breeds)
{
    const skep_entity e = task->entity[0];
    const uint32_t forgeries = HOSTILE_oversize - HOSTILE_undeclared + 1u;
    switch (kind) {
    case HOSTILE_bad_patch:
        return HOSTILE_undeclared + skep_rand_u32(task, e, DRAW_WHICH, forgeries);
    case HOSTILE_mild:
        kind = HOSTILE_undeclared + skep_rand_u32(task, e, DRAW_WHICH, forgeries + 3u);
        return kind > HOSTILE_oversize ? kind - HOSTILE_oversize - 1u + HOSTILE_fail : kind;
    case HOSTILE_mix:
        if (skep_rand_u32(task, e, DRAW_LOOP, LOOPS_ONE_IN) == 0) return HOSTILE_loop;
        return HOSTILE_segv + skep_rand_u32(task, e, DRAW_WHICH,
                                            (uint32_t)(breeds ? HOSTILE_oversize : HOSTILE_stack) -
                                                HOSTILE_segv + 1u);
    default:
        return kind;
    }
}

/* Says what this call of a job is to do wrong, HOSTILE_none as a rule. */
static uint32_t due(const skep_task *task, const Orders *orders, bool breeds)
{
    if (orders->kind == HOSTILE_none || task->n == 0) return HOSTILE_none;
    if (orders->first && skep__task_again(task)) return HOSTILE_none;
    if (skep_rand_u32(task, task->entity[0], DRAW_WHETHER, RATE_ONE) >= orders->rate)
        return HOSTILE_none;
    const uint32_t kind = kind_pick(task, orders->kind, breeds);
    const bool own = is_forgery(kind) || (kind >= HOSTILE_fail && kind <= HOSTILE_spawn);
    return own && (!breeds || task->part) ? (uint32_t)HOSTILE_none : kind;
}

/* ---- bad things ------------------------------------------------------------------------------ */

/* What a job has in its hands. */
typedef struct hands {
    const skep_task *task;
    const Orders *orders;
    const float *in; /* a column that it may only read */
    float *out;      /* what it may write */
} hands;

/* An address that no compiler sees through. */
static volatile uint8_t *somewhere(uintptr_t address)
{
    volatile uintptr_t hidden = address;
    return (volatile uint8_t *)hidden;
}

static void do_overrun(const hands *h)
{
    volatile uint8_t *at = somewhere((uintptr_t)h->out);
    for (size_t i = 0; i < (size_t)1 << 30; i += i < 65536 ? 1 : 4096) at[i] = 0xEE;
}

/* Whoever calls this far has left the stack long before; the sum is there to be waited for. */
static uint32_t do_stack(volatile uint32_t *depth)
{
    volatile uint8_t frame[512];
    frame[*depth % 512u] = (uint8_t)*depth;
    *depth += 1u;
    if (*depth == UINT32_MAX) return frame[0];
    return do_stack(depth) + frame[(*depth + 1u) % 512u];
}

/* Takes what there is, 64 GiB at most, and believes that there always is more. */
static void do_oom(void)
{
    const size_t piece = (size_t)1 << 24;
    for (uint32_t i = 0; i < 4096; i++) {
        volatile uint8_t *more = malloc(piece);
        more[0] = 1;
    }
    abort();
}

static bool like_pointer(uintptr_t word)
{
    return word > 0x10000u && word < (uintptr_t)1 << (sizeof(void *) == 8 ? 47 : 31) &&
           word % sizeof word == 0;
}

/* Its output first, then the run that it is part of, then through what its callers' frames hold,
 * from a random one on. It ends in any case, since it has no result to hand over. */
static void do_scribble(const hands *h)
{
    const skep_entity e = h->task->entity[0];
    volatile uint8_t *own = somewhere((uintptr_t)h->out);
    volatile uintptr_t mark = 0;
    const uint32_t skip = skep_rand_u32(h->task, e, DRAW_WHICH + 10u, 200);
    for (uint32_t i = 0; i < 256; i++) own[i] = (uint8_t)(i * 37u);
    if (skip % 4 == 0) {
        volatile uint8_t *run = somewhere((uintptr_t)h->task->run);
        for (uint32_t i = 0; i < 64; i++) run[i] = (uint8_t)(i + skip);
    }
    for (uint32_t i = skip; i < 2000; i++) {
        const uintptr_t word =
            *(const volatile uintptr_t *)((uintptr_t)&mark + i * sizeof(uintptr_t));
        if (!like_pointer(word)) continue;
        volatile uint8_t *to = somewhere(word);
        for (uint32_t k = 0; k < sizeof word; k++) to[k] = (uint8_t)(i * 31u + k);
    }
    abort();
}

static void do_loop(uint32_t turns)
{
    const uint64_t end = turns ? (uint64_t)1 << turns : 0;
    for (volatile uint64_t i = 0; !end || i < end; i++) {
    }
}

#ifndef __wasm__
/* Things that a job has no business with. Where they are allowed nothing comes of them. */
static void do_ask_system(uint32_t kind)
{
    if (kind == HOSTILE_open_file) {
        FILE *file = fopen("/etc/hostname", "rb");
        if (file) (void)fclose(file);
    } else if (kind == HOSTILE_socket) {
        const int s = socket(AF_INET, SOCK_STREAM, 0);
        if (s >= 0) (void)close(s);
    } else {
        (void)kill(1, 0); /* 0: only whether it could be sent */
    }
}
#else
static void do_ask_system(uint32_t kind)
{
    (void)kind;
}
#endif

/* Does what is due, if a job with nothing but columns can. What `breed` alone can do is not here.
 */
static void misbehave(const hands *h, uint32_t kind)
{
    volatile uint32_t depth = 0;
    switch (kind) {
    case HOSTILE_segv:
        *somewhere(0) = 1;
        break;
    case HOSTILE_write_snapshot:
        *(volatile float *)(volatile void *)somewhere((uintptr_t)h->in) += 1.0f;
        break;
    case HOSTILE_overrun:
        do_overrun(h);
        break;
    case HOSTILE_scribble:
        do_scribble(h);
        break;
    case HOSTILE_exit:
        _Exit(3);
    case HOSTILE_abort:
        abort();
    case HOSTILE_open_file:
    case HOSTILE_socket:
    case HOSTILE_signal:
        do_ask_system(kind);
        break;
    case HOSTILE_oom:
        do_oom();
        break;
    case HOSTILE_stack:
        (void)do_stack(&depth);
        break;
    case HOSTILE_loop:
        do_loop(h->orders->turns);
        break;
    default:
        break;
    }
}

/* How a patch begins: kind, flags, slot, bytes of its value, entity. */
typedef struct patch_head {
    uint8_t kind;
    uint8_t flags;
    uint16_t slot;
    uint32_t bytes;
    uint64_t entity;
} patch_head;

#define PATCH_PUT 2u
#define PATCH_EVENT 7u

/* Writes over the head of the task's first patch, a Bump that was sent just now. The patches begin
 * behind the reduction's value, `cell`. Where there was no room for it the task will be run again,
 * and nothing is forged here. */
static void forge(uint32_t kind, void *cell)
{
    uint8_t *at = (uint8_t *)cell + (sizeof(Births) + 15u) / 16u * 16u;
    patch_head head;
    memcpy(&head, at, sizeof head);
    if (head.kind != PATCH_EVENT || head.bytes != sizeof(Bump)) return;
    switch (kind) {
    case HOSTILE_undeclared:
        head.kind = PATCH_PUT;
        head.slot = 0; /* Pos, which is `in` */
        head.bytes = sizeof(Pos);
        break;
    case HOSTILE_wrong_size:
        head.bytes += 8u;
        break;
    case HOSTILE_forged_handle:
        head.entity = 0xfeedfacecafebeefu;
        break;
    case HOSTILE_out_of_bounds:
        head.slot = 0x7fff;
        break;
    case HOSTILE_truncated:
        head.bytes -= 8u;
        break;
    default:
        head.bytes = 0x7ffffff0u;
        break;
    }
    memcpy(at, &head, sizeof head);
}

/* ---- the world ------------------------------------------------------------------------------- */

#define LIFE_MIN 2.0f /* seconds */
#define LIFE_MORE 6.0f

SKEP_JOB(wander, (mut, Pos, pos), (in, Vel, vel), (res, Orders, orders))
{
    SKEP_ROWS (i, task) {
        c->pos.x[i] += c->vel.x[i] * task->dt;
        c->pos.y[i] += c->vel.y[i] * task->dt;
    }
    misbehave(&(hands){task, c->orders, c->vel.x, c->pos.x}, due(task, c->orders, false));
}

/* Ends a moth and lets another begin in its place. */
static void renew(const skep_task *task, Moth_spawn moth, Entity_destroy end, uint32_t i, Pos at)
{
    const skep_entity fresh = Moth_new(task, moth);
    const float speed = 1.0f + skep_rand_f32(task, fresh, 0);
    float s = 0.0f;
    float c = 0.0f;
    skep_sincos_f32(skep_rand_f32(task, fresh, 1) * 6.2831853f, &s, &c);
    Pos_init(task, fresh, at);
    Vel_init(task, fresh, SKEP_LIT(Vel, s * speed, c * speed));
    Life_init(task, fresh, SKEP_LIT(Life, LIFE_MIN + skep_rand_f32(task, fresh, 2) * LIFE_MORE, 0));
    skep_destroy(task, end, task->entity[i]);
}

/* What `breed` can do wrong beside the rest; the Bump is there to be forged. */
static void breed_badly(const hands *h, uint32_t kind, Bump_emit bump, Moth_spawn moth, void *cell)
{
    const skep_task *task = h->task;
    if (is_forgery(kind)) {
        Bump_send(task, bump, task->entity[0], SKEP_LIT(Bump, 0.0f, task->entity[0]));
        forge(kind, cell);
    } else if (kind == HOSTILE_fail) {
        skep_fail(task, "the moths would not have it");
    } else if (kind == HOSTILE_scratch) {
        (void)skep_scratch(task, (size_t)1 << 40);
    } else if (kind == HOSTILE_spawn) {
        for (uint32_t i = 0; i < task->n + 1u; i++) (void)Moth_new(task, moth);
    } else {
        misbehave(h, kind);
    }
}

SKEP_JOB_WITH(breed, SKEP_JOB_MAY_FAIL, 0, (in, Pos, pos), (mut, Life, life), (res, Orders, orders),
              (emit, Bump, bump), (spawn, Moth, moth), (destroy, Entity, end),
              (sum, Births, births))
{
    const uint32_t wrong = due(task, c->orders, true);
    const hands h = {task, c->orders, c->pos.x, c->life.left};
    if (wrong) breed_badly(&h, wrong, c->bump, c->moth, c->births);
    for (uint32_t i = 0; i < task->n; i++) {
        const skep_entity own = task->entity[i];
        c->life.left[i] -= task->dt;
        if (c->life.left[i] <= 0.0f) {
            c->births->births++;
            renew(task, c->moth, c->end, i, SKEP_LIT(Pos, c->pos.x[i], c->pos.y[i]));
        } else if (skep_rand_u32(task, own, 0, 16) == 0) {
            const skep_entity other = task->entity[skep_rand_u32(task, own, 1, task->n)];
            Bump_send(task, c->bump, other, SKEP_LIT(Bump, skep_rand_f32(task, own, 2), own));
        }
    }
}

/* In place of `breed` when it failed, where that is asked for: it counts how often. */
static skep_status breed_calmly(void *ctx, skep_world *world, float dt)
{
    Births *births = Births_write(world);
    (void)ctx;
    (void)dt;
    if (!births) return SKEP_NO_MEMORY;
    births->calm++;
    return SKEP_OK;
}

SKEP_JOB(feel, (mut, Vel, vel), (mut, Life, life), (in, Pos, pos), (inbox, Bump, bump),
         (res, Orders, orders))
{
    for (uint32_t i = 0; i < task->n; i++) {
        for (uint32_t k = c->bump.begin[i]; k < c->bump.begin[i + 1]; k++) {
            c->life.bumps[i]++;
            const float x = c->vel.x[i];
            c->vel.x[i] += (c->vel.y[i] - x * 0.5f) * c->bump.push[k] * 0.25f;
            c->vel.y[i] -= (x + c->vel.y[i] * 0.5f) * c->bump.push[k] * 0.25f;
        }
    }
    misbehave(&(hands){task, c->orders, c->pos.x, c->vel.x}, due(task, c->orders, false));
}

SKEP_JOB(count, (in, Pos, pos), (in, Life, life), (res, Orders, orders), (sum, Census, census))
{
    for (uint32_t i = 0; i < task->n; i++) {
        c->census->bumps += c->life.bumps[i];
        c->census->east += (double)c->pos.x[i];
    }
    c->census->moths += task->n;
    misbehave(&(hands){task, c->orders, c->pos.x, (float *)(void *)c->census},
              due(task, c->orders, false));
}

/* ---- orders ---------------------------------------------------------------------------------- */

/* All of them in the bits of a pointer of 32, since a system has one and nothing here lives as long
 * as the world does: kind 5, attempts 1, turns 6, rate 20. */
static void *orders_pack(const Orders *o)
{
    return (void *)(uintptr_t)(o->kind | o->first << 5 | o->turns << 6 | o->rate << 12);
}

static skep_status tell(void *ctx, skep_world *world, float dt)
{
    const uint32_t bits = (uint32_t)(uintptr_t)ctx;
    (void)dt;
    return Orders_set(world,
                      SKEP_LIT(Orders, bits & 31u, bits >> 12, bits >> 6 & 63u, bits >> 5 & 1u));
}

static skep_status forget(void *ctx, skep_world *world, float dt)
{
    (void)ctx;
    (void)dt;
    return Orders_set(world, SKEP_LIT(Orders, 0));
}

/* The number of a fault's name; what it may be is listed where it is none. */
static uint32_t kind_asked(skep_builder *b)
{
    static const char help[] = "what jobs do wrong:"
#define HOSTILE_KIND_ROW(id, name, what) " " name
        HOSTILE_KINDS(HOSTILE_KIND_ROW)
#undef HOSTILE_KIND_ROW
        ;
    const char *name = skep_param_str(b, "fault", "none", help);
    for (uint32_t i = 0; i < HOSTILE_KIND_COUNT; i++)
        if (strcmp(name, hostile_names[i]) == 0) return i;
    skep_scene_fail(b, "fault=%s: there is no such fault; %s", name, help);
    return HOSTILE_none;
}

static void orders_ask(skep_builder *b, Orders *o)
{
    o->kind = kind_asked(b);
    const double rate = skep_param_f64(b, "rate", 0.01, "how often, of all calls of a job: 0 to 1");
    if (rate < 0.0 || rate > 1.0) skep_scene_fail(b, "rate: 0 to 1");
    o->rate = rate > 0.0 && rate <= 1.0 ? (uint32_t)(rate * RATE_ONE) : 0;
    const char *attempts =
        skep_param_str(b, "attempts", "first", "first: a second try succeeds; all: it fails too");
    o->first = strcmp(attempts, "first") == 0;
    if (!o->first && strcmp(attempts, "all") != 0) skep_scene_fail(b, "attempts: first or all");
    o->turns = skep_param_u32(b, "turns", 0, "loop ends after 2 to the power of this; 0: never");
    if (o->turns > 63) skep_scene_fail(b, "turns: 0 to 63");
    o->turns &= 63u;
}

SKEP_SCENE(hostile, "Moths whose jobs crash, hang and lie when they are told to")
{
    Orders orders = {0, 0, 0, 0};
    Pos_mut pos;
    Vel_mut vel;
    Life_mut life;
    const uint32_t n = skep_param_u32(b, "entities", 4000, "how many moths");
    orders_ask(b, &orders);
    const uint32_t deadline_ms =
        skep_param_u32(b, "deadline_ms", 0, "the most that one task may take; 0: the host's");
    const uint32_t fallback = skep_param_u32(b, "fallback", 0, "1: breed has one");

    skep_resource(b, SKEP_WITH(Orders, 0));
    skep_resource(b, SKEP_WITH(Births, 0));
    skep_prefab(b, Moth, SKEP_OF(Pos), SKEP_OF(Vel), SKEP_OF(Life));
    skep_run_using(b, "input", "tell", tell, SKEP_USES(res_mut, Orders))->ctx =
        orders_pack(&orders);
    skep_add_when(b, "update", &wander)->deadline_ms = deadline_ms;
    skep_when *breeds = skep_add_when(b, "update", &breed);
    breeds->deadline_ms = deadline_ms;
    breeds->run = fallback ? breed_calmly : NULL;
    skep_add_when(b, "update", &feel)->deadline_ms = deadline_ms;
    skep_add_when(b, "late", &count)->deadline_ms = deadline_ms;
    (void)skep_run_using(b, "cleanup", "forget", forget, SKEP_USES(res_mut, Orders));

    skep_create_many(b, n, Pos_columns(&pos), Vel_columns(&vel), Life_columns(&life));
    for (uint32_t i = 0; i < n; i++) {
        pos.x[i] = (skep_init_rand(b) - 0.5f) * 100.0f;
        pos.y[i] = (skep_init_rand(b) - 0.5f) * 100.0f;
        vel.x[i] = skep_init_rand(b) * 2.0f - 1.0f;
        vel.y[i] = skep_init_rand(b) * 2.0f - 1.0f;
        life.left[i] = LIFE_MIN + skep_init_rand(b) * LIFE_MORE;
    }
}
