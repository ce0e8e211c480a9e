/* SPDX-License-Identifier: MIT */
/* The trace file in base64 within the viewer's page, and the trace file itself. */
#include "trace/trace_convert.h"
#include "trace/trace_out.h"

#define HTML_MARK_BYTES (sizeof SKEP__TRACE_PAGE_MARK - 1u)

/* ---- the page ------------------------------------------------------------------------------- */

static void html_base64(skep__out *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < count && !out->failed; at += 3) {
        const size_t n = count - at < 3 ? count - at : 3;
        const uint32_t x = (uint32_t)bytes[at] << 16 | (n > 1 ? (uint32_t)bytes[at + 1] << 8 : 0u) |
                           (n > 2 ? (uint32_t)bytes[at + 2] : 0u);
        char four[4] = {digits[x >> 18], digits[x >> 12 & 63u], '=', '='};
        if (n > 1) four[2] = digits[x >> 6 & 63u];
        if (n > 2) four[3] = digits[x & 63u];
        skep__out_bytes(out, four, 4);
    }
}

/* Finds the mark; returns how many there are. */
static uint32_t html_marks(const char *page, size_t bytes, size_t *at)
{
    uint32_t count = 0;
    for (size_t i = 0; i + HTML_MARK_BYTES <= bytes; i++) {
        if (memcmp(page + i, SKEP__TRACE_PAGE_MARK, HTML_MARK_BYTES) != 0) continue;
        *at = i;
        count++;
    }
    return count;
}

skep_status skep__trace_html(const skep__timeline *t, const void *page, size_t page_bytes,
                             skep_trace_writer writer, void *ctx)
{
    const char *text = page;
    size_t at = 0;
    if (html_marks(text, page_bytes, &at) != 1u) return SKEP_UNSUPPORTED;
    skep__out out = {.writer = writer, .ctx = ctx};
    skep__out_bytes(&out, text, at);
    html_base64(&out, t->bytes, t->byte_count);
    skep__out_bytes(&out, text + at + HTML_MARK_BYTES, page_bytes - at - HTML_MARK_BYTES);
    return skep__out_end(&out);
}

/* ---- the file again ------------------------------------------------------------------------- */

static void skept_section(skep__out *out, uint32_t tag, const uint8_t *payload, size_t bytes)
{
    static const uint8_t zeros[8] = {0};
    const size_t filling = skep__align(bytes, 8) - bytes;
    uint8_t last[8] = {0};
    const size_t whole = bytes & ~(size_t)7;
    memcpy(last, payload + whole, bytes - whole);
    struct {
        uint32_t tag;
        uint32_t sum;
        uint64_t bytes;
    } head = {tag, skep__timeline_sum_on(SKEP__TIMELINE_SUM, payload, whole), bytes};
    if (bytes > whole) head.sum = skep__timeline_sum_on(head.sum, last, sizeof last);
    skep__out_bytes(out, &head, sizeof head);
    skep__out_bytes(out, payload, bytes);
    skep__out_bytes(out, zeros, filling);
}

skep_status skep__trace_skept(const skep__timeline *t, skep_trace_writer writer, void *ctx)
{
    skep__out out = {.writer = writer, .ctx = ctx};
    const uint32_t end = skep__timeline_tag("END ");
    const uint32_t thread = skep__timeline_tag("THRD");
    skep__out_bytes(&out, t->bytes, SKEP__TIMELINE_HEAD_BYTES);
    for (uint32_t i = 0; i < t->section_count; i++) {
        const skep__timeline_section *s = &t->sections[i];
        size_t bytes = s->bytes;
        if (!s->good || s->tag == end) continue;
        /* Of a section that was cut off, whole records; without a head it is nothing. */
        if (s->cut && s->tag == thread) {
            if (bytes < SKEP__TIMELINE_THREAD_BYTES) continue;
            bytes -= (bytes - SKEP__TIMELINE_THREAD_BYTES) % SKEP__TIMELINE_RECORD_BYTES;
        }
        skept_section(&out, s->tag, t->bytes + s->at, bytes);
    }
    skept_section(&out, end, t->bytes, 0);
    return skep__out_end(&out);
}
