/* SPDX-License-Identifier: MIT */
/* A writer of JSON on one line. Commas come by themselves; keys are ours and need no escapes, texts
 * may hold any bytes. Nothing here reads JSON. */
#ifndef SKEP_CLI_JSON_H
#define SKEP_CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A writer; all zero but `out` to begin with. */
typedef struct skep__json {
    FILE *out;
    bool comma; /* something stands before the next value */
} skep__json;

/* Opens '{' or '['; `key` is NULL inside of an array and at the start. */
void skep__json_open(skep__json *j, const char *key, char bracket);

/* Closes with '}' or ']'. */
void skep__json_close(skep__json *j, char bracket);

/* A text. Bytes that are no UTF-8 become U+FFFD. NULL: null. */
void skep__json_text(skep__json *j, const char *key, const char *text);

/* A whole number. */
void skep__json_u64(skep__json *j, const char *key, uint64_t number);

/* A number with `digits` significant digits; null for what is none. */
void skep__json_f64(skep__json *j, const char *key, double number, int digits);

/* true or false */
void skep__json_bool(skep__json *j, const char *key, bool value);

/* null */
void skep__json_null(skep__json *j, const char *key);

#endif
