/* SPDX-License-Identifier: MIT */
/* A server and a client in one process, on a clock that the test moves, with a wire between them
 * that is as slow and as uneven as the test likes. Everything is drawn from seeds. */
#ifndef SKEP_TESTS_SUPPORT_LIVE_LAB_H
#define SKEP_TESTS_SUPPORT_LIVE_LAB_H

#include "live_wire.h"
#include "region.h"
#include "skep/publish.h"
#include "skep/sim.h"
#include "skep/view.h"

#include <stdbool.h>
#include <stdint.h>

#define LIVE_LAB_MS 1000000u

typedef struct live_lab live_lab;

/* What happens to the server's world before a frame. */
typedef void live_lab_turn(live_lab *l, skep_world *world, void *ctx);
/* May change a message to the client before it is taken in; false: it is lost. */
typedef bool live_lab_spoil(live_lab *l, uint8_t *bytes, size_t size, void *ctx);

struct live_lab {
    uint64_t now_ns;
    uint64_t seed;
    uint64_t draw;
    uint32_t latency_ms; /* of either way */
    uint32_t jitter_ms;  /* added at random */
    uint32_t tick_hz;

    skep_sim *server;
    skep_publish_desc publish;
    skep_feed *feed;
    skep_publisher *publisher;
    skep_session *session; /* NULL: no connection */
    uint64_t frame_ns;     /* when the next frame of the server is */
    live_lab_turn *turn;
    live_lab_turn *joined; /* a player is there: l->player */
    void *ctx;
    uint32_t player;
    bool client_stuck; /* takes nothing from its socket */

    skep_view *view;
    live_wire up;
    live_wire down;
    live_lab_spoil *spoil;
    char log[512];      /* what the view said last */
    test_region memory; /* of the view */
};

/* Opens a server of a scene and a view that is not connected. `publish` and `view` are filled by
 * the test but for allocator, random and log. Ends the test process when something fails. */
void live_lab_open(live_lab *l, const skep_scene *scene, const skep_publish_desc *publish,
                   const skep_view_desc *view);
/* Closes it; ends the test process when the view leaks. */
void live_lab_close(live_lab *l);

/* Makes the view anew, as a program does that starts again. */
void live_lab_view(live_lab *l, const skep_view_desc *view);

/* Connects, and cuts the connection with all that is on its way. */
void live_lab_connect(live_lab *l);
void live_lab_cut(live_lab *l);

/* Lets `ms` pass: frames of the server when they are due, and messages when they arrive. */
void live_lab_pass(live_lab *l, uint32_t ms);

/* Hands all messages of the view to the wire. */
void live_lab_flush(live_lab *l);

uint32_t live_lab_random(live_lab *l, uint32_t below);

#endif
