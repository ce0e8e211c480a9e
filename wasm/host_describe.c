/* SPDX-License-Identifier: MIT */
/* Descriptions of components for JavaScript, which need not have defined them: those of C systems,
 * and those of a server's schema. */
#include "wasm/host.h"

/* The components that the world knows by number, and beside them those of the plan: events,
 * resources and inputs that systems use. The address of the `at`-th description; NULL past the end.
 * Some may come twice. */
const skep_component *HOST_EXPORT(skep_host_component)(host *h, uint32_t at)
{
    const skep_world *w = h->world;
    if (at < w->store.type_count) return w->store.types[at].info;
    at -= w->store.type_count;
    if (at < w->resource_count) return w->resources[at].info;
    at -= w->resource_count;
    return at < w->channel_count ? w->channels[at].info : NULL;
}

/* Describes a component for JavaScript: io[0] its name, io[1] its kind, io[2] size << 8 | align,
 * io[3] its fields; for each name, type, size, count, offset. */
void HOST_EXPORT(skep_host_describe)(host *h, const skep_component *c)
{
    uint32_t *w = h->io;
    *w++ = (uint32_t)(uintptr_t)c->name;
    *w++ = c->kind;
    *w++ = c->size << 8 | c->align;
    *w++ = c->field_count;
    for (uint32_t f = 0; f < c->field_count; f++) {
        const skep_field *field = &c->fields[f];
        *w++ = (uint32_t)(uintptr_t)field->name;
        *w++ = field->type;
        *w++ = field->size;
        *w++ = field->count;
        *w++ = field->offset;
    }
}
