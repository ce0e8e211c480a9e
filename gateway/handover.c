/* SPDX-License-Identifier: MIT */
/* The lock is a word: 0 free, 1 held, 2 held and somebody may sleep. It is held for so short a time
 * that a thread looks again a few times before it sleeps.
 *
 *     world's thread   states -->            gateway's thread
 *                      <-- box: joins, leaves, inputs
 *                      <-- lines of the log, figures
 *                      documents -->
 *
 * The box is swapped whole: the world's thread reads its own without the lock while the other
 * fills, and after some frames both have the size that they need. A document has a few copies: the
 * world's thread fills one that nobody reads without the lock, then makes it the one that is shown.
 * A reader that is slow keeps a copy of its own from being filled, no more. */
#include "gateway/handover.h"

#include "port/port.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HANDOVER_SPINS 64u

void skep__handover_init(skep__handover *h, const skep_allocator *allocator)
{
    memset(h, 0, sizeof *h);
    atomic_init(&h->lock, 0);
    h->allocator = *allocator;
}

void skep__handover_deinit(skep__handover *h)
{
    SKEP_ASSERT(h->state_count == 0);
    skep__array_free(&h->allocator, (void **)&h->box.bytes, &h->box.cap, 1);
    for (uint32_t i = 0; i < SKEP_GATEWAY_DOCUMENTS_MAX; i++) {
        for (uint32_t k = 0; k < SKEP__HANDOVER_COPIES; k++) {
            skep__handover_copy *copy = &h->documents[i].copies[k];
            SKEP_ASSERT(copy->readers == 0);
            skep__array_free(&h->allocator, (void **)&copy->bytes, &copy->cap, 1);
        }
    }
}

void skep__handover_lock(skep__handover *h)
{
    for (uint32_t i = 0; i < HANDOVER_SPINS; i++) {
        uint32_t free_word = 0;
        if (atomic_compare_exchange_weak_explicit(&h->lock, &free_word, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return;
        skep__port_pause();
    }
    while (atomic_exchange_explicit(&h->lock, 2, memory_order_acquire) != 0)
        (void)skep__port_futex_wait(&h->lock, 2, SKEP__PORT_FOREVER);
}

void skep__handover_unlock(skep__handover *h)
{
    if (atomic_exchange_explicit(&h->lock, 0, memory_order_release) == 2)
        skep__port_futex_wake(&h->lock, 1);
}

/* ---- states --------------------------------------------------------------------------------- */

bool skep__handover_give(skep__handover *h, skep_state *state)
{
    skep__handover_lock(h);
    const bool room = h->state_count < SKEP__HANDOVER_STATES && !h->stop;
    if (room) h->states[h->state_count++] = state;
    skep__handover_unlock(h);
    return room;
}

uint32_t skep__handover_take(skep__handover *h, skep_state **states, bool *stop)
{
    skep__handover_lock(h);
    const uint32_t count = h->state_count;
    memcpy(states, h->states, count * sizeof *states);
    h->state_count = 0;
    *stop = h->stop;
    skep__handover_unlock(h);
    return count;
}

/* ---- joins, leaves, inputs ------------------------------------------------------------------ */

bool skep__handover_put(skep__handover *h, const skep__handover_item *item, const void *bytes)
{
    const uint32_t padded = (item->size + 7u) & ~7u;
    const uint32_t room = (uint32_t)sizeof *item + padded;
    skep__handover_lock(h);
    bool good = item->kind != SKEP_PUBLISH_INPUT || h->box.used + room <= SKEP__HANDOVER_BYTES;
    good = good && skep__array_grow(&h->allocator, (void **)&h->box.bytes, &h->box.cap,
                                    h->box.used + room, 1);
    if (good) {
        uint8_t *to = h->box.bytes + h->box.used;
        memcpy(to, item, sizeof *item);
        if (item->size) memcpy(to + sizeof *item, bytes, item->size);
        h->box.used += room;
    }
    skep__handover_unlock(h);
    return good;
}

bool skep__handover_full(skep__handover *h)
{
    skep__handover_lock(h);
    const bool full = h->box.used > SKEP__HANDOVER_BYTES / 2;
    skep__handover_unlock(h);
    return full;
}

void skep__handover_swap(skep__handover *h, skep__handover_box *box)
{
    SKEP_ASSERT(box->used == 0);
    skep__handover_lock(h);
    const skep__handover_box full = h->box;
    h->box = *box;
    skep__handover_unlock(h);
    *box = full;
}

/* ---- documents ------------------------------------------------------------------------------- */

/* A copy that may be filled, the largest of them; NULL: all are being read. */
static skep__handover_copy *document_spare(skep__handover *h, skep__handover_document *document)
{
    skep__handover_copy *spare = NULL;
    skep__handover_lock(h);
    for (uint32_t i = 0; i < SKEP__HANDOVER_COPIES; i++) {
        skep__handover_copy *copy = &document->copies[i];
        if (copy == document->shown || copy->readers) continue;
        if (!spare || copy->cap > spare->cap) spare = copy;
    }
    if (!spare) document->crowded = true;
    skep__handover_unlock(h);
    return spare;
}

static void document_hide(skep__handover *h, skep__handover_document *document)
{
    bool read[SKEP__HANDOVER_COPIES];
    skep__handover_lock(h);
    document->shown = NULL;
    document->crowded = false;
    for (uint32_t i = 0; i < SKEP__HANDOVER_COPIES; i++) read[i] = document->copies[i].readers != 0;
    skep__handover_unlock(h);
    for (uint32_t i = 0; i < SKEP__HANDOVER_COPIES; i++) {
        skep__handover_copy *copy = &document->copies[i];
        if (!read[i]) skep__array_free(&h->allocator, (void **)&copy->bytes, &copy->cap, 1);
    }
}

skep_status skep__handover_show(skep__handover *h, skep__handover_document *document,
                                const void *bytes, uint32_t count)
{
    if (!bytes) {
        document_hide(h, document);
        return SKEP_OK;
    }
    skep__handover_copy *copy = document_spare(h, document);
    if (!copy) return SKEP_LIMIT;
    if (!skep__array_grow(&h->allocator, (void **)&copy->bytes, &copy->cap, count, 1))
        return SKEP_NO_MEMORY;
    memcpy(copy->bytes, bytes, count);
    copy->used = count;
    copy->number = ++document->number;
    skep__handover_lock(h);
    document->shown = copy;
    skep__handover_unlock(h);
    return SKEP_OK;
}

const skep__handover_copy *skep__handover_read(skep__handover *h, skep__handover_document *document)
{
    skep__handover_lock(h);
    skep__handover_copy *copy = document->shown;
    if (copy) copy->readers++;
    skep__handover_unlock(h);
    return copy;
}

void skep__handover_done(skep__handover *h, skep__handover_document *document,
                         const skep__handover_copy *copy)
{
    skep__handover_lock(h);
    skep__handover_copy *own = &document->copies[copy - document->copies];
    SKEP_ASSERT(own->readers > 0);
    own->readers--;
    skep__handover_unlock(h);
}

uint64_t skep__handover_crowded(skep__handover *h, skep__handover_document *document)
{
    uint64_t oldest = 0;
    skep__handover_lock(h);
    for (uint32_t i = 0; i < SKEP__HANDOVER_COPIES && document->crowded; i++) {
        const skep__handover_copy *copy = &document->copies[i];
        if (!copy->readers || copy == document->shown) continue;
        if (!oldest || copy->number < oldest) oldest = copy->number;
    }
    document->crowded = false;
    skep__handover_unlock(h);
    return oldest;
}

/* ---- the log -------------------------------------------------------------------------------- */

void skep__handover_say(skep__handover *h, skep_log_level level, const char *format, ...)
{
    char line[SKEP__HANDOVER_LINE];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    /* Parts of a line come from the network. */
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    const uint32_t bytes = (uint32_t)strlen(line) + 1;
    skep__handover_lock(h);
    if (h->lines.used + 1 + bytes <= sizeof h->lines.text) {
        h->lines.text[h->lines.used] = (char)level;
        memcpy(h->lines.text + h->lines.used + 1, line, bytes);
        h->lines.used += 1 + bytes;
    } else {
        h->lines.lost++;
    }
    skep__handover_unlock(h);
}

void skep__handover_tell(skep__handover *h, skep__handover_lines *lines, const skep_log *log)
{
    skep__handover_lock(h);
    lines->used = h->lines.used;
    lines->lost = h->lines.lost;
    memcpy(lines->text, h->lines.text, h->lines.used);
    h->lines.used = 0;
    h->lines.lost = 0;
    skep__handover_unlock(h);
    if (!log->fn) return;
    for (uint32_t at = 0; at < lines->used;) {
        const char *text = lines->text + at + 1;
        log->fn(log->ctx, (skep_log_level)lines->text[at], text);
        at += 2 + (uint32_t)strlen(text);
    }
    if (lines->lost) {
        char line[64];
        (void)snprintf(line, sizeof line, "%u more lines were left out", lines->lost);
        log->fn(log->ctx, SKEP_LOG_WARN, line);
    }
}
