/* SPDX-License-Identifier: MIT */
/* Reading the body of COLUMNS, which anybody may have written. The widths of a block give the place
 * of every column's residuals at once, so all lengths are checked before one is read, and columns
 * that others are predicted by can go first. Values are read by unaligned words of 64 bits that do
 * not wait for each other; near the end of the bytes a careful load takes their place. */
#include "core/base/bits.h"
#include "core/replicate/columns_predict.h"

/* Bits of the message, from bit 0 of its first byte. */
typedef struct columns_source {
    const uint8_t *bytes;
    size_t end;     /* in bytes */
    size_t bit;     /* the next */
    size_t bit_end; /* 8 * end */
} columns_source;

typedef struct columns_decoder {
    const skep__columns *c;
    skep__code_blocks base;
    skep__code_blocks older;
    skep__wire_reader *r;
    skep__columns_make make;
    void *ctx;
    bool by_velocity;
    skep__columns_step steps[SKEP__COLUMNS_MAX];
} columns_decoder;

/* What stands in front of a block's residuals. */
typedef struct columns_block {
    uint32_t b;
    int32_t *codes; /* to be filled */
    uint32_t slot_count;
    skep__columns_mode mode;
    skep__columns_predictor predictor;
    uint32_t extra;
    uint32_t count;                       /* of slots with residuals */
    uint8_t indexes[SKEP__COLUMNS_BLOCK]; /* theirs, unless all */
    uint8_t widths[SKEP__COLUMNS_MAX];
    size_t bits[SKEP__COLUMNS_MAX]; /* where a column's residuals begin */
} columns_block;

SKEP_INLINE uint64_t columns_load(const uint8_t *p)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
#else
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
           (uint64_t)p[7] << 56;
#endif
}

/* At most 32 bits at any bit, where they are known to be there. */
static uint32_t columns_peek(const columns_source *s, size_t bit, uint32_t n)
{
    const size_t at = bit / 8u;
    uint64_t x = 0;
    if (s->end - at >= 8)
        x = columns_load(s->bytes + at);
    else
        for (size_t i = at; i < s->end; i++) x |= (uint64_t)s->bytes[i] << 8 * (i - at);
    return (uint32_t)((x >> bit % 8u) & (((uint64_t)1 << n) - 1u));
}

static bool columns_take(columns_source *s, uint32_t n, uint32_t *x)
{
    if (n > s->bit_end - s->bit) return false;
    *x = columns_peek(s, s->bit, n);
    s->bit += n;
    return true;
}

static void columns_unpack(const columns_source *s, size_t bit, uint32_t count, uint32_t width,
                           uint32_t *restrict z)
{
    const uint64_t mask = ((uint64_t)1 << width) - 1u;
    const size_t last = (bit + (size_t)(count - 1u) * width) / 8u;
    uint32_t safe = s->end - last >= 8 ? count : 0;
    if (!safe && s->end >= 8 && s->end - 8u > bit / 8u)
        safe = (uint32_t)(((s->end - 8u) * 8u - bit) / width);
    const uint8_t *const bytes = s->bytes + bit / 8u;
    uint32_t from = bit % 8u;
    safe = skep__min_u32(safe, count);
    for (uint32_t i = 0; i < safe; i++) {
        z[i] = (uint32_t)((columns_load(bytes + from / 8u) >> from % 8u) & mask);
        from += width;
    }
    for (uint32_t i = safe; i < count; i++) z[i] = columns_peek(s, bit + (size_t)i * width, width);
}

/* ---- what stands in front -------------------------------------------------------------------- */

static bool columns_refuse(const columns_decoder *d, const char *message)
{
    return skep__wire_fail(d->r, message, d->r->at);
}

static bool columns_get_list(columns_source *s, columns_block *k)
{
    uint32_t low = 0;
    for (k->count = 0; k->count <= k->extra; k->count++) {
        uint32_t index = 0;
        if (!columns_take(s, 7, &index) || index < low || index >= k->slot_count) return false;
        k->indexes[k->count] = (uint8_t)index;
        low = index + 1u;
    }
    return true;
}

static bool columns_get_mask(columns_source *s, columns_block *k)
{
    k->count = 0;
    for (uint32_t w = 0; w < SKEP__COLUMNS_BLOCK; w += 32) {
        uint32_t word = 0;
        if (!columns_take(s, 32, &word)) return false;
        for (; word; word &= word - 1u)
            k->indexes[k->count++] = (uint8_t)(w + skep__bit_lowest(word));
    }
    return k->count > 0 && k->indexes[k->count - 1u] < k->slot_count;
}

static bool columns_get_which(columns_source *s, columns_block *k)
{
    switch (k->mode) {
    case SKEP__COLUMNS_LIST:
        return columns_get_list(s, k);
    case SKEP__COLUMNS_MASK:
        return columns_get_mask(s, k);
    case SKEP__COLUMNS_ALL:
    case SKEP__COLUMNS_NO_CHANGE:
        break;
    }
    k->count = k->slot_count;
    return true;
}

/* Reads the widths, and finds from them where all residuals lie. */
static bool columns_get_widths(const columns_decoder *d, columns_source *s, columns_block *k)
{
    const skep__columns *c = d->c;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < c->column_count; i++) {
        uint32_t wide = 0;
        uint32_t width = 0;
        if (!columns_take(s, 1, &wide) || (wide && !columns_take(s, 5, &width)))
            return columns_refuse(d, "columns: a block ends within its widths");
        k->widths[i] = (uint8_t)(wide ? width + 1u : 0u);
        if (k->widths[i] > c->columns[i].bits)
            return columns_refuse(d, "columns: a width is more than its column has");
        sum += k->widths[i];
    }
    if (sum == 0) return columns_refuse(d, "columns: a block with changes changes nothing");
    if ((size_t)sum * k->count > s->bit_end - s->bit)
        return columns_refuse(d, "columns: a block ends within its residuals");
    for (uint32_t i = 0; i < c->column_count; i++) {
        k->bits[i] = s->bit;
        s->bit += (size_t)k->widths[i] * k->count;
    }
    return true;
}

/* Reads the byte of modes, and checks what it says. */
static bool columns_get_mode(const columns_decoder *d, uint32_t b, columns_block *k)
{
    const skep__columns *c = d->c;
    const uint32_t blocks = (c->slot_count - 1u) / SKEP__COLUMNS_BLOCK + 1u;
    uint32_t byte = 0;
    const size_t start = d->r->at;
    if (!skep__wire_get_u8(d->r, &byte)) return false;
    k->b = b;
    k->slot_count = skep__min_u32(c->slot_count - b * SKEP__COLUMNS_BLOCK, SKEP__COLUMNS_BLOCK);
    k->mode = (skep__columns_mode)(byte & 3u);
    k->predictor = (skep__columns_predictor)(byte >> 2 & 3u);
    k->extra = byte >> 4;
    if (k->predictor >= SKEP__COLUMNS_PREDICTOR_END)
        return skep__wire_fail(d->r, "columns: an unknown predictor", start);
    if (k->predictor == SKEP__COLUMNS_VELOCITY && !d->by_velocity)
        return skep__wire_fail(d->r, "columns: no column has a velocity", start);
    if (k->predictor == SKEP__COLUMNS_LINE && !d->older)
        return skep__wire_fail(d->r, "columns: there is no base before the base", start);
    if (k->mode == SKEP__COLUMNS_NO_CHANGE)
        return k->extra < blocks - b ||
               skep__wire_fail(d->r, "columns: more blocks than the class has", start);
    const uint32_t most = k->mode == SKEP__COLUMNS_LIST ? SKEP__COLUMNS_LIST_MAX - 1u : 0u;
    return k->extra <= most || skep__wire_fail(d->r, "columns: a mode byte has extra bits", start);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

SKEP_INLINE void columns_apply(const uint32_t *restrict predicted, const uint32_t *restrict z,
                               const skep__wire_column *column, int32_t *restrict codes)
{
    const uint32_t unused = 32u - column->bits;
    if (column->is_signed) {
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
            const uint32_t x = predicted[i] + skep__columns_unzigzag(z[i]);
            codes[i] = (int32_t)(x << unused) >> unused;
        }
    } else {
        for (uint32_t i = 0; i < SKEP__COLUMNS_BLOCK; i++) {
            const uint32_t x = predicted[i] + skep__columns_unzigzag(z[i]);
            codes[i] = (int32_t)(x << unused >> unused);
        }
    }
}

/* Reads one column of a block; the residuals' bits are known to be there. */
static void columns_get_column(const columns_decoder *d, const columns_source *s,
                               const columns_block *k, uint32_t i)
{
    const skep__columns *c = d->c;
    const skep__wire_column *column = &c->columns[i];
    const skep__columns_cell cell = {.base = skep__columns_at(d->base, i, k->b),
                                     .older = skep__columns_at(d->older, i, k->b),
                                     .speed = column->velocity == SKEP__COLUMNS_NONE
                                                  ? NULL
                                                  : k->codes + (size_t)column->velocity *
                                                                   SKEP__COLUMNS_BLOCK,
                                     .factor = d->steps[i].factor,
                                     .shift = d->steps[i].shift};
    uint32_t predicted[SKEP__COLUMNS_BLOCK];
    uint32_t z[SKEP__COLUMNS_BLOCK];
    const bool whole = k->mode == SKEP__COLUMNS_ALL && k->slot_count == SKEP__COLUMNS_BLOCK;
    skep__columns_predict(&cell, k->predictor, predicted);
    if (!whole || k->widths[i] == 0) memset(z, 0, sizeof z);
    if (k->widths[i] && k->mode == SKEP__COLUMNS_ALL) {
        columns_unpack(s, k->bits[i], k->count, k->widths[i], z);
    } else if (k->widths[i]) {
        uint32_t dense[SKEP__COLUMNS_BLOCK];
        columns_unpack(s, k->bits[i], k->count, k->widths[i], dense);
        for (uint32_t j = 0; j < k->count; j++) z[k->indexes[j]] = dense[j];
    }
    columns_apply(predicted, z, column, k->codes + (size_t)i * SKEP__COLUMNS_BLOCK);
}

/* Reads all columns of a block, those with a velocity after those that may be one. */
static void columns_get_columns(const columns_decoder *d, const columns_source *s,
                                const columns_block *k)
{
    const skep__columns *c = d->c;
    const bool later = k->predictor == SKEP__COLUMNS_VELOCITY;
    for (uint32_t i = 0; i < c->column_count; i++)
        if (!later || c->columns[i].velocity == SKEP__COLUMNS_NONE) columns_get_column(d, s, k, i);
    for (uint32_t i = 0; later && i < c->column_count; i++)
        if (c->columns[i].velocity != SKEP__COLUMNS_NONE) columns_get_column(d, s, k, i);
}

static bool columns_make_block(const columns_decoder *d, columns_block *k)
{
    k->codes = d->make(d->ctx, k->b);
    return k->codes || columns_refuse(d, "columns: there is no memory for a block");
}

static bool columns_get_block(const columns_decoder *d, columns_block *k)
{
    columns_source s = {
        .bytes = d->r->bytes, .end = d->r->end, .bit = d->r->at * 8u, .bit_end = d->r->end * 8u};
    if (!columns_get_which(&s, k))
        return columns_refuse(d, "columns: which slots changed is cut off or out of order");
    if (!columns_get_widths(d, &s, k)) return false;
    const uint32_t padding = (uint32_t)(0u - s.bit) % 8u;
    if (padding && columns_peek(&s, s.bit, padding))
        return columns_refuse(d, "columns: bits are set behind a block");
    if (!columns_make_block(d, k)) return false;
    columns_get_columns(d, &s, k);
    d->r->at = (s.bit + padding) / 8u;
    return true;
}

/* Fills what a run of blocks without residuals predicts; plain ones stay as they are. */
static bool columns_get_run(const columns_decoder *d, columns_block *k)
{
    const columns_source none = {NULL, 0, 0, 0};
    if (k->predictor == SKEP__COLUMNS_PLAIN) return true;
    memset(k->widths, 0, sizeof k->widths);
    for (uint32_t i = 0; i <= k->extra; i++) {
        if (!columns_make_block(d, k)) return false;
        columns_get_columns(d, &none, k);
        k->b++;
    }
    return true;
}

bool skep__columns_decode(const skep__columns *c, skep__code_blocks base, skep__code_blocks older,
                          skep__wire_reader *r, skep__columns_make make, void *ctx)
{
    SKEP_ASSERT(skep__columns_valid(c) && make);
    SKEP_ASSERT(r->end <= SIZE_MAX / 8u);
    columns_decoder d = {.c = c, .base = base, .older = older, .r = r, .make = make, .ctx = ctx};
    columns_block k;
    const size_t start = r->at;
    uint32_t slot_count = 0;
    if (!skep__wire_get_varint(r, &slot_count)) return false;
    if (slot_count != c->slot_count)
        return skep__wire_fail(r, "columns: the class has another number of slots", start);
    for (uint32_t i = 0; i < c->column_count; i++) {
        d.steps[i] = skep__columns_step_make(c->columns[i].rate_q32, c->ticks);
        d.by_velocity = d.by_velocity || c->columns[i].velocity != SKEP__COLUMNS_NONE;
    }
    for (uint32_t b = 0; b * SKEP__COLUMNS_BLOCK < c->slot_count;) {
        if (!columns_get_mode(&d, b, &k)) return false;
        if (k.mode == SKEP__COLUMNS_NO_CHANGE) {
            if (!columns_get_run(&d, &k)) return false;
            b += k.extra + 1u;
        } else {
            if (!columns_get_block(&d, &k)) return false;
            b++;
        }
    }
    return skep__wire_get_end(r);
}
