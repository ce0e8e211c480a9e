/* SPDX-License-Identifier: MIT */
/* Reads airports from CSV, each value with its rule, and picks those that traffic flows between.
 *
 * A rule that a value breaks ends the reading: a scene that runs on half a file would give another
 * world, and nobody would know why. */
#include "scenes/airports.h"

#include <string.h>

/* Room for one record's texts with doubled quotes: the longest name of the file takes 75 bytes. */
#define SCRATCH_BYTES 1024u

#define RADIANS_PER_DEGREE 0.017453292519943295

/* The columns of the file that are read, by their place in it. */
typedef struct airport_columns {
    uint32_t ident;
    uint32_t iata;
    uint32_t type;
    uint32_t name;
    uint32_t country;
    uint32_t latitude;
    uint32_t longitude;
    uint32_t elevation;
    uint32_t scheduled;
} airport_columns;

static const char *const type_words[] = {"large_airport", "medium_airport"};
static const char *const answer_words[] = {"no", "yes"};

static bool find_columns(skep__csv *csv, airport_columns *at)
{
    at->ident = skep__csv_column(csv, "ident");
    at->iata = skep__csv_column(csv, "iata");
    at->type = skep__csv_column(csv, "type");
    at->name = skep__csv_column(csv, "name");
    at->country = skep__csv_column(csv, "country");
    at->latitude = skep__csv_column(csv, "latitude_deg");
    at->longitude = skep__csv_column(csv, "longitude_deg");
    at->elevation = skep__csv_column(csv, "elevation_ft");
    at->scheduled = skep__csv_column(csv, "scheduled_service");
    return csv->error.error.code == SKEP_OK;
}

static bool read_texts(skep__csv *csv, const airport_columns *at, skep__airport *airport)
{
    const skep__csv_text_rule ident = {1, sizeof airport->ident - 1, "is not 1 to 11 bytes long",
                                       false};
    const skep__csv_text_rule iata = {0, sizeof airport->iata - 1, "is longer than 3 bytes", false};
    const skep__csv_text_rule country = {2, 2, "is not 2 letters", false};
    const skep__csv_text_rule name = {0, sizeof airport->name - 1, "is too long", true};
    return skep__csv_text(csv, at->ident, ident, airport->ident) &&
           skep__csv_text(csv, at->iata, iata, airport->iata) &&
           skep__csv_text(csv, at->country, country, airport->country) &&
           skep__csv_text(csv, at->name, name, airport->name);
}

static bool read_words(skep__csv *csv, const airport_columns *at, skep__airport *airport)
{
    const skep__csv_words types = {type_words, 2, "is neither large_airport nor medium_airport"};
    const skep__csv_words answers = {answer_words, 2, "is neither yes nor no"};
    uint32_t type = 0;
    uint32_t scheduled = 0;
    if (!skep__csv_word(csv, at->type, types, &type) ||
        !skep__csv_word(csv, at->scheduled, answers, &scheduled)) {
        return false;
    }
    airport->type = (uint8_t)type;
    airport->scheduled = (uint8_t)scheduled;
    return true;
}

static bool read_place(skep__csv *csv, const airport_columns *at, skep__airport *airport)
{
    const skep__csv_bounds_f64 lat = {-90.0, 90.0, "is not within -90 to 90"};
    const skep__csv_bounds_f64 lon = {-180.0, 180.0, "is not within -180 to 180"};
    /* From below the shore of the Dead Sea to above the highest summit. */
    const skep__csv_bounds_i32 height = {-2000, 30000, "is not within -2000 to 30000"};
    double lat_deg = 0.0;
    double lon_deg = 0.0;
    if (!skep__csv_f64(csv, at->latitude, lat, &lat_deg) ||
        !skep__csv_f64(csv, at->longitude, lon, &lon_deg)) {
        return false;
    }
    airport->lat_rad = lat_deg * RADIANS_PER_DEGREE;
    airport->lon_rad = lon_deg * RADIANS_PER_DEGREE;
    airport->elevation_ft = 0;
    airport->elevation_known = csv->fields[at->elevation].bytes > 0;
    return !airport->elevation_known ||
           skep__csv_i32(csv, at->elevation, height, &airport->elevation_ft);
}

uint32_t skep__airports_bound(const char *text, size_t bytes)
{
    uint32_t lines = 0;
    for (size_t i = 0; i < bytes && lines < UINT32_MAX; i++) {
        lines += text[i] == '\n' ? 1u : 0u;
    }
    return lines;
}

skep_status skep__airports_parse(const char *text, size_t bytes, skep__airport *out, uint32_t max,
                                 uint32_t *count, skep__csv_error *error)
{
    char scratch[SCRATCH_BYTES];
    skep__csv csv;
    airport_columns at;
    uint32_t n = 0;
    bool ok =
        skep__csv_begin(&csv, text, bytes, scratch, sizeof scratch) && find_columns(&csv, &at);
    while (ok && skep__csv_next(&csv)) {
        if (n == max) {
            (void)skep__csv_refuse(&csv, at.ident, "is one airport more than there is room for");
            csv.error.error.code = SKEP_LIMIT;
            break;
        }
        memset(&out[n], 0, sizeof out[n]);
        ok = read_texts(&csv, &at, &out[n]) && read_words(&csv, &at, &out[n]) &&
             read_place(&csv, &at, &out[n]);
        n++;
    }
    *error = csv.error;
    *count = error->error.code == SKEP_OK ? n : 0;
    return error->error.code;
}

/* Airports of one type with scheduled service, and how many of them are wanted. */
typedef struct type_share {
    uint64_t all;
    uint64_t wanted;
    uint64_t seen;
} type_share;

static type_share share_of(const skep__airport *airports, uint32_t count, skep__airport_type type,
                           uint64_t room)
{
    type_share share = {0, 0, 0};
    for (uint32_t i = 0; i < count; i++) {
        share.all += airports[i].scheduled != 0 && airports[i].type == (uint8_t)type ? 1u : 0u;
    }
    share.wanted = share.all < room ? share.all : room;
    return share;
}

/* Returns whether the next airport of a type is wanted: where the share that runs along passes a
 * whole number, so that the picks are spread evenly over all of them. */
static bool take_next(type_share *share)
{
    if (share->seen == share->all) {
        return false;
    }
    const uint64_t before = share->seen * share->wanted / share->all;
    share->seen++;
    return share->seen * share->wanted / share->all > before;
}

uint32_t skep__airports_pick(const skep__airport *airports, uint32_t count, uint32_t *picked,
                             uint32_t max)
{
    type_share large = share_of(airports, count, SKEP__AIRPORT_LARGE, max);
    type_share medium = share_of(airports, count, SKEP__AIRPORT_MEDIUM, max - large.wanted);
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        const bool is_large = airports[i].type == SKEP__AIRPORT_LARGE;
        if (airports[i].scheduled != 0 && take_next(is_large ? &large : &medium)) {
            picked[n++] = i;
        }
    }
    return n;
}
