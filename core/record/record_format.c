/* SPDX-License-Identifier: MIT */
/* Records, one after another (record_format.h has the bytes): how they are framed and checked. */
#include "core/record/record_format.h"

static const uint8_t rec_magic[8] = {0x89, 'S', 'R', 'E', 'C', '\r', '\n', 0x1A};

uint64_t skep__rec_sum(uint64_t chain, uint32_t kind, const uint8_t *payload, size_t bytes)
{
    const uint64_t head = skep__hash_mix(skep__hash_mix(chain, kind), bytes);
    return skep__hash_u64(
        skep__hash_mix(head, skep__hash_bytes(payload, skep__align(bytes, 8), 2)));
}

/* ---- writing -------------------------------------------------------------------------------- */

static bool rec_lose(skep__rec_writer *w, skep_status status, const char *why)
{
    if (w->why) return false;
    w->status = status;
    w->why = why;
    return false;
}

static bool rec_pass(skep__rec_writer *w, const void *bytes, size_t n)
{
    if (w->why) return false;
    if (!w->write(w->ctx, bytes, n)) return rec_lose(w, SKEP_IO, "it could not be written");
    w->bytes += n;
    return true;
}

bool skep__rec_open(skep__rec_writer *w, uint32_t content)
{
    uint8_t head[SKEP__REC_HEAD_BYTES];
    const uint32_t version = SKEP__REC_VERSION;
    memcpy(head, rec_magic, sizeof rec_magic);
    memcpy(head + 8, &version, sizeof version);
    memcpy(head + 12, &content, sizeof content);
    w->chain = skep__hash_bytes(head, sizeof head, 2);
    return rec_pass(w, head, sizeof head);
}

bool skep__rec_begin(skep__rec_writer *w, skep__rec_kind kind)
{
    static const uint8_t zeros[SKEP__REC_RECORD_BYTES];
    w->out.used = 0;
    w->kind = kind;
    if (w->why) return false;
    if (skep__bytes_append(&w->out, zeros, sizeof zeros)) return true;
    return rec_lose(w, SKEP_NO_MEMORY, "out of memory");
}

bool skep__rec_end(skep__rec_writer *w, bool whole)
{
    const uint64_t bytes = w->out.used - SKEP__REC_RECORD_BYTES;
    if (w->why) return false;
    if (!whole) return rec_lose(w, SKEP_NO_MEMORY, "out of memory");
    const size_t pad = skep__align((size_t)bytes, 8) - (size_t)bytes;
    if (!skep__bytes_append(&w->out, "\0\0\0\0\0\0\0", pad))
        return rec_lose(w, SKEP_NO_MEMORY, "out of memory");
    const uint64_t sum =
        skep__rec_sum(w->chain, w->kind, w->out.data + SKEP__REC_RECORD_BYTES, (size_t)bytes);
    memcpy(w->out.data, &w->kind, sizeof w->kind);
    memcpy(w->out.data + 8, &bytes, sizeof bytes);
    memcpy(w->out.data + 16, &sum, sizeof sum);
    w->chain = sum;
    return rec_pass(w, w->out.data, w->out.used);
}

void skep__rec_close(skep__rec_writer *w)
{
    skep__bytes_deinit(&w->out);
}

static size_t note_bytes(const char *text)
{
    size_t n = 0;
    while (text[n]) n++;
    return n + 1;
}

bool skep__rec_notes(skep__rec_writer *w, const skep__rec_note *notes, uint32_t count)
{
    bool whole = skep__rec_begin(w, SKEP__REC_NOTES);
    for (uint32_t i = 0; i < count && whole; i++) {
        if (!notes[i].value) continue;
        whole = skep__bytes_append(&w->out, notes[i].key, note_bytes(notes[i].key)) &&
                skep__bytes_append(&w->out, notes[i].value, note_bytes(notes[i].value));
    }
    return skep__rec_end(w, whole);
}

bool skep__rec_data(skep__rec_writer *w, const void *data, size_t bytes)
{
    if (!data) return true;
    const bool whole =
        skep__rec_begin(w, SKEP__REC_DATA) && skep__bytes_append(&w->out, data, bytes);
    return skep__rec_end(w, whole);
}

bool skep__rec_fault_put(skep__bytes *out, const skep_fault *f)
{
    const uint32_t words[] = {f->status,
                              f->action,
                              f->block,
                              f->blocks,
                              f->row,
                              f->rows,
                              f->worker,
                              f->retry_worker,
                              f->strikes,
                              f->strikes_max,
                              (f->retried ? 1u : 0u) | (f->fallback ? 2u : 0u) |
                                  (f->kept ? 4u : 0u),
                              0};
    return skep__bytes_u64(out, f->frame) && skep__bytes_u64(out, f->until) &&
           skep__bytes_append(out, words, sizeof words) &&
           skep__bytes_append(out, f->system, sizeof f->system) &&
           skep__bytes_append(out, f->cause, sizeof f->cause);
}

/* ---- reading -------------------------------------------------------------------------------- */

static skep_status rec_refuse(skep_error *error, skep_status status, const char *message,
                              size_t offset)
{
    *error = (skep_error){status, message, offset};
    return status;
}

skep_status skep__rec_read(skep__rec_reader *r, const void *bytes, size_t size, uint32_t content,
                           skep_error *error)
{
    memset(r, 0, sizeof *r);
    *error = (skep_error){SKEP_OK, NULL, 0};
    r->bytes = (const uint8_t *)bytes;
    r->size = size;
    uint32_t version = 0, holds = 0;
    if (size < SKEP__REC_HEAD_BYTES || memcmp(bytes, rec_magic, sizeof rec_magic) != 0)
        return rec_refuse(error, SKEP_FOREIGN, "it is no recording", 0);
    memcpy(&version, r->bytes + 8, sizeof version);
    memcpy(&holds, r->bytes + 12, sizeof holds);
    if (version != SKEP__REC_VERSION)
        return rec_refuse(error, SKEP_VERSION, "it is a recording of another version", 8);
    if (holds != content)
        return rec_refuse(error, SKEP_FOREIGN,
                          content == SKEP__REC_RECORDING ? "it is no recording of frames"
                                                         : "it is no file of a fault",
                          12);
    r->at = SKEP__REC_HEAD_BYTES;
    r->chain = skep__hash_bytes(bytes, SKEP__REC_HEAD_BYTES, 2);
    return SKEP_OK;
}

bool skep__rec_next(skep__rec_reader *r, skep__rec_record *record)
{
    uint64_t bytes = 0, sum = 0;
    const size_t left = r->size - r->at;
    if (r->why || left == 0) return false;
    r->why = "it ends within a record";
    if (left < SKEP__REC_RECORD_BYTES) return false;
    uint64_t kind = 0;
    memcpy(&kind, r->bytes + r->at, sizeof kind);
    memcpy(&bytes, r->bytes + r->at + 8, sizeof bytes);
    memcpy(&sum, r->bytes + r->at + 16, sizeof sum);
    if (kind > UINT32_MAX || bytes > left - SKEP__REC_RECORD_BYTES) return false;
    record->kind = (uint32_t)kind;
    const size_t padded = skep__align((size_t)bytes, 8);
    if (padded > left - SKEP__REC_RECORD_BYTES) return false;
    record->payload = r->bytes + r->at + SKEP__REC_RECORD_BYTES;
    record->bytes = (size_t)bytes;
    r->why = "a record is damaged: its checksum differs";
    if (skep__rec_sum(r->chain, record->kind, record->payload, record->bytes) != sum) return false;
    r->why = NULL;
    r->chain = sum;
    r->at += SKEP__REC_RECORD_BYTES + padded;
    return true;
}

void skep__rec_fault_get(skep__rec_cursor *c, skep_fault *f)
{
    uint32_t words[12];
    memset(f, 0, sizeof *f);
    f->frame = skep__rec_u64(c);
    f->until = skep__rec_u64(c);
    for (uint32_t i = 0; i < 12; i++) words[i] = skep__rec_u32(c);
    f->status = words[0];
    f->action = words[1];
    f->block = words[2];
    f->blocks = words[3];
    f->row = words[4];
    f->rows = words[5];
    f->worker = words[6];
    f->retry_worker = words[7];
    f->strikes = words[8];
    f->strikes_max = words[9];
    f->retried = words[10] & 1u;
    f->fallback = words[10] & 2u;
    f->kept = words[10] & 4u;
    const uint8_t *system = skep__rec_take(c, sizeof f->system);
    const uint8_t *cause = skep__rec_take(c, sizeof f->cause);
    if (system) memcpy(f->system, system, sizeof f->system - 1);
    if (cause) memcpy(f->cause, cause, sizeof f->cause - 1);
}

/* The length of the text at `at` without its zero, or `left` where it has none. */
static size_t note_end(const uint8_t *at, size_t left)
{
    size_t n = 0;
    while (n < left && at[n]) n++;
    return n;
}

const char *skep__rec_note_find(const uint8_t *payload, size_t bytes, const char *key,
                                uint32_t index)
{
    size_t at = 0;
    const size_t key_bytes = note_bytes(key);
    while (at < bytes) {
        const size_t name = note_end(payload + at, bytes - at);
        const size_t value = at + name + 1;
        if (value >= bytes) return NULL;
        const size_t n = note_end(payload + value, bytes - value);
        if (value + n >= bytes) return NULL;
        const bool same = name + 1 == key_bytes && memcmp(payload + at, key, key_bytes) == 0;
        if (same && index-- == 0) return (const char *)(payload + value);
        at = value + n + 1;
    }
    return NULL;
}
