/* SPDX-License-Identifier: MIT */
/* The scene that is linked into the module, built into the host's world. A module without one is
 * the core alone. */
#include "wasm/host.h"

/* Where SKEP_SCENE put it; its address is NULL in a module without a scene. */
extern const skep_scene *skep_scene_entry(void) __attribute__((weak));

/* The scene: io[0] its name, io[1] its line about itself, io[2] its version; returns 0 when there
 * is none. */
uint32_t HOST_EXPORT(skep_host_scene)(host *h)
{
    if (!skep_scene_entry) return 0;
    const skep_scene *scene = skep_scene_entry();
    h->io[0] = (uint32_t)(uintptr_t)scene->name;
    h->io[1] = (uint32_t)(uintptr_t)scene->about;
    h->io[2] = scene->abi;
    return 1;
}

/* Reads "name=value" texts out of io, an address and bytes each. */
static const char **scene_params(host *h, uint32_t count)
{
    const char **params = host_keep(h, (count + 1u) * sizeof *params);
    for (uint32_t i = 0; params && i < count; i++)
        params[i] = host_keep_text(h, (const char *)(uintptr_t)h->io[2 * i], h->io[2 * i + 1]);
    return params;
}

/* Tells what the builder found, and lets go of it. */
static uint32_t scene_end(host *h, skep_status status)
{
    skep_builder *b = h->builder;
    const skep_log log = h->world->log;
    skep__mistakes_report(&b->mistakes, skep_scene_entry()->name, &log);
    h->asked = b->asked;
    h->builder = NULL;
    skep__builder_deinit(b);
    skep__free(&h->allocator, b, sizeof *b, 64);
    if (status == SKEP_OK) return SKEP_OK;
    return (uint32_t)host_fail(h, status, "%s", skep_status_text(status));
}

/* Runs the scene's function over the world and adds its systems to the plan. With SKEP_PLAN the
 * mistakes are in the log. `data` is the host's file for it, or NULL. `predict`: only what a client
 * predicts by, as the scene declares it: its systems and resources, and no entities. */
uint32_t HOST_EXPORT(skep_host_scene_build)(host *h, uint32_t param_count, const char *data,
                                            uint32_t data_bytes, uint32_t predict)
{
    h->predict = predict != 0;
    if (!skep_scene_entry) return (uint32_t)host_fail(h, SKEP_NOT_FOUND, "there is no scene");
    const skep_scene *scene = skep_scene_entry();
    if (scene->abi != SKEP_ABI)
        return (uint32_t)host_fail(h, SKEP_VERSION,
                                   "scene %s: built against version %u of the scene interface, "
                                   "this is version %u: build it again",
                                   scene->name, scene->abi, SKEP_ABI);
    skep_builder *b = host_keep(h, sizeof *b);
    const char **params = scene_params(h, param_count);
    if (!b || !params) return (uint32_t)host_fail(h, SKEP_NO_MEMORY, "no memory for the scene");
    skep__builder_desc d;
    memset(&d, 0, sizeof d);
    d.world = h->world;
    d.plan = h->plan;
    d.allocator = &h->allocator;
    d.kept = &h->kept;
    d.helpers = &h->helpers;
    d.declares = &h->declares;
    d.predict = h->predict;
    d.params = params;
    d.param_count = param_count;
    d.entity_max = h->entity_max;
    d.seed = h->seed;
    d.data = data;
    d.data_bytes = data_bytes;
    skep__builder_init(b, &d);
    h->builder = b;
    return scene_end(h, skep__builder_build(b, scene));
}

/* To be called when the scene's function trapped, which is also how it is left where it gets no
 * memory; `why` is the trap's text. Ends what skep_host_scene_build began, as that would have. */
uint32_t HOST_EXPORT(skep_host_scene_trapped)(host *h, const char *why)
{
    skep_builder *b = h->builder;
    if (!b) return (uint32_t)host_fail(h, SKEP_FAULT, "%s", why);
    if (b->leave[0]) return scene_end(h, skep__builder_build(b, NULL));
    skep__mistake(&b->mistakes, "the scene's function: %s", why);
    return scene_end(h, SKEP_PLAN);
}

/* A parameter that the scene asked for: io[0..4] the addresses of name, help, type, value, and 1
 * where the host gave it. Returns 0 past the end. */
uint32_t HOST_EXPORT(skep_host_param)(host *h, uint32_t index)
{
    const skep__asked *a = h->asked;
    for (; a && index; index--) a = a->next;
    if (!a) return 0;
    h->io[0] = (uint32_t)(uintptr_t)a->name;
    h->io[1] = (uint32_t)(uintptr_t)a->help;
    h->io[2] = (uint32_t)(uintptr_t)a->type;
    h->io[3] = (uint32_t)(uintptr_t)(a->value ? a->value : "");
    h->io[4] = a->given;
    return 1;
}

/* ---- what the scene says of live worlds ------------------------------------------------------ */

/* Whether it says anything: 1 what is published, 2 how players get their entities, 4 what is
 * predicted. */
uint32_t HOST_EXPORT(skep_host_declared)(host *h)
{
    const skep__declares *d = &h->declares;
    return (d->declared || d->place.component ? 1u : 0u) | (d->join ? 2u : 0u) |
           (d->predicted_count ? 4u : 0u);
}

/* Makes the own entity of a player, in io; null: he has none. */
void HOST_EXPORT(skep_host_declared_join)(host *h, uint32_t player)
{
    host_put_entity(h, 0, skep__declares_join(&h->declares, h->world, player));
}

/* Takes it back. */
void HOST_EXPORT(skep_host_declared_leave)(host *h, uint32_t player, uint32_t low, uint32_t high)
{
    skep__declares_leave(&h->declares, h->world, player, host_entity(low, high));
}
