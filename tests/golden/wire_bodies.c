/* SPDX-License-Identifier: MIT */
/* Bodies of COLUMNS and a DELTA of columns that are fixed; see wire_papers.h. */
#include "wire_papers.h"

#include "core/base/hash.h"
#include "core/replicate/columns_predict.h"
#include "bench/code_cells.h"

/* Leaves with what did not hold. */
#define EXPECT(x)                                                                                  \
    do {                                                                                           \
        if (!(x)) return #x;                                                                       \
    } while (0)

#define SLOTS 200u
#define STRIDE 256u
#define COLUMNS 5u
#define CELLS (COLUMNS * STRIDE)
#define MODES 4u
#define BODIES (MODES * (uint32_t)SKEP__COLUMNS_PREDICTOR_END)

/* x, y, their velocities, and a byte. */
static const skep__wire_column columns[COLUMNS] = {{32, true, 2, 71582788},
                                                   {16, true, 3, 71582788},
                                                   {32, true, SKEP__COLUMNS_NONE, 0},
                                                   {32, true, SKEP__COLUMNS_NONE, 0},
                                                   {8, false, SKEP__COLUMNS_NONE, 0}};

static const skep__columns shape = {columns, COLUMNS, SLOTS, 2};

typedef struct matrices {
    int32_t older[CELLS];
    int32_t base[CELLS];
    int32_t codes[CELLS];
} matrices;

static uint32_t noise(uint32_t k, uint32_t s, uint32_t what)
{
    return (uint32_t)skep__hash_u64((uint64_t)what << 40 | (uint64_t)k << 20 | s);
}

static bool disturbed(skep__columns_mode mode, uint32_t s)
{
    switch (mode) {
    case SKEP__COLUMNS_ALL:
        return true;
    case SKEP__COLUMNS_LIST:
        return s % 50u == 7;
    case SKEP__COLUMNS_MASK:
        return s % 4u == 1;
    case SKEP__COLUMNS_NO_CHANGE:
        break;
    }
    return false;
}

/* What `predictor` foretells, disturbed as `mode` wants it, in columns 0, 1 and 4. */
static void make(matrices *m, skep__columns_mode mode, skep__columns_predictor predictor)
{
    static const uint32_t order[COLUMNS] = {2, 3, 0, 1, 4};
    memset(m, 0, sizeof *m);
    for (uint32_t i = 0; i < COLUMNS; i++) {
        const uint32_t k = order[i];
        const skep__columns_step step = skep__columns_step_make(columns[k].rate_q32, shape.ticks);
        for (uint32_t s = 0; s < SLOTS; s++) {
            const size_t at = code_at(&shape, k, s);
            m->base[at] = code_of(&columns[k], noise(k, s, 1) % 2000u + 300u);
            m->older[at] =
                code_of(&columns[k], (uint32_t)m->base[at] - 20u - noise(k, s, 2) % 200u);
            const uint32_t speed = columns[k].velocity % COLUMNS;
            const skep__columns_cell cell = {.speed = m->codes + code_at(&shape, speed, s),
                                             .factor = step.factor,
                                             .shift = step.shift};
            uint32_t code = (uint32_t)m->base[at];
            if (predictor == SKEP__COLUMNS_LINE) code = 2u * code - (uint32_t)m->older[at];
            if (predictor == SKEP__COLUMNS_VELOCITY && columns[k].velocity != SKEP__COLUMNS_NONE)
                code += skep__columns_way(&cell, 0);
            if ((k < 2 || k == 4) && disturbed(mode, s)) code += noise(k, s, 3) % 5u + 1u;
            m->codes[at] = code_of(&columns[k], code);
        }
    }
}

static const char *make_bodies(wire_paper *papers)
{
    static matrices m;
    for (uint32_t i = 0; i < BODIES; i++) {
        skep__wire_writer w = {.bytes = papers[i].bytes, .bytes_max = WIRE_PAPER_MAX};
        make(&m, (skep__columns_mode)(i % MODES), (skep__columns_predictor)(i / MODES));
        code_encode(&shape, m.base, m.older, m.codes, &w);
        EXPECT(w.need <= WIRE_PAPER_MAX);
        papers[i].size = w.need;
        EXPECT((papers[i].bytes[2] & 15u) == (i % MODES | i / MODES << 2));
    }
    return NULL;
}

static const char *make_message(wire_paper *p)
{
    static matrices m;
    static const uint32_t gone[] = {3, 4, 90, 4000000000u};
    const skep__wire_header h = {
        .type = SKEP__WIRE_DELTA, .flags = 0, .tick = 70000, .base = 69998, .class = 12};
    skep__wire_writer w = {.bytes = p->bytes, .bytes_max = WIRE_PAPER_MAX};
    make(&m, SKEP__COLUMNS_MASK, SKEP__COLUMNS_VELOCITY);
    skep__wire_message_begin(&w, &h);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_DESPAWN);
    skep__wire_put_ids(&w, gone, 4);
    skep__wire_section_end(&w);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_COLUMNS);
    code_encode(&shape, m.base, m.older, m.codes, &w);
    skep__wire_section_end(&w);
    skep__wire_section_begin(&w, SKEP__WIRE_SECTION_HASH);
    skep__wire_put_u64(&w, 0x0123456789ABCDEFu);
    skep__wire_section_end(&w);
    EXPECT(skep__wire_message_end(&w) == SKEP_OK);
    p->size = w.need;
    return NULL;
}

const char *wire_bodies_make(wire_paper *papers)
{
    const char *bad = make_bodies(papers);
    return bad ? bad : make_message(&papers[BODIES]);
}

static const char *read_message(const wire_paper *p)
{
    static matrices m;
    static int32_t out[CELLS];
    const skep__wire_limits limits = skep__wire_limits_default();
    skep__wire_message message;
    skep__wire_reader body;
    skep_error error;
    uint32_t id = 0;
    make(&m, SKEP__COLUMNS_MASK, SKEP__COLUMNS_VELOCITY);
    EXPECT(skep__wire_open(&message, p->bytes, p->size, SKEP__WIRE_DOWN, &limits, &error) ==
           SKEP_OK);
    while (skep__wire_next(&message, &id, &body))
        if (id == SKEP__WIRE_SECTION_COLUMNS)
            EXPECT(code_decode(&shape, m.base, m.older, &body, out));
    EXPECT(memcmp(out, m.codes, sizeof out) == 0);
    EXPECT(id == SKEP__WIRE_SECTION_HASH);
    return NULL;
}

const char *wire_bodies_read(const wire_paper *papers)
{
    static matrices m;
    static int32_t out[CELLS];
    for (uint32_t i = 0; i < BODIES; i++) {
        skep__wire_reader r = {.bytes = papers[i].bytes, .end = papers[i].size};
        make(&m, (skep__columns_mode)(i % MODES), (skep__columns_predictor)(i / MODES));
        EXPECT(code_decode(&shape, m.base, m.older, &r, out));
        EXPECT(memcmp(out, m.codes, sizeof out) == 0);
    }
    return read_message(&papers[BODIES]);
}

const char *wire_papers_make(wire_paper *papers, const skep_allocator *memory)
{
    const char *bad = wire_bodies_make(papers);
    return bad ? bad : wire_talk_make(papers + BODIES + 1u, memory);
}

const char *wire_papers_read(const wire_paper *papers, const skep_allocator *memory)
{
    const char *bad = wire_bodies_read(papers);
    return bad ? bad : wire_talk_read(papers + BODIES + 1u, memory);
}
