/* SPDX-License-Identifier: MIT */
/* A buffer that is sent when it is full. */
#include "trace/trace_out.h"

#include "core/base/utf8.h"

#define OUT_FORMAT_MAX 512u

static void out_send(skep__out *out)
{
    if (out->used && !out->failed) out->failed = !out->writer(out->ctx, out->buffer, out->used);
    out->used = 0;
}

void skep__out_bytes(skep__out *out, const void *bytes, size_t count)
{
    if (count > sizeof out->buffer - out->used) out_send(out);
    if (count > sizeof out->buffer) {
        if (!out->failed) out->failed = !out->writer(out->ctx, bytes, count);
        return;
    }
    memcpy(out->buffer + out->used, bytes, count);
    out->used += (uint32_t)count;
}

void skep__out_text(skep__out *out, const char *text)
{
    size_t n = 0;
    while (text[n]) n++;
    skep__out_bytes(out, text, n);
}

void skep__out_format(skep__out *out, const char *format, ...)
{
    va_list args;
    if (sizeof out->buffer - out->used < OUT_FORMAT_MAX) out_send(out);
    va_start(args, format);
    const size_t n = skep__vformat(out->buffer + out->used, OUT_FORMAT_MAX, format, args);
    va_end(args);
    out->used += (uint32_t)(n < OUT_FORMAT_MAX ? n : OUT_FORMAT_MAX - 1u);
}

void skep__out_json(skep__out *out, const char *text)
{
    skep__out_bytes(out, "\"", 1);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const uint32_t n = skep__utf8_bytes(s);
        if (n == 0)
            skep__out_text(out, "\\ufffd");
        else if (*s < 0x20 || *s == 0x7f)
            skep__out_format(out, "\\u%04x", (unsigned)*s);
        else if (*s == '"' || *s == '\\')
            skep__out_format(out, "\\%c", *s);
        else
            skep__out_bytes(out, s, n);
        s += n ? n : 1u;
    }
    skep__out_bytes(out, "\"", 1);
}

skep_status skep__out_end(skep__out *out)
{
    out_send(out);
    return out->failed ? SKEP_IO : SKEP_OK;
}
