/* SPDX-License-Identifier: MIT */
/* Whole conversations of which one end is hostile, against a small live world.
 *
 * session: a client says the messages of the input, before HELLO, before SUBSCRIBE, or once states
 * come, new or known, as the first byte says. Whatever it says, its session goes on or ends with a
 * reason and a BYE, and another client of the publisher sees the whole world.
 *
 * view: the messages come from the server's side, before WELCOME, behind it, between two states, or
 * within one. The connection goes on, or ends with a reason; then the true server speaks again, and
 * the view is soon the world: by itself where no hostile state was taken in, and by a whole state
 * of another server where one was. */
#include "fuzz.h"

#include "core/replicate/wire.h"
#include "support/live_bed.h"

#define STAGES 4u
#define SETTLE_FRAMES 400u

static live_bed bed;
static bool bed_is_open;

static void bed_begin(void)
{
    if (!bed_is_open)
        live_bed_open(&bed, fuzz_region(0), fuzz_world_memory(), fuzz_memory(), 12);
    else
        live_bed_restart(&bed);
    bed_is_open = true;
}

/* What a run leaves: a publisher of no session, which is made anew here so that sizes compare. */
static size_t bed_held(void)
{
    live_bed_restart(&bed);
    return fuzz_memory_held();
}

static live_link link_open(void)
{
    live_link l = {.bed = &bed, .view = live_bed_view(&bed)};
    FUZZ_MUST(l.view);
    return l;
}

static void link_close(live_link *l)
{
    live_link_cut(l);
    skep_view_close(l->view);
}

/* ---- a hostile client ------------------------------------------------------------------------ */

/* Takes all that a session has to say; whether the last of it was a BYE. */
static bool drain(skep_session *s)
{
    const skep__wire_limits limits = skep__wire_limits_default();
    const void *bytes = NULL;
    size_t size = 0;
    bool bye = false;
    for (uint32_t i = 0; skep_session_next(s, bed.now_ns, &bytes, &size); i++) {
        skep__wire_message m;
        skep_error error;
        FUZZ_MUST(i < 10000u);
        FUZZ_MUST(skep__wire_open(&m, bytes, size, SKEP__WIRE_DOWN, &limits, &error) == SKEP_OK);
        bye = m.header.type == SKEP__WIRE_BYE;
    }
    return bye;
}

static void expect_end(skep_session *s, bool said_bye)
{
    const char *reason = skep_session_reason(s);
    FUZZ_MUST(reason && reason[0]);
    FUZZ_MUST(drain(s) || said_bye);
    FUZZ_MUST(!skep_session_wants(s) && !skep_session_tick(s, bed.now_ns));
}

/* Says all records to a session; returns a hash of how it went. */
static uint64_t speak(skep_session *s, fuzz_records records)
{
    uint8_t *message = NULL;
    size_t size = 0;
    uint64_t hash = 0;
    for (uint32_t i = 0; fuzz_next(&records, &message, &size); i++) {
        const bool bye = size > 3u && message[3] == SKEP__WIRE_BYE;
        const bool open = skep_session_receive(s, message, size, bed.now_ns);
        fuzz_free(message, size);
        hash = skep__hash_u64(hash ^ open);
        live_bed_answer(&bed);
        FUZZ_MUST(open || skep_session_reason(s));
        if (skep_session_reason(s)) {
            expect_end(s, bye);
            return hash;
        }
        (void)drain(s);
        if (i % 2u) FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK);
        if (i % 2u) (void)drain(s);
    }
    return hash;
}

/* Brings a client's session to a stage; `again`: it was there before, and may be resumed. */
static void arrive(live_link *l, uint32_t stage, bool again)
{
    bed.random = 0; /* so that tokens are those of the corpus */
    if (again) {
        live_link_connect(l);
        FUZZ_MUST(live_link_move(l) && live_bed_frame(&bed) == SKEP_OK && live_link_move(l));
        live_link_cut(l);
    }
    live_link_connect(l);
    if (stage >= 1u) live_link_up(l);              /* HELLO; it is let in */
    if (stage >= 2u) FUZZ_MUST(live_link_down(l)); /* WELCOME, */
    if (stage >= 2u) live_link_up(l);              /* SUBSCRIBE */
    if (stage >= 3u) FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK && live_link_move(l));
}

uint64_t fuzz_session(const uint8_t *bytes, size_t size)
{
    const uint32_t how = fuzz_take_byte(&bytes, &size);
    const fuzz_records records = {bytes, 0, size};
    bed_begin();
    const size_t held = fuzz_memory_held();
    live_link other = link_open();
    live_link l = link_open();
    bed.random = (uint64_t)1 << 32; /* a token that the corpus does not know */
    FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK);
    live_link_connect(&other);
    FUZZ_MUST(live_link_move(&other));
    arrive(&l, how % STAGES, (how & STAGES) != 0);
    const uint64_t hash = speak(l.session, records);
    FUZZ_MUST(live_link_settle(&other, SETTLE_FRAMES));
    link_close(&l);
    link_close(&other);
    FUZZ_MUST(bed_held() == held);
    return hash;
}

/* ---- a hostile server ------------------------------------------------------------------------ */

/* Gives a view what the server has until a state is half there; false when it came whole. */
static bool half_a_state(live_link *l)
{
    const void *bytes = NULL;
    size_t size = 0;
    FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK);
    while (skep_session_next(l->session, bed.now_ns, &bytes, &size)) {
        FUZZ_MUST(skep_view_receive(l->view, bytes, size, bed.now_ns));
        if (((const uint8_t *)bytes)[3] == SKEP__WIRE_ACK) return true;
    }
    return false;
}

static void reach(live_link *l, uint32_t stage)
{
    FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK);
    live_link_connect(l);
    live_link_up(l);
    if (stage == 0) return;
    if (stage == 1) FUZZ_MUST(live_link_down(l));
    for (uint32_t i = 0; stage >= 2u && i < 3u; i++) {
        FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK);
        FUZZ_MUST(live_link_move(l));
    }
    if (stage == 3u) (void)half_a_state(l);
}

/* Gives a view all records, and looks at it in between. */
static uint64_t listen(live_link *l, fuzz_records records)
{
    uint8_t *message = NULL;
    size_t size = 0;
    uint64_t hash = 0;
    bool open = true;
    while (open && fuzz_next(&records, &message, &size)) {
        open = skep_view_receive(l->view, message, size, bed.now_ns);
        fuzz_free(message, size);
        bed.now_ns += BED_FRAME_NS;
        hash = skep__hash_u64(hash ^ open);
        (void)live_bed_look(l->view, bed.now_ns); /* when what is shown is not the wire's */
    }
    const skep_view_phase phase = skep_view_phase_of(l->view);
    if (!open) FUZZ_MUST(phase != SKEP_VIEW_LIVE && phase != SKEP_VIEW_STALE);
    if (!open) live_link_cut(l);
    return hash;
}

uint64_t fuzz_view(const uint8_t *bytes, size_t size)
{
    const uint32_t stage = fuzz_take_byte(&bytes, &size) % STAGES;
    const fuzz_records records = {bytes, 0, size};
    bed_begin();
    const size_t held = fuzz_memory_held();
    live_link l = link_open();
    reach(&l, stage);
    const uint64_t states = skep_view_stats_of(l.view, bed.now_ns).states;
    const uint64_t hash = listen(&l, records);
    if (skep_view_stats_of(l.view, bed.now_ns).states != states) {
        live_link_cut(&l);
        live_bed_publisher(&bed);
    }
    const bool good = live_link_settle(&l, SETTLE_FRAMES);
    FUZZ_MUST(good || skep_view_phase_of(l.view) == SKEP_VIEW_CLOSED);
    link_close(&l);
    FUZZ_MUST(bed_held() == held);
    return hash;
}

/* ---- seeds ----------------------------------------------------------------------------------- */

#define TALK_MAX 128u
#define TALK_BYTES 65536u

/* Messages of a play, in order. */
typedef struct talk {
    uint8_t bytes[TALK_BYTES];
    size_t used;
    uint32_t count;
    struct talk_message {
        bool down;
        size_t at, size;
    } messages[TALK_MAX];
} talk;

static talk spoken;

static void tap(void *ctx, bool down, const void *bytes, size_t size)
{
    talk *t = ctx;
    FUZZ_MUST(t->count < TALK_MAX && t->used + size <= TALK_BYTES);
    memcpy(t->bytes + t->used, bytes, size);
    t->messages[t->count++] = (struct talk_message){down, t->used, size};
    t->used += size;
}

static void record(void)
{
    const BedSteer steer = {-3, 1};
    bed_begin();
    live_link l = link_open();
    l.tap = tap;
    l.tap_ctx = &spoken;
    FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK);
    live_link_connect(&l);
    for (uint32_t i = 0; i < 12u; i++) {
        (void)skep_view_send(l.view, &BedSteer_info, &steer, 0, bed.now_ns);
        (void)live_link_move(&l);
        if (i == 6u) live_link_cut(&l); /* it resumes */
        if (i == 7u) live_link_connect(&l);
        FUZZ_MUST(live_bed_frame(&bed) == SKEP_OK);
    }
    skep_view_leave(l.view);
    (void)live_link_move(&l);
    link_close(&l);
}

/* A seed of the messages of one side, from the first-th on, `count` of them. */
static void seed(fuzz_seed_fn *fn, void *ctx, bool down, uint32_t first, uint32_t count,
                 uint32_t stage)
{
    static uint8_t bytes[TALK_BYTES];
    char name[] = "00_00";
    const uint32_t most = count;
    size_t n = 0;
    uint32_t seen = 0;
    bytes[n++] = (uint8_t)stage;
    for (uint32_t i = 0; i < spoken.count && count; i++) {
        const struct talk_message *m = &spoken.messages[i];
        if (m->down != down || seen++ < first) continue;
        bytes[n++] = (uint8_t)m->size;
        bytes[n++] = (uint8_t)(m->size >> 8);
        memcpy(bytes + n, spoken.bytes + m->at, m->size);
        n += m->size;
        count--;
    }
    name[0] = (char)('0' + stage);
    name[1] = (char)('a' + first / 10u);
    name[3] = (char)('0' + first % 10u);
    name[4] = (char)('a' + most);
    fn(ctx, down ? "view" : "session", name, bytes, n);
}

/* Which message of the client is the HELLO that resumes. */
static uint32_t second_hello(void)
{
    uint32_t seen = 0;
    uint32_t hellos = 0;
    for (uint32_t i = 0; i < spoken.count; i++) {
        const struct talk_message *m = &spoken.messages[i];
        if (m->down) continue;
        hellos += spoken.bytes[m->at + 3u] == SKEP__WIRE_HELLO;
        if (hellos == 2u) return seen;
        seen++;
    }
    FUZZ_MUST(false);
    return 0;
}

void fuzz_make_live(fuzz_seed_fn *fn, void *ctx)
{
    record();
    seed(fn, ctx, false, second_hello(), 12, STAGES);
    seed(fn, ctx, false, second_hello(), 2, STAGES);
    for (uint32_t i = 0; i < spoken.count; i++) { /* each message alone, opened and walked */
        static uint8_t bytes[TALK_BYTES];
        const struct talk_message *m = &spoken.messages[i];
        char name[] = "aa";
        bytes[0] = m->down;
        memcpy(bytes + 1, spoken.bytes + m->at, m->size);
        name[0] = (char)('a' + i / 26u);
        name[1] = (char)('a' + i % 26u);
        if (i < 30u) fn(ctx, "wire", name, bytes, m->size + 1u);
    }
    for (uint32_t stage = 0; stage < STAGES; stage++) {
        const uint32_t skip = stage > 2u ? 2u : stage;
        seed(fn, ctx, false, skip, 12, stage);
        seed(fn, ctx, false, skip + 4u, 3, stage);
        seed(fn, ctx, true, stage ? 1u : 0u, 6, stage);
        seed(fn, ctx, true, stage ? 5u : 0u, 1, stage);
        seed(fn, ctx, true, 8u, 4, stage);
    }
}
