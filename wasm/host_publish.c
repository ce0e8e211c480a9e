/* SPDX-License-Identifier: MIT */
/* The server's half of a live world: a feed of the host's world and its publisher, which are one
 * thread's here, so that a state goes straight from the one to the other. JavaScript brings time,
 * chance and sockets; the rest is skep/publish.h. Times are milliseconds, as performance.now()
 * gives them.
 *
 * Messages are sent from where they lie: JavaScript makes a view of them, and asks for the next
 * only when the socket has taken the last. */
#include "wasm/host.h"

#include "skep/publish.h"

#define PUBLISH_RANDOM_BYTES 256u
#define PUBLISH_REPLICA_WORDS 5u /* a component, 16 exponents */
#define PUBLISH_RATE_WORDS 4u

/* Of scenes; NULL in a module without one. */
skep_status skep__declares_fill(skep__declares *d, skep__keep *keep, skep_world *world,
                                const skep_log *log, skep_publish_desc *desc) __attribute__((weak));

/* What is published of a host's world. */
typedef struct host_publish {
    /* JavaScript fills these and says how many; they are used from the end. */
    uint32_t random_left;
    uint8_t random[PUBLISH_RANDOM_BYTES];
    host *host;
    skep_feed *feed;
    skep_publisher *publisher;
    skep_state *state;          /* between skep_host_publish_end and _update */
    const skep_replica *schema; /* what is published */
    uint32_t schema_count;
    skep_replica replicas[SKEP_REPLICA_MAX];
    int8_t quanta[SKEP_REPLICA_MAX][SKEP_FIELD_MAX];
    skep_rate rates[SKEP_REPLICA_MAX];
} host_publish;

/* Where numbers stand in io for skep_host_publish_open; as PUBLISH of core/live.ts. */
enum {
    AT_REPLICAS = 0,
    AT_RATES,
    AT_TICK_HZ,
    AT_EVERY,
    AT_RING,
    AT_SESSION_MAX,
    AT_UP_MAX,
    AT_DOWN_MAX,
    AT_INPUT_WINDOW,
    AT_INPUTS_A_TICK,
    AT_EVENT_BYTES,
    AT_HELLO_MS,
    AT_PING_MS,
    AT_DROP_MS,
    AT_RESUME_MS,
    AT_PLACE,
    AT_AXES,
    AT_FIELD,
    AT_CELL = AT_FIELD + 3,
    AT_DECLARED, /* 1: what the scene declares, and no lists */
    AT_LISTS     /* replicas, then rates */
};

static void publish_random(void *ctx, void *bytes, size_t n)
{
    host_publish *p = ctx;
    /* JavaScript keeps more there than any call takes. */
    if (n > p->random_left) __builtin_trap();
    p->random_left -= (uint32_t)n;
    memcpy(bytes, p->random + p->random_left, n);
    memset(p->random + p->random_left, 0, n);
}

/* Reads the lists behind the numbers. */
static void publish_lists(host_publish *p, const host *h)
{
    uint32_t at = AT_LISTS;
    for (uint32_t i = 0; i < h->io[AT_REPLICAS]; i++, at += PUBLISH_REPLICA_WORDS) {
        memcpy(p->quanta[i], h->io + at + 1, SKEP_FIELD_MAX);
        p->replicas[i] = (skep_replica){host_component_at(h, at), p->quanta[i]};
    }
    for (uint32_t i = 0; i < h->io[AT_RATES]; i++, at += PUBLISH_RATE_WORDS)
        p->rates[i] = (skep_rate){host_component_at(h, at), h->io[at + 1],
                                  host_component_at(h, at + 2), h->io[at + 3]};
}

static skep_publish_desc publish_desc(host_publish *p, host *h)
{
    skep_publish_desc d = skep_publish_desc_default();
    const uint32_t *io = h->io;
    d.replica_count = io[AT_REPLICAS];
    d.replicas = p->replicas;
    d.rate_count = io[AT_RATES];
    d.rates = p->rates;
    d.tick_hz = io[AT_TICK_HZ];
    d.every = io[AT_EVERY];
    d.ring = io[AT_RING];
    d.session_max = io[AT_SESSION_MAX];
    d.message_up_max = io[AT_UP_MAX];
    d.message_down_max = io[AT_DOWN_MAX];
    d.input_window = io[AT_INPUT_WINDOW];
    d.inputs_a_tick = io[AT_INPUTS_A_TICK];
    d.event_bytes_max = io[AT_EVENT_BYTES];
    d.hello_ms = io[AT_HELLO_MS];
    d.ping_ms = io[AT_PING_MS];
    d.drop_ms = io[AT_DROP_MS];
    d.resume_ms = io[AT_RESUME_MS];
    d.place.component = host_component_at(h, AT_PLACE);
    d.place.axes = io[AT_AXES];
    memcpy(d.place.field, io + AT_FIELD, sizeof d.place.field);
    memcpy(&d.place.cell, io + AT_CELL, sizeof d.place.cell);
    d.random = publish_random;
    d.random_ctx = p;
    d.allocator = h->allocator;
    d.log = host_logger(h);
    return d;
}

/* Ends a publication and its sessions. */
void HOST_EXPORT(skep_host_publish_close)(host_publish *p)
{
    host *h = p->host;
    skep_state_drop(p->state);
    skep_publisher_destroy(p->publisher);
    skep_feed_destroy(p->feed);
    skep__free(&h->allocator, p, sizeof *p, 64);
}

/* Publishes the world as io says. Returns NULL on failure: then io[0] is the status, and the reason
 * is in the log. Its first word says how many random bytes lie behind it. */
host_publish *HOST_EXPORT(skep_host_publish_open)(host *h)
{
    host_publish *p = NULL;
    skep_status status = SKEP_ARGUMENT;
    if (h->io[AT_REPLICAS] <= SKEP_REPLICA_MAX && h->io[AT_RATES] <= SKEP_REPLICA_MAX) {
        p = skep__alloc(&h->allocator, sizeof *p, 64);
        status = p ? SKEP_OK : SKEP_NO_MEMORY;
    }
    if (p) {
        p->host = h;
        publish_lists(p, h);
        skep_publish_desc d = publish_desc(p, h);
        if (h->io[AT_DECLARED])
            status = skep__declares_fill
                         ? skep__declares_fill(&h->declares, &h->kept, h->world, &d.log, &d)
                         : SKEP_ARGUMENT;
        p->schema = d.replicas;
        p->schema_count = d.replica_count;
        if (status == SKEP_OK) status = skep_feed_create(h->world, &d, &p->feed);
        if (status == SKEP_OK) status = skep_publisher_create(&d, &p->publisher);
    }
    h->io[0] = (uint32_t)status;
    if (status == SKEP_OK) return p;
    (void)host_fail(h, status, "publish: %s", skep_status_text(status));
    if (p) skep_host_publish_close(p);
    return NULL;
}

/* What is published: the number of descriptions, whose addresses are in io. */
uint32_t HOST_EXPORT(skep_host_publish_schema)(host_publish *p)
{
    for (uint32_t i = 0; i < p->schema_count; i++)
        p->host->io[i] = (uint32_t)(uintptr_t)p->schema[i].info;
    return p->schema_count;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* Before a frame: inputs that are due. */
uint32_t HOST_EXPORT(skep_host_publish_begin)(host_publish *p)
{
    return (uint32_t)host_check(p->host, skep_feed_begin(p->feed));
}

/* After a frame: io[0] is 1 where there is a state to be published. */
uint32_t HOST_EXPORT(skep_host_publish_end)(host_publish *p)
{
    skep_state_drop(p->state);
    p->state = NULL;
    const skep_status status = skep_feed_end(p->feed, false, &p->state);
    p->host->io[0] = p->state ? 1 : 0;
    return (uint32_t)host_check(p->host, status);
}

/* Publishes that state. */
uint32_t HOST_EXPORT(skep_host_publish_update)(host_publish *p, double now_ms)
{
    skep_state *state = p->state;
    p->state = NULL;
    const skep_status status = skep_publisher_update(p->publisher, state, host_ns(now_ms));
    if (status == SKEP_OK) return SKEP_OK;
    return (uint32_t)host_fail(p->host, status, "a state was not published: %s",
                               skep_status_text(status));
}

/* Says which entity is a player's own. */
uint32_t HOST_EXPORT(skep_host_publish_own)(host_publish *p, uint32_t player, uint32_t low,
                                            uint32_t high)
{
    const skep_status status = skep_feed_own(p->feed, player, host_entity(low, high));
    if (status == SKEP_OK) return SKEP_OK;
    return (uint32_t)host_fail(p->host, status, "player %u: %s", player, skep_status_text(status));
}

/* Does with an event what needs no JavaScript. */
static skep_status publish_take(host_publish *p, const skep_publish_event *event)
{
    switch (event->kind) {
    case SKEP_PUBLISH_JOIN: {
        const skep_status status = skep_feed_join(p->feed, event->player);
        return status == SKEP_EXISTS ? SKEP_OK : status;
    }
    case SKEP_PUBLISH_INPUT:
        return skep_feed_input(p->feed, event);
    case SKEP_PUBLISH_LEAVE:
        skep_feed_leave(p->feed, event->player);
        return SKEP_OK;
    default:
        return SKEP_OK;
    }
}

/* What happened next, inputs left out, which go to the world: 0 nothing, else the kind + 1 with
 * io[0] the player, io[1] the session's number, io[2] the token's address, io[3] its bytes, io[4]
 * the status of telling the world. */
uint32_t HOST_EXPORT(skep_host_publish_poll)(host_publish *p)
{
    skep_publish_event event;
    uint32_t *io = p->host->io;
    while (skep_publisher_poll(p->publisher, &event)) {
        const skep_status status = publish_take(p, &event);
        if (event.kind == SKEP_PUBLISH_INPUT && status == SKEP_OK) continue;
        io[0] = event.player;
        io[1] = event.session ? (uint32_t)(uintptr_t)skep_session_ctx(event.session) : 0;
        io[2] = (uint32_t)(uintptr_t)event.bytes;
        io[3] = skep__u32(event.size);
        io[4] = (uint32_t)status;
        return (uint32_t)event.kind + 1;
    }
    return 0;
}

/* The figures, two words each, in the order of skep_publish_stats without quantise_ns. */
void HOST_EXPORT(skep_host_publish_stats)(host_publish *p)
{
    const skep_publish_stats s = skep_publisher_stats(p->publisher);
    const uint64_t all[] = {s.states,       s.frames_encoded, s.bytes_encoded,   s.messages_sent,
                            s.bytes_sent,   s.wholes_sent,    s.inputs_received, s.inputs_refused,
                            s.tick,         s.entity_count,   s.class_count,     s.session_count,
                            s.player_count, s.bytes_held};
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++) host_put_u64(p->host, 2 * i, all[i]);
}

/* ---- sessions -------------------------------------------------------------------------------- */

/* Begins a session with a number of JavaScript's; NULL on failure: then io[0] is the status. */
skep_session *HOST_EXPORT(skep_host_session_open)(host_publish *p, uint32_t number, double now_ms)
{
    skep_session *session = NULL;
    const skep_status status =
        skep_session_create(p->publisher, host_ns(now_ms), (void *)(uintptr_t)number, &session);
    p->host->io[0] = (uint32_t)status;
    return status == SKEP_OK ? session : NULL;
}

/* Ends one whose connection is gone. */
void HOST_EXPORT(skep_host_session_close)(skep_session *session, double now_ms)
{
    skep_session_destroy(session, host_ns(now_ms));
}

/* Lets it in. */
void HOST_EXPORT(skep_host_session_accept)(skep_session *session, uint32_t player, double now_ms)
{
    skep_session_accept(session, player, host_ns(now_ms));
}

/* Ends it with a reason, a text that stays where it is; `again`: the client may come back. */
void HOST_EXPORT(skep_host_session_refuse)(skep_session *session, const char *reason,
                                           uint32_t again)
{
    if (again)
        skep_session_close(session, reason);
    else
        skep_session_refuse(session, reason);
}

/* Takes a message; 0: it has ended. */
uint32_t HOST_EXPORT(skep_host_session_receive)(skep_session *session, const void *bytes,
                                                uint32_t size, double now_ms)
{
    return skep_session_receive(session, bytes, size, host_ns(now_ms)) ? 1 : 0;
}

/* Gives the next message: its bytes, and where in io[0]; 0: there is none. */
uint32_t HOST_EXPORT(skep_host_session_next)(host *h, skep_session *session, double now_ms)
{
    const void *bytes = NULL;
    size_t size = 0;
    if (!skep_session_wants(session)) return 0;
    if (!skep_session_next(session, host_ns(now_ms), &bytes, &size)) return 0;
    h->io[0] = (uint32_t)(uintptr_t)bytes;
    return skep__u32(size);
}

/* Time-outs; 0: it has ended. */
uint32_t HOST_EXPORT(skep_host_session_tick)(skep_session *session, double now_ms)
{
    return skep_session_tick(session, host_ns(now_ms)) ? 1 : 0;
}

/* Why it ended; NULL while it goes on. */
const char *HOST_EXPORT(skep_host_session_reason)(const skep_session *session)
{
    return skep_session_reason(session);
}
