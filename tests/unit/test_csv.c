/* SPDX-License-Identifier: MIT */
/* The CSV reader: what RFC 4180 allows, what is refused and with which words, and numbers against
 * the C library's own reading of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenes/csv.h"

static char scratch[64];
static skep__csv csv;
static char shown[256];

static bool begin_bytes(const char *text, size_t bytes)
{
    return skep__csv_begin(&csv, text, bytes, scratch, sizeof scratch);
}

static bool begin(const char *text)
{
    return begin_bytes(text, strlen(text));
}

static void expect_field(uint32_t column, const char *value)
{
    assert_true(column < csv.column_count);
    assert_int_equal(csv.fields[column].bytes, strlen(value));
    assert_memory_equal(csv.fields[column].text, value, strlen(value));
}

static void expect_end(void)
{
    assert_false(skep__csv_next(&csv));
    assert_int_equal(csv.error.error.code, SKEP_OK);
}

static const char *error_text(void)
{
    const size_t n = skep__csv_error_text(&csv.error, "f.csv", shown, sizeof shown);
    assert_int_equal(n, strlen(shown));
    return shown;
}

/* Reads all of `text` and expects it to end with this line. */
static void expect_mistake(const char *text, size_t bytes, const char *line)
{
    if (begin_bytes(text, bytes)) {
        while (skep__csv_next(&csv)) {
        }
    }
    assert_int_not_equal(csv.error.error.code, SKEP_OK);
    assert_true(csv.error.error.offset <= bytes);
    assert_string_equal(error_text(), line);
    assert_false(skep__csv_next(&csv));
}

static void test_plain_records(void **state)
{
    (void)state;
    assert_true(begin("a,b,c\n1,,3\n,,\nx y, z ,\xC3\xA9\n"));
    assert_int_equal(csv.column_count, 3);
    assert_int_equal(skep__csv_column(&csv, "a"), 0);
    assert_int_equal(skep__csv_column(&csv, "c"), 2);
    assert_true(skep__csv_next(&csv));
    expect_field(0, "1");
    expect_field(1, "");
    expect_field(2, "3");
    assert_true(skep__csv_next(&csv));
    expect_field(0, "");
    expect_field(2, "");
    assert_true(skep__csv_next(&csv));
    expect_field(0, "x y");
    expect_field(1, " z ");
    expect_field(2, "\xC3\xA9");
    expect_end();
}

static void test_line_ends_and_last_line(void **state)
{
    (void)state;
    const char *const texts[] = {"a,b\n1,2\n3,4\n", "a,b\r\n1,2\r\n3,4\r\n", "a,b\r\n1,2\n3,4",
                                 "\xEF\xBB\xBF\"a\",b\n1,2\n\"3\",\"4\"",
                                 "\"a\",\"b\"\r\n1,2\r\n3,\"4\"\r\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(begin(texts[i]));
        assert_int_equal(skep__csv_column(&csv, "a"), 0);
        assert_int_equal(skep__csv_column(&csv, "b"), 1);
        assert_true(skep__csv_next(&csv));
        expect_field(0, "1");
        expect_field(1, "2");
        assert_true(skep__csv_next(&csv));
        expect_field(0, "3");
        expect_field(1, "4");
        expect_end();
    }
}

static void test_header_only_and_one_column(void **state)
{
    (void)state;
    assert_true(begin("a,b"));
    expect_end();
    assert_true(begin("a\n1\n\n3\n"));
    assert_true(skep__csv_next(&csv));
    assert_true(skep__csv_next(&csv));
    expect_field(0, "");
    assert_true(skep__csv_next(&csv));
    expect_field(0, "3");
    expect_end();
    assert_true(begin("a,b\n1,"));
    assert_true(skep__csv_next(&csv));
    expect_field(1, "");
    expect_end();
}

static void test_quotes(void **state)
{
    (void)state;
    assert_true(begin("\"the \"\"a\"\"\",b\n\"1,\"\"2\"\"\",\"\"\"\"\n\"x\r\ny\",\"\"\n\"\",z\n"));
    assert_int_equal(skep__csv_column(&csv, "the \"a\""), 0);
    assert_true(skep__csv_next(&csv));
    expect_field(0, "1,\"2\"");
    expect_field(1, "\"");
    assert_int_equal(csv.fields[1].line, 2);
    assert_int_equal(csv.fields[1].column, 11);
    assert_true(skep__csv_next(&csv));
    expect_field(0, "x\r\ny");
    expect_field(1, "");
    assert_int_equal(csv.fields[1].line, 4);
    assert_int_equal(csv.fields[1].column, 4);
    assert_true(skep__csv_next(&csv));
    assert_int_equal(csv.fields[0].line, 5);
    /* The header's name still stands in scratch after records that used it too. */
    assert_int_equal(skep__csv_column(&csv, "the \"a\""), 0);
    expect_end();
}

static void test_scratch_limit(void **state)
{
    (void)state;
    const char text[] = "a,b\n\"\"\"1\",\"\"\"2\"\n\"\"\"34\",\"\"\"\"\n";
    assert_true(skep__csv_begin(&csv, text, sizeof text - 1, scratch, 4));
    assert_true(skep__csv_next(&csv));
    expect_field(0, "\"1");
    expect_field(1, "\"2");
    assert_true(skep__csv_next(&csv));
    expect_field(0, "\"34");
    assert_true(skep__csv_begin(&csv, text, sizeof text - 1, scratch, 3));
    assert_false(skep__csv_next(&csv));
    assert_int_equal(csv.error.error.code, SKEP_LIMIT);
    assert_string_equal(error_text(),
                        "f.csv:2:7: b has more text with quotes than scratch_max holds");
    assert_true(skep__csv_begin(&csv, text, sizeof text - 1, NULL, 0));
    assert_false(skep__csv_next(&csv));
    assert_int_equal(csv.error.error.code, SKEP_LIMIT);
}

#define MISTAKE(text, line) expect_mistake(text, sizeof(text) - 1, line)

static void test_mistakes_of_syntax(void **state)
{
    (void)state;
    MISTAKE("", "f.csv:1:1: the header line is missing: the file is empty");
    MISTAKE("\xEF\xBB\xBF", "f.csv:1:1: the header line is missing: the file is empty");
    MISTAKE("a,b\n1,2\n\xC3\xA9,x\"y\n",
            "f.csv:3:4: b has a quote inside a value that does not begin with one");
    MISTAKE("a,b\n\"1\" ,2\n", "f.csv:2:4: a has text after the closing quote");
    MISTAKE("a,b\n1,\"2\n3,4\n", "f.csv:2:3: b has a quote that is never closed");
    MISTAKE("a,b\n1,\"", "f.csv:2:3: b has a quote that is never closed");
    MISTAKE("a,b\n1,\"2\"\"", "f.csv:2:3: b has a quote that is never closed");
    MISTAKE("a,b\n1,2\r3,4\n", "f.csv:2:4: b has a carriage return without a line feed");
    MISTAKE("a,b\n1,2\r", "f.csv:2:4: b has a carriage return without a line feed");
    MISTAKE("a,b\n1,\"2\"\r", "f.csv:2:6: b has text after the closing quote");
    MISTAKE("a,b\n1,x\0y\n", "f.csv:2:4: b has a zero byte; this is not a text file");
    MISTAKE("a,b\n1,\"\0\"\n", "f.csv:2:4: b has a zero byte; this is not a text file");
    MISTAKE("a,\"b\nc\n", "f.csv:1:3: the header line has a quote that is never closed");
    MISTAKE("a,b\n1,2\n\xEF\xBB\xBF"
            "3,\xFF\n",
            "f.csv:3:4: b has bytes that are not UTF-8");
}

static void test_wrong_number_of_fields(void **state)
{
    (void)state;
    MISTAKE("a,b,c\n1,2,3\n4,5\n",
            "f.csv:3:4: c is missing: the line has fewer fields than the header");
    MISTAKE("a,b,c\n1,2", "f.csv:2:4: c is missing: the line has fewer fields than the header");
    MISTAKE("a,b,c\n\n1,2,3\n",
            "f.csv:2:1: b is missing: the line has fewer fields than the header");
    MISTAKE("a,b\n1,2,3\n", "f.csv:2:5: the line has more fields than the header");
    MISTAKE("a,b\n1,2,", "f.csv:2:5: the line has more fields than the header");
}

static void test_too_many_columns(void **state)
{
    (void)state;
    const size_t full = (size_t)2 * SKEP__CSV_COLUMNS_MAX;
    char text[(size_t)2 * SKEP__CSV_COLUMNS_MAX + 2];
    for (size_t i = 0; i < sizeof text; i += 2) {
        text[i] = 'c';
        text[i + 1] = ',';
    }
    text[full - 1] = '\n';
    assert_true(begin_bytes(text, full));
    assert_int_equal(csv.column_count, SKEP__CSV_COLUMNS_MAX);
    text[full - 1] = ',';
    assert_false(begin_bytes(text, full + 1));
    assert_int_equal(csv.error.error.code, SKEP_LIMIT);
    assert_string_equal(error_text(), "f.csv:1:129: the header line has more columns than "
                                      "SKEP__CSV_COLUMNS_MAX");
}

static void test_columns_by_name(void **state)
{
    (void)state;
    assert_true(begin("a,b,aa\n1,2,3\n"));
    assert_int_equal(skep__csv_column(&csv, "aa"), 2);
    assert_int_equal(skep__csv_column(&csv, "A"), SKEP__CSV_NONE);
    assert_int_equal(csv.error.error.code, SKEP_SCHEMA);
    assert_string_equal(error_text(), "f.csv:1:1: A is missing from the header line");
    assert_false(skep__csv_next(&csv));
    assert_true(begin("a,b,a\n1,2,3\n"));
    assert_int_equal(skep__csv_column(&csv, "b"), 1);
    assert_int_equal(skep__csv_column(&csv, "a"), SKEP__CSV_NONE);
    assert_string_equal(error_text(), "f.csv:1:5: a is named twice in the header line");
}

static void test_utf8(void **state)
{
    (void)state;
    const char *const good[] = {"\x7F",         "\xC2\x80",         "\xDF\xBF",
                                "\xE0\xA0\x80", "\xED\x9F\xBF",     "\xEE\x80\x80",
                                "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"};
    const char *const bad[] = {"\x80",
                               "\xBF",
                               "\xC0\xAF",
                               "\xC1\xBF",
                               "\xC3",
                               "\xC3x",
                               "\xE0\x9F\xBF",
                               "\xED\xA0\x80",
                               "\xED\xBF\xBF",
                               "\xE2\x82",
                               "\xF0\x8F\xBF\xBF",
                               "\xF4\x90\x80\x80",
                               "\xF5\x80\x80\x80",
                               "\xF0\x9F\x98",
                               "\xFE",
                               "\xFF"};
    char text[32];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        (void)snprintf(text, sizeof text, "a,b\n%s,\"%s\"\n", good[i], good[i]);
        assert_true(begin(text));
        assert_true(skep__csv_next(&csv));
        expect_field(0, good[i]);
        expect_field(1, good[i]);
        assert_int_equal(csv.fields[1].column, 3);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(text, sizeof text, "a\nx%s", bad[i]);
        expect_mistake(text, strlen(text), "f.csv:2:2: a has bytes that are not UTF-8");
        (void)snprintf(text, sizeof text, "a\n\"%s\"\n", bad[i]);
        expect_mistake(text, strlen(text), "f.csv:2:2: a has bytes that are not UTF-8");
    }
}

/* Reads all of a text; returns whether it was refused. */
static bool is_refused(const char *text, size_t bytes)
{
    if (begin_bytes(text, bytes)) {
        while (skep__csv_next(&csv)) {
            assert_int_equal(csv.field_count, csv.column_count);
        }
    }
    assert_true(csv.error.error.offset <= bytes);
    (void)error_text();
    return csv.error.error.code != SKEP_OK;
}

/* Every prefix of a file and every file with one byte changed must end in a result, not in a read
 * beyond the end, which the sanitizers would show. */
static void test_cut_and_changed_bytes(void **state)
{
    (void)state;
    const char text[] =
        "\xEF\xBB\xBFid,\"n\"\"m\"\r\n1,\"M\xC3\xBC, \"\"x\"\"\"\r\n2,\"\n\"\n3,\xE2\x82\xAC";
    const char bytes[] = "\",\r\nx\xC3\xFF"; /* and the closing zero */
    uint32_t refused = 0;
    for (size_t cut = 0; cut < sizeof text; cut++) {
        char *copy = malloc(cut + 1);
        assert_non_null(copy);
        memcpy(copy, text, cut);
        refused += is_refused(copy, cut) ? 1u : 0u;
        for (size_t k = 0; k < cut * sizeof bytes; k++) {
            copy[k / sizeof bytes] = bytes[k % sizeof bytes];
            refused += is_refused(copy, cut) ? 1u : 0u;
            copy[k / sizeof bytes] = text[k / sizeof bytes];
        }
        free(copy);
    }
    assert_true(refused > 1000);
}

/* Reads one number; true when it is one and within the bounds. */
static bool number(const char *digits, double *out)
{
    const skep__csv_bounds_f64 bounds = {-DBL_MAX, DBL_MAX, "is too large"};
    static char text[512];
    (void)snprintf(text, sizeof text, "n\n%s\n", digits);
    assert_true(begin(text));
    assert_true(skep__csv_next(&csv));
    return skep__csv_f64(&csv, 0, bounds, out);
}

static void test_exact_numbers(void **state)
{
    (void)state;
    const char *const digits[] = {"0",
                                  "-0",
                                  "1",
                                  "+1",
                                  "007",
                                  "1.5",
                                  "-0.1",
                                  "0.3",
                                  "59.2826",
                                  "-158.617996216",
                                  "1e22",
                                  "1e-22",
                                  "123e5",
                                  "1E+2",
                                  "9007199254740992",
                                  "12.500",
                                  "999999999999999e-22",
                                  "0.000001",
                                  "4.35",
                                  "0e999999999999",
                                  "100000000000000000000"};
    for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
        double ours = 7.0;
        const double theirs = strtod(digits[i], NULL);
        assert_true(number(digits[i], &ours));
        assert_memory_equal(&ours, &theirs, sizeof ours);
    }
}

/* Seeded numbers of up to 15 digits and 22 powers must have the bits that a correct reader gives.
 */
static void test_numbers_against_strtod(void **state)
{
    (void)state;
    uint64_t x = 88172645463325252u;
    for (uint32_t i = 0; i < 20000; i++) {
        char digits[64];
        double ours = 0.0;
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        const uint64_t mantissa = (x >> 8) % 1000000000000000u;
        const int exponent = (int)(x % 45u) - 22;
        (void)snprintf(digits, sizeof digits, "%s%llue%d", (x & 64u) != 0 ? "-" : "",
                       (unsigned long long)mantissa, exponent);
        const double theirs = strtod(digits, NULL);
        assert_true(number(digits, &ours));
        assert_memory_equal(&ours, &theirs, sizeof ours);
    }
}

static void test_long_numbers(void **state)
{
    (void)state;
    const char *const digits[] = {"-0.12295600026845932",
                                  "-0.006438999902456999",
                                  "-33.94609832763672",
                                  "3.14159265358979323846264338327950288",
                                  "123456789012345678901234567890",
                                  "0.00000000000000000000000000000000012345",
                                  "1e300",
                                  "1.7976931348623157e308",
                                  "2.2250738585072014e-308",
                                  "1e-290"};
    for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
        double ours = 0.0;
        const double theirs = strtod(digits[i], NULL);
        const double size = theirs < 0 ? -theirs : theirs;
        assert_true(number(digits[i], &ours));
        const double error = ours < theirs ? theirs - ours : ours - theirs;
        /* One rounding of half a unit for the mantissa and one for each of up to 15 factors. */
        assert_true(error <= size * 8.0 * DBL_EPSILON);
        if (i < 3) {
            assert_true(error <= size * DBL_EPSILON);
        }
    }
    double tiny = 7.0;
    assert_true(number("1e-500", &tiny));
    assert_true(tiny >= 0.0 && tiny <= 0.0);
}

static void test_refused_numbers(void **state)
{
    (void)state;
    const char *const bad[] = {"",     "-",    "+",   ".5",       "5.",    "1e",  "1e+", "abc",
                               "1 ",   " 1",   "0x1", "1,5",      "--1",   "nan", "inf", "1.2.3",
                               "1e1.", "1e5x", "1d5", "\xD9\xA1", "1_000", "'1"};
    double value = 7.0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[128];
        char quoted[32];
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", bad[i]);
        (void)snprintf(line, sizeof line, "f.csv:2:1: n '%s' is not a number", bad[i]);
        assert_false(number(quoted, &value));
        assert_string_equal(error_text(), line);
        assert_int_equal(csv.error.error.code, SKEP_CORRUPT);
    }
    assert_false(number("1e309", &value));
    assert_string_equal(error_text(), "f.csv:2:1: n '1e309' is too large");
    assert_false(number("-1e999999999999999999", &value));
    assert_false(number("1.7976931348623159e308", &value));
    assert_true(value >= 7.0 && value <= 7.0);
}

static void test_bounds_and_whole_numbers(void **state)
{
    (void)state;
    const skep__csv_bounds_f64 deg = {-90.0, 90.0, "is not within -90 to 90"};
    const skep__csv_bounds_i32 all = {INT32_MIN, INT32_MAX, "does not fit 32 bits"};
    const skep__csv_bounds_i32 few = {-5, 5, "is not within -5 to 5"};
    double d = 0.0;
    int32_t n = 0;
    assert_true(begin("d,n\n90,2147483647\n-90.0,-2147483648\n0,+05\n"));
    assert_true(skep__csv_next(&csv));
    assert_true(skep__csv_f64(&csv, 0, deg, &d) && skep__csv_i32(&csv, 1, all, &n));
    assert_int_equal(n, INT32_MAX);
    assert_true(skep__csv_next(&csv));
    assert_true(skep__csv_f64(&csv, 0, deg, &d) && skep__csv_i32(&csv, 1, all, &n));
    assert_int_equal(n, INT32_MIN);
    assert_true(skep__csv_next(&csv));
    assert_true(skep__csv_i32(&csv, 1, few, &n));
    assert_int_equal(n, 5);
    const char *const lines[] = {"f.csv:2:3: n '2147483648' does not fit 32 bits",
                                 "f.csv:2:3: n '-2147483649' does not fit 32 bits",
                                 "f.csv:2:3: n '99999999999999999999999' does not fit 32 bits",
                                 "f.csv:2:3: n '1.0' is not a whole number",
                                 "f.csv:2:3: n '1e2' is not a whole number",
                                 "f.csv:2:3: n '' is not a number"};
    const char *const values[] = {"2147483648", "-2147483649", "99999999999999999999999",
                                  "1.0",        "1e2",         ""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "d,n\n0,%s\n", values[i]);
        assert_true(begin(text) && skep__csv_next(&csv));
        assert_false(skep__csv_i32(&csv, 1, all, &n));
        assert_string_equal(error_text(), lines[i]);
    }
    assert_true(begin("d,n\n90.0000001,6\n") && skep__csv_next(&csv));
    assert_false(skep__csv_f64(&csv, 0, deg, &d));
    assert_string_equal(error_text(), "f.csv:2:1: d '90.0000001' is not within -90 to 90");
    assert_int_equal(csv.error.error.offset, 4);
    /* The first error stays. */
    assert_false(skep__csv_i32(&csv, 1, few, &n));
    assert_string_equal(error_text(), "f.csv:2:1: d '90.0000001' is not within -90 to 90");
}

static void test_texts_and_words(void **state)
{
    (void)state;
    const char *const words[] = {"no", "yes"};
    const skep__csv_words answers = {words, 2, "is neither yes nor no"};
    const skep__csv_text_rule strict = {1, 5, "is not 1 to 5 bytes long", false};
    const skep__csv_text_rule clip = {0, 5, "", true};
    char out[6];
    uint32_t word = 7;
    assert_true(begin("t,w\n12345,yes\nabcd\xC3\xA9z,no\n"));
    assert_true(skep__csv_next(&csv));
    assert_true(skep__csv_text(&csv, 0, strict, out));
    assert_string_equal(out, "12345");
    assert_true(skep__csv_word(&csv, 1, answers, &word));
    assert_int_equal(word, 1);
    assert_true(skep__csv_next(&csv));
    assert_true(skep__csv_text(&csv, 0, clip, out));
    assert_string_equal(out, "abcd");
    assert_true(skep__csv_word(&csv, 1, answers, &word));
    assert_int_equal(word, 0);
    assert_false(skep__csv_text(&csv, 0, strict, out));
    assert_string_equal(error_text(), "f.csv:3:1: t 'abcd\xC3\xA9z' is not 1 to 5 bytes long");
    assert_true(begin("t,w\n,Yes\n") && skep__csv_next(&csv));
    assert_false(skep__csv_word(&csv, 1, answers, &word));
    assert_string_equal(error_text(), "f.csv:2:2: w 'Yes' is neither yes nor no");
    assert_true(begin("t,w\n,ye\n") && skep__csv_next(&csv));
    assert_false(skep__csv_text(&csv, 0, strict, out));
    assert_true(begin("t,w\n,ye\n") && skep__csv_next(&csv));
    assert_false(skep__csv_word(&csv, 1, answers, &word));
}

static void test_error_text_is_safe(void **state)
{
    (void)state;
    char small[12];
    assert_true(begin("t\n\"\x1B[2J\n0123456789012345678901234567890123\xC3\xA9zzz\"\n"));
    assert_true(skep__csv_next(&csv));
    assert_false(skep__csv_refuse(&csv, 0, "is odd"));
    assert_string_equal(error_text(),
                        "f.csv:2:1: t '?[2J?0123456789012345678901234567890123...' is odd");
    assert_int_equal(skep__csv_error_text(&csv.error, "f.csv", small, sizeof small), 11);
    assert_string_equal(small, "f.csv:2:1: ");
    assert_int_equal(skep__csv_error_text(&csv.error, "f.csv", small, 1), 0);
    assert_string_equal(small, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_records),
        cmocka_unit_test(test_line_ends_and_last_line),
        cmocka_unit_test(test_header_only_and_one_column),
        cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_scratch_limit),
        cmocka_unit_test(test_mistakes_of_syntax),
        cmocka_unit_test(test_wrong_number_of_fields),
        cmocka_unit_test(test_too_many_columns),
        cmocka_unit_test(test_columns_by_name),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_cut_and_changed_bytes),
        cmocka_unit_test(test_exact_numbers),
        cmocka_unit_test(test_numbers_against_strtod),
        cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_refused_numbers),
        cmocka_unit_test(test_bounds_and_whole_numbers),
        cmocka_unit_test(test_texts_and_words),
        cmocka_unit_test(test_error_text_is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
