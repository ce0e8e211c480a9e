/* SPDX-License-Identifier: MIT */
/* What it costs to send a state to 1,000 clients at 60 Hz over real sockets: processor time of the
 * server's thread for each state that one client gets.
 *
 *     gateway_fanout   the gateway: quantise, encode once, WebSocket, poll loop; limit: send() of
 *                      as many bytes to as many bare sockets, with one epoll_wait a state
 *
 * The clients are a child process that only reads, so that their time is nobody's. Both sides send
 * in the same rhythm, since what the system does for a burst depends on what it did before. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "bench/bench_row.h"

#if SKEP_CLI_GATEWAY
#include "bench/bench_sim.h"
#include "port/port.h"
#include "skep/gateway.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FANOUT_CLIENTS 1000u
#define FANOUT_STATES 30u /* a lap: half a second */
#define FANOUT_ENTITIES 244u
#define FANOUT_BYTES 2048u
#define FANOUT_STEP_NS UINT64_C(16666667)
#define FANOUT_FILES 4096u

SKEP_COMPONENT(Blip, (u32, a), (u32, b));

typedef struct fanout {
    bench_sim sim;
    skep_gateway *gateway;
    skep_entity entities[FANOUT_ENTITIES];
    skep_replica replica;
    uint64_t random;
    pid_t child;
    int to_child;   /* the gateway's port; closed: the end */
    int from_child; /* a byte: all are connected */
    int epoll;
    int sockets[FANOUT_CLIENTS]; /* bare ones */
    uint32_t socket_count;
    uint8_t bytes[FANOUT_BYTES];
} fanout;

/* ---- the clients: a process of their own ------------------------------------------------------
 */

static int fanout_connect(uint32_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof at) != 0) return -1;
    return fd;
}

static bool fanout_say(int fd, const void *bytes, size_t size)
{
    return send(fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
}

/* Becomes a client of the gateway: the upgrade, HELLO, SUBSCRIBE to the one component. */
static bool fanout_join(int fd)
{
    static const char request[] = "GET /world HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                  "Sec-WebSocket-Protocol: skep.v1\r\n\r\n";
    /* Masked by zeros. */
    static const uint8_t frames[] = {
        0x82, 0x80 | 20, 0, 0, 0, 0, 0x73, 0x6b,      1, 1, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0,
        0,    0,         0, 0, 0, 0, 0x82, 0x80 | 26, 0, 0, 0, 0, 0x73, 0x6b, 1, 4, 0, 0, 1, 0,
        0,    0,         0, 0, 0, 0, 0,    0,         0, 0, 0, 0, 4,    4,    1, 0, 0, 0};
    char answer[1024];
    size_t used = 0;
    if (!fanout_say(fd, request, sizeof request - 1)) return false;
    for (;;) {
        const ssize_t n = recv(fd, answer + used, sizeof answer - 1 - used, 0);
        if (n <= 0) return false;
        used += (size_t)n;
        answer[used] = 0;
        if (strstr(answer, "\r\n\r\n")) break;
    }
    return strncmp(answer, "HTTP/1.1 101", 12) == 0 && fanout_say(fd, frames, sizeof frames);
}

/* Reads and forgets until the other end of the pipe is closed. */
static void fanout_drain(int epoll, int control)
{
    static uint8_t room[1 << 16];
    struct epoll_event events[256];
    for (;;) {
        const int n = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == control) return;
            if (recv(events[i].data.fd, room, sizeof room, MSG_DONTWAIT) == 0) return;
        }
    }
}

static void fanout_child(int control, int ready, uint32_t bare_port)
{
    uint32_t port = 0;
    const int epoll = epoll_create1(0);
    bool good = epoll >= 0;
    for (uint32_t i = 0; i < 2 * FANOUT_CLIENTS && good; i++) {
        if (i == FANOUT_CLIENTS) good = read(control, &port, sizeof port) == sizeof port;
        const int fd = good ? fanout_connect(i < FANOUT_CLIENTS ? bare_port : port) : -1;
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        good = fd >= 0 && (i < FANOUT_CLIENTS || fanout_join(fd)) &&
               epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.fd = control};
    good = good && epoll_ctl(epoll, EPOLL_CTL_ADD, control, &event) == 0;
    if (good && write(ready, "y", 1) == 1) fanout_drain(epoll, control);
    _exit(0);
}

/* ---- the server -------------------------------------------------------------------------------
 */

static bool fanout_files(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return false;
    if (files.rlim_cur >= FANOUT_FILES) return true;
    files.rlim_cur = FANOUT_FILES;
    return files.rlim_max >= FANOUT_FILES && setrlimit(RLIMIT_NOFILE, &files) == 0;
}

static int fanout_listen(uint32_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t size = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    const bool good = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 &&
                      listen(fd, 1024) == 0 && getsockname(fd, (struct sockaddr *)&at, &size) == 0;
    if (good) *port = ntohs(at.sin_port);
    if (!good && fd >= 0) (void)close(fd);
    return good ? fd : -1;
}

static bool fanout_accept(fanout *f, int listener)
{
    const int yes = 1;
    f->epoll = epoll_create1(0);
    while (f->socket_count < FANOUT_CLIENTS) {
        const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) return false;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.fd = fd};
        if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) != 0) return false;
        f->sockets[f->socket_count++] = fd;
    }
    return true;
}

static bool fanout_start(fanout *f)
{
    skep_gateway_desc d = skep_gateway_desc_default();
    uint32_t bare_port = 0;
    int down[2], up[2];
    const int listener = fanout_listen(&bare_port);
    if (listener < 0 || pipe(down) != 0 || pipe(up) != 0) return false;
    f->child = fork();
    if (f->child == 0) {
        (void)close(down[1]);
        fanout_child(down[0], up[1], bare_port);
    }
    (void)close(down[0]);
    (void)close(up[1]);
    f->to_child = down[1];
    f->from_child = up[0];
    const bool bare = f->child > 0 && fanout_accept(f, listener);
    (void)close(listener);
    f->replica.info = &Blip_info;
    d.publish.replicas = &f->replica;
    d.publish.replica_count = 1;
    d.publish.every = 1;
    d.address_max = 2 * FANOUT_CLIENTS;
    if (!bare || skep_gateway_open(f->sim.world, &d, &f->gateway) != SKEP_OK) return false;
    const uint32_t port = skep_gateway_port(f->gateway);
    char byte = 0;
    return write(f->to_child, &port, sizeof port) == sizeof port &&
           read(f->from_child, &byte, 1) == 1;
}

static void fanout_close(void *state)
{
    fanout *f = state;
    for (uint32_t i = 0; i < f->socket_count; i++) (void)close(f->sockets[i]);
    skep_gateway_close(f->gateway);
    (void)close(f->to_child);
    (void)close(f->from_child);
    (void)close(f->epoll);
    if (f->child > 0) {
        (void)kill(f->child, SIGKILL);
        (void)waitpid(f->child, NULL, 0);
    }
    skep__bench_sim_close(&f->sim);
    free(f);
}

static void *fanout_open(const bench_row *row)
{
    (void)row;
    fanout *f = fanout_files() ? calloc(1, sizeof *f) : NULL;
    if (!f) return NULL;
    f->to_child = f->from_child = f->epoll = -1;
    f->random = 1;
    const skep_part part = SKEP_PART_OF(Blip);
    const bool good =
        skep__bench_sim_open(&f->sim, 0, 4096) &&
        skep_entity_create_many(f->sim.world, FANOUT_ENTITIES, &part, 1, f->entities) == SKEP_OK &&
        fanout_start(f);
    if (good) return f;
    fanout_close(f);
    return NULL;
}

/* ---- the sides ---------------------------------------------------------------------------------
 */

static uint32_t fanout_random(fanout *f)
{
    f->random = bench_mix(f->random, 1);
    return (uint32_t)(f->random >> 32);
}

static bool fanout_frame(fanout *f)
{
    if (skep_gateway_begin(f->gateway) != SKEP_OK) return false;
    for (uint32_t i = 0; i < FANOUT_ENTITIES; i++) {
        const Blip blip = {fanout_random(f), fanout_random(f)};
        if (skep_world_set(f->sim.world, f->entities[i], &Blip_info, &blip) != SKEP_OK)
            return false;
    }
    return skep_sim_step(f->sim.sim, 1.0f / 60.0f) == SKEP_OK &&
           skep_gateway_end(f->gateway) == SKEP_OK;
}

/* Waits until the figures are those of now. */
static skep_gateway_stats fanout_stats(fanout *f)
{
    skep__bench_sleep_ns(UINT64_C(220000000));
    return skep_gateway_stats_of(f->gateway);
}

static bool fanout_ours(void *state, bench_lap *lap)
{
    fanout *f = state;
    const skep_gateway_stats before = fanout_stats(f);
    for (uint32_t i = 0; i < FANOUT_STATES; i++) {
        if (!fanout_frame(f)) return false;
        skep__bench_sleep_ns(FANOUT_STEP_NS);
    }
    const skep_gateway_stats after = fanout_stats(f);
    /* ACK and DELTA are a state. */
    const uint64_t messages = after.publish.messages_sent - before.publish.messages_sent;
    lap->time_ns = after.cpu_ns - before.cpu_ns;
    lap->ops = (double)messages / 2.0;
    lap->check = after.publish.session_count;
    return messages > 0;
}

static bool fanout_limit(void *state, bench_lap *lap)
{
    fanout *f = state;
    struct epoll_event events[FANOUT_CLIENTS];
    for (uint32_t i = 0; i < FANOUT_STATES; i++) {
        const uint64_t begin = skep__port_thread_cpu_ns();
        memset(f->bytes, (int)i, sizeof f->bytes);
        (void)epoll_wait(f->epoll, events, (int)FANOUT_CLIENTS, 0);
        for (uint32_t k = 0; k < f->socket_count; k++)
            if (send(f->sockets[k], f->bytes, sizeof f->bytes, MSG_NOSIGNAL) > 0) lap->ops++;
        lap->time_ns += skep__port_thread_cpu_ns() - begin;
        skep__bench_sleep_ns(FANOUT_STEP_NS);
    }
    lap->check = f->socket_count;
    return true;
}

const bench_row skep__bench_gateway_rows[] = {
    {.name = "gateway_fanout",
     .about = "2 KB to each of 1,000 clients, CPU time of the gateway's thread; epoll and send()",
     .unit = "us",
     .unit_ns = 1e3,
     .bar = BENCH_BAR_RATIO,
     .bar_at = 1.4,
     .n = FANOUT_CLIENTS,
     .open = fanout_open,
     .close = fanout_close,
     .ours = fanout_ours,
     .limit = fanout_limit},
    {.name = NULL},
};

#else

const bench_row skep__bench_gateway_rows[] = {
    {.name = NULL},
};

#endif
