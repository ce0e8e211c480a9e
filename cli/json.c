/* SPDX-License-Identifier: MIT */
/* JSON out, RFC 8259: texts are checked for being UTF-8, since a fault's cause may be anything that
 * a job wrote, and one bad byte would make the whole line unreadable. */
#include "cli/json.h"

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

/* Returns the bytes of the UTF-8 character that begins at `s`, 0 when there is none: no over-long
 * forms, no surrogates, nothing above U+10FFFF. */
static uint32_t json_utf8(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    const uint32_t n = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 0;
    for (uint32_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
    if (s[0] == 0xed && s[1] > 0x9f) return 0;
    if (s[0] == 0xf0 && s[1] < 0x90) return 0;
    if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
    return n;
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
        const uint32_t n = json_utf8(s);
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

void skep__json_null(skep__json *j, const char *key)
{
    json_key(j, key);
    (void)fputs("null", j->out);
}
