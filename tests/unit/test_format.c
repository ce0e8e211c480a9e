/* SPDX-License-Identifier: MIT */
/* The formatter against the C library's snprintf, on chosen cases and on random ones, and the log
 * calls that stand on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/format.h"
#include "core/base/hash.h"
#include "core/base/log.h"

static char ours[4096];
static char libc[4096];

/* The same call to both; the compiler checks the arguments of each. */
#define EXPECT_AS_LIBC(...)                                                                        \
    do {                                                                                           \
        const size_t n = skep__format(ours, sizeof ours, __VA_ARGS__);                             \
        const int m = snprintf(libc, sizeof libc, __VA_ARGS__);                                    \
        assert_string_equal(ours, libc);                                                           \
        assert_int_equal(n, m);                                                                    \
    } while (0)

static void integers(void **state)
{
    (void)state;
    static const int values[] = {0, 1, -1, 9, 10, -10, 42, 255, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        const int v = values[i];
        const unsigned u = (unsigned)v;
        EXPECT_AS_LIBC("%d|%i|%u|%x|%X|%o|%c|%%", v, v, u, u, u, u, 'a' + (v & 15));
        EXPECT_AS_LIBC("%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d|%-8.3d", v, v, v, v, v, v, v, v);
        EXPECT_AS_LIBC("%#x|%#X|%#o|%#.8x|%#012x|%-#12x|%.0d|%.0u|%+.0d", u, u, u, u, u, u, v, u,
                       v);
        EXPECT_AS_LIBC("%hhd|%hhu|%hd|%hu", (signed char)v, (unsigned char)u, (short)v,
                       (unsigned short)u);
        EXPECT_AS_LIBC("%ld|%lu|%lx|%lld|%llu|%llx", (long)v, (unsigned long)u, (unsigned long)u,
                       (long long)v, (unsigned long long)u, (unsigned long long)u);
        EXPECT_AS_LIBC("%zu|%zx|%zd|%td", (size_t)u, (size_t)u, (ptrdiff_t)v, (ptrdiff_t)v);
        EXPECT_AS_LIBC("%*d|%-*d|%.*d|%*.*d", 7, v, 7, v, 4, v, 9, 5, v);
        EXPECT_AS_LIBC("%*d|%.*d", -7, v, -1, v);
    }
    EXPECT_AS_LIBC("%lld %lld %llu %016llx", LLONG_MIN, LLONG_MAX, ULLONG_MAX, 0xABCDEFull);
    EXPECT_AS_LIBC("%ld %ld %lu", LONG_MIN, LONG_MAX, ULONG_MAX);
}

static void random_integers(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        const unsigned long long u = skep__hash_u64(i) >> i % 64;
        const long long v = (long long)u;
        const int width = (int)(i % 23);
        const int precision = (int)(i / 23 % 21) - 1;
        EXPECT_AS_LIBC("%lld|%llu|%llx|%llX|%llo", v, u, u, u, u);
        EXPECT_AS_LIBC("%*.*lld|%-*.*llu|%#*.*llx", width, precision, v, width, precision, u, width,
                       precision, u);
        EXPECT_AS_LIBC("%0*lld|%+*lld|% -*lld", width, v, width, v, width, v);
    }
}

static void strings(void **state)
{
    (void)state;
    EXPECT_AS_LIBC("plain");
    EXPECT_AS_LIBC("%s", "");
    EXPECT_AS_LIBC("%s and %s", "one", "two");
    EXPECT_AS_LIBC("%10s|%-10s|%.2s|%10.2s|%-10.2s|%.0s", "word", "word", "word", "word", "word",
                   "word");
    EXPECT_AS_LIBC("%.*s|%.*s|%*s", 3, "abcdef", 10, "abc", 8, "abc");
    EXPECT_AS_LIBC("%c%5c%-5c|", 'x', 'y', 'z');
    EXPECT_AS_LIBC("100%% of \xC3\xA4");
    /* A precision is a promise that nothing behind it is read. */
    const char open_end[3] = {'a', 'b', 'c'};
    EXPECT_AS_LIBC("%.3s", open_end);
    const char *volatile none = NULL;
    skep__format(ours, sizeof ours, "<%s>", none);
    assert_string_equal(ours, "<(null)>");
}

static void pointers(void **state)
{
    (void)state;
    EXPECT_AS_LIBC("%p %20p %-20p|", (void *)ours, (void *)ours, (void *)ours);
    skep__format(ours, sizeof ours, "%p", (void *)NULL);
    assert_string_equal(ours, "0x0");
}

static void length_is_that_of_the_whole(void **state)
{
    (void)state;
    char small[8];
    memset(small, 'x', sizeof small);
    assert_int_equal(skep__format(NULL, 0, "%s", "123456"), 6);
    assert_int_equal(skep__format(small, 1, "%s", "123456"), 6);
    assert_string_equal(small, "");
    assert_int_equal(small[1], 'x');
    for (size_t max = 1; max <= sizeof small; max++) {
        memset(small, 'x', sizeof small);
        assert_int_equal(skep__format(small, max, "%d-%s", 12, "3456"), 7);
        assert_memory_equal(small, "12-3456", max - 1);
        assert_int_equal(small[max - 1], 0);
        for (size_t i = max; i < sizeof small; i++) assert_int_equal(small[i], 'x');
    }
}

/* Not through the macro: the compiler would rightly refuse these. */
static size_t format_unchecked(const char *format, ...)
{
    va_list args;
    va_start(args, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    const size_t n = skep__vformat(ours, sizeof ours, format, args);
#pragma GCC diagnostic pop
    va_end(args);
    return n;
}

static void unknown_conversions_stand(void **state)
{
    (void)state;
    assert_int_equal(format_unchecked("a%yb"), 4);
    assert_string_equal(ours, "a%yb");
    format_unchecked("end %");
    assert_string_equal(ours, "end %");
    format_unchecked("%-5.3l");
    assert_string_equal(ours, "%-5.3l");
    /* Flags that cancel one another, which compilers warn about. */
    format_unchecked("%08.3d|%-08d|%+ d", 5, 5, 5);
    assert_string_equal(ours, "     005|5       |+5");
}

#define EXPECT_DOUBLE(value)                                                                       \
    do {                                                                                           \
        const double d = (value);                                                                  \
        EXPECT_AS_LIBC("%f|%.0f|%.1f|%.2f|%.3f|%.9f|%.20f", d, d, d, d, d, d, d);                  \
        EXPECT_AS_LIBC("%e|%.0e|%.1e|%.5e|%.16e|%.25e", d, d, d, d, d, d);                         \
        EXPECT_AS_LIBC("%g|%.0g|%.1g|%.2g|%.9g|%.17g|%.30g", d, d, d, d, d, d, d);                 \
        EXPECT_AS_LIBC("%12.3f|%-12.3f|%012.3f|%+.2f|% .2f|%#.0f|%#g", d, d, d, d, d, d, d);       \
        EXPECT_AS_LIBC("%F|%E|%G|%15.4e|%-15.4e|%015.4e|%#.0e", d, d, d, d, d, d, d);              \
        EXPECT_AS_LIBC("%10g|%-10g|%010g|%+g|% g", d, d, d, d, d);                                 \
    } while (0)

static void doubles(void **state)
{
    (void)state;
    static const double values[] = {0,
                                    1,
                                    0.5,
                                    1.5,
                                    2.5,
                                    0.25,
                                    0.125,
                                    0.1,
                                    0.2,
                                    0.3,
                                    9.5,
                                    9.995,
                                    99.95,
                                    0.05,
                                    0.005,
                                    0.015,
                                    1e-4,
                                    1e-5,
                                    9.9999e-5,
                                    99999.95,
                                    999998.5,
                                    999999,
                                    1e6,
                                    1234567,
                                    123456.5,
                                    1e15,
                                    1e16,
                                    1e21,
                                    1e22,
                                    1e23,
                                    1e100,
                                    1e-100,
                                    1e300,
                                    DBL_MAX,
                                    DBL_MIN,
                                    DBL_EPSILON,
                                    5e-324,
                                    2.2250738585072011e-308,
                                    4503599627370495.5,
                                    9007199254740994.0,
                                    3.141592653589793,
                                    100,
                                    1000,
                                    1e9,
                                    999999999.9999999,
                                    1e-9,
                                    1e-10,
                                    16.67,
                                    1e18,
                                    8.5e-310};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        EXPECT_DOUBLE(values[i]);
        EXPECT_DOUBLE(-values[i]);
    }
    /* Rounded up to another exponent. Here glibc 2.36 forgets the zeros that # asks for. */
    EXPECT_AS_LIBC("%g", 999999.5);
    skep__format(ours, sizeof ours, "%#g", 999999.5);
    assert_string_equal(ours, "1.00000e+06");
    EXPECT_AS_LIBC("%.400f", DBL_MIN);
    EXPECT_AS_LIBC("%.1100f", 5e-324);
    EXPECT_AS_LIBC("%.1000e", 5e-324);
    EXPECT_AS_LIBC("%.1200g", 5e-324);
    EXPECT_AS_LIBC("%.400f", DBL_MAX);
    EXPECT_AS_LIBC("%*.*f", 20, 4, 2.0 / 3.0);
}

static double from_bits(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static void random_doubles(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2000; i++) {
        const uint64_t r = skep__hash_u64(i);
        const double any = from_bits(r);
        if (isfinite(any)) EXPECT_DOUBLE(any);
        /* The usual ranges: many ties among these. */
        EXPECT_DOUBLE((double)(int64_t)(r >> 44) / 1024.0);
        EXPECT_DOUBLE((double)(int64_t)(r >> 40) / 1000.0);
        EXPECT_DOUBLE((double)(float)(r >> 11) * 0x1p-53);
        EXPECT_DOUBLE((double)(r >> i % 64));
    }
}

static void not_finite(void **state)
{
    (void)state;
    const double inf = (double)INFINITY;
    EXPECT_AS_LIBC("%f %F %e %G %g", inf, inf, inf, inf, -inf);
    EXPECT_AS_LIBC("%8f|%-8f|%08f|%+f|% f|%.3f", inf, inf, -inf, inf, inf, inf);
    /* One text whatever the sign, which differs between processors. */
    skep__format(ours, sizeof ours, "%f %g %G|%6.2f|%06f", from_bits(0x7FF8000000000000u),
                 from_bits(0xFFF8000000000000u), from_bits(0x7FF0000000000001u),
                 from_bits(0xFFF8000000000000u), from_bits(0x7FF8000000000000u));
    assert_string_equal(ours, "nan nan NAN|   nan|   nan");
}

typedef struct heard {
    uint32_t count;
    skep_log_level level;
    char text[2 * SKEP__LOG_TEXT_MAX];
} heard;

static void hear(void *ctx, skep_log_level level, const char *text)
{
    heard *const h = ctx;
    h->count++;
    h->level = level;
    assert_in_range(snprintf(h->text, sizeof h->text, "%s", text), 0, sizeof h->text - 1);
}

static void log_formats_and_calls(void **state)
{
    (void)state;
    static heard h;
    const skep_log log = {.fn = hear, .ctx = &h};
    skep__logf(&log, SKEP_LOG_WARN, "%s has %d mistakes", "plan", 3);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.level, SKEP_LOG_WARN);
    assert_string_equal(h.text, "plan has 3 mistakes");
    const skep_log silent = {0};
    skep__logf(&silent, SKEP_LOG_ERROR, "nobody %s", "hears");
    skep__logf(NULL, SKEP_LOG_ERROR, "nobody %s", "hears");
    assert_int_equal(h.count, 1);
}

static void long_messages_are_cut_visibly(void **state)
{
    (void)state;
    static heard h;
    const skep_log log = {.fn = hear, .ctx = &h};
    static char text[1500];
    memset(text, 'a', sizeof text - 1);
    for (int n = 1020; n < 1030; n++) {
        skep__logf(&log, SKEP_LOG_INFO, "%.*s", n, text);
        const bool fits = n < (int)SKEP__LOG_TEXT_MAX;
        assert_int_equal(strlen(h.text), fits ? n : (int)SKEP__LOG_TEXT_MAX - 1);
        assert_int_equal(strcmp(h.text + strlen(h.text) - 3, "...") == 0, !fits);
    }
    /* Three-byte letters: whatever the alignment, no part of one is left over. */
    static const char euro[] = "\xE2\x82\xAC";
    for (size_t shift = 0; shift < 3; shift++) {
        for (size_t i = 0; i < sizeof text - 1 - shift; i++) text[shift + i] = euro[i % 3];
        skep__logf(&log, SKEP_LOG_INFO, "%s", text);
        const size_t n = strlen(h.text);
        assert_true(n < SKEP__LOG_TEXT_MAX && n > SKEP__LOG_TEXT_MAX - 5);
        assert_string_equal(h.text + n - 3, "...");
        assert_memory_equal(h.text + n - 6, "\xE2\x82\xAC", 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),
        cmocka_unit_test(random_integers),
        cmocka_unit_test(strings),
        cmocka_unit_test(pointers),
        cmocka_unit_test(length_is_that_of_the_whole),
        cmocka_unit_test(unknown_conversions_stand),
        cmocka_unit_test(doubles),
        cmocka_unit_test(random_doubles),
        cmocka_unit_test(not_finite),
        cmocka_unit_test(log_formats_and_calls),
        cmocka_unit_test(long_messages_are_cut_visibly),
    };
    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
