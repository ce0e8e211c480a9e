/* SPDX-License-Identifier: MIT */
/* What it costs to send a world: 10,000 entities with position and velocity, quantum 1/64, 60 ticks
 * a second, in a box that they bounce off. A share of them moves at a time, for about 50 ticks, and
 * turns by up to 0.1 radians a tick, at random: the worst that a game asks for. The
 * limit of bytes is the entropy of order 0: what is left over by the best predictor of each column,
 * coded without any loss and with free tables. */
#include "bench/bench_row.h"
#include "core/base/random.h"
#include "core/replicate/columns.h"
#include "core/replicate/quantum.h"
#include "bench/code_cells.h"
#include "port/port.h"
#include "skep/math.h"

#include <math.h>
#include <stdlib.h>

#define SLOTS 10000u
#define STRIDE 10112u
#define COLUMNS 4u
#define TICKS 34u
#define TICKS_BEFORE 60u
#define BODY_BYTES 262144u
#define HISTOGRAM 131072u
#define QUANTUM (-6)

typedef struct wire_row {
    float values[TICKS][COLUMNS][STRIDE]; /* x, y, their velocities */
    int32_t codes[TICKS][COLUMNS * STRIDE];
    int32_t out[COLUMNS * STRIDE];
    uint8_t bodies[TICKS][BODY_BYTES];
    size_t sizes[TICKS];
    uint32_t histogram[HISTOGRAM];
    bool moves[SLOTS];
    skep__quantum quantum;
    skep__wire_column column[COLUMNS];
    skep__columns columns;
} wire_row;

/* ---- the world ------------------------------------------------------------------------------- */

static float wire_random(uint64_t tick, uint32_t entity, uint32_t draw)
{
    return skep__random_f32(skep__random(12345, 1, tick, entity, draw));
}

static void wire_first(wire_row *s, float share)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        float sine, cosine;
        const float speed = 1 + wire_random(0, i, 0) * 9;
        skep_sincos_f32(wire_random(0, i, 1) * 6.2831853f, &sine, &cosine);
        s->values[0][0][i] = wire_random(0, i, 2) * 1000;
        s->values[0][1][i] = wire_random(0, i, 3) * 1000;
        s->values[0][2][i] = speed * cosine;
        s->values[0][3][i] = speed * sine;
        s->moves[i] = wire_random(0, i, 4) < share;
    }
}

static void wire_move(const float from[COLUMNS], float turn, float to[COLUMNS])
{
    float sine, cosine;
    skep_sincos_f32(turn, &sine, &cosine);
    to[2] = from[2] * cosine - from[3] * sine;
    to[3] = from[2] * sine + from[3] * cosine;
    for (uint32_t k = 0; k < 2; k++) {
        to[k] = from[k] + to[k + 2] * (1 / 60.0f);
        if (to[k] >= 0 && to[k] < 1000) continue;
        to[k] = from[k];
        to[k + 2] = -to[k + 2];
    }
}

static void wire_tick(wire_row *s, uint32_t tick, uint32_t from, uint32_t to, float share)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        float was[COLUMNS];
        float is[COLUMNS];
        if (share < 1 && wire_random(tick, i, 5) < 0.02f)
            s->moves[i] = wire_random(tick, i, 6) < share;
        for (uint32_t k = 0; k < COLUMNS; k++) is[k] = was[k] = s->values[from][k][i];
        if (s->moves[i]) wire_move(was, (wire_random(tick, i, 7) - 0.5f) * 0.2f, is);
        for (uint32_t k = 0; k < COLUMNS; k++) s->values[to][k][i] = is[k];
    }
}

static void wire_quantise(wire_row *s, uint32_t t)
{
    skep__quantum_span span = {.elements = 1, .stride = SKEP__COLUMNS_BLOCK};
    for (uint32_t k = 0; k < COLUMNS; k++)
        for (uint32_t i = 0; i < SLOTS; i += SKEP__COLUMNS_BLOCK) {
            span.row_count = i + SKEP__COLUMNS_BLOCK < SLOTS ? SKEP__COLUMNS_BLOCK : SLOTS - i;
            skep__quantum_codes(&s->quantum, &span, &s->values[t][k][i],
                                s->codes[t] + code_at(&s->columns, k, i));
        }
}

static bool wire_encode(wire_row *s, uint32_t t)
{
    skep__wire_writer w = {.bytes = s->bodies[t], .bytes_max = BODY_BYTES};
    code_encode(&s->columns, s->codes[t - 1], s->codes[t - 2], s->codes[t], &w);
    s->sizes[t] = w.need;
    return w.need <= BODY_BYTES;
}

static void wire_row_close(void *state)
{
    free(state);
}

/* row->n: how many in 1,000 move. */
static void *wire_row_open(const bench_row *row)
{
    wire_row *s = calloc(1, sizeof *s);
    const float share = (float)row->n / 1000.0f;
    if (!s) return NULL;
    bool made = skep__quantum_make(SKEP_TYPE_f32, QUANTUM, &s->quantum);
    for (uint32_t k = 0; k < COLUMNS; k++)
        s->column[k] =
            (skep__wire_column){.bits = 32,
                                .is_signed = true,
                                .velocity = k < 2 ? (uint16_t)(k + 2u) : SKEP__COLUMNS_NONE,
                                .rate_q32 = k < 2 ? skep__columns_rate(QUANTUM, QUANTUM, 60) : 0};
    s->columns = (skep__columns){s->column, COLUMNS, SLOTS, 1};
    wire_first(s, share);
    for (uint32_t t = 1; t <= TICKS_BEFORE; t++) wire_tick(s, t, (t - 1) % 2, t % 2, share);
    for (uint32_t t = 0; t < TICKS; t++) {
        if (t) wire_tick(s, TICKS_BEFORE + t, t - 1, t, share);
        wire_quantise(s, t);
        if (t >= 2) made = made && wire_encode(s, t);
    }
    if (made) return s;
    wire_row_close(s);
    return NULL;
}

/* ---- sides ----------------------------------------------------------------------------------- */

static bool wire_encode_ours(void *state, bench_lap *lap)
{
    wire_row *s = state;
    bool done = true;
    const uint64_t start = skep__port_clock_ns();
    for (uint32_t t = 2; t < TICKS; t++) {
        wire_quantise(s, t);
        done &= wire_encode(s, t);
    }
    lap->time_ns = skep__port_clock_ns() - start;
    lap->ops = (double)SLOTS * (TICKS - 2u);
    return done;
}

static bool wire_decode_ours(void *state, bench_lap *lap)
{
    wire_row *s = state;
    uint64_t time_ns = 0;
    bool done = true;
    for (uint32_t t = 2; t < TICKS; t++) {
        skep__wire_reader r = {.bytes = s->bodies[t], .end = s->sizes[t]};
        const uint64_t start = skep__port_clock_ns();
        done &= code_decode(&s->columns, s->codes[t - 1], s->codes[t - 2], &r, s->out);
        time_ns += skep__port_clock_ns() - start;
        done &= memcmp(s->out, s->codes[t], sizeof s->out) == 0;
    }
    lap->time_ns = time_ns;
    lap->ops = (double)SLOTS * (TICKS - 2u);
    return done;
}

/* Bytes take the place of time. */
static bool wire_bytes_ours(void *state, bench_lap *lap)
{
    const wire_row *s = state;
    lap->time_ns = 0;
    for (uint32_t t = 2; t < TICKS; t++) lap->time_ns += s->sizes[t];
    lap->ops = (double)SLOTS * (TICKS - 2u);
    return true;
}

static int32_t wire_predicted(const wire_row *s, uint32_t t, uint32_t k, uint32_t i,
                              uint32_t predictor)
{
    const size_t at = code_at(&s->columns, k, i);
    const int32_t base = s->codes[t - 1][at];
    if (predictor == SKEP__COLUMNS_LINE) return 2 * base - s->codes[t - 2][at];
    if (predictor == SKEP__COLUMNS_PLAIN || k >= 2) return base;
    const int32_t speed = s->codes[t][at + (size_t)2 * SKEP__COLUMNS_BLOCK];
    return base + (speed + (speed < 0 ? -30 : 30)) / 60;
}

static double wire_entropy(wire_row *s, uint32_t t, uint32_t k, uint32_t predictor)
{
    double bits = 0;
    memset(s->histogram, 0, sizeof s->histogram);
    for (uint32_t i = 0; i < SLOTS; i++) {
        const int32_t code = s->codes[t][code_at(&s->columns, k, i)];
        const int32_t left = code - wire_predicted(s, t, k, i, predictor);
        s->histogram[(uint32_t)left % HISTOGRAM]++;
    }
    for (uint32_t i = 0; i < HISTOGRAM; i++)
        if (s->histogram[i]) bits -= s->histogram[i] * log2(s->histogram[i] / (double)SLOTS);
    return bits;
}

static bool wire_bytes_limit(void *state, bench_lap *lap)
{
    wire_row *s = state;
    double bits = 0;
    const uint32_t step = 8;
    for (uint32_t t = 2; t < TICKS; t += step)
        for (uint32_t k = 0; k < COLUMNS; k++) {
            double best = wire_entropy(s, t, k, SKEP__COLUMNS_PLAIN);
            for (uint32_t p = 1; p < SKEP__COLUMNS_PREDICTOR_END; p++) {
                const double other = wire_entropy(s, t, k, p);
                best = other < best ? other : best;
            }
            bits += best;
        }
    lap->time_ns = (uint64_t)(bits / 8);
    lap->ops = (double)SLOTS * (TICKS - 2u) / step;
    return true;
}

#define WIRE_TIME(id, what, mine)                                                                  \
    {                                                                                              \
        .name = id, .about = what, .unit = "ns", .unit_ns = 1, .bar = BENCH_BAR_VALUE,             \
        .bar_at = 10, .n = 1000, .open = wire_row_open, .close = wire_row_close, .ours = mine      \
    }
#define WIRE_BYTES(id, what, kind, at, moving)                                                     \
    {                                                                                              \
        .name = id, .about = what, .unit = "B", .unit_ns = 1, .bar = kind, .bar_at = at,           \
        .n = moving, .open = wire_row_open, .close = wire_row_close, .ours = wire_bytes_ours,      \
        .limit = wire_bytes_limit                                                                  \
    }

const bench_row skep__bench_replicate_rows[] = {
    WIRE_TIME("wire_encode_10k", "quantise and encode an entity of 4 columns, all moving",
              wire_encode_ours),
    WIRE_TIME("wire_decode_10k", "decode an entity of 4 columns, all moving", wire_decode_ours),
    WIRE_BYTES("wire_bytes_all", "bytes an entity, all moving; entropy of order 0", BENCH_BAR_RATIO,
               1.4, 1000),
    WIRE_BYTES("wire_bytes_10pct", "bytes an entity, 10% moving; entropy of order 0",
               BENCH_BAR_VALUE, 0.5, 100),
    WIRE_BYTES("wire_bytes_1pct", "bytes an entity, 1% moving; entropy of order 0", BENCH_BAR_VALUE,
               0.1, 10),
    {.name = NULL},
};
