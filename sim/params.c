/* SPDX-License-Identifier: MIT */
/* Parameters: texts from the host, read when the scene asks for them. Numbers are read here
 * rather than by strtod, which follows the locale of the process, so that a scene gets the same
 * number everywhere: decimal digits are gathered exactly as long as they fit 19 of them, and
 * scaled by a power of ten in one rounding for up to 15 digits and exponents up to 22, which
 * covers what people type. */
#include "sim/builder.h"

#include <math.h>

/* Splits "name=value". */
static bool params_split(skep_builder *b, const char *text, skep__given *given)
{
    const char *equals = text ? strchr(text, '=') : NULL;
    if (!equals || equals == text) return false;
    given->name = skep__keep_text(b->kept, text, (size_t)(equals - text));
    given->value = skep__keep_text(b->kept, equals + 1, strlen(equals + 1));
    return given->name && given->value;
}

/* Takes the host's list; part of skep__builder_init. */
void skep__builder_params_take(skep_builder *b, const char *const *params, uint32_t count);

void skep__builder_params_take(skep_builder *b, const char *const *params, uint32_t count)
{
    if (count == 0) return;
    b->given = (skep__given *)skep__keep_take(&b->temp, (size_t)count * sizeof *b->given);
    if (!b->given) {
        skep__mistake(&b->mistakes, "out of memory for %u parameters", count);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (params_split(b, params[i], &b->given[b->given_count]))
            b->given_count++;
        else
            skep__mistake(&b->mistakes, "parameter \"%s\": write it as name=value",
                          params[i] ? params[i] : "");
    }
}

void skep__builder_params_check(skep_builder *b)
{
    const char *names[64];
    uint32_t count = 0;
    for (const skep__asked *a = b->asked; a && count < 64; a = a->next) names[count++] = a->name;
    for (uint32_t i = 0; i < b->given_count; i++) {
        if (b->given[i].asked) continue;
        const char *near = skep__nearest_name(b->given[i].name, names, count);
        if (near)
            skep__mistake(&b->mistakes,
                          "parameter \"%s\": the scene has none of this name (did you mean "
                          "\"%s\"?)",
                          b->given[i].name, near);
        else
            skep__mistake(&b->mistakes, "parameter \"%s\": the scene has none of this name",
                          b->given[i].name);
    }
}

/* Finds the host's value, the last of one name, and lists the parameter. NULL: the fallback
 * counts. */
static skep__asked *params_ask(skep_builder *b, const char *name, const char *type,
                               const char *help, const char **value)
{
    *value = NULL;
    for (uint32_t i = 0; i < b->given_count; i++) {
        if (strcmp(b->given[i].name, name) != 0) continue;
        b->given[i].asked = true;
        *value = b->given[i].value;
    }
    skep__asked *asked = (skep__asked *)skep__keep_take(b->kept, sizeof *asked);
    if (!asked) return NULL;
    asked->name = name;
    asked->help = help ? help : "";
    asked->type = type;
    asked->value = *value;
    asked->given = *value != NULL;
    *b->asked_end = asked;
    b->asked_end = &asked->next;
    return asked;
}

/* Keeps the fallback's text for lists. */
static void params_fallback(skep_builder *b, skep__asked *asked, const char *text)
{
    if (asked && !asked->given) asked->value = skep__keep_text(b->kept, text, strlen(text));
}

static void params_refuse(skep_builder *b, const char *name, const char *value, const char *what)
{
    skep__mistake(&b->mistakes, "parameter \"%s\": \"%s\" is no %s", name, value, what);
}

static bool params_u64(const char *text, uint64_t max, uint64_t *number)
{
    uint64_t n = 0;
    if (!*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        const uint64_t digit = (uint64_t)(*text - '0');
        if (n > (max - digit) / 10) return false;
        n = n * 10 + digit;
    }
    *number = n;
    return true;
}

/* The digits of a decimal number, its point and exponent aside. */
typedef struct params_decimal {
    uint64_t digits;
    int exponent;
    bool negative;
    bool any; /* there was a digit */
} params_decimal;

/* Reads digits up to where they no longer fit; returns behind the last one. */
static const char *params_digits(const char *at, params_decimal *d, bool fraction)
{
    for (; *at >= '0' && *at <= '9'; at++) {
        d->any = true;
        if (d->digits < UINT64_C(1000000000000000000)) {
            d->digits = d->digits * 10 + (uint64_t)(*at - '0');
            d->exponent -= fraction;
        } else {
            d->exponent += !fraction;
        }
    }
    return at;
}

static bool params_exponent(const char *at, int *exponent)
{
    const bool negative = *at == '-';
    uint64_t n = 0;
    if (*at == '-' || *at == '+') at++;
    if (!params_u64(at, 9999, &n)) return false;
    *exponent += negative ? -(int)n : (int)n;
    return true;
}

static double params_scale(const params_decimal *d)
{
    double x = (double)d->digits;
    int e = d->exponent;
    /* Whole powers of ten up to 22 are exact; far exponents go in steps of that. */
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    for (; e > 22 && x < 1e300; e -= 22) x *= 1e22;
    for (; e < -22 && x > 0; e += 22) x /= 1e22;
    if (e > 22) return x > 0 ? (double)INFINITY : 0.0;
    if (x > 0) x = e < 0 ? x / powers[-e] : x * powers[e];
    return d->negative ? -x : x;
}

static bool params_f64(const char *text, double *number)
{
    params_decimal d = {0, 0, *text == '-', false};
    if (*text == '-' || *text == '+') text++;
    text = params_digits(text, &d, false);
    if (*text == '.') text = params_digits(text + 1, &d, true);
    if (!d.any) return false;
    if ((*text == 'e' || *text == 'E') && !params_exponent(text + 1, &d.exponent)) return false;
    if (*text && *text != 'e' && *text != 'E') return false;
    *number = params_scale(&d);
    return isfinite(*number);
}

uint32_t skep_param_u32(skep_builder *b, const char *name, uint32_t fallback, const char *help)
{
    const char *value = NULL;
    char text[16];
    skep__asked *asked = params_ask(b, name, "u32", help, &value);
    skep__format(text, sizeof text, "%u", fallback);
    params_fallback(b, asked, text);
    uint64_t number = fallback;
    if (value && !params_u64(value, UINT32_MAX, &number)) {
        params_refuse(b, name, value, "whole number from 0 to 4294967295");
        return fallback;
    }
    return (uint32_t)number;
}

double skep_param_f64(skep_builder *b, const char *name, double fallback, const char *help)
{
    const char *value = NULL;
    char text[40];
    skep__asked *asked = params_ask(b, name, "f64", help, &value);
    skep__format(text, sizeof text, "%.17g", fallback);
    params_fallback(b, asked, text);
    double number = fallback;
    if (value && !params_f64(value, &number)) {
        params_refuse(b, name, value, "finite number");
        return fallback;
    }
    return number;
}

float skep_param_f32(skep_builder *b, const char *name, float fallback, const char *help)
{
    const char *value = NULL;
    char text[40];
    skep__asked *asked = params_ask(b, name, "f32", help, &value);
    skep__format(text, sizeof text, "%.9g", (double)fallback);
    params_fallback(b, asked, text);
    double number = (double)fallback;
    if (value && (!params_f64(value, &number) || fabs(number) > 3.4028234e38)) {
        params_refuse(b, name, value, "finite number");
        return fallback;
    }
    return (float)number;
}

const char *skep_param_str(skep_builder *b, const char *name, const char *fallback,
                           const char *help)
{
    const char *value = NULL;
    skep__asked *asked = params_ask(b, name, "text", help, &value);
    params_fallback(b, asked, fallback ? fallback : "");
    return value ? value : fallback;
}
