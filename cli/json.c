/* SPDX-License-Identifier: MIT */
/* JSON out, RFC 8259: texts are checked for being UTF-8, since a fault's cause may be anything that
 * a job wrote, and one bad byte would make the whole line unreadable. */
#include "cli/json.h"

#include "core/base/utf8.h"

#include <math.h>

static void json_key(skep__json *j, const char *key)
{
    if (j->comma) (void)fputc(',', j->out);
    if (key) (void)fprintf(j->out, "\"%s\":", key);
    j->comma = true;
}

void skep__json_open(skep__json *j, const char *key, char bracket)
{
    json_key(j, key);
    (void)fputc(bracket, j->out);
    j->comma = false;
}

void skep__json_close(skep__json *j, char bracket)
{
    (void)fputc(bracket, j->out);
    j->comma = true;
}

void skep__json_text(skep__json *j, const char *key, const char *text)
{
    if (!text) {
        skep__json_null(j, key);
        return;
    }
    json_key(j, key);
    (void)fputc('"', j->out);
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        const uint32_t n = skep__utf8_bytes(s);
        if (n == 0)
            (void)fputs("\\ufffd", j->out);
        else if (*s < 0x20 || *s == 0x7f)
            (void)fprintf(j->out, "\\u%04x", (unsigned)*s);
        else if (*s == '"' || *s == '\\')
            (void)fprintf(j->out, "\\%c", *s);
        else
            (void)fwrite(s, 1, n, j->out);
        s += n ? n : 1;
    }
    (void)fputc('"', j->out);
}

void skep__json_u64(skep__json *j, const char *key, uint64_t number)
{
    json_key(j, key);
    (void)fprintf(j->out, "%llu", (unsigned long long)number);
}

void skep__json_f64(skep__json *j, const char *key, double number, int digits)
{
    if (!isfinite(number)) {
        skep__json_null(j, key);
        return;
    }
    json_key(j, key);
    (void)fprintf(j->out, "%.*g", digits, number);
}

void skep__json_bool(skep__json *j, const char *key, bool value)
{
    json_key(j, key);
    (void)fputs(value ? "true" : "false", j->out);
}

void skep__json_null(skep__json *j, const char *key)
{
    json_key(j, key);
    (void)fputs("null", j->out);
}
