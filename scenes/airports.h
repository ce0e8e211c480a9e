/* SPDX-License-Identifier: MIT */
/* Airports from the CSV file of scenes/data: what the scene `skies` flies between. */
#ifndef SKEP_SCENES_AIRPORTS_H
#define SKEP_SCENES_AIRPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenes/csv.h"
#include "skep/status.h"

/* The two sizes of airports that the file knows. */
typedef enum skep__airport_type {
    SKEP__AIRPORT_LARGE = 0,
    SKEP__AIRPORT_MEDIUM = 1,
} skep__airport_type;

/* One airport. Texts are UTF-8 and closed with a zero. */
typedef struct skep__airport {
    double lat_rad;       /* north is positive, -pi/2 to pi/2 */
    double lon_rad;       /* east is positive, -pi to pi */
    int32_t elevation_ft; /* above mean sea level; 0 when unknown */
    char ident[12];       /* ICAO code or a local one; never empty */
    char iata[4];         /* empty when it has none */
    char country[4];      /* ISO 3166 code, two letters */
    char name[85];        /* cut between two characters when longer */
    uint8_t type;         /* a skep__airport_type */
    uint8_t scheduled;    /* 1 when airlines fly there by a schedule */
    uint8_t elevation_known;
} skep__airport;

/* The file scenes/data/airports.csv as it stood when this was built (tools/embed.py), so that a
 * scene without a file to read has its airports nevertheless. Not closed with a zero. */
extern const unsigned char skep__airports_csv[];

/* Its length. */
extern const size_t skep__airports_csv_bytes;

/* Returns a number of airports that `text` surely does not exceed: its line ends. Reads all of it.
 */
uint32_t skep__airports_bound(const char *text, size_t bytes);

/* Reads all airports of `text` into `out`, which has room for `max`, in the order of the file. The
 * columns are found by name and may stand in any order; others are skipped. `text` must outlive
 * `error`. Fails with SKEP_CORRUPT (a value or the syntax), SKEP_SCHEMA (a column) or SKEP_LIMIT
 * (more than `max`); then `count` is 0 and `error` holds the place for skep__csv_error_text. */
SKEP_NODISCARD skep_status skep__airports_parse(const char *text, size_t bytes, skep__airport *out,
                                                uint32_t max, uint32_t *count,
                                                skep__csv_error *error);

/* Picks up to `max` airports with scheduled service for traffic between them: large ones, and
 * medium ones for the room that is left. Where not all of a size fit, they are taken at even steps
 * through the list, since a list sorted by code is sorted by region. Writes ascending indices to
 * `picked`, room for `max`; returns how many. */
uint32_t skep__airports_pick(const skep__airport *airports, uint32_t count, uint32_t *picked,
                             uint32_t max);

#endif
