/* SPDX-License-Identifier: MIT */
/* A line between a session and a view without a socket: messages in both directions that take time,
 * wait while the line is stalled, and are lost when it is cut. Time is the test's. */
#ifndef SKEP_TESTS_SIM_LIVE_LINE_H
#define SKEP_TESTS_SIM_LIVE_LINE_H

#include "skep/publish.h"
#include "skep/view.h"
#include "support/live_wire.h"

typedef struct live_line {
    skep_publisher *publisher;
    skep_view *view;
    skep_session *session; /* NULL: not connected */
    live_wire up, down;
    uint64_t delay_ns;  /* of each message, */
    uint64_t jitter_ns; /* and up to so much more */
    bool stalled;       /* the server cannot send */
    uint32_t down_max;  /* messages that may be on their way to the client; 0: any number */
    uint64_t bytes_down;
    uint64_t seed, draw;
} live_line;

/* Connects both ends; nothing when they are. */
void live_connect(live_line *line, uint64_t now_ns);
/* Cuts the line: what is on its way is lost, both ends are told. */
void live_cut(live_line *line, uint64_t now_ns);
/* Moves what is due, both ways. Ends the line where one end says so; the view may connect again. */
void live_move(live_line *line, uint64_t now_ns);
/* Frees what waits. */
void live_end(live_line *line, uint64_t now_ns);

#endif
