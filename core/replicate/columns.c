/* SPDX-License-Identifier: MIT */
/* Writing the body of COLUMNS (columns.h has the bits). A block is looked at twice: a scan
 * finds which slots have residuals and how wide they are, in vectors and without keeping one; then
 * they are computed again, column by column, and packed. Keeping them all would take 512 bytes a
 * column. Blocks of which at least half moves choose their predictor by their first 32 slots:
 * scanning all 128 for each took a fifth more instructions, and saved a byte in a thousand. The
 * others have little to pack, and much to lose by a bad guess. */
#include "core/base/bits.h"
#include "core/replicate/columns_predict.h"

#define COLUMNS_WIDTH_BITS 5u
/* Slots by which a block's predictor is chosen. */
#define COLUMNS_SAMPLE 32u

static const int32_t columns_zeros[SKEP__COLUMNS_BLOCK];

const int32_t *skep__columns_at(skep__code_blocks blocks, uint32_t k, uint32_t b)
{
    return blocks ? blocks[b] + (size_t)k * SKEP__COLUMNS_BLOCK : columns_zeros;
}

uint64_t skep__columns_rate(int32_t position_log2, int32_t velocity_log2, uint32_t tick_hz)
{
    const int32_t shift = 32 + velocity_log2 - position_log2;
    if (shift < 0 || shift > 62) return 0;
    return (((uint64_t)1 << shift) + tick_hz / 2u) / tick_hz;
}

skep__columns_step skep__columns_step_make(uint64_t rate_q32, uint32_t ticks)
{
    skep__columns_step step = {0, 0};
    if (rate_q32 == 0 || rate_q32 >> 46 || ticks == 0 || ticks >> 18) return step;
    const uint64_t x = rate_q32 * ticks;
    const uint32_t top = skep__bit_highest(x);
    const uint32_t drop = top > 12u ? top - 12u : 0u;
    if (drop > 32u) return step; /* worth more than a million codes */
    step.factor = (uint32_t)((x + ((uint64_t)1 << drop >> 1)) >> drop);
    step.shift = 32u - drop;
    while (step.shift > 30u) {
        step.factor >>= 1;
        step.shift--;
    }
    return step;
}

bool skep__columns_valid(const skep__columns *c)
{
    if (c->column_count > SKEP__COLUMNS_MAX) return false;
    for (uint32_t k = 0; k < c->column_count; k++) {
        const skep__wire_column *column = &c->columns[k];
        if (column->bits < 1 || column->bits > 32) return false;
        if (column->velocity == SKEP__COLUMNS_NONE) continue;
        if (column->velocity >= c->column_count ||
            c->columns[column->velocity].velocity != SKEP__COLUMNS_NONE)
            return false;
    }
    return true;
}

/* ---- looking --------------------------------------------------------------------------------- */

/* What is written with. */
typedef struct columns_encoder {
    const skep__columns *c;
    skep__code_blocks base;
    skep__code_blocks older;
    skep__code_blocks codes;
    skep__wire_writer *w;
    bool by_velocity; /* some column has one */
    skep__columns_step steps[SKEP__COLUMNS_MAX];
} columns_encoder;

/* What is known of a block. */
typedef struct columns_probe {
    skep__columns_predictor predictor;
    skep__columns_mode mode;
    uint32_t count; /* of slots with residuals */
    uint32_t bits;  /* of the block, mode's byte not counted */
    uint8_t widths[SKEP__COLUMNS_MAX];
    uint32_t any[SKEP__COLUMNS_BLOCK]; /* residuals of all columns or-ed: 0 is no change */
} columns_probe;

SKEP_INLINE skep__columns_cell columns_cell_of(const columns_encoder *e, uint32_t k, uint32_t b)
{
    const uint32_t velocity = e->c->columns[k].velocity;
    return (skep__columns_cell){
        .base = skep__columns_at(e->base, k, b),
        .older = skep__columns_at(e->older, k, b),
        .speed = velocity == SKEP__COLUMNS_NONE ? NULL : skep__columns_at(e->codes, velocity, b),
        .factor = e->steps[k].factor,
        .shift = e->steps[k].shift};
}

/* What is left of a code, as zigzag; `unused` bits of 32 are not the column's. */
SKEP_INLINE uint32_t columns_left(int32_t code, uint32_t predicted, uint32_t unused)
{
    return skep__columns_zigzag((int32_t)(((uint32_t)code - predicted) << unused) >> unused);
}

static void columns_residuals(const columns_encoder *e, skep__columns_predictor predictor,
                              uint32_t k, uint32_t b, uint32_t *restrict z)
{
    const skep__columns_cell cell = columns_cell_of(e, k, b);
    const int32_t *codes = skep__columns_at(e->codes, k, b);
    const uint32_t unused = 32u - e->c->columns[k].bits;
    skep__columns_predict(&cell, predictor, z);
    for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) z[i] = columns_left(codes[i], z[i], unused);
}

/* Ors the residuals of the first `n` slots into `any` and returns how many bits the largest needs.
 * The loops are those of skep__columns_predict, with nothing kept. */
SKEP_INLINE uint32_t columns_width(const skep__columns_cell *cell,
                                   skep__columns_predictor predictor, const int32_t *restrict codes,
                                   uint32_t bits, uint32_t n, uint32_t *restrict any)
{
    const uint32_t unused = 32u - bits;
    const int32_t *restrict base = cell->base;
    uint32_t all = 0;
    if (predictor == SKEP__COLUMNS_LINE) {
        const int32_t *restrict older = cell->older;
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t to = 2u * (uint32_t)base[i] - (uint32_t)older[i];
            const uint32_t z = columns_left(codes[i], to, unused);
            any[i] |= z;
            all |= z;
        }
    } else if (predictor == SKEP__COLUMNS_VELOCITY && cell->speed) {
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t to = (uint32_t)base[i] + skep__columns_way(cell, i);
            const uint32_t z = columns_left(codes[i], to, unused);
            any[i] |= z;
            all |= z;
        }
    } else {
        for (uint32_t i = 0; i < n; i++) {
            const uint32_t z = columns_left(codes[i], (uint32_t)base[i], unused);
            any[i] |= z;
            all |= z;
        }
    }
    return all ? skep__bit_highest(all) + 1u : 0u;
}

SKEP_INLINE uint32_t columns_count(const uint32_t *any, uint32_t n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i++) count += any[i] != 0;
    return count;
}

static uint32_t columns_block_slots(const skep__columns *c, uint32_t b)
{
    return skep__min_u32(c->slot_count - b * SKEP__COLUMNS_BLOCK, SKEP__COLUMNS_BLOCK);
}

/* Chooses the mode that takes the fewest bits. */
static void columns_choose(columns_probe *p, uint32_t slot_count, uint32_t width_sum,
                           uint32_t head_bits)
{
    p->mode = SKEP__COLUMNS_NO_CHANGE;
    p->bits = 0;
    if (p->count == 0) return;
    const uint32_t all = slot_count * width_sum;
    const uint32_t listed = 7u * p->count + p->count * width_sum;
    const uint32_t masked = SKEP__COLUMNS_BLOCK + p->count * width_sum;
    p->mode = SKEP__COLUMNS_ALL;
    p->bits = all;
    if (masked < p->bits) {
        p->mode = SKEP__COLUMNS_MASK;
        p->bits = masked;
    }
    if (p->count <= SKEP__COLUMNS_LIST_MAX && listed < p->bits) {
        p->mode = SKEP__COLUMNS_LIST;
        p->bits = listed;
    }
    p->bits += head_bits;
}

/* Looks at the first `n` slots of a block: fills any, widths and count, and returns the widths'
 * sum.
 */
SKEP_INLINE uint32_t columns_scan(const columns_encoder *e, skep__columns_predictor predictor,
                                  uint32_t b, uint32_t n, columns_probe *p)
{
    const skep__columns *c = e->c;
    uint32_t width_sum = 0;
    memset(p->any, 0, n * sizeof *p->any);
    for (uint32_t k = 0; k < c->column_count; k++) {
        const skep__columns_cell cell = columns_cell_of(e, k, b);
        const int32_t *codes = skep__columns_at(e->codes, k, b);
        p->widths[k] =
            (uint8_t)columns_width(&cell, predictor, codes, c->columns[k].bits, n, p->any);
        width_sum += p->widths[k];
    }
    p->count = columns_count(p->any, n);
    return width_sum;
}

static bool columns_has(const columns_encoder *e, skep__columns_predictor predictor)
{
    if (predictor == SKEP__COLUMNS_VELOCITY) return e->by_velocity;
    return predictor == SKEP__COLUMNS_LINE ? e->older != NULL : true;
}

/* The predictor that would cost least if the whole block were like its first slots, of equals the
 * first; SKEP__COLUMNS_PREDICTOR_END when too few of them change to say. */
static skep__columns_predictor columns_sample(const columns_encoder *e, uint32_t b,
                                              columns_probe *p)
{
    skep__columns_predictor best = SKEP__COLUMNS_PREDICTOR_END;
    uint32_t best_bits = UINT32_MAX;
    for (uint32_t i = SKEP__COLUMNS_PLAIN; i < SKEP__COLUMNS_PREDICTOR_END; i++) {
        if (!columns_has(e, (skep__columns_predictor)i)) continue;
        const uint32_t width_sum =
            columns_scan(e, (skep__columns_predictor)i, b, COLUMNS_SAMPLE, p);
        if (i == SKEP__COLUMNS_PLAIN && p->count < COLUMNS_SAMPLE / 2u)
            return SKEP__COLUMNS_PREDICTOR_END;
        const uint32_t all = COLUMNS_SAMPLE * width_sum;
        const uint32_t masked = COLUMNS_SAMPLE + p->count * width_sum;
        const uint32_t bits = skep__min_u32(all, masked);
        if (bits >= best_bits) continue;
        best_bits = bits;
        best = (skep__columns_predictor)i;
    }
    return best;
}

static void columns_look(const columns_encoder *e, skep__columns_predictor predictor, uint32_t b,
                         columns_probe *p)
{
    const skep__columns *c = e->c;
    const uint32_t width_sum = columns_scan(e, predictor, b, SKEP__COLUMNS_BLOCK, p);
    uint32_t head_bits = c->column_count;
    for (uint32_t k = 0; k < c->column_count; k++)
        head_bits += p->widths[k] ? COLUMNS_WIDTH_BITS : 0u;
    p->predictor = predictor;
    columns_choose(p, columns_block_slots(c, b), width_sum, head_bits);
}

/* Fills one of `probes`, that of the predictor which costs least, and returns it. */
static const columns_probe *columns_best(const columns_encoder *e, uint32_t b,
                                         columns_probe probes[2])
{
    columns_probe *best = &probes[0];
    columns_probe *other = &probes[1];
    const skep__columns_predictor sampled = columns_sample(e, b, best);
    if (sampled != SKEP__COLUMNS_PREDICTOR_END) {
        columns_look(e, sampled, b, best);
        return best;
    }
    columns_look(e, SKEP__COLUMNS_PLAIN, b, best);
    for (uint32_t i = SKEP__COLUMNS_VELOCITY; i < SKEP__COLUMNS_PREDICTOR_END; i++) {
        if (best->count == 0) break;
        if (!columns_has(e, (skep__columns_predictor)i)) continue;
        columns_look(e, (skep__columns_predictor)i, b, other);
        if (other->bits >= best->bits) continue;
        columns_probe *worse = best;
        best = other;
        other = worse;
    }
    return best;
}

/* ---- packing --------------------------------------------------------------------------------- */

/* Bits that are no whole word yet. */
typedef struct columns_bits {
    uint8_t *at;
    uint64_t held;
    uint32_t held_count; /* below 32 between calls */
} columns_bits;

/* Little-endian whatever the machine; gcc makes vectors of single bytes, which takes far longer. */
SKEP_INLINE void columns_store(uint8_t *at, uint32_t x)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(at, &x, sizeof x);
#else
    for (uint32_t i = 0; i < 4; i++) at[i] = (uint8_t)(x >> (8 * i));
#endif
}

/* `n` is at most 32, and `x` has no bits above. */
SKEP_INLINE void columns_put(columns_bits *s, uint32_t x, uint32_t n)
{
    s->held |= (uint64_t)x << s->held_count;
    s->held_count += n;
    if (s->held_count < 32) return;
    columns_store(s->at, (uint32_t)s->held);
    s->at += 4;
    s->held >>= 32;
    s->held_count -= 32;
}

static void columns_put_end(columns_bits *s)
{
    for (uint32_t i = 0; i < s->held_count; i += 8) *s->at++ = (uint8_t)(s->held >> i);
    s->held = 0;
    s->held_count = 0;
}

/* Puts the residuals at `indexes`. Narrow ones go in fours or twos, so that the chain through
 * `held` is short. */
static SKEP_NOINLINE void columns_pack(columns_bits *to, const uint32_t *z, const uint8_t *indexes,
                                       uint32_t n, uint32_t width)
{
    columns_bits s = *to; /* in registers: `at` could point anywhere */
    const uint8_t *i = indexes;
    const uint8_t *const end = indexes + n;
    if (width <= 8) {
        for (; end - i >= 4; i += 4) {
            const uint32_t low = z[i[0]] | z[i[1]] << width;
            const uint32_t high = z[i[2]] | z[i[3]] << width;
            columns_put(&s, low | high << 2 * width, 4 * width);
        }
    } else if (width <= 16) {
        for (; end - i >= 2; i += 2) columns_put(&s, z[i[0]] | z[i[1]] << width, 2 * width);
    }
    for (; i < end; i++) columns_put(&s, z[*i], width);
    *to = s;
}

/* The slots whose residuals are sent, and how many they are. */
static uint32_t columns_indexes(const columns_probe *p, uint32_t slot_count, uint8_t *indexes)
{
    if (p->mode == SKEP__COLUMNS_ALL) {
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) indexes[i] = (uint8_t)i;
        return slot_count;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
        indexes[count] = (uint8_t)i;
        count += p->any[i] != 0;
    }
    return count;
}

static void columns_put_which(columns_bits *s, const columns_probe *p, const uint8_t *indexes)
{
    if (p->mode == SKEP__COLUMNS_LIST)
        for (uint32_t i = 0; i < p->count; i++) columns_put(s, indexes[i], 7);
    if (p->mode != SKEP__COLUMNS_MASK) return;
    uint32_t mask[SKEP__COLUMNS_BLOCK / 32u] = {0};
    for (uint32_t i = 0; i < p->count; i++) mask[indexes[i] / 32u] |= 1u << indexes[i] % 32u;
    for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK / 32u; i++) columns_put(s, mask[i], 32);
}

static void columns_put_block(const columns_encoder *e, const columns_probe *p, uint32_t b)
{
    const uint32_t extra = p->mode == SKEP__COLUMNS_LIST ? p->count - 1u : 0u;
    skep__wire_put_u8(e->w, p->mode | (uint32_t)p->predictor << 2 | extra << 4);
    const uint32_t bytes = (p->bits + 7u) / 8u;
    columns_bits s = {.at = skep__wire_reserve(e->w, bytes)};
    if (!s.at) return;
    const uint8_t *const end = s.at + bytes;
    uint8_t indexes[SKEP__COLUMNS_BLOCK];
    const uint32_t count = columns_indexes(p, columns_block_slots(e->c, b), indexes);
    columns_put_which(&s, p, indexes);
    for (uint32_t k = 0; k < e->c->column_count; k++) {
        const uint32_t width = p->widths[k];
        columns_put(&s, width ? 1u | (width - 1u) << 1 : 0u, width ? COLUMNS_WIDTH_BITS + 1u : 1u);
    }
    for (uint32_t k = 0; k < e->c->column_count; k++) {
        if (p->widths[k]) {
            uint32_t z[SKEP__COLUMNS_BLOCK];
            columns_residuals(e, p->predictor, k, b, z);
            columns_pack(&s, z, indexes, count, p->widths[k]);
        }
    }
    columns_put_end(&s);
    SKEP_ASSERT(s.at == end);
    (void)end;
}

static void columns_put_run(const columns_encoder *e, skep__columns_predictor predictor,
                            uint32_t *run)
{
    if (*run)
        skep__wire_put_u8(e->w,
                          SKEP__COLUMNS_NO_CHANGE | (uint32_t)predictor << 2 | (*run - 1u) << 4);
    *run = 0;
}

void skep__columns_encode(const skep__columns *c, skep__code_blocks base, skep__code_blocks older,
                          skep__code_blocks codes, skep__wire_writer *w)
{
    SKEP_ASSERT(skep__columns_valid(c) && codes);
    columns_encoder e = {.c = c, .base = base, .older = older, .codes = codes, .w = w};
    columns_probe probes[2];
    skep__columns_predictor idle = SKEP__COLUMNS_PLAIN;
    uint32_t run = 0;
    for (uint32_t k = 0; k < c->column_count; k++) {
        e.steps[k] = skep__columns_step_make(c->columns[k].rate_q32, c->ticks);
        e.by_velocity = e.by_velocity || c->columns[k].velocity != SKEP__COLUMNS_NONE;
    }
    skep__wire_put_varint(w, c->slot_count);
    for (uint32_t b = 0; b * SKEP__COLUMNS_BLOCK < c->slot_count; b++) {
        const columns_probe *p = columns_best(&e, b, probes);
        const bool none = p->mode == SKEP__COLUMNS_NO_CHANGE;
        if (!none || p->predictor != idle || run == SKEP__COLUMNS_RUN_MAX)
            columns_put_run(&e, idle, &run);
        idle = none ? p->predictor : idle;
        if (none)
            run++;
        else
            columns_put_block(&e, p, b);
    }
    columns_put_run(&e, idle, &run);
}
