/* SPDX-License-Identifier: MIT */
/* The airports of `skies`: the real file, each rule for a value, the geometry against distances and
 * courses worked out apart from it, and the demand model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scenes/airports.h"
#include "scenes/sky_math.h"

#ifndef SKEP_DATA_DIR
#define SKEP_DATA_DIR "scenes/data"
#endif

#define AIRPORTS_MAX 6000u
#define RADIANS(degrees) ((degrees) * (SKEP__SKY_TURN / 360.0))

/* The real file and its airports, read once for all tests. */
typedef struct world {
    char *text;
    size_t bytes;
    skep__airport airports[AIRPORTS_MAX];
    uint32_t count;
} world;

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    FILE *file = fopen(SKEP_DATA_DIR "/airports.csv", "rb");
    assert_non_null(w);
    assert_non_null(file);
    const size_t room = 1u << 20;
    w->text = malloc(room);
    assert_non_null(w->text);
    w->bytes = fread(w->text, 1, room, file);
    assert_true(w->bytes > 400000 && w->bytes < room);
    assert_int_equal(fclose(file), 0);
    skep__csv_error error;
    assert_int_equal(
        skep__airports_parse(w->text, w->bytes, w->airports, AIRPORTS_MAX, &w->count, &error),
        SKEP_OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world *w = *state;
    free(w->text);
    free(w);
    return 0;
}

static const skep__airport *find(const world *w, const char *ident)
{
    for (uint32_t i = 0; i < w->count; i++) {
        if (strcmp(w->airports[i].ident, ident) == 0) {
            return &w->airports[i];
        }
    }
    fail_msg("no airport %s", ident);
    return NULL;
}

static skep__sky_vec at(const skep__airport *airport)
{
    const skep__sky_place place = {airport->lat_rad, airport->lon_rad};
    return skep__sky_vec_of(place);
}

static void expect_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

/* The file. */

static void test_real_file(void **state)
{
    const world *w = *state;
    uint32_t large = 0;
    uint32_t scheduled = 0;
    uint32_t no_iata = 0;
    uint32_t no_elevation = 0;
    assert_int_equal(w->count, 5210);
    assert_true(skep__airports_bound(w->text, w->bytes) >= w->count);
    for (uint32_t i = 0; i < w->count; i++) {
        large += w->airports[i].type == SKEP__AIRPORT_LARGE;
        scheduled += w->airports[i].scheduled;
        no_iata += w->airports[i].iata[0] == '\0';
        no_elevation += w->airports[i].elevation_known == 0;
    }
    assert_int_equal(large, 463);
    assert_int_equal(scheduled, 3241);
    assert_int_equal(no_iata, 693);
    assert_int_equal(no_elevation, 176);
    assert_string_equal(w->airports[0].ident, "5A8");
    const skep__airport *jfk = find(w, "KJFK");
    assert_string_equal(jfk->iata, "JFK");
    assert_string_equal(jfk->country, "US");
    assert_string_equal(jfk->name, "John F Kennedy International Airport");
    assert_int_equal(jfk->type, SKEP__AIRPORT_LARGE);
    assert_int_equal(jfk->scheduled, 1);
    assert_int_equal(jfk->elevation_ft, 13);
    assert_int_equal(jfk->elevation_known, 1);
    expect_near(jfk->lat_rad, RADIANS(40.639447), 1e-15);
    expect_near(jfk->lon_rad, RADIANS(-73.779317), 1e-15);
    assert_string_equal(find(w, "EPSC")->name,
                        "Szczecin-Goleni\xC3\xB3w \"Solidarno\xC5\x9B\xC4\x87\" Airport");
    assert_int_equal(find(w, "LLMZ")->elevation_ft, -1266);
}

/* A made-up file; its parts are put together in the test that wants one of them wrong. */
#define HEADER                                                                                     \
    "ident,iata,type,name,city,country,latitude_deg,longitude_deg,elevation_ft,scheduled_"         \
    "service\n"
#define ROW "AAAA,AAA,large_airport,\"A, \"\"a\"\"\",,DE,1.5,2.5,10,yes\n"

static skep_status parse(const char *text, uint32_t max, uint32_t *count, char *line, size_t bytes)
{
    skep__airport airports[4];
    skep__csv_error error;
    assert_true(max <= 4);
    const skep_status status =
        skep__airports_parse(text, strlen(text), airports, max, count, &error);
    assert_int_equal(status, error.error.code);
    (void)skep__csv_error_text(&error, "airports.csv", line, bytes);
    return status;
}

static void expect_refused(const char *text, skep_status status, const char *line)
{
    char shown[256];
    uint32_t count = 7;
    assert_int_equal(parse(text, 4, &count, shown, sizeof shown), status);
    assert_string_equal(shown, line);
    assert_int_equal(count, 0);
}

static void test_small_files(void **state)
{
    (void)state;
    char shown[256];
    uint32_t count = 7;
    assert_int_equal(parse(HEADER, 4, &count, shown, sizeof shown), SKEP_OK);
    assert_int_equal(count, 0);
    assert_int_equal(parse(HEADER ROW ROW, 2, &count, shown, sizeof shown), SKEP_OK);
    assert_int_equal(count, 2);
    assert_int_equal(skep__airports_bound(HEADER ROW, strlen(HEADER ROW)), 2);
    assert_int_equal(parse(HEADER ROW ROW ROW, 2, &count, shown, sizeof shown), SKEP_LIMIT);
    assert_int_equal(count, 0);
    assert_string_equal(
        shown, "airports.csv:4:1: ident 'AAAA' is one airport more than there is room for");
}

static void test_columns_in_any_order(void **state)
{
    (void)state;
    const char text[] = "more,scheduled_service,elevation_ft,longitude_deg,latitude_deg,country,"
                        "name,type,iata,ident\r\n"
                        "?,no,,-180,90.0,AQ,Pole,medium_airport,,X-1\r\n";
    skep__airport a;
    skep__csv_error error;
    uint32_t count = 0;
    assert_int_equal(skep__airports_parse(text, sizeof text - 1, &a, 1, &count, &error), SKEP_OK);
    assert_int_equal(count, 1);
    assert_string_equal(a.ident, "X-1");
    assert_string_equal(a.iata, "");
    assert_string_equal(a.name, "Pole");
    assert_int_equal(a.type, SKEP__AIRPORT_MEDIUM);
    assert_int_equal(a.scheduled, 0);
    assert_int_equal(a.elevation_known, 0);
    assert_int_equal(a.elevation_ft, 0);
    expect_near(a.lat_rad, SKEP__SKY_TURN / 4, 0);
    expect_near(a.lon_rad, -SKEP__SKY_TURN / 2, 0);
}

static void test_long_name_is_cut(void **state)
{
    (void)state;
    char text[512];
    char name[128];
    memset(name, 'n', 83);
    memcpy(name + 83, "\xC3\xA9\xC3\xA9", 5);
    (void)snprintf(text, sizeof text, "%sA,,medium_airport,%s,,DE,0,0,0,no\n", HEADER, name);
    skep__airport a;
    skep__csv_error error;
    uint32_t count = 0;
    assert_int_equal(skep__airports_parse(text, strlen(text), &a, 1, &count, &error), SKEP_OK);
    assert_int_equal(strlen(a.name), 83);
}

static void test_refused_values(void **state)
{
    (void)state;
    expect_refused("", SKEP_CORRUPT,
                   "airports.csv:1:1: the header line is missing: the file is empty");
    expect_refused("ident,iata\nA,B\n", SKEP_SCHEMA,
                   "airports.csv:1:1: type is missing from the header line");
    expect_refused(HEADER ROW "B,,large_airport,B,,DE,abc,2,3,yes\n", SKEP_CORRUPT,
                   "airports.csv:3:24: latitude_deg 'abc' is not a number");
    expect_refused(HEADER "B,,large_airport,B,,DE,90.5,2,3,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:24: latitude_deg '90.5' is not within -90 to 90");
    expect_refused(HEADER "B,,large_airport,B,,DE,,2,3,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:24: latitude_deg '' is not a number");
    expect_refused(HEADER "B,,large_airport,\xC3\x96,,DE,1,-180.01,3,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:26: longitude_deg '-180.01' is not within -180 to 180");
    expect_refused(HEADER "B,,large_airport,B,,DE,1,2,3.5,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:28: elevation_ft '3.5' is not a whole number");
    expect_refused(HEADER "B,,large_airport,B,,DE,1,2,99999,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:28: elevation_ft '99999' is not within -2000 to 30000");
    expect_refused(HEADER "B,,large_airport,B,,DE,1,2,3,maybe\n", SKEP_CORRUPT,
                   "airports.csv:2:30: scheduled_service 'maybe' is neither yes nor no");
    expect_refused(HEADER "B,,heliport,B,,DE,1,2,3,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:4: type 'heliport' is neither large_airport nor medium_airport");
    expect_refused(HEADER ",,large_airport,B,,DE,1,2,3,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:1: ident '' is not 1 to 11 bytes long");
    expect_refused(HEADER "B,BBBB,large_airport,B,,DE,1,2,3,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:3: iata 'BBBB' is longer than 3 bytes");
    expect_refused(HEADER "B,,large_airport,B,,D,1,2,3,yes\n", SKEP_CORRUPT,
                   "airports.csv:2:21: country 'D' is not 2 letters");
    expect_refused(
        HEADER "B,,large_airport,B,,DE,1,2,3\n", SKEP_CORRUPT,
        "airports.csv:2:29: scheduled_service is missing: the line has fewer fields than "
        "the header");
}

/* The places whose order and number a pick must keep. */
static void test_pick(void **state)
{
    const world *w = *state;
    uint32_t picked[AIRPORTS_MAX];
    const uint32_t sizes[] = {0, 1, 100, 455, 512, 3241, AIRPORTS_MAX};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const uint32_t n = skep__airports_pick(w->airports, w->count, picked, sizes[s]);
        uint32_t large = 0;
        assert_int_equal(n, sizes[s] < 3241 ? sizes[s] : 3241);
        for (uint32_t i = 0; i < n; i++) {
            assert_true(i == 0 || picked[i] > picked[i - 1]);
            assert_int_equal(w->airports[picked[i]].scheduled, 1);
            large += w->airports[picked[i]].type == SKEP__AIRPORT_LARGE;
        }
        assert_int_equal(large, n < 455 ? n : 455);
    }
    /* Even steps: neither half of the list has more than its share of the medium ones. */
    uint32_t first_half = 0;
    const uint32_t n = skep__airports_pick(w->airports, w->count, picked, 1455);
    for (uint32_t i = 0; i < n; i++) {
        const bool medium = w->airports[picked[i]].type == SKEP__AIRPORT_MEDIUM;
        first_half += medium && picked[i] < picked[n - 1] / 2;
    }
    assert_true(first_half > 300 && first_half < 700);
}

/* Geometry. */

typedef struct known_leg {
    const char *from;
    const char *to;
    double published_km; /* as airlines and atlases give it, on the ellipsoid */
    double nm;           /* haversine on the mean radius, worked out in Python */
    double course_deg;
} known_leg;

static const known_leg known_legs[] = {
    {"KJFK", "EGLL", 5554.0, 2991.201, 51.352},
    {"KLAX", "YSSY", 12051.0, 6512.497, 240.996},
    {"OTHH", "NZAA", 14535.0, 7847.581, 118.163},
    {"WSSS", "KEWR", 15344.0, 8281.030, 357.921},
};

static void test_known_distances(void **state)
{
    const world *w = *state;
    for (size_t i = 0; i < sizeof known_legs / sizeof known_legs[0]; i++) {
        const known_leg *leg = &known_legs[i];
        const skep__sky_vec a = at(find(w, leg->from));
        const skep__sky_vec b = at(find(w, leg->to));
        const double nm = skep__sky_distance_nm(a, b);
        expect_near(nm, leg->nm, 0.001);
        expect_near(nm * 1.852, leg->published_km, leg->published_km * 0.005);
        expect_near(skep__sky_distance_nm(b, a), nm, 1e-9);
        expect_near(skep__sky_initial_course(a, b), RADIANS(leg->course_deg), RADIANS(0.001));
    }
}

static void test_units(void **state)
{
    (void)state;
    expect_near(SKEP__SKY_FT_PER_NM, 6076.115485564304, 1e-9);
    expect_near(SKEP__SKY_EARTH_NM, 3440.069546436285, 1e-9);
    /* Five miles: what separation is measured by. */
    expect_near(skep__sky_chord_nm(5.0), 5.0, 5e-7);
    expect_near(skep__sky_chord_nm(SKEP__SKY_EARTH_NM * SKEP__SKY_TURN / 2), 2 * SKEP__SKY_EARTH_NM,
                1e-9);
}

static void test_places_and_vectors(void **state)
{
    const world *w = *state;
    for (uint32_t i = 0; i < w->count; i++) {
        const skep__sky_vec v = at(&w->airports[i]);
        const skep__sky_place p = skep__sky_place_of(v);
        expect_near(skep__sky_length(v), 1.0, 4e-16);
        expect_near(p.lat_rad, w->airports[i].lat_rad, 1e-13);
        expect_near(p.lon_rad, w->airports[i].lon_rad, 1e-13);
    }
    const skep__sky_place east = {0.0, RADIANS(90.0)};
    const skep__sky_place pole = {RADIANS(90.0), 0.0};
    expect_near(skep__sky_vec_of(east).y, 1.0, 0);
    expect_near(skep__sky_vec_of(pole).z, 1.0, 0);
    expect_near(skep__sky_angle(skep__sky_vec_of(east), skep__sky_vec_of(pole)), RADIANS(90.0),
                1e-15);
}

static void test_near_and_opposite_places(void **state)
{
    (void)state;
    const skep__sky_place here = {RADIANS(51.0), RADIANS(7.0)};
    const skep__sky_place near = {RADIANS(51.0) + 1e-7, RADIANS(7.0)};
    const skep__sky_vec a = skep__sky_vec_of(here);
    const skep__sky_vec opposite = {-a.x, -a.y, -a.z};
    /* 64 cm, to a part in a million: an arc cosine would say 0 or 95 cm. */
    expect_near(skep__sky_angle(a, skep__sky_vec_of(near)), 1e-7, 1e-9 * 1e-4);
    expect_near(skep__sky_angle(a, a), 0.0, 0);
    expect_near(skep__sky_angle(a, opposite), SKEP__SKY_TURN / 2, 1e-15);
    expect_near(cos(skep__sky_initial_course(a, skep__sky_vec_of(near))), 1.0, 1e-12);
    const skep__sky_vec ends[] = {a, opposite};
    for (size_t i = 0; i < 2; i++) {
        const skep__sky_leg leg = skep__sky_leg_between(a, ends[i]);
        expect_near(skep__sky_length(leg.toward), 1.0, 1e-15);
        expect_near(skep__sky_dot(leg.toward, a), 0.0, 1e-15);
        expect_near(skep__sky_angle(skep__sky_leg_at(&leg, leg.angle), ends[i]), 0.0, 1e-15);
    }
    /* The fallback direction on each axis. */
    const skep__sky_vec axes[] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0, -1}};
    for (size_t i = 0; i < 4; i++) {
        const skep__sky_vec n = skep__sky_any_normal(axes[i]);
        expect_near(skep__sky_length(n), 1.0, 1e-15);
        expect_near(skep__sky_dot(n, axes[i]), 0.0, 0);
    }
}

static void test_legs(void **state)
{
    const world *w = *state;
    const skep__sky_vec a = at(find(w, "KLAX"));
    const skep__sky_vec b = at(find(w, "YSSY"));
    const skep__sky_leg leg = skep__sky_leg_between(a, b);
    const skep__sky_vec_f32 from = skep__sky_to_f32(leg.from);
    const skep__sky_vec_f32 toward = skep__sky_to_f32(leg.toward);
    for (uint32_t i = 0; i <= 16; i++) {
        const double share = i / 16.0;
        const double s = leg.angle * share;
        const skep__sky_vec p = skep__sky_leg_at(&leg, s);
        const skep__sky_vec h = skep__sky_leg_heading(&leg, s);
        const skep__sky_vec_f32 f = skep__sky_along_f32(from, toward, (float)s);
        expect_near(skep__sky_length(p), 1.0, 1e-15);
        expect_near(skep__sky_angle(a, p), s, 1e-14);
        expect_near(skep__sky_angle(p, b), leg.angle - s, 1e-14);
        expect_near(skep__sky_dot(p, h), 0.0, 1e-15);
        expect_near(skep__sky_angle(p, skep__sky_slerp(a, b, share)), 0.0, 1e-15);
        /* The heading points along the circle: a little further on is a little nearer to it. */
        const skep__sky_vec q = skep__sky_leg_at(&leg, s + 1e-6);
        expect_near(skep__sky_dot(q, h), 1e-6, 1e-12);
        const skep__sky_vec single = {(double)f.x, (double)f.y, (double)f.z};
        expect_near(skep__sky_angle(p, single), 0.0, 4e-7);
    }
}

static void test_courses(void **state)
{
    (void)state;
    const skep__sky_place places[] = {{0.1, 0.0}, {0.0, 0.1}, {-0.1, 0.0}, {0.0, -0.1}};
    const skep__sky_vec origin = {1.0, 0.0, 0.0};
    for (uint32_t i = 0; i < 4; i++) {
        expect_near(skep__sky_initial_course(origin, skep__sky_vec_of(places[i])),
                    RADIANS(90.0) * i, 1e-15);
    }
    /* At a pole a finite number, and the meridian of 0 is where the north would be. */
    const skep__sky_vec pole = {0.0, 0.0, 1.0};
    const skep__sky_vec away = {-1.0, 0.0, 0.0};
    expect_near(skep__sky_course(pole, away), 0.0, 1e-15);
}

/* Demand. */

static void test_weights_and_decay(void **state)
{
    (void)state;
    expect_near(skep__sky_weight(true, true), 8.0, 0);
    expect_near(skep__sky_weight(false, true), 1.0, 0);
    expect_near(skep__sky_weight(true, false), 0.0, 0);
    expect_near(skep__sky_decay(79.9), 0.0, 0);
    expect_near(skep__sky_decay(SKEP__SKY_DECAY_NM), 0.5, 0);
    double last = skep__sky_decay(SKEP__SKY_LEG_MIN_NM);
    for (uint32_t i = 1; i < 109; i++) {
        const double nm = 100.0 * i;
        assert_true(skep__sky_decay(nm) < last && skep__sky_decay(nm) > 0.0);
        last = skep__sky_decay(nm);
    }
}

static void test_sampling(void **state)
{
    (void)state;
    const double weights[] = {0.0, 1.0, 0.0, 2.0, 5.0, 0.0};
    const uint32_t n = 6;
    uint32_t table[6];
    uint32_t hits[6] = {0};
    expect_near(skep__sky_cumulate(weights, n, table), 8.0, 0);
    assert_int_equal(table[n - 1], UINT32_MAX);
    assert_int_equal(skep__sky_sample(table, n, 0), 1);
    assert_int_equal(skep__sky_sample(table, n, UINT32_MAX), 4);
    /* A comb over all of 32 bits must hit each as often as its weight says. */
    for (uint32_t i = 0; i < 8000; i++) {
        hits[skep__sky_sample(table, n, i * (UINT32_MAX / 8000u))]++;
    }
    const uint32_t expected[] = {0, 1000, 0, 2000, 5000, 0};
    for (uint32_t i = 0; i < n; i++) {
        expect_near((double)hits[i], (double)expected[i], expected[i] == 0 ? 0 : 1.0);
    }
    const double nothing[] = {0.0, 0.0};
    expect_near(skep__sky_cumulate(nothing, 2, table), 0.0, 0);
    assert_int_equal(table[1], 0);
    /* Weights that no sum holds exactly still end at the full 32 bits. */
    const double tenths[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1};
    (void)skep__sky_cumulate(tenths, 6, table);
    assert_int_equal(table[5], UINT32_MAX);
    for (uint32_t i = 1; i < 6; i++) {
        assert_true(table[i] > table[i - 1]);
    }
}

#define DEMAND_COUNT 512u
#define SAMPLES 256u

static void test_demand_of_real_airports(void **state)
{
    const world *w = *state;
    static uint32_t picked[DEMAND_COUNT];
    static skep__sky_vec places[DEMAND_COUNT];
    static double weights[DEMAND_COUNT];
    static double scratch[DEMAND_COUNT];
    static uint32_t table[DEMAND_COUNT];
    const skep__sky_demand demand = {places, weights, DEMAND_COUNT};
    assert_int_equal(skep__airports_pick(w->airports, w->count, picked, DEMAND_COUNT),
                     DEMAND_COUNT);
    for (uint32_t i = 0; i < DEMAND_COUNT; i++) {
        const skep__airport *airport = &w->airports[picked[i]];
        places[i] = at(airport);
        weights[i] = skep__sky_weight(airport->type == SKEP__AIRPORT_LARGE, airport->scheduled);
    }
    double flown_nm = 0.0;
    double traffic = 0.0;
    for (uint32_t i = 0; i < DEMAND_COUNT; i++) {
        const double leaving = skep__sky_destinations(&demand, i, scratch, table);
        assert_true(leaving > 0.0);
        traffic += leaving * SAMPLES;
        for (uint32_t k = 0; k < SAMPLES; k++) {
            /* The middle of each tooth: its edge would give the first airport too much. */
            const uint32_t tooth = UINT32_MAX / SAMPLES;
            const uint32_t to = skep__sky_sample(table, DEMAND_COUNT, k * tooth + tooth / 2u);
            const double nm = skep__sky_distance_nm(places[i], places[to]);
            assert_true(to < DEMAND_COUNT && to != i && nm >= SKEP__SKY_LEG_MIN_NM);
            flown_nm += nm * leaving;
        }
    }
    /* The mean that the model's formula gives over all pairs, worked out in Python. */
    expect_near(flown_nm / traffic, 766.91, 2.0);
    /* An airport with no other within reach sends nobody. */
    const skep__sky_demand alone = {places, weights, 1};
    expect_near(skep__sky_destinations(&alone, 0, scratch, table), 0.0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_file),
        cmocka_unit_test(test_small_files),
        cmocka_unit_test(test_columns_in_any_order),
        cmocka_unit_test(test_long_name_is_cut),
        cmocka_unit_test(test_refused_values),
        cmocka_unit_test(test_pick),
        cmocka_unit_test(test_known_distances),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_places_and_vectors),
        cmocka_unit_test(test_near_and_opposite_places),
        cmocka_unit_test(test_legs),
        cmocka_unit_test(test_courses),
        cmocka_unit_test(test_weights_and_decay),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_demand_of_real_airports),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
