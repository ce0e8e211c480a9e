/* SPDX-License-Identifier: MIT */
/* Air traffic between real airports.
 *
 * Airports and flights are entities. Demand follows a gravity model over the airports' size and
 * distance (sky_math.h): from where it is, the next flight goes to airport j with a probability
 * that j's size and nearness set. Each landing makes the destination owe a departure, so flights in
 * the air and aircraft waiting for their runway are always as many as at the start.
 *
 *     fly      every flight moves along its great circle, climbs, cruises, descends
 *     land     at its end a flight tells its airport and is gone
 *     Near     the grid over all positions
 *     watch    who has lost separation gets an Alert, who has it back loses it
 *     depart   airports spawn flights
 *     tally    counts flights by phase, block by block        add_up   adds events up
 *     pilot    who joined steers an aircraft of his own       glide    which flies where it is put
 *
 * Players' aircraft are in the grid like flights, but have no leg: they go where they are steered,
 * and a client predicts that by the same two systems. Until its player takes off an aircraft
 * stands at an airport.
 *
 * Positions are points in space on the unit sphere, and the grid has three axes: so poles and date
 * line are places like any other. Separation is looked at above a floor, since below it airports
 * keep aircraft apart by other rules than 5 nautical miles. */
#include "scenes/airports.h"
#include "scenes/sky_math.h"
#include "skep/grid.h"
#include "skep/math.h"
#include "skep/scene.h"

#define AIRPORTS_MAX 512 /* a table of destinations is one array field, of at most 2 KiB */
#define HALF_OF_THEM 256

#define CLIMB_FT_PER_NM 400.0f   /* 2,000 feet a minute at 300 knots */
#define DESCENT_FT_PER_NM 318.0f /* three degrees */
#define LEVEL_MAX_FT 41000.0f    /* the highest with 1,000 feet between levels */
#define GROUND_KT 160.0f         /* at the runway's end */
#define RUNWAY_S 30.0f           /* between two departures of an airport */

/* Players' aircraft: seconds are the player's, so that they answer alike whatever the time scale.
 */
#define PILOT_KT_MIN 180.0f
#define PILOT_KT_MAX 1000.0f
#define PILOT_KT_S 160.0f  /* gained or lost in a second */
#define PILOT_FT_S 2000.0f /* climbed or sunk in a second */
#define PILOT_TURN_S 0.9f  /* radians in a second */
#define PILOT_FT_MAX 45000.0f

#define SEPARATION_NM 5.0
#define SEPARATION_FT 1000.0f
#define CELL_NM 20.0 /* a walk over 5 NM around a flight touches one or two cells an axis */

/* Beyond this, longer legs are not more likely among the first flights; see draw_flight. */
#define LENGTH_BIAS_NM 4000.0

/* A flight: its great circle (a point, a direction, a length), its heights and speed, its airports,
 * the way that it has flown, and where that is: a unit vector, and feet above the sea. */
SKEP_COMPONENT(Leg, (f32, fx), (f32, fy), (f32, fz), (f32, tx), (f32, ty), (f32, tz), (f32, nm));
SKEP_COMPONENT(Cruise, (f32, level_ft), (f32, speed_kt), (f32, from_ft), (f32, to_ft));
SKEP_COMPONENT(Route, (u16, from), (u16, to));
SKEP_COMPONENT(Progress, (f64, nm));
SKEP_COMPONENT(Pos, (f32, x), (f32, y), (f32, z), (f32, alt_ft));
SKEP_COMPONENT(Alert, (entity, other), (f32, nm), (f32, ft)); /* as it was when it was raised */
SKEP_PREFAB(Flight);
SKEP_GRID(Near, 3, (Pos, x), (Pos, y), (Pos, z), (Pos, alt_ft));

/* An airport: its number, its table for skep__sky_sample, and what waits for its runway. */
SKEP_COMPONENT(Airport, (u16, index));
SKEP_COMPONENT(Demand, (u32, to, AIRPORTS_MAX));
SKEP_COMPONENT(Runway, (u32, waiting), (f32, busy_s));

/* An airport for people: where it is, and its names, UTF-8 and filled up with zeros. */
#define IATA_BYTES 4
#define ICAO_BYTES 8
#define COUNTRY_BYTES 4
#define NAME_BYTES 48
SKEP_COMPONENT(Site, (f32, x), (f32, y), (f32, z), (f32, ft), (bytes, iata, IATA_BYTES),
               (bytes, icao, ICAO_BYTES), (bytes, country, COUNTRY_BYTES),
               (bytes, name, NAME_BYTES));

/* What a player does: a turn to the right, a climb and a throttle, -1 to 1 and 0 to 1; and `from`:
 * 0 to go on, an airport's number + 1 to take off there, PARK to stand still and be seen no more.
 */
SKEP_INPUT(Steer, (f32, turn), (f32, climb), (f32, throttle), (u16, from));
#define PARK UINT16_MAX

/* A player's aircraft: what it was told last, and the direction that it flies in, a unit vector. */
SKEP_COMPONENT(Pilot, (f32, turn), (f32, climb), (f32, throttle), (u8, flying), (u32, player));
SKEP_COMPONENT(Glide, (f32, x), (f32, y), (f32, z), (f32, kt), (f32, time_scale));

SKEP_EVENT(Departed, (u16, origin), (u16, goal));
SKEP_EVENT(Landed, (u16, origin)); /* to the airport */
SKEP_EVENT(Warned, (entity, flight), (entity, other));

/* All airports by number: places as unit vectors, heights, handles (in halves, each an array
 * field). */
SKEP_RESOURCE(Places, (f32, x, AIRPORTS_MAX), (f32, y, AIRPORTS_MAX), (f32, z, AIRPORTS_MAX),
              (f32, ft, AIRPORTS_MAX), (entity, first, HALF_OF_THEM),
              (entity, second, HALF_OF_THEM), (u32, count));
SKEP_RESOURCE(Rules, (f32, time_scale), (f32, floor_ft), (f32, chord));
SKEP_RESOURCE(Traffic, (u32, flights), (u32, climbing), (u32, cruising), (u32, descending),
              (u32, alerted));
SKEP_RESOURCE(Stats, (u64, departures), (u64, landings), (u64, warnings), (f64, hours));

/* ---- the course of one flight ---------------------------------------------------------------- */

/* What is fixed when a flight departs. */
typedef struct flight {
    Leg leg;
    Cruise cruise;
    Route route;
} flight;

static skep__sky_vec place_of(const Places *places, uint32_t airport)
{
    const skep__sky_vec at = {(double)places->x[airport], (double)places->y[airport],
                              (double)places->z[airport]};
    return at;
}

static skep_entity airport_of(const Places *places, uint32_t airport)
{
    const bool first = airport < HALF_OF_THEM;
    return first ? places->first[airport] : places->second[airport - HALF_OF_THEM];
}

/* The level of a leg: higher for longer ones, spread over five levels by chance, odd thousands
 * eastward and even ones westward, and low enough that climb and descent leave something to cruise.
 */
static float level_of(float nm, bool eastward, float chance)
{
    const float meet = nm / (1.0f / CLIMB_FT_PER_NM + 1.0f / DESCENT_FT_PER_NM);
    const float spread = skep_floor_f32(chance * 5.0f) * 2000.0f;
    const float wish = skep_min_f32(16000.0f + nm * 40.0f, LEVEL_MAX_FT) - spread;
    const float most = skep_min_f32(wish, meet * 0.8f);
    const float even = skep_floor_f32(most / 2000.0f) * 2000.0f;
    return skep_max_f32(eastward ? even + 1000.0f : even, 4000.0f);
}

static flight plan_flight(const Places *places, uint32_t from, uint32_t to, float chance)
{
    const skep__sky_leg leg = skep__sky_leg_between(place_of(places, from), place_of(places, to));
    const skep__sky_vec_f32 f = skep__sky_to_f32(leg.from);
    const skep__sky_vec_f32 t = skep__sky_to_f32(leg.toward);
    const float nm = (float)(leg.angle * SKEP__SKY_EARTH_NM);
    const bool eastward = t.y * f.x - t.x * f.y >= 0.0f;
    const float level = level_of(nm, eastward, chance);
    const flight all = {
        {f.x, f.y, f.z, t.x, t.y, t.z, nm},
        {level, 260.0f + 210.0f * level / LEVEL_MAX_FT, places->ft[from], places->ft[to]},
        {(uint16_t)from, (uint16_t)to},
    };
    return all;
}

/* Height after `nm` of a leg: what climb, level and descent allow. */
static float height_at(float nm, float leg_nm, float level_ft, float from_ft, float to_ft)
{
    const float climb = from_ft + nm * CLIMB_FT_PER_NM;
    const float descent = to_ft + (leg_nm - nm) * DESCENT_FT_PER_NM;
    return skep_min_f32(level_ft, skep_min_f32(climb, descent));
}

static Pos pos_at(const flight *all, float nm)
{
    const skep__sky_vec_f32 from = {all->leg.fx, all->leg.fy, all->leg.fz};
    const skep__sky_vec_f32 toward = {all->leg.tx, all->leg.ty, all->leg.tz};
    const skep__sky_vec_f32 at =
        skep__sky_along_f32(from, toward, nm * (float)(1.0 / SKEP__SKY_EARTH_NM));
    const float ft =
        height_at(nm, all->leg.nm, all->cruise.level_ft, all->cruise.from_ft, all->cruise.to_ft);
    const Pos pos = {at.x, at.y, at.z, ft};
    return pos;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

SKEP_JOB(fly, (mut, Pos, pos), (mut, Progress, progress), (in, Leg, leg), (in, Cruise, cruise),
         (res, Rules, rules))
{
    const float hours = task->dt * c->rules->time_scale / 3600.0f;
    const float angle_of_nm = (float)(1.0 / SKEP__SKY_EARTH_NM);
    SKEP_ROWS (i, task) {
        /* Speed rises with height; level_ft is at least 4,000. */
        const float share = skep_clamp_f32(c->pos.alt_ft[i] / c->cruise.level_ft[i], 0.0f, 1.0f);
        const float kt = GROUND_KT + (c->cruise.speed_kt[i] - GROUND_KT) * share;
        const double flown = c->progress.nm[i] + (double)(kt * hours);
        const float nm = (float)flown;
        float s = 0.0f;
        float k = 0.0f;
        skep_sincos_f32(nm * angle_of_nm, &s, &k);
        c->progress.nm[i] = flown;
        c->pos.x[i] = c->leg.fx[i] * k + c->leg.tx[i] * s;
        c->pos.y[i] = c->leg.fy[i] * k + c->leg.ty[i] * s;
        c->pos.z[i] = c->leg.fz[i] * k + c->leg.tz[i] * s;
        c->pos.alt_ft[i] = height_at(nm, c->leg.nm[i], c->cruise.level_ft[i], c->cruise.from_ft[i],
                                     c->cruise.to_ft[i]);
    }
}

SKEP_JOB(land, (in, Progress, progress), (in, Leg, leg), (in, Route, route), (res, Places, places),
         (emit, Landed, landed), (destroy, Entity, end))
{
    for (uint32_t i = 0; i < task->n; i++) {
        if (c->progress.nm[i] < (double)c->leg.nm[i]) continue;
        const skep_entity airport = airport_of(c->places, c->route.to[i]);
        Landed_send(task, c->landed, airport, SKEP_LIT(Landed, c->route.from[i]));
        skep_destroy(task, c->end, task->entity[i]);
    }
}

/* Another flight that is too near: the nearest, of two equally near the one of the lower handle. */
typedef struct conflict {
    skep_entity other; /* null: nobody */
    float d2;          /* square of the chord, on the unit sphere */
    float ft;
} conflict;

/* A flight that looks around. */
typedef struct viewpoint {
    skep_entity own;
    float x, y, z, alt_ft;
} viewpoint;

static void look_at(conflict *worst, const viewpoint *v, const skep_near *near, const Rules *rules)
{
    const float *const alt_ft = SKEP_NEAR(*near, 0, float);
    for (uint32_t k = 0; k < near->n; k++) {
        const float dx = near->x[k] - v->x;
        const float dy = near->y[k] - v->y;
        const float dz = near->z[k] - v->z;
        const float d2 = dx * dx + dy * dy + dz * dz;
        const float ft = skep_abs_f32(alt_ft[k] - v->alt_ft);
        if (d2 > worst->d2 || ft >= SEPARATION_FT || alt_ft[k] < rules->floor_ft) continue;
        const uint64_t other = near->entity[k].bits;
        if (other == v->own.bits || (d2 == worst->d2 && other >= worst->other.bits)) continue;
        worst->other = near->entity[k];
        worst->d2 = d2;
        worst->ft = ft;
    }
}

static conflict look_around(const skep_grid *near_grid, const viewpoint *v, const Rules *rules)
{
    conflict worst = {skep_entity_null(), rules->chord * rules->chord, 0.0f};
    if (v->alt_ft < rules->floor_ft) return worst;
    skep_near near;
    skep_near_iter it = skep_grid_near3(near_grid, v->x, v->y, v->z, rules->chord);
    while (skep_grid_next_raw(near_grid, &it, &near)) look_at(&worst, v, &near, rules);
    return worst;
}

SKEP_JOB(watch, (in, Pos, pos), (opt, Alert, alert), (res, Near, near), (res, Rules, rules),
         (add, Alert, raise), (remove, Alert, clear), (emit, Warned, warned))
{
    for (uint32_t i = 0; i < task->n; i++) {
        const skep_entity own = task->entity[i];
        const viewpoint v = {own, c->pos.x[i], c->pos.y[i], c->pos.z[i], c->pos.alt_ft[i]};
        const conflict worst = look_around(c->near, &v, c->rules);
        const skep_entity before = c->alert.other ? c->alert.other[i] : skep_entity_null();
        if (skep_entity_equal(worst.other, before)) continue;
        if (skep_entity_is_null(worst.other)) {
            Alert_drop(task, c->clear, own);
            continue;
        }
        const float nm = skep_sqrt_f32(worst.d2) * (float)SKEP__SKY_EARTH_NM;
        Alert_put(task, c->raise, own, SKEP_LIT(Alert, worst.other, nm, worst.ft));
        if (skep_entity_is_null(before))
            Warned_send(task, c->warned, skep_entity_null(), SKEP_LIT(Warned, own, worst.other));
    }
}

static void spawn_flight(const skep_task *task, Flight_spawn right, const flight *all)
{
    const skep_entity e = Flight_new(task, right);
    Leg_init(task, e, all->leg);
    Cruise_init(task, e, all->cruise);
    Route_init(task, e, all->route);
    Pos_init(task, e, pos_at(all, 0.0f));
}

/* At most one departure a frame and airport; the rest waits. */
SKEP_JOB(depart, (mut, Runway, runway), (in, Airport, airport), (in, Demand, demand),
         (inbox, Landed, landed), (res, Places, places), (res, Rules, rules),
         (spawn, Flight, flight), (emit, Departed, departed))
{
    const float seconds = task->dt * c->rules->time_scale;
    const uint32_t n = c->places->count;
    for (uint32_t i = 0; i < task->n; i++) {
        const skep_entity own = task->entity[i];
        c->runway.waiting[i] += c->landed.begin[i + 1] - c->landed.begin[i];
        c->runway.busy_s[i] = skep_max_f32(c->runway.busy_s[i] - seconds, 0.0f);
        if (c->runway.waiting[i] == 0 || c->runway.busy_s[i] > 0.0f) continue;
        const uint32_t *const table = c->demand.to + (size_t)i * AIRPORTS_MAX;
        const uint32_t to = skep__sky_sample(table, n, skep_rand_u32(task, own, 0, UINT32_MAX));
        const flight all =
            plan_flight(c->places, c->airport.index[i], to, skep_rand_f32(task, own, 1));
        spawn_flight(task, c->flight, &all);
        Departed_send(task, c->departed, skep_entity_null(),
                      SKEP_LIT(Departed, all.route.from, all.route.to));
        c->runway.waiting[i]--;
        c->runway.busy_s[i] = RUNWAY_S;
    }
}

SKEP_JOB(tally, (in, Pos, pos), (in, Progress, progress), (in, Leg, leg), (in, Cruise, cruise),
         (opt, Alert, alert), (sum, Traffic, traffic))
{
    uint32_t cruising = 0;
    uint32_t climbing = 0;
    for (uint32_t i = 0; i < task->n; i++) {
        const bool level = c->pos.alt_ft[i] >= c->cruise.level_ft[i];
        const bool early = c->progress.nm[i] * 2.0 < (double)c->leg.nm[i];
        cruising += level;
        climbing += !level && early;
    }
    c->traffic->flights += task->n;
    c->traffic->climbing += climbing;
    c->traffic->cruising += cruising;
    c->traffic->descending += task->n - climbing - cruising;
    c->traffic->alerted += c->alert.other ? task->n : 0u;
}

SKEP_JOB_WITH(add_up, SKEP_JOB_UNSPLIT, 0, (events, Departed, departed), (events, Landed, landed),
              (events, Warned, warned), (res, Traffic, traffic), (res, Rules, rules),
              (res_mut, Stats, stats))
{
    c->stats->departures += c->departed.count;
    c->stats->landings += c->landed.count;
    c->stats->warnings += c->warned.count;
    c->stats->hours +=
        (double)c->traffic->flights * (double)task->dt * (double)c->rules->time_scale / 3600.0;
}

/* ---- players --------------------------------------------------------------------------------- */

/* A number that is none is 0. */
static float within(float v, float low, float high)
{
    return v == v ? skep_clamp_f32(v, low, high) : 0.0f;
}

/* Runways lead everywhere: each airport's by the golden angle from the one before. */
static Glide runway_of(const Places *places, uint32_t airport, float time_scale)
{
    const skep__sky_vec at = place_of(places, airport);
    const skep__sky_vec side = skep__sky_any_normal(at);
    const skep__sky_vec ahead = skep__sky_cross(at, side);
    const double angle = (double)airport * 2.399963229728653;
    const skep__sky_vec_f32 d =
        skep__sky_to_f32(skep__sky_blend(side, skep_cos_f64(angle), ahead, skep_sin_f64(angle)));
    return SKEP_LIT(Glide, d.x, d.y, d.z, PILOT_KT_MIN, time_scale);
}

SKEP_JOB(pilot, (mut, Pilot, pilot), (mut, Glide, glide), (mut, Pos, pos), (inbox, Steer, steer),
         (res, Places, places), (res, Rules, rules))
{
    for (uint32_t i = 0; i < task->n; i++) {
        for (uint32_t k = c->steer.begin[i]; k < c->steer.begin[i + 1]; k++) {
            const uint32_t from = c->steer.from[k];
            c->pilot.turn[i] = within(c->steer.turn[k], -1.0f, 1.0f);
            c->pilot.climb[i] = within(c->steer.climb[k], -1.0f, 1.0f);
            c->pilot.throttle[i] = within(c->steer.throttle[k], 0.0f, 1.0f);
            if (from == PARK) c->pilot.flying[i] = 0;
            if (from == 0 || from > c->places->count) continue;
            const Glide g = runway_of(c->places, from - 1, c->rules->time_scale);
            c->pilot.flying[i] = 1;
            c->glide.x[i] = g.x;
            c->glide.y[i] = g.y;
            c->glide.z[i] = g.z;
            c->glide.kt[i] = g.kt;
            c->glide.time_scale[i] = g.time_scale;
            c->pos.x[i] = c->places->x[from - 1];
            c->pos.y[i] = c->places->y[from - 1];
            c->pos.z[i] = c->places->z[from - 1];
            c->pos.alt_ft[i] = c->places->ft[from - 1];
        }
    }
}

SKEP_JOB(glide, (mut, Pos, pos), (mut, Glide, glide), (in, Pilot, pilot))
{
    const float dt = task->dt;
    for (uint32_t i = 0; i < task->n; i++) {
        if (!c->pilot.flying[i]) continue;
        const float wish = PILOT_KT_MIN + (PILOT_KT_MAX - PILOT_KT_MIN) * c->pilot.throttle[i];
        const float kt = c->glide.kt[i];
        const float more = skep_clamp_f32(wish - kt, -PILOT_KT_S * dt, PILOT_KT_S * dt);
        const float nm = kt * dt * c->glide.time_scale[i] / 3600.0f;
        const float way = skep_min_f32(nm * (float)(1.0 / SKEP__SKY_EARTH_NM), 1.0f);
        const skep__sky_course_f32 now = {{c->pos.x[i], c->pos.y[i], c->pos.z[i]},
                                          {c->glide.x[i], c->glide.y[i], c->glide.z[i]}};
        const skep__sky_course_f32 next =
            skep__sky_steer_f32(now, c->pilot.turn[i] * PILOT_TURN_S * dt, way);
        const float ft = c->pos.alt_ft[i] + c->pilot.climb[i] * PILOT_FT_S * dt;
        c->pos.x[i] = next.at.x;
        c->pos.y[i] = next.at.y;
        c->pos.z[i] = next.at.z;
        c->pos.alt_ft[i] = skep_clamp_f32(ft, 0.0f, PILOT_FT_MAX);
        c->glide.x[i] = next.ahead.x;
        c->glide.y[i] = next.ahead.y;
        c->glide.z[i] = next.ahead.z;
        c->glide.kt[i] = kt + more;
    }
}

/* A player who joined gets an aircraft that stands at one of the airports. */
static skep_entity join(skep_world *world, uint32_t player, void *ctx)
{
    const Places *const places = Places_read(world);
    skep_entity own = skep_entity_null();
    (void)ctx;
    if (!places || places->count == 0) return own;
    const uint32_t airport = player % places->count;
    const Pos pos = {places->x[airport], places->y[airport], places->z[airport],
                     places->ft[airport]};
    const Pilot pilot_new = {0.0f, 0.0f, 0.0f, 0, player};
    const Glide glide_new = runway_of(places, airport, 1.0f);
    const skep_part parts[] = {skep_part_make(&Pos_info, &pos),
                               skep_part_make(&Pilot_info, &pilot_new),
                               skep_part_make(&Glide_info, &glide_new)};
    if (skep_entity_create_many(world, 1, parts, 3, &own) != SKEP_OK) return skep_entity_null();
    return own;
}

/* ---- building -------------------------------------------------------------------------------- */

/* Reads the airports of the host's file, or of ours, and picks those to fly between. */
static uint32_t read_airports(skep_builder *b, skep__airport **all, uint32_t *picked)
{
    size_t bytes = 0;
    const char *text = skep_data(b, &bytes);
    const char *const name = text ? "data" : "airports.csv";
    skep__csv_error error;
    char line[256];
    uint32_t count = 0;
    if (!text) {
        text = (const char *)skep__airports_csv;
        bytes = skep__airports_csv_bytes;
    }
    const uint32_t max = skep__airports_bound(text, bytes);
    *all = skep_init_memory(b, ((size_t)max + 1) * sizeof **all);
    if (skep__airports_parse(text, bytes, *all, max + 1, &count, &error) != SKEP_OK) {
        (void)skep__csv_error_text(&error, name, line, sizeof line);
        skep_scene_fail(b, "%s", line);
        return 0;
    }
    const uint32_t n = skep__airports_pick(*all, count, picked, AIRPORTS_MAX);
    if (n < 2) skep_scene_fail(b, "%s: fewer than two airports have scheduled service", name);
    return n < 2 ? 0 : n;
}

/* What building hands around. */
typedef struct sky {
    const skep__airport *airports; /* all of the file */
    const uint32_t *picked;        /* those of the scene */
    Places *places;
    skep__sky_vec *at; /* an airport */
    double *weight;
    uint32_t *origins;      /* running sums of the traffic that leaves each airport */
    const uint32_t *tables; /* AIRPORTS_MAX running sums for each: where it goes */
} sky;

/* Where the airports are, and what they weigh. */
static void place_airports(sky *s, const skep__airport *all, const uint32_t *picked, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const skep__airport *const a = &all[picked[i]];
        const skep__sky_place place = {a->lat_rad, a->lon_rad};
        s->at[i] = skep__sky_vec_of(place);
        s->weight[i] = skep__sky_weight(a->type == SKEP__AIRPORT_LARGE, a->scheduled != 0);
        const skep__sky_vec_f32 at = skep__sky_to_f32(s->at[i]);
        s->places->x[i] = at.x;
        s->places->y[i] = at.y;
        s->places->z[i] = at.z;
        s->places->ft[i] = (float)a->elevation_ft;
    }
}

/* Copies a text that is closed with a zero into zeroed room, cut between two characters. */
static void put_text(uint8_t *to, uint32_t room, const char *text)
{
    uint32_t n = 0;
    while (n < room && text[n]) n++;
    while (text[n] && n > 0 && ((uint8_t)text[n] & 0xc0u) == 0x80u) n--;
    for (uint32_t i = 0; i < n; i++) to[i] = (uint8_t)text[i];
}

static void put_site(const Site_mut *site, uint32_t i, const sky *s)
{
    const skep__airport *const a = &s->airports[s->picked[i]];
    site->x[i] = s->places->x[i];
    site->y[i] = s->places->y[i];
    site->z[i] = s->places->z[i];
    site->ft[i] = s->places->ft[i];
    put_text(site->iata + (size_t)i * IATA_BYTES, IATA_BYTES, a->iata);
    put_text(site->icao + (size_t)i * ICAO_BYTES, ICAO_BYTES, a->ident);
    put_text(site->country + (size_t)i * COUNTRY_BYTES, COUNTRY_BYTES, a->country);
    put_text(site->name + (size_t)i * NAME_BYTES, NAME_BYTES, a->name);
}

/* Makes the airports' entities with their tables of destinations. Returns the traffic of all. */
static double create_airports(skep_builder *b, sky *s, uint32_t n)
{
    const skep__sky_demand demand = {s->at, s->weight, n};
    double *const scratch = skep_init_memory(b, n * sizeof *scratch);
    double *const leaving = skep_init_memory(b, n * sizeof *leaving);
    Airport_mut airport;
    Demand_mut tables;
    Site_mut site;
    const skep_entity *const own =
        skep_create_many(b, n, Airport_columns(&airport), Demand_columns(&tables),
                         Site_columns(&site), SKEP_OF(Runway));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *const table = tables.to + (size_t)i * AIRPORTS_MAX;
        airport.index[i] = (uint16_t)i;
        put_site(&site, i, s);
        leaving[i] = skep__sky_destinations(&demand, i, scratch, table);
        if (i < HALF_OF_THEM) {
            s->places->first[i] = own[i];
        } else {
            s->places->second[i - HALF_OF_THEM] = own[i];
        }
    }
    s->places->count = n;
    s->tables = tables.to;
    return skep__sky_cumulate(leaving, n, s->origins);
}

/* Draws a flight that is somewhere on its way. A leg is drawn as often as it is flown, and taken as
 * often as it is long, since who flies longer is met more often in the air; beyond LENGTH_BIAS_NM
 * always. */
static flight draw_flight(skep_builder *b, const sky *s)
{
    const uint32_t n = s->places->count;
    for (;;) {
        const uint32_t from = skep__sky_sample(s->origins, n, skep_init_rand_u32(b, UINT32_MAX));
        const uint32_t *const table = s->tables + (size_t)from * AIRPORTS_MAX;
        const uint32_t to = skep__sky_sample(table, n, skep_init_rand_u32(b, UINT32_MAX));
        const double nm = skep__sky_distance_nm(s->at[from], s->at[to]);
        if (skep_init_rand_f64(b) * LENGTH_BIAS_NM < nm)
            return plan_flight(s->places, from, to, skep_init_rand(b));
    }
}

/* Columns of flights, as skep_spawn_many gives them. */
typedef struct flight_columns {
    Leg_mut leg;
    Cruise_mut cruise;
    Route_mut route;
    Progress_mut progress;
    Pos_mut pos;
} flight_columns;

static void put_flight(const flight_columns *c, uint32_t i, const flight *all, float nm)
{
    const Pos pos = pos_at(all, nm);
    c->leg.fx[i] = all->leg.fx;
    c->leg.fy[i] = all->leg.fy;
    c->leg.fz[i] = all->leg.fz;
    c->leg.tx[i] = all->leg.tx;
    c->leg.ty[i] = all->leg.ty;
    c->leg.tz[i] = all->leg.tz;
    c->leg.nm[i] = all->leg.nm;
    c->cruise.level_ft[i] = all->cruise.level_ft;
    c->cruise.speed_kt[i] = all->cruise.speed_kt;
    c->cruise.from_ft[i] = all->cruise.from_ft;
    c->cruise.to_ft[i] = all->cruise.to_ft;
    c->route.from[i] = all->route.from;
    c->route.to[i] = all->route.to;
    c->progress.nm[i] = (double)nm;
    c->pos.x[i] = pos.x;
    c->pos.y[i] = pos.y;
    c->pos.z[i] = pos.z;
    c->pos.alt_ft[i] = pos.alt_ft;
}

/* Spreads the first flights over their routes. */
static void create_flights(skep_builder *b, const sky *s, uint32_t n)
{
    flight_columns c;
    skep_spawn_many(b, n, Flight, Leg_columns(&c.leg), Cruise_columns(&c.cruise),
                    Route_columns(&c.route), Progress_columns(&c.progress), Pos_columns(&c.pos));
    for (uint32_t i = 0; i < n; i++) {
        const flight all = draw_flight(b, s);
        put_flight(&c, i, &all, all.leg.nm * skep_init_rand(b));
    }
}

static void add_systems(skep_builder *b)
{
    skep_add(b, "update", &fly);
    skep_add(b, "update", &land);
    skep_grid_add(b, "update", &Near, (float)(CELL_NM / SKEP__SKY_EARTH_NM));
    skep_add(b, "update", &watch);
    skep_add(b, "update", &depart);
    skep_add(b, "late", &tally);
    skep_add(b, "late", &add_up);
    skep_add(b, "input", &pilot);
    skep_add(b, "update", &glide);
}

/* A quantum of a place is 24 m on the ground. What only the scene itself needs, and what happens
 * hundreds of times a second, stays here. */
static void publish(skep_builder *b)
{
    static const skep_component *const hidden[] = {
        &Leg_info,    &Progress_info, &Demand_info, &Runway_info,
        &Places_info, &Departed_info, &Landed_info, &Warned_info,
    };
    for (uint32_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) skep_publish_hide(b, hidden[i]);
    skep_publish(b, &Pos_info, "x, y, z", 1.0f / 262144);
    skep_publish(b, &Pos_info, "alt_ft", 4.0f);
    skep_publish(b, &Cruise_info, "level_ft, from_ft, to_ft", 4.0f);
    skep_publish(b, &Cruise_info, "speed_kt", 1.0f);
    skep_publish(b, &Alert_info, "nm", 1.0f / 64);
    skep_publish(b, &Alert_info, "ft", 4.0f);
    skep_publish(b, &Site_info, "x, y, z", 1.0f / 262144);
    skep_publish(b, &Site_info, "ft", 4.0f);
    skep_publish(b, &Glide_info, "x, y, z", 1.0f / 1024);
    skep_publish(b, &Glide_info, "kt", 1.0f);
    skep_publish_place(b, &Pos_info, "x, y, z", 0.5f);
    skep_publish_join(b, join, NULL);
    skep_publish_predict(b, "pilot");
    skep_publish_predict(b, "glide");
}

SKEP_SCENE(skies, "Air traffic between real airports, and who comes too near")
{
    const uint32_t flights = skep_param_u32(b, "entities", 20000, "flights kept in the air");
    const float time_scale = skep_param_f32(b, "time_scale", 60.0f, "sky seconds in a second");
    const float floor_ft = skep_param_f32(b, "floor", 10000.0f, "feet above which to watch");
    const double chord = skep__sky_chord_nm(SEPARATION_NM) / SKEP__SKY_EARTH_NM;
    uint32_t *const picked = skep_init_memory(b, AIRPORTS_MAX * sizeof *picked);
    skep__airport *all = NULL;
    sky s;

    if (time_scale < 0.0f) skep_scene_fail(b, "time_scale: flights do not fly backwards");
    add_systems(b);
    publish(b);
    skep_prefab(b, Flight, SKEP_OF(Leg), SKEP_OF(Cruise), SKEP_OF(Route), SKEP_OF(Progress),
                SKEP_OF(Pos));
    skep_resource(b, SKEP_WITH(Rules, time_scale, floor_ft, (float)chord));
    const uint32_t n = read_airports(b, &all, picked);
    if (n == 0) return;

    s.airports = all;
    s.picked = picked;
    s.places = skep_init_memory(b, sizeof *s.places);
    s.at = skep_init_memory(b, n * sizeof *s.at);
    s.weight = skep_init_memory(b, n * sizeof *s.weight);
    s.origins = skep_init_memory(b, n * sizeof *s.origins);
    place_airports(&s, all, picked, n);
    const double traffic = create_airports(b, &s, n);
    skep_resource(b, skep_part_make(&Places_info, s.places));
    if (traffic > 0.0) {
        create_flights(b, &s, flights);
    } else {
        skep_scene_fail(b, "no two of the airports are far enough apart to fly between");
    }
}
