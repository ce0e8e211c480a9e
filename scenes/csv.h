/* SPDX-License-Identifier: MIT */
/* A small strict RFC 4180 reader over text in memory, for the files that scenes take from their
 * host.
 *
 * Begin a reader on the whole text, ask for the columns by name, then pull one record after another
 * and take its fields as text, numbers or one of a few words. The first mistake ends the reading:
 * every later call returns false, and `error` says in which line, column and field it was and why.
 * Nothing is allocated; what a field points to is the caller's text or the caller's scratch. */
#ifndef SKEP_SCENES_CSV_H
#define SKEP_SCENES_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "skep/status.h"

/* The most columns that a file may have. */
#define SKEP__CSV_COLUMNS_MAX 64u

/* What skep__csv_column returns when there is no such column. */
#define SKEP__CSV_NONE UINT32_MAX

/* One field. `text` dies at the next skep__csv_next, `raw` lives as long as the file's text. */
typedef struct skep__csv_field {
    const char *text; /* the value, not terminated: doubled quotes are single ones here */
    size_t bytes;
    const char *raw; /* as written, without the enclosing quotes */
    size_t raw_bytes;
    uint32_t line;   /* where the field begins; both count from 1 */
    uint32_t column; /* in characters, not bytes */
} skep__csv_field;

/* What was wrong, and where. The pointers are static or lie in the file's text. */
typedef struct skep__csv_error {
    skep_error error; /* its message is the end of a sentence: "is not a number" */
    uint32_t line;    /* both count from 1; 0 when nothing was wrong */
    uint32_t column;
    const char *name; /* the CSV column or "the header line"; NULL when the mistake is in neither */
    size_t name_bytes;
    const char *value; /* the value that was refused, NULL when the mistake is not in a value */
    size_t value_bytes;
} skep__csv_error;

/* A reader: the caller's memory, to be set up by skep__csv_begin. Read `column_count`, `names`,
 * `fields` and `error`; leave the rest alone. */
typedef struct skep__csv {
    const char *text;
    size_t bytes;
    size_t offset;
    uint32_t line;
    uint32_t column;
    char *scratch;
    size_t scratch_max;
    size_t scratch_kept; /* what the header's names take for good */
    size_t scratch_used;
    uint32_t column_count;
    uint32_t field_count; /* fields of this record that were read so far */
    bool in_header;
    skep__csv_field names[SKEP__CSV_COLUMNS_MAX];
    skep__csv_field fields[SKEP__CSV_COLUMNS_MAX];
    skep__csv_error error;
} skep__csv;

/* Bounds of a number, both allowed, and the end of the sentence for a value outside them. */
typedef struct skep__csv_bounds_f64 {
    double min;
    double max;
    const char *message;
} skep__csv_bounds_f64;

/* The same for whole numbers. */
typedef struct skep__csv_bounds_i32 {
    int32_t min;
    int32_t max;
    const char *message;
} skep__csv_bounds_i32;

/* How a text is copied. */
typedef struct skep__csv_text_rule {
    size_t bytes_min;
    size_t bytes_max;    /* without the closing zero */
    const char *message; /* the end of the sentence for a text outside these bounds */
    bool clips;          /* a longer text is cut between two characters instead of refused */
} skep__csv_text_rule;

/* The words that a field may be, and the end of the sentence for any other. */
typedef struct skep__csv_words {
    const char *const *words;
    uint32_t count;
    const char *message;
} skep__csv_words;

/* Sets up a reader on `bytes` of text, which must outlive it and its error, and reads the header
 * line. `scratch` (it may be NULL when `scratch_max` is 0) takes the values in which quotes are
 * doubled, one record at a time; a record that needs more is refused with SKEP_LIMIT. */
bool skep__csv_begin(skep__csv *csv, const char *text, size_t bytes, char *scratch,
                     size_t scratch_max);

/* Returns the index of a column by its exact name. A name that the header lacks, or has twice, is
 * an error of the file: SKEP__CSV_NONE. `name` must be static text, since the error keeps it. */
uint32_t skep__csv_column(skep__csv *csv, const char *name);

/* Reads the next record into `fields`; it has as many fields as the header. Returns false at the
 * end of the text and at a mistake; `error.error.code` is SKEP_OK at the end. */
bool skep__csv_next(skep__csv *csv);

/* Refuses the value in `column` of this record with the end of a sentence, static text. For rules
 * that only the caller knows. Returns false. */
bool skep__csv_refuse(skep__csv *csv, uint32_t column, const char *message);

/* Takes a field as a decimal number: [+-] digits [. digits] [e [+-] digits]. The same bits on every
 * host: correctly rounded for up to 15 digits and 22 powers of ten, else off by one rounding more
 * and by another for each further 22 powers; digits after the 19th that counts are dropped. */
bool skep__csv_f64(skep__csv *csv, uint32_t column, skep__csv_bounds_f64 bounds, double *out);

/* Takes a field as a whole number: [+-] digits. */
bool skep__csv_i32(skep__csv *csv, uint32_t column, skep__csv_bounds_i32 bounds, int32_t *out);

/* Copies a field to `out`, which has room for rule.bytes_max + 1 bytes, and closes it with a zero.
 */
bool skep__csv_text(skep__csv *csv, uint32_t column, skep__csv_text_rule rule, char *out);

/* Takes a field as one of a few words; `out` is the index of the word. */
bool skep__csv_word(skep__csv *csv, uint32_t column, skep__csv_words words, uint32_t *out);

/* Writes "FILE:LINE:COLUMN: name 'value' message" to `out`, always closed with a zero, cut when it
 * has less than `out_bytes` (at least 1). Long values are shortened and control characters
 * replaced, so the line is safe on a terminal. Returns the length without the zero. */
size_t skep__csv_error_text(const skep__csv_error *error, const char *file, char *out,
                            size_t out_bytes);

#endif
