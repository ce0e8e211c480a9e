/* SPDX-License-Identifier: MIT */
/* What the server publishes, put beside what the program knows. Numbers, order and quanta are the
 * server's; where the program named a thing, its own description counts, so that C structs are its
 * own. The schema of a view is settled by its first WELCOME and never changes: rows, pictures and
 * pointers to descriptions lean on it. */
#include "core/base/format.h"
#include "core/replicate/view_internal.h"

#define CLIENT_TEXT_BYTES 200u

static bool settle_named_alike(const skep_component *a, const skep_component *b)
{
    size_t n = 0;
    while (a->name[n] && a->name[n] == b->name[n]) n++;
    return a->name[n] == b->name[n];
}

/* The server's number of what the program names: of the same kind, else of any, so that the
 * mismatch can be told. */
static uint32_t settle_find(const skep_replica *replicas, uint32_t count,
                            const skep_component *mine)
{
    uint32_t found = SKEP_REPLICA_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (!settle_named_alike(replicas[i].info, mine)) continue;
        if (replicas[i].info->kind == mine->kind) return i;
        found = i;
    }
    return found;
}

/* Puts the program's descriptions in place of the server's, in `replicas`. */
static bool settle_match(skep_view *view, skep_replica *replicas, uint32_t count, uint64_t *wanted,
                         char *text)
{
    *wanted = view->desc.replica_count ? 0 : UINT64_MAX;
    for (uint32_t i = 0; i < view->desc.replica_count; i++) {
        const skep_component *mine = view->desc.replicas[i].info;
        const uint32_t at = settle_find(replicas, count, mine);
        if (at == SKEP_REPLICA_MAX) {
            (void)skep__format(text, CLIENT_TEXT_BYTES, "%s: the server does not publish it",
                               mine->name);
            return false;
        }
        if (skep__schema_mismatch(mine, replicas[at].info, text, CLIENT_TEXT_BYTES)) return false;
        replicas[at].info = mine;
        *wanted |= (uint64_t)1 << at;
    }
    return true;
}

/* Sizes of what is kept by the schema. */
typedef struct settle_room {
    uint32_t input_value_max;
    uint32_t own_bytes_max;
    uint32_t resource_bytes;
    uint32_t resource_at[SKEP_REPLICA_MAX];
    uint32_t predict[SKEP_REPLICA_MAX];
} settle_room;

static bool settle_measure(const skep_view *view, const skep_replica *replicas, uint32_t count,
                           settle_room *room, char *text)
{
    *room = (settle_room){.input_value_max = 1, .own_bytes_max = 1, .resource_bytes = 1};
    for (uint32_t i = 0; i < count; i++) {
        const skep_component *info = replicas[i].info;
        const uint32_t bytes = skep__message_value_bytes(info);
        if (info->kind == SKEP_KIND_INPUT)
            room->input_value_max = skep__max_u32(room->input_value_max, bytes);
        if (info->kind != SKEP_KIND_RESOURCE) continue;
        room->resource_at[i] = skep__u32(skep__align(room->resource_bytes, 16));
        room->resource_bytes = room->resource_at[i] + info->size;
    }
    for (uint32_t i = 0; i < view->desc.predict_count; i++) {
        const skep_component *mine = view->desc.predict[i];
        room->predict[i] = settle_find(replicas, count, mine);
        if (room->predict[i] == SKEP_REPLICA_MAX) {
            (void)skep__format(text, CLIENT_TEXT_BYTES, "%s: the server does not publish it",
                               mine->name);
            return false;
        }
        if (skep__schema_mismatch(mine, replicas[room->predict[i]].info, text, CLIENT_TEXT_BYTES))
            return false;
        room->own_bytes_max += skep__message_value_bytes(mine);
    }
    return true;
}

static bool settle_room_make(skep_view *view, const settle_room *room)
{
    skep__client_news news[2];
    memset(news, 0, sizeof news);
    uint8_t *values =
        skep__client_alloc(view, (size_t)room->input_value_max * SKEP__CLIENT_INPUTS_MAX);
    bool made = values != NULL;
    for (uint32_t i = 0; i < 2; i++) {
        news[i].own_bytes = skep__client_alloc(view, room->own_bytes_max);
        news[i].resources = skep__client_alloc(view, room->resource_bytes);
        made = made && news[i].own_bytes && news[i].resources;
    }
    for (uint32_t i = 0; !made && i < 2; i++) {
        skep__client_free(view, news[i].own_bytes, room->own_bytes_max);
        skep__client_free(view, news[i].resources, room->resource_bytes);
    }
    if (!made) {
        skep__client_free(view, values, (size_t)room->input_value_max * SKEP__CLIENT_INPUTS_MAX);
        return false;
    }
    memcpy(view->news, news, sizeof news);
    view->input_values = values;
    view->input_value_max = room->input_value_max;
    view->own_bytes_max = room->own_bytes_max;
    view->resource_bytes = room->resource_bytes;
    memcpy(view->resource_at, room->resource_at, sizeof room->resource_at);
    memcpy(view->predict, room->predict, sizeof room->predict);
    return true;
}

static bool settle_all(skep_view *view, skep__schema_table *table)
{
    char text[CLIENT_TEXT_BYTES];
    skep_replica replicas[SKEP_REPLICA_MAX];
    settle_room room;
    uint64_t wanted = 0;
    const uint32_t count = table->count ? table->count : view->desc.replica_count;
    memcpy(replicas, table->count ? table->replicas : view->desc.replicas,
           count * sizeof *replicas);
    if (!settle_match(view, replicas, count, &wanted, text) ||
        !settle_measure(view, replicas, count, &room, text))
        return skep__client_end(view, text);
    if (!skep__message_rates_get(&view->welcome, replicas, count, view->rates))
        return skep__client_break(view, "view: the server's rates name what is not published");
    if (!settle_room_make(view, &room))
        return skep__client_break(view, "view: no memory, or bytes_max is too small");
    memcpy(view->replicas, replicas, count * sizeof *replicas);
    view->replica_count = count;
    view->wanted = wanted;
    view->hash = table->hash;
    view->table = *table;
    *table = (skep__schema_table){0};
    return true;
}

bool skep__client_schema(skep_view *view, skep__schema_table *table,
                         const skep__message_welcome *welcome)
{
    const skep__message_welcome before = view->welcome;
    if (view->replica_count) {
        if (view->hash.low != table->hash.low || view->hash.high != table->hash.high ||
            before.tick_hz != welcome->tick_hz || before.rate_count != welcome->rate_count ||
            memcmp(before.rates, welcome->rates, before.rate_count * sizeof *before.rates) != 0)
            return skep__client_end(view,
                                    "view: the server publishes something else now: open another");
        view->welcome = *welcome;
        return true;
    }
    const skep__schema_hash mine =
        skep__schema_hash_of(view->desc.replicas, view->desc.replica_count);
    if (!table->count &&
        (!view->desc.replica_count || mine.low != table->hash.low || mine.high != table->hash.high))
        return skep__client_break(view, "view: the server did not say what it publishes");
    view->welcome = *welcome;
    if (settle_all(view, table)) return true;
    view->welcome = before;
    return false;
}

/* ---- layouts --------------------------------------------------------------------------------- */

/* One column a field; its codes' places are found in the layout of the codes. */
static bool layout_columns(skep_view *view, skep__client_layout *layout)
{
    const skep__code_layout *code = &layout->code;
    layout->row_bytes = 8;
    layout->fields = skep__client_alloc(view, (code->field_count + 1u) * sizeof *layout->fields);
    if (!layout->fields) return false;
    for (uint32_t i = 0; i < code->field_count; i++) {
        const skep__code_field *of = &code->fields[i];
        if (of->element) continue;
        const skep_field *field = &view->replicas[of->replica].info->fields[of->field];
        const uint32_t bytes = (uint32_t)field->size * field->count;
        layout->fields[layout->field_count++] = (skep__client_field){.replica = of->replica,
                                                                     .field = of->field,
                                                                     .elements = field->count,
                                                                     .row_bytes = bytes,
                                                                     .prefix = layout->row_bytes,
                                                                     .code_field = i};
        layout->row_bytes += bytes;
    }
    return true;
}

static void layout_free(skep_view *view, skep__client_layout *layout)
{
    skep__client_free(view, layout->fields,
                      (layout->code.field_count + 1u) * sizeof *layout->fields);
    skep__code_layout_deinit(&layout->code, &view->allocator);
}

skep_status skep__client_layout_of(skep_view *view, uint64_t components, uint32_t *number)
{
    for (*number = 0; *number < view->layout_count; ++*number)
        if (view->layouts[*number].code.components == components) return SKEP_OK;
    if (view->layout_count == SKEP__CLIENT_LAYOUTS_MAX) return SKEP_LIMIT;
    if (!skep__array_grow(&view->allocator, (void **)&view->layouts, &view->layout_cap,
                          view->layout_count + 1u, sizeof *view->layouts))
        return SKEP_NO_MEMORY;
    skep__client_layout *layout = &view->layouts[view->layout_count];
    *layout = (skep__client_layout){0};
    const skep__code_terms terms = {.replicas = view->replicas,
                                    .replica_count = view->replica_count,
                                    .rates = view->rates,
                                    .rate_count = view->welcome.rate_count,
                                    .tick_hz = view->welcome.tick_hz,
                                    .message_down_max = SKEP__CLIENT_MESSAGE_MAX};
    const skep_status status =
        skep__code_layout_init(&layout->code, &terms, components, &view->allocator);
    if (status != SKEP_OK) return status;
    if (!layout_columns(view, layout)) {
        layout_free(view, layout);
        return SKEP_NO_MEMORY;
    }
    view->layout_count++;
    return SKEP_OK;
}

void skep__client_layouts_free(skep_view *view)
{
    for (uint32_t i = 0; i < view->layout_count; i++) layout_free(view, &view->layouts[i]);
    skep__array_free(&view->allocator, (void **)&view->layouts, &view->layout_cap,
                     sizeof *view->layouts);
    view->layout_count = 0;
}
