/* SPDX-License-Identifier: MIT */
/* A strict RFC 4180 reader over text in memory, without allocation and without libc beyond mem*.
 *
 * The text is UTF-8, with or without a byte order mark; lines end with LF or CRLF, the last one
 * need not. Every record has as many fields as the header line, so a blank line is a mistake unless
 * the file has one column. A field that begins with a quote ends with one; quotes inside are
 * doubled; commas and line ends inside are part of the value. Blanks are part of a value too.
 * Everything else is refused with its line and column: a quote inside an unquoted value, text after
 * a closing quote, a quote that is never closed, a CR without LF, a zero byte, bytes that are not
 * UTF-8.
 *
 * A field is a span of the text itself. Only a value with doubled quotes is written anew, into
 * scratch:
 *
 *     scratch: [ names of the header | values of this record | free ]
 *                                    ^ scratch_kept, where each record begins again
 *
 * Tried and dropped: libcsv, the reader that Debian carries. It grows a buffer on the heap and
 * includes <stdio.h>, so it cannot become part of a freestanding wasm scene; it drops blank lines
 * and trims blanks without a word; it knows no line or column; and its licence is the LGPL. */
#include "scenes/csv.h"

#include <float.h>
#include <string.h>

/* A value in an error text is cut after so many bytes. */
#define VALUE_SHOWN_MAX 40u

/* 10^22 is the last power of ten that a double holds exactly. */
#define POWERS_MAX 22

static const double powers_of_ten[POWERS_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static size_t text_length(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0') {
        n++;
    }
    return n;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool same_text(const char *text, size_t bytes, const char *word)
{
    return text_length(word) == bytes && (bytes == 0 || memcmp(text, word, bytes) == 0);
}

/* Errors. */

/* Keeps the first error; whatever follows from it says nothing new. Returns false for the callers'
 * convenience. */
static bool fail_at(skep__csv *csv, skep_status code, const char *message, skep__csv_error place)
{
    if (csv->error.error.code == SKEP_OK) {
        csv->error = place;
        csv->error.error.code = code;
        csv->error.error.message = message;
    }
    return false;
}

/* What mistakes in the header line are said of, where no column has a name yet. */
static const char header_name[] = "the header line";

/* The cursor's place, with the name of the column that is being read. */
static skep__csv_error place_here(const skep__csv *csv)
{
    skep__csv_error place = {0};
    place.line = csv->line;
    place.column = csv->column;
    place.error.offset = csv->offset;
    if (csv->in_header) {
        place.name = header_name;
        place.name_bytes = sizeof header_name - 1;
    } else if (csv->field_count < csv->column_count) {
        place.name = csv->names[csv->field_count].raw;
        place.name_bytes = csv->names[csv->field_count].raw_bytes;
    }
    return place;
}

static bool fail_here(skep__csv *csv, const char *message)
{
    return fail_at(csv, SKEP_CORRUPT, message, place_here(csv));
}

/* Characters. */

static bool is_tail(unsigned char c)
{
    return (c & 0xC0u) == 0x80u;
}

/* Returns the length of the UTF-8 character at `s`, 0 when it is none: cut short, longer than it
 * need be, a surrogate or beyond U+10FFFF. */
static size_t character_bytes(const char *s, size_t left)
{
    const unsigned char a = (unsigned char)s[0];
    if (a < 0x80u) {
        return 1;
    }
    const size_t n = a >= 0xF0u ? 4u : a >= 0xE0u ? 3u : 2u;
    if (a < 0xC2u || a > 0xF4u || left < n) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if (!is_tail((unsigned char)s[i])) {
            return 0;
        }
    }
    const unsigned char b = (unsigned char)s[1];
    const bool outside = (a == 0xE0u && b < 0xA0u) || (a == 0xEDu && b > 0x9Fu) ||
                         (a == 0xF0u && b < 0x90u) || (a == 0xF4u && b > 0x8Fu);
    return outside ? 0 : n;
}

static bool at_end(const skep__csv *csv)
{
    return csv->offset == csv->bytes;
}

/* The byte `ahead` of the cursor; a zero beyond the end, which no value may hold. */
static char peek(const skep__csv *csv, size_t ahead)
{
    if (ahead >= csv->bytes - csv->offset) {
        return '\0';
    }
    return csv->text[csv->offset + ahead];
}

/* Moves over one character of a value. */
static bool step(skep__csv *csv)
{
    const char c = csv->text[csv->offset];
    const size_t n = character_bytes(csv->text + csv->offset, csv->bytes - csv->offset);
    if (c == '\0') {
        return fail_here(csv, "has a zero byte; this is not a text file");
    }
    if (n == 0) {
        return fail_here(csv, "has bytes that are not UTF-8");
    }
    csv->offset += n;
    csv->column++;
    if (c == '\n') {
        csv->line++;
        csv->column = 1;
    }
    return true;
}

/* Returns the length of the line end at the cursor, 0 when there is none. */
static size_t line_end_bytes(const skep__csv *csv)
{
    if (peek(csv, 0) == '\n') {
        return 1;
    }
    return peek(csv, 0) == '\r' && peek(csv, 1) == '\n' ? 2 : 0;
}

static bool at_field_end(const skep__csv *csv)
{
    return at_end(csv) || peek(csv, 0) == ',' || line_end_bytes(csv) > 0;
}

/* Fields and records. */

static bool read_plain(skep__csv *csv, skep__csv_field *field)
{
    const size_t begin = csv->offset;
    while (!at_field_end(csv)) {
        const char c = peek(csv, 0);
        if (c == '"') {
            return fail_here(csv, "has a quote inside a value that does not begin with one");
        }
        if (c == '\r') {
            return fail_here(csv, "has a carriage return without a line feed");
        }
        if (!step(csv)) {
            return false;
        }
    }
    field->text = csv->text + begin;
    field->bytes = csv->offset - begin;
    field->raw = field->text;
    field->raw_bytes = field->bytes;
    return true;
}

/* Writes a value with doubled quotes to scratch with single ones. */
static bool undouble(skep__csv *csv, skep__csv_field *field, skep__csv_error place)
{
    const size_t begin = csv->scratch_used;
    size_t end = begin;
    for (size_t i = 0; i < field->raw_bytes; i++) {
        if (end == csv->scratch_max) {
            return fail_at(csv, SKEP_LIMIT, "has more text with quotes than scratch_max holds",
                           place);
        }
        csv->scratch[end++] = field->raw[i];
        i += field->raw[i] == '"' ? 1u : 0u; /* the second of the two */
    }
    csv->scratch_used = end;
    field->text = csv->scratch + begin;
    field->bytes = end - begin;
    return true;
}

static bool read_quoted(skep__csv *csv, skep__csv_field *field)
{
    const skep__csv_error begin = place_here(csv);
    bool doubled = false;
    csv->offset++;
    csv->column++;
    const size_t raw = csv->offset;
    for (;;) {
        if (at_end(csv)) {
            return fail_at(csv, SKEP_CORRUPT, "has a quote that is never closed", begin);
        }
        const bool quote = peek(csv, 0) == '"';
        if (quote && peek(csv, 1) != '"') {
            break;
        }
        doubled = doubled || quote;
        if ((quote && !step(csv)) || !step(csv)) {
            return false;
        }
    }
    field->raw = csv->text + raw;
    field->raw_bytes = csv->offset - raw;
    field->text = field->raw;
    field->bytes = field->raw_bytes;
    csv->offset++;
    csv->column++;
    if (!at_field_end(csv)) {
        return fail_here(csv, "has text after the closing quote");
    }
    return !doubled || undouble(csv, field, begin);
}

/* Moves over the comma or the line end behind a field; returns whether another field follows. */
static bool pass_separator(skep__csv *csv)
{
    if (at_end(csv)) {
        return false;
    }
    if (peek(csv, 0) == ',') {
        csv->offset++;
        csv->column++;
        return true;
    }
    csv->offset += line_end_bytes(csv);
    csv->line++;
    csv->column = 1;
    return false;
}

/* Reads one record, at least one field and at most `max`. */
static bool read_record(skep__csv *csv, skep__csv_field *fields, uint32_t max)
{
    csv->field_count = 0;
    csv->scratch_used = csv->scratch_kept;
    bool more = true;
    while (more) {
        if (csv->field_count == max && csv->in_header) {
            return fail_at(csv, SKEP_LIMIT, "has more columns than SKEP__CSV_COLUMNS_MAX",
                           place_here(csv));
        }
        if (csv->field_count == max) {
            return fail_here(csv, "the line has more fields than the header");
        }
        skep__csv_field *field = &fields[csv->field_count];
        field->line = csv->line;
        field->column = csv->column;
        if (!(peek(csv, 0) == '"' ? read_quoted(csv, field) : read_plain(csv, field))) {
            return false;
        }
        csv->field_count++;
        if (!csv->in_header && csv->field_count < max && peek(csv, 0) != ',') {
            return fail_here(csv, "is missing: the line has fewer fields than the header");
        }
        more = pass_separator(csv);
    }
    return true;
}

bool skep__csv_begin(skep__csv *csv, const char *text, size_t bytes, char *scratch,
                     size_t scratch_max)
{
    memset(csv, 0, sizeof *csv);
    csv->text = text;
    csv->bytes = bytes;
    csv->line = 1;
    csv->column = 1;
    csv->scratch = scratch;
    csv->scratch_max = scratch_max;
    csv->in_header = true;
    if (bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        csv->offset = 3;
    }
    if (at_end(csv)) {
        return fail_here(csv, "is missing: the file is empty");
    }
    if (!read_record(csv, csv->names, SKEP__CSV_COLUMNS_MAX)) {
        return false;
    }
    csv->column_count = csv->field_count;
    csv->scratch_kept = csv->scratch_used;
    csv->in_header = false;
    return true;
}

uint32_t skep__csv_column(skep__csv *csv, const char *name)
{
    uint32_t found = SKEP__CSV_NONE;
    skep__csv_error place = {0};
    place.line = 1;
    place.column = 1;
    place.name = name;
    place.name_bytes = text_length(name);
    for (uint32_t i = 0; i < csv->column_count; i++) {
        const skep__csv_field *field = &csv->names[i];
        if (!same_text(field->text, field->bytes, name)) {
            continue;
        }
        if (found != SKEP__CSV_NONE) {
            place.line = field->line;
            place.column = field->column;
            place.error.offset = (size_t)(field->raw - csv->text);
            (void)fail_at(csv, SKEP_SCHEMA, "is named twice in the header line", place);
            return SKEP__CSV_NONE;
        }
        found = i;
    }
    if (found == SKEP__CSV_NONE) {
        (void)fail_at(csv, SKEP_SCHEMA, "is missing from the header line", place);
    }
    return found;
}

bool skep__csv_next(skep__csv *csv)
{
    return csv->error.error.code == SKEP_OK && !at_end(csv) &&
           read_record(csv, csv->fields, csv->column_count);
}

/* Values. */

/* Returns a field of this record, or NULL after an error and for a column that does not exist. */
static const skep__csv_field *field_of(const skep__csv *csv, uint32_t column)
{
    const bool usable = csv->error.error.code == SKEP_OK && column < csv->field_count;
    return usable ? &csv->fields[column] : NULL;
}

bool skep__csv_refuse(skep__csv *csv, uint32_t column, const char *message)
{
    const skep__csv_field *field = field_of(csv, column);
    if (field == NULL) {
        return false;
    }
    skep__csv_error place = {0};
    place.line = field->line;
    place.column = field->column;
    place.error.offset = (size_t)(field->raw - csv->text);
    place.name = csv->names[column].raw;
    place.name_bytes = csv->names[column].raw_bytes;
    place.value = field->raw;
    place.value_bytes = field->raw_bytes;
    return fail_at(csv, SKEP_CORRUPT, message, place);
}

/* A decimal number as it is read: mantissa * 10^exponent. */
typedef struct decimal {
    uint64_t mantissa;
    int32_t exponent;
    bool negative;
    bool whole; /* neither a point nor an exponent */
} decimal;

/* Far beyond every double, far within int32_t. */
#define EXPONENT_LIMIT 100000

static int32_t exponent_add(int32_t exponent, int32_t more)
{
    const int32_t sum = exponent + more;
    return sum > EXPONENT_LIMIT ? EXPONENT_LIMIT : sum < -EXPONENT_LIMIT ? -EXPONENT_LIMIT : sum;
}

/* Reads a run of digits into the mantissa, `after_point` of them or before. A digit that no longer
 * fits is dropped; before the point it still counts as a power of ten. Returns how many there were.
 */
static size_t read_digits(const char *s, size_t bytes, bool after_point, decimal *d)
{
    size_t i = 0;
    for (; i < bytes && is_digit(s[i]); i++) {
        const uint64_t digit = (uint64_t)(unsigned char)s[i] - '0';
        const bool fits = d->mantissa < UINT64_MAX / 10u;
        if (fits) {
            d->mantissa = d->mantissa * 10u + digit;
        }
        d->exponent = exponent_add(d->exponent, (fits ? 0 : 1) - (after_point ? 1 : 0));
    }
    return i;
}

/* Reads what follows the `e` of a number up to its end. */
static bool read_exponent(const char *s, size_t bytes, decimal *d)
{
    const bool sign = bytes > 0 && (s[0] == '-' || s[0] == '+');
    const bool negative = sign && s[0] == '-';
    size_t i = sign ? 1u : 0u;
    int32_t exponent = 0;
    if (i == bytes) {
        return false;
    }
    for (; i < bytes; i++) {
        if (!is_digit(s[i])) {
            return false;
        }
        if (exponent < EXPONENT_LIMIT) {
            exponent = exponent * 10 + (s[i] - '0');
        }
    }
    exponent = exponent_add(exponent, 0);
    d->exponent = exponent_add(d->exponent, negative ? -exponent : exponent);
    return true;
}

static bool read_decimal(const char *s, size_t bytes, decimal *d)
{
    memset(d, 0, sizeof *d);
    size_t i = 0;
    if (bytes > 0 && (s[0] == '-' || s[0] == '+')) {
        d->negative = s[0] == '-';
        i = 1;
    }
    size_t digits = read_digits(s + i, bytes - i, false, d);
    i += digits;
    d->whole = i == bytes;
    if (digits > 0 && i < bytes && s[i] == '.') {
        i++;
        digits = read_digits(s + i, bytes - i, true, d);
        i += digits;
    }
    if (digits == 0) {
        return false;
    }
    if (i < bytes && (s[i] == 'e' || s[i] == 'E')) {
        return read_exponent(s + i + 1, bytes - i - 1, d);
    }
    return i == bytes;
}

/* Returns whether the number fits a double. One rounding when mantissa and power are exact (up to
 * 15 digits, |exponent| <= 22), else one for the mantissa and one for each factor: few, and the
 * same on every host, which a library's reader does not promise. */
static bool decimal_to_f64(decimal d, double *out)
{
    double value = (double)d.mantissa;
    int32_t exponent = d.exponent;
    if (d.mantissa == 0 || exponent < -400) {
        value = 0.0;
        exponent = 0;
    }
    if (exponent > 400) {
        return false;
    }
    for (; exponent > POWERS_MAX; exponent -= POWERS_MAX) {
        value *= powers_of_ten[POWERS_MAX];
    }
    for (; exponent < -POWERS_MAX; exponent += POWERS_MAX) {
        value /= powers_of_ten[POWERS_MAX];
    }
    value = exponent < 0 ? value / powers_of_ten[-exponent] : value * powers_of_ten[exponent];
    *out = d.negative ? -value : value;
    return value <= DBL_MAX;
}

bool skep__csv_f64(skep__csv *csv, uint32_t column, skep__csv_bounds_f64 bounds, double *out)
{
    const skep__csv_field *field = field_of(csv, column);
    decimal d;
    double value = 0.0;
    if (field == NULL) {
        return false;
    }
    if (!read_decimal(field->text, field->bytes, &d)) {
        return skep__csv_refuse(csv, column, "is not a number");
    }
    if (!decimal_to_f64(d, &value) || value < bounds.min || value > bounds.max) {
        return skep__csv_refuse(csv, column, bounds.message);
    }
    *out = value;
    return true;
}

bool skep__csv_i32(skep__csv *csv, uint32_t column, skep__csv_bounds_i32 bounds, int32_t *out)
{
    const skep__csv_field *field = field_of(csv, column);
    decimal d;
    if (field == NULL) {
        return false;
    }
    if (!read_decimal(field->text, field->bytes, &d)) {
        return skep__csv_refuse(csv, column, "is not a number");
    }
    if (!d.whole) {
        return skep__csv_refuse(csv, column, "is not a whole number");
    }
    if (d.exponent != 0 || d.mantissa > (uint64_t)INT32_MAX + 1u) {
        return skep__csv_refuse(csv, column, bounds.message);
    }
    const int64_t value = d.negative ? -(int64_t)d.mantissa : (int64_t)d.mantissa;
    if (value < bounds.min || value > bounds.max) {
        return skep__csv_refuse(csv, column, bounds.message);
    }
    *out = (int32_t)value;
    return true;
}

/* Returns how many of `bytes` bytes of UTF-8 fit into `max` without cutting a character. */
static size_t cut_bytes(const char *text, size_t bytes, size_t max)
{
    size_t n = bytes < max ? bytes : max;
    while (n > 0 && n < bytes && is_tail((unsigned char)text[n])) {
        n--;
    }
    return n;
}

bool skep__csv_text(skep__csv *csv, uint32_t column, skep__csv_text_rule rule, char *out)
{
    const skep__csv_field *field = field_of(csv, column);
    if (field == NULL) {
        return false;
    }
    const bool too_long = field->bytes > rule.bytes_max && !rule.clips;
    if (field->bytes < rule.bytes_min || too_long) {
        return skep__csv_refuse(csv, column, rule.message);
    }
    const size_t n = cut_bytes(field->text, field->bytes, rule.bytes_max);
    memcpy(out, field->text, n);
    out[n] = '\0';
    return true;
}

bool skep__csv_word(skep__csv *csv, uint32_t column, skep__csv_words words, uint32_t *out)
{
    const skep__csv_field *field = field_of(csv, column);
    if (field == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < words.count; i++) {
        if (same_text(field->text, field->bytes, words.words[i])) {
            *out = i;
            return true;
        }
    }
    return skep__csv_refuse(csv, column, words.message);
}

/* The error's text. */

/* A line being written: cut, never overrun. */
typedef struct line_writer {
    char *out;
    size_t max; /* without the closing zero */
    size_t used;
} line_writer;

static void write_bytes(line_writer *w, const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes && w->used < w->max; i++) {
        const unsigned char c = (unsigned char)text[i];
        const bool control = c < 0x20u || c == 0x7Fu;
        w->out[w->used] = text[i];
        if (control) {
            w->out[w->used] = '?';
        }
        w->used++;
    }
}

static void write_text(line_writer *w, const char *text)
{
    write_bytes(w, text, text_length(text));
}

static void write_number(line_writer *w, uint32_t number)
{
    char digits[10];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + (int)(number % 10u));
        number /= 10u;
    } while (number > 0);
    write_bytes(w, digits + n, sizeof digits - n);
}

static void write_shortened(line_writer *w, const char *text, size_t bytes)
{
    const size_t n = cut_bytes(text, bytes, VALUE_SHOWN_MAX);
    write_bytes(w, text, n);
    write_text(w, n < bytes ? "..." : "");
}

size_t skep__csv_error_text(const skep__csv_error *error, const char *file, char *out,
                            size_t out_bytes)
{
    line_writer w = {out, out_bytes - 1, 0};
    write_text(&w, file);
    write_text(&w, ":");
    write_number(&w, error->line);
    write_text(&w, ":");
    write_number(&w, error->column);
    write_text(&w, ": ");
    if (error->name != NULL) {
        write_shortened(&w, error->name, error->name_bytes);
        write_text(&w, " ");
    }
    if (error->value != NULL) {
        write_text(&w, "'");
        write_shortened(&w, error->value, error->value_bytes);
        write_text(&w, "' ");
    }
    write_text(&w, error->error.message != NULL ? error->error.message : "no error");
    out[w.used] = '\0';
    return w.used;
}
