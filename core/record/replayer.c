/* SPDX-License-Identifier: MIT */
/* A recording is looked at as a whole first: records of it that are good are listed, a frame's two
 * as one entry, and frames that were given up are left out. Then the list is walked. */
#include "core/record/replayer.h"

#include "core/data/data.h"
#include "core/record/frame_inputs.h"
#include "core/record/frame_items.h"
#include "core/record/numbers.h"

/* What is to be done at one place of the recording. */
typedef struct replay_entry {
    uint32_t kind; /* skep__rec_kind: BEGIN for a frame */
    uint32_t pad;
    const uint8_t *payload;
    size_t bytes;
    const uint8_t *end; /* BEGIN: payload of its END, or NULL */
    size_t end_bytes;
    uint64_t tick;
} replay_entry;

/* The END record of the running frame, read. */
typedef struct replay_end {
    uint64_t hash;
    uint64_t parts[5];
    skep__rec_cursor items;
    uint32_t fault_count;
    bool hashed;
    bool known; /* there is one */
} replay_end;

struct skep__replayer {
    skep_allocator allocator;
    skep__replay_info info;
    replay_entry *entries;
    uint32_t entry_count, entry_cap;
    uint32_t at; /* next entry */
    skep__rec_record notes, data;
    skep_plan *plan; /* while playing */
    skep__plan_watcher watcher;
    skep_fault *faults; /* of the running frame */
    uint32_t fault_cap;
    skep__bytes world; /* pieces of a save put together */
    replay_end end;
    uint64_t tick;    /* of the running frame */
    uint64_t checked; /* the first frame that was not compared yet */
    uint64_t hashes;
    bool same_plan;
    skep__replay_difference difference;
};

/* ---- looking at all of it -------------------------------------------------------------------- */

static bool entry_push(skep__replayer *r, const skep__rec_record *record)
{
    if (!skep__array_grow(&r->allocator, (void **)&r->entries, &r->entry_cap, r->entry_count + 1u,
                          sizeof *r->entries))
        return false;
    r->entries[r->entry_count++] =
        (replay_entry){.kind = record->kind, .payload = record->payload, .bytes = record->bytes};
    return true;
}

static uint64_t tick_of(const skep__rec_record *record)
{
    skep__rec_cursor c = {record->payload, record->bytes, false};
    return skep__rec_u64(&c);
}

/* The last entry, where it is a frame without an end. */
static replay_entry *frame_open(skep__replayer *r)
{
    replay_entry *e = r->entry_count ? &r->entries[r->entry_count - 1u] : NULL;
    return e && e->kind == SKEP__REC_BEGIN && !e->end ? e : NULL;
}

/* Takes one record into the list. False without memory. */
static bool look_record(skep__replayer *r, const skep__rec_record *record)
{
    replay_entry *open = frame_open(r);
    if (record->kind == SKEP__REC_END) {
        if (!open || tick_of(record) != open->tick) return true;
        open->end = record->payload;
        open->end_bytes = record->bytes;
        return true;
    }
    if (open && record->kind != SKEP__REC_CLOSE) r->entry_count--; /* it was given up */
    switch (record->kind) {
    case SKEP__REC_NOTES:
        r->notes = *record;
        return true;
    case SKEP__REC_DATA:
        r->data = *record;
        return true;
    case SKEP__REC_CLOSE:
        r->info.closed = true;
        return true;
    case SKEP__REC_WORLD_END:
        r->info.worlds++;
        break;
    case SKEP__REC_BEGIN:
        if (!r->info.worlds) return true; /* nothing that it could follow */
        break;
    default:
        break;
    }
    if (!entry_push(r, record)) return false;
    r->entries[r->entry_count - 1u].tick = tick_of(record);
    return true;
}

static void look_count(skep__replayer *r)
{
    bool first = true;
    for (uint32_t i = 0; i < r->entry_count; i++) {
        if (r->entries[i].kind != SKEP__REC_BEGIN) continue;
        if (first) r->info.first = r->entries[i].tick;
        first = false;
        r->info.frames++;
    }
    r->info.unfinished = frame_open(r) != NULL && !r->info.closed;
    if (frame_open(r) && r->info.closed) { /* given up, and then the recording was ended */
        r->entry_count--;
        r->info.frames--;
    }
}

static skep_status look(skep__replayer *r, const void *bytes, size_t size, skep_error *error)
{
    skep__rec_reader in;
    skep__rec_record record;
    const skep_status status = skep__rec_read(&in, bytes, size, SKEP__REC_RECORDING, error);
    if (status != SKEP_OK) return status;
    while (skep__rec_next(&in, &record)) {
        if (look_record(r, &record)) continue;
        *error = (skep_error){SKEP_NO_MEMORY, "no memory for the list of its frames", in.at};
        return SKEP_NO_MEMORY;
    }
    r->info.damage = in.why;
    r->info.good = in.at;
    look_count(r);
    if (r->info.worlds) return SKEP_OK;
    *error = (skep_error){SKEP_CORRUPT,
                          in.why ? in.why : "it has no world: the recording was cut off", in.at};
    return SKEP_CORRUPT;
}

skep_status skep__replay_open(const skep_allocator *allocator, const void *bytes, size_t size,
                              skep__replayer **replayer, skep_error *error)
{
    *replayer = NULL;
    skep__replayer *r = skep__alloc(allocator, sizeof *r, 16);
    *error = (skep_error){SKEP_NO_MEMORY, "no memory for a replay", 0};
    if (!r) return SKEP_NO_MEMORY;
    r->allocator = *allocator;
    r->world.allocator = &r->allocator;
    const skep_status status = look(r, bytes, size, error);
    if (status == SKEP_OK)
        *replayer = r;
    else
        skep__replay_close(r);
    return status;
}

const skep__replay_info *skep__replay_info_of(const skep__replayer *replayer)
{
    return &replayer->info;
}

const char *skep__replay_note(const skep__replayer *replayer, const char *key, uint32_t index)
{
    return skep__rec_note_find(replayer->notes.payload, replayer->notes.bytes, key, index);
}

const uint8_t *skep__replay_data(const skep__replayer *replayer, size_t *bytes)
{
    *bytes = replayer->data.bytes;
    return replayer->data.payload;
}

/* ---- differences ----------------------------------------------------------------------------- */

static skep__replay_difference *differ(skep__replayer *r, skep__replay_what what)
{
    r->difference.what = what;
    r->difference.frame = r->tick;
    r->difference.since = r->checked < r->tick ? r->checked : r->tick;
    return &r->difference;
}

/* Takes what differs in a batch into the difference: what says most comes first. Entities that
 * differ bring the values of all their components with them; a value that one system writes by
 * declaration says more than one that many may have patched. */
static void differ_batch(skep__replayer *r, uint32_t batch, uint32_t item)
{
    skep__replay_difference *d = differ(r, SKEP__DIFFERS_BATCH);
    d->batch = batch + 1u;
    d->written = skep__item_written(r->plan, batch, item);
    d->systems = skep__item_systems(r->plan, batch, item, d->written, d->system, sizeof d->system);
    (void)skep__format(d->part, sizeof d->part, "%s", skep__item_name(r->plan, item));
}

static void compare_items(skep__replayer *r, uint32_t batch, uint32_t count)
{
    uint32_t best = UINT32_MAX, differing = 0;
    bool best_written = false;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t item = skep__rec_u32(&r->end.items);
        (void)skep__rec_u32(&r->end.items);
        const uint64_t hash = skep__rec_u64(&r->end.items);
        if (r->end.items.bad) break;
        if (!skep__item_known(r->plan, item) || skep__item_hash(r->plan, item) == hash) continue;
        const bool written = skep__item_written(r->plan, batch, item);
        if (!differing || (best && written && !best_written)) {
            best = item;
            best_written = written;
        }
        differing++;
    }
    skep__epoch_raise(&r->plan->world->store);
    if (!differing) return;
    differ_batch(r, batch, best);
    r->difference.others = differing - 1u;
}

/* A batch has reached the world. Those without something to do have no entry. */
static void replay_batch(void *ctx, uint32_t batch)
{
    skep__replayer *r = ctx;
    if (r->difference.what != SKEP__DIFFERS_NOT || !r->end.hashed) return;
    skep__rec_cursor *c = &r->end.items;
    while (c->left) {
        const skep__rec_cursor here = *c;
        const uint32_t recorded = skep__rec_u32(c);
        const uint32_t count = skep__rec_u32(c);
        if (c->bad || recorded > batch) {
            *c = here;
            return;
        }
        if (recorded == batch) {
            compare_items(r, batch, count);
            return;
        }
        (void)skep__rec_take(c, (size_t)count * 16u);
    }
}

static void compare_world(skep__replayer *r)
{
    static const char *const names[] = {"values of components", "resources", "events",
                                        "what systems keep between frames",
                                        "the queue of free handles"};
    skep__hash_parts parts;
    r->hashes++;
    if (skep__hash_world(r->plan->world, &parts) == r->end.hash) {
        r->checked = r->tick + 1u;
        return;
    }
    const uint64_t now[] = {parts.tables, parts.resources, parts.channels, parts.records,
                            parts.queue};
    uint32_t i = 0;
    while (i < 5u && now[i] == r->end.parts[i]) i++;
    skep__replay_difference *d = differ(r, SKEP__DIFFERS_AFTER);
    (void)skep__format(d->part, sizeof d->part, "%s", i < 5u ? names[i] : "time or seed");
}

/* Faults that come out by themselves whatever a replay does. */
static bool fault_counts(const skep_fault *f)
{
    return f->action != SKEP_FAULT_HEALED && !f->kept;
}

static const skep_fault *fault_find(const skep_fault *faults, uint32_t count, const char *system)
{
    for (uint32_t i = 0; i < count; i++)
        if (fault_counts(&faults[i]) && skep__text_equal(faults[i].system, system))
            return &faults[i];
    return NULL;
}

/* Finds a fault of one list that the other lacks. */
static const skep_fault *fault_alone(const skep_fault *a, uint32_t a_count, const skep_fault *b,
                                     uint32_t b_count)
{
    for (uint32_t i = 0; i < a_count; i++)
        if (fault_counts(&a[i]) && !fault_find(b, b_count, a[i].system)) return &a[i];
    return NULL;
}

static void compare_faults(skep__replayer *r, const skep_frame_report *report)
{
    const skep_fault *now =
        fault_alone(report->faults, report->fault_count, r->faults, r->end.fault_count);
    const skep_fault *then =
        fault_alone(r->faults, r->end.fault_count, report->faults, report->fault_count);
    if (!now && !then) return;
    skep__replay_difference *d = differ(r, SKEP__DIFFERS_FAULT);
    d->since = d->frame;
    d->systems = 1;
    (void)skep__format(d->system, sizeof d->system, "\"%s\"", now ? now->system : then->system);
    if (now) (void)skep__format(d->cause, sizeof d->cause, "%s", now->cause);
}

bool skep__replay_done(skep__replayer *r, const skep_frame_report *report)
{
    if (!r->end.known) return true;
    /* A system that fails explains what its batch lacks. */
    if (r->difference.what != SKEP__DIFFERS_BEFORE) compare_faults(r, report);
    if (r->difference.what == SKEP__DIFFERS_NOT && r->end.hashed) compare_world(r);
    return r->difference.what == SKEP__DIFFERS_NOT;
}

const skep__replay_difference *skep__replay_difference_of(const skep__replayer *replayer)
{
    return &replayer->difference;
}

uint64_t skep__replay_hashes(const skep__replayer *replayer)
{
    return replayer->hashes;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void text_batch(const skep__replay_difference *d, char *out, size_t max)
{
    char more[64] = "";
    const char *many = d->systems == 1 ? "system" : "one of the systems";
    if (d->others) (void)skep__format(more, sizeof more, " (and %u more)", d->others);
    if (d->written)
        (void)skep__format(out, max, "%s %s (batch %u) wrote %s differently%s", many, d->system,
                           d->batch, d->part, more);
    else if (d->systems)
        (void)skep__format(out, max, "%s %s (batch %u) changed %s differently, by patches%s", many,
                           d->system, d->batch, d->part, more);
    else
        (void)skep__format(out, max, "after batch %u, %s is another%s", d->batch, d->part, more);
}

static void text_before(const skep__replay_difference *d, char *out, size_t max)
{
    if (d->since < d->frame)
        (void)skep__format(out, max,
                           "before it began, the world was another: a frame since %llu came out "
                           "differently, or something wrote between two",
                           (unsigned long long)d->since);
    else
        (void)skep__format(
            out, max,
            "before it began, the world was another: something wrote to it between frames");
}

size_t skep__replay_text(const skep__replay_difference *d, char *out, size_t max)
{
    char what[640] = "";
    const char *some = d->since < d->frame ? " (only some frames were hashed)" : "";
    switch (d->what) {
    case SKEP__DIFFERS_BATCH:
        text_batch(d, what, sizeof what);
        break;
    case SKEP__DIFFERS_BEFORE:
        text_before(d, what, sizeof what);
        break;
    case SKEP__DIFFERS_FAULT:
        if (d->cause[0])
            (void)skep__format(what, sizeof what, "system %s failed, as it had not: %s", d->system,
                               d->cause);
        else
            (void)skep__format(what, sizeof what, "system %s had failed, and did not now",
                               d->system);
        break;
    case SKEP__DIFFERS_AFTER:
        (void)skep__format(what, sizeof what,
                           "all that systems wrote is the same; what differs: %s", d->part);
        break;
    default:
        return skep__format(out, max, "all frames came out the same");
    }
    return skep__format(out, max, "frame %llu differs: %s%s", (unsigned long long)d->frame, what,
                        some);
}

/* ---- playing --------------------------------------------------------------------------------- */

/* Puts the pieces of the world whose end is entry `at` together, and loads it. */
static skep_status world_take(skep__replayer *r, uint32_t at)
{
    skep_load_report report;
    bool lost = false;
    uint32_t first = at;
    r->world.used = 0;
    while (first && r->entries[first - 1u].kind == SKEP__REC_WORLD) first--;
    for (uint32_t i = first; i < at; i++)
        if (!skep__bytes_append(&r->world, r->entries[i].payload, r->entries[i].bytes))
            return SKEP_NO_MEMORY;
    const skep_status status =
        skep__world_replace(r->plan->world, r->world.data, r->world.used, &report, &lost);
    skep__bytes_deinit(&r->world);
    return status;
}

/* Goes to the next frame: numbers, plans and worlds on the way are taken. */
static skep_status walk(skep__replayer *r, bool *world)
{
    skep_status status = SKEP_OK;
    while (r->at < r->entry_count && status == SKEP_OK) {
        const replay_entry *e = &r->entries[r->at];
        if (e->kind == SKEP__REC_BEGIN) return SKEP_OK;
        if (e->kind == SKEP__REC_NUMBERS &&
            !skep__numbers_same(r->plan->world, e->payload, e->bytes))
            status = SKEP_SCHEMA;
        if (e->kind == SKEP__REC_PLAN)
            r->same_plan = skep__systems_same(r->plan, e->payload, e->bytes);
        if (e->kind == SKEP__REC_WORLD_END) {
            status = world_take(r, r->at);
            *world = true;
        }
        if (status == SKEP_OK) r->at++;
    }
    return status;
}

skep_status skep__replay_begin(skep__replayer *r, skep_plan *plan)
{
    bool world = false;
    if (skep_frame_running(plan)) return SKEP_BUSY;
    const skep_status built = skep_plan_build(plan);
    if (built != SKEP_OK) return built;
    if (r->plan) skep__plan_unwatch(r->plan, &r->watcher);
    r->plan = plan;
    r->at = 0;
    r->hashes = 0;
    r->same_plan = true;
    memset(&r->difference, 0, sizeof r->difference);
    r->watcher.batch = replay_batch;
    r->watcher.ctx = r;
    skep__plan_watch(plan, &r->watcher);
    const skep_status status = walk(r, &world);
    r->checked = skep_world_tick(plan->world);
    return status;
}

bool skep__replay_same_plan(const skep__replayer *replayer)
{
    return replayer->same_plan;
}

/* Reads what a frame came to, its faults included. */
static skep_status end_read(skep__replayer *r, const replay_entry *e)
{
    skep__rec_cursor c = {e->end, e->end_bytes, false};
    memset(&r->end, 0, sizeof r->end);
    if (!e->end) return SKEP_OK;
    r->end.known = true;
    (void)skep__rec_u64(&c);
    r->end.hashed = skep__rec_u32(&c) & SKEP__REC_HASHED;
    r->end.fault_count = skep__rec_u32(&c);
    r->end.hash = skep__rec_u64(&c);
    for (uint32_t i = 0; i < 5u; i++) r->end.parts[i] = skep__rec_u64(&c);
    const uint32_t item_bytes = skep__rec_u32(&c);
    (void)skep__rec_u32(&c);
    r->end.items.left = item_bytes;
    r->end.items.at = skep__rec_take(&c, item_bytes);
    if (c.bad || r->end.fault_count > c.left / SKEP__REC_FAULT_BYTES) return SKEP_CORRUPT;
    if (!skep__array_grow(&r->allocator, (void **)&r->faults, &r->fault_cap, r->end.fault_count,
                          sizeof *r->faults))
        return SKEP_NO_MEMORY;
    for (uint32_t i = 0; i < r->end.fault_count; i++) {
        skep__rec_fault_get(&c, &r->faults[i]);
        if (r->faults[i].frame != e->tick) return SKEP_CORRUPT;
    }
    return SKEP_OK;
}

static skep_status frame_read(skep__replayer *r, const replay_entry *e, skep__replay_frame *f)
{
    skep_world *w = r->plan->world;
    skep__rec_cursor c = {e->payload, e->bytes, false};
    (void)skep__rec_u64(&c);
    const uint64_t time = skep__rec_u64(&c);
    const uint32_t dt = skep__rec_u32(&c);
    const bool hashed = skep__rec_u32(&c) & SKEP__REC_HASHED;
    const uint64_t hash = skep__rec_u64(&c);
    const uint32_t command_bytes = skep__rec_u32(&c);
    (void)skep__rec_u32(&c); /* their number, for readers that only list */
    const uint32_t input_count = skep__rec_u32(&c);
    (void)skep__rec_u32(&c);
    memcpy(&f->time, &time, sizeof time);
    memcpy(&f->dt, &dt, sizeof dt);
    if (c.bad || e->tick != w->tick || !(f->dt >= 0.0f) || f->dt > 3.4e38f) return SKEP_CORRUPT;
    f->tick = r->tick = e->tick;
    f->unfinished = !e->end;
    if (hashed && skep_world_hash(w) != hash) (void)differ(r, SKEP__DIFFERS_BEFORE);
    skep_status status = skep__commands_play(w, &c, command_bytes);
    if (status == SKEP_OK) status = skep__inputs_play(w, &c, input_count);
    if (status == SKEP_OK) return SKEP_OK;
    /* What was given so far is of a frame that will not run. */
    skep__commands_clear(&w->outside);
    w->inputs.count = 0;
    w->inputs.used = 0;
    return status;
}

skep_status skep__replay_next(skep__replayer *r, skep__replay_frame *frame)
{
    memset(frame, 0, sizeof *frame);
    skep_status status = walk(r, &frame->world);
    if (status != SKEP_OK || r->at == r->entry_count) return status;
    if (frame->world) r->checked = r->plan->world->tick;
    const replay_entry *e = &r->entries[r->at];
    status = end_read(r, e);
    if (status == SKEP_OK) status = frame_read(r, e, frame);
    if (status == SKEP_OK) status = skep_plan_replay(r->plan, r->faults, r->end.fault_count);
    if (status != SKEP_OK) return status;
    r->at++;
    frame->kind = SKEP__REPLAY_FRAME;
    return SKEP_OK;
}

void skep__replay_leave(skep__replayer *r)
{
    if (!r->plan) return;
    skep__plan_unwatch(r->plan, &r->watcher);
    const skep_status ended = skep_plan_replay(r->plan, NULL, 0);
    (void)ended; /* busy: a frame that is still running keeps its own */
    r->plan = NULL;
}

void skep__replay_close(skep__replayer *r)
{
    if (!r) return;
    const skep_allocator a = r->allocator;
    skep__replay_leave(r);
    skep__array_free(&a, (void **)&r->entries, &r->entry_cap, sizeof *r->entries);
    skep__array_free(&a, (void **)&r->faults, &r->fault_cap, sizeof *r->faults);
    skep__bytes_deinit(&r->world);
    skep__free(&a, r, sizeof *r, 16);
}
