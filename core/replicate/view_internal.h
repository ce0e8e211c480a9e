/* SPDX-License-Identifier: MIT */
/* The client's view from the inside.
 *
 *     message --> next (a state in the making) --> states[] --> pair (two states around the moment
 *                                                               that is shown) --> picture
 *
 * States share what did not change: a state is a sorted list of (class id, counted class), a class
 * has counted blocks of codes. Functions that several files of the view share are
 * skep__client_x. */
#ifndef SKEP_CORE_REPLICATE_VIEW_INTERNAL_H
#define SKEP_CORE_REPLICATE_VIEW_INTERNAL_H

#include "core/replicate/class_wire.h"
#include "core/replicate/message.h"
#include "core/replicate/view_map.h"
#include "skep/view.h"

#define SKEP__CLIENT_CANARY 0x76696577u
/* States that are kept: bases, helpers of prediction, and what lies behind the shown moment. */
#define SKEP__CLIENT_STATES 32u
/* The most bytes of a message from the server, whatever it says its limit is. */
#define SKEP__CLIENT_MESSAGE_MAX 16777216u
#define SKEP__CLIENT_INPUTS_MAX 256u
#define SKEP__CLIENT_EVENT_BYTES_MAX 1048576u
/* Different sets of components that a server may have. */
#define SKEP__CLIENT_LAYOUTS_MAX 4096u
#define SKEP__CLIENT_REASON_BYTES 256u
/* Arrivals from which delay and clock are told. */
#define SKEP__CLIENT_ARRIVALS 64u
#define SKEP__CLIENT_PINGS 8u

/* ---- classes and states ------------------------------------------------------------------- */

/* A column of a picture: one field of one component. */
typedef struct skep__client_field {
    uint8_t replica;
    uint8_t field;
    uint16_t elements;
    uint32_t row_bytes;
    uint32_t prefix;     /* bytes a row of the columns before it, the handle's 8 included */
    uint32_t code_field; /* of its first element, in the layout's fields */
} skep__client_field;

/* A set of components, and how codes and rows of it lie. */
typedef struct skep__client_layout {
    skep__code_layout code;
    uint32_t field_count;
    uint32_t row_bytes; /* of all columns and the handle */
    skep__client_field *fields;
    uint32_t rows; /* scratch of skep_view_frame */
} skep__client_layout;

/* A class at a tick, held by states and pairs. */
typedef struct skep__client_class {
    uint32_t refs;
    uint32_t layout;
    uint32_t entity_count;
    skep__codes codes;
} skep__client_class;

typedef struct skep__client_entry {
    uint32_t id;
    skep__client_class *class;
} skep__client_entry;

/* What there is at a tick; entries by id. */
typedef struct skep__client_state {
    uint32_t tick;
    uint32_t count;
    uint32_t cap;
    skep__client_entry *entries;
} skep__client_state;

/* What comes with a state and is kept for the newest only: the own entity and the resources. */
typedef struct skep__client_news {
    skep_entity entity;
    uint64_t number;
    int32_t slack;
    uint64_t own_has;      /* by place in desc.predict */
    uint32_t own_size;     /* of own_bytes */
    uint8_t *own_bytes;    /* room for all predicted values */
    uint64_t resource_has; /* by number in the schema */
    uint8_t *resources;    /* C structs, at view->resource_at */
} skep__client_news;

/* A state that is coming in. */
typedef struct skep__client_next {
    bool open;
    uint32_t left; /* messages that still belong to it */
    uint32_t previous;
    uint32_t age_us;
    uint64_t arrived_ns;
    uint64_t entity_count;
    skep__client_state state;
} skep__client_next;

/* ---- what is shown ------------------------------------------------------------------------ */

/* The states around the shown moment. For each block of `from`, in order, `to` has the codes at the
 * second tick of whoever sits in its slots at the first, wherever they are by then. */
typedef struct skep__client_pair {
    bool made;
    uint32_t tick_from;
    uint32_t tick_to; /* tick_from: there is no second one yet */
    skep__client_state from;
    uint32_t block_count;
    uint32_t block_cap;
    skep__code_block **to;
} skep__client_pair;

/* Rows of one layout: handles, then a column after the other, each `row_cap` rows. */
typedef struct skep__client_table {
    uint32_t row_count;
    uint32_t row_cap;
    uint8_t *memory;
} skep__client_table;

typedef struct skep__client_picture {
    uint64_t order; /* pictures of one order have the same rows */
    uint32_t entity_count;
    uint32_t table_count;
    uint32_t table_cap;
    skep__client_table *tables; /* by layout */
} skep__client_picture;

/* Where entities are in pictures of one order, made when it is asked for often enough. */
typedef struct skep__client_index {
    uint64_t order;
    uint32_t misses;
    bool made;
    skep__view_map map;
} skep__client_index;

/* ---- inputs, events, clock ---------------------------------------------------------------- */

typedef struct skep__client_input {
    uint64_t number;
    uint32_t tick;
    uint32_t replica;
    uint32_t size;
} skep__client_input;

/* Stands before each event's C struct in the queue. */
typedef struct skep__client_event {
    uint64_t to;
    uint32_t tick;
    uint32_t replica;
    uint32_t bytes;  /* to the next event */
    uint32_t pad[3]; /* so that the struct behind it is aligned */
} skep__client_event;

typedef struct skep__client_arrival {
    double late;  /* ticks from the state's own to its arrival, on the client's clock */
    double early; /* the same less its age: what the way took */
    uint32_t tick;
} skep__client_arrival;

typedef struct skep__client_clock {
    uint32_t arrival_count; /* of the ring, */
    uint32_t arrival_next;
    skep__client_arrival arrivals[SKEP__CLIENT_ARRIVALS];
    uint64_t zero_ns; /* the clock that lateness counts from */
    double late_least;
    double early_least;
    double jitter; /* ticks */
    double step;   /* ticks from state to state, as they come */
    double delay;  /* ticks that are shown late */
    double shown;  /* the moment, in ticks of the server */
    uint64_t shown_ns;
    bool started;
    uint32_t ping_count;
    uint32_t ping_next;
    double pings_ns[SKEP__CLIENT_PINGS];
    double rtt_ns; /* the least of them; 0: unknown */
} skep__client_clock;

/* ---- the view ----------------------------------------------------------------------------- */

struct skep_view {
    skep_view_desc desc;
    skep_allocator allocator;
    skep__code_pool pool;
    skep__wire_limits limits;
    skep_view_phase phase;
    char reason[SKEP__CLIENT_REASON_BYTES];

    /* the connection */
    bool connected;
    bool welcomed;
    bool was_welcomed; /* by this server, at any time: there is a resume token */
    bool hello_waits;
    bool subscribe_waits;
    bool resync_waits;
    bool pong_waits;
    bool ping_waits;
    bool bye_waits;
    bool stated; /* a state came over this connection */
    uint8_t resume[SKEP__RESUME_BYTES];
    uint8_t *token;
    uint64_t pong_number;
    uint64_t ping_number;
    uint64_t ping_ns; /* when the one that is under way was sent; 0: none */
    uint64_t ping_next_ns;
    uint64_t heard_ns;  /* the last message, */
    uint64_t state_ns;  /* the last state, */
    uint64_t resync_ns; /* and when a RESYNC was sent last; 0: never */
    uint8_t *out;       /* the message that skep_view_next gave */
    size_t out_bytes;

    /* the schema */
    skep__schema_table table; /* where the server sent one */
    skep__schema_hash hash;
    uint32_t replica_count;
    skep_replica replicas[SKEP_REPLICA_MAX];
    uint64_t wanted; /* events and components that the program named, by number */
    uint32_t predict[SKEP_REPLICA_MAX]; /* numbers of desc.predict */
    skep__message_welcome welcome;
    skep_rate rates[SKEP__MESSAGE_RATES_MAX];

    /* states */
    uint32_t layout_count;
    uint32_t layout_cap;
    skep__client_layout *layouts;
    uint32_t state_count;
    skep__client_state states[SKEP__CLIENT_STATES]; /* oldest first */
    skep__client_next next;
    skep__client_news news[2]; /* the newest state's, and the coming one's */
    uint32_t resource_at[SKEP_REPLICA_MAX];
    uint32_t resource_bytes;
    uint32_t own_bytes_max;
    skep__client_clock clock;

    /* what is shown */
    skep__client_pair pair;
    skep__client_picture pictures[2];
    skep__client_index indexes[2];
    uint32_t shown;       /* picture that is shown; the other is the one before */
    uint64_t order;       /* of the newest picture */
    skep__view_map moved; /* scratch: entities by their place in the second state */
    uint32_t change_count;
    uint32_t change_cap;
    skep_view_change *changes;
    uint32_t changed_cap;
    skep_entity *changed;
    uint64_t hint_entity;
    uint32_t hint_table;
    uint32_t hint_row;

    /* inputs and events */
    uint64_t input_number; /* of the last one */
    uint32_t input_first;
    uint32_t input_count;
    skep__client_input inputs[SKEP__CLIENT_INPUTS_MAX];
    uint32_t input_value_max;
    uint8_t *input_values; /* as on the wire, input_value_max each */
    uint8_t *events;       /* from event_first to event_end */
    uint32_t event_cap;
    uint32_t event_first;
    uint32_t event_end;
    bool events_lost; /* it was said */

    skep_view_stats stats;
};

/* ---- view.c --------------------------------------------------------------------------------- */

/* Memory that counts as the view's; NULL when there is none, or bytes_max is reached. */
void *skep__client_alloc(skep_view *view, size_t bytes);
void skep__client_free(skep_view *view, void *memory, size_t bytes);

void skep__client_log(const skep_view *view, skep_log_level level, const char *text);

/* Ends the connection, so that it may be made again; returns false. */
bool skep__client_break(skep_view *view, const char *reason);
/* Ends the view; returns false. */
bool skep__client_end(skep_view *view, const char *reason);

/* The number in the schema of a component that the program names, or SKEP_REPLICA_MAX. */
uint32_t skep__client_number(const skep_view *view, const skep_component *component);

/* ---- view_schema.c -------------------------------------------------------------------------- */

/* Takes the schema of a WELCOME, which takes over the table. False: the connection, or the view,
 * has ended with a reason. */
bool skep__client_schema(skep_view *view, skep__schema_table *table,
                         const skep__message_welcome *welcome);

/* Finds the layout of a set of components, made where it is new. SKEP_LIMIT, SKEP_NO_MEMORY. */
SKEP_NODISCARD skep_status skep__client_layout_of(skep_view *view, uint64_t components,
                                                  uint32_t *number);
void skep__client_layouts_free(skep_view *view);

/* ---- view_state.c --------------------------------------------------------------------------- */

/* Take a message in. False: it does not belong here or is damaged; *error says why, and the state
 * that was coming in is forgotten. */
bool skep__client_ack(skep_view *view, skep__wire_message *m, uint64_t now_ns, skep_error *error);
bool skep__client_class_message(skep_view *view, skep__wire_message *m, skep_error *error);

const skep__client_state *skep__client_newest(const skep_view *view);
void skep__client_class_drop(skep_view *view, skep__client_class *class);
/* Makes *copy hold what *from does. False without memory. */
bool skep__client_state_copy(skep_view *view, const skep__client_state *from,
                             skep__client_state *copy);
void skep__client_state_deinit(skep_view *view, skep__client_state *state);
/* Forgets the state that is coming in. */
void skep__client_next_drop(skep_view *view);
/* Forgets all states. */
void skep__client_states_drop(skep_view *view);

/* ---- view_event.c --------------------------------------------------------------------------- */

bool skep__client_events(skep_view *view, skep__wire_message *m, skep_error *error);

/* ---- view_clock.c --------------------------------------------------------------------------- */

/* A state of a tick came, `age_us` after it was taken. */
void skep__client_clock_state(skep_view *view, uint32_t tick, uint32_t age_us, uint64_t now_ns);
void skep__client_clock_pong(skep_view *view, uint64_t rtt_ns);
void skep__client_clock_reset(skep_view *view);
/* Moves the shown moment to `now_ns`. */
void skep__client_clock_advance(skep_view *view, uint64_t now_ns);
double skep__client_clock_server(const skep_view *view, uint64_t now_ns);

/* ---- view_pair.c ---------------------------------------------------------------------------- */

/* Makes the pair of two states (`to` may be `from`). False without memory, with *pair empty. */
bool skep__client_pair_make(skep_view *view, const skep__client_state *from,
                            const skep__client_state *to, skep__client_pair *pair);
void skep__client_pair_deinit(skep_view *view, skep__client_pair *pair);

/* Tells of an entity of `to` that does not sit there in `from`: by the place of its class in
 * to->entries and its slot. */
typedef void skep__client_moved_fn(void *ctx, uint64_t entity, uint32_t entry, uint32_t slot);
/* Tells of all of them (fn NULL: of none), and returns how many there are. Blocks that both share
 * cost nothing. */
uint32_t skep__client_moved(const skep__client_state *from, const skep__client_state *to,
                            skep__client_moved_fn *fn, void *ctx);

/* ---- view_change.c -------------------------------------------------------------------------- */

/* Finds whose components changed between two states, for skep_view_changes; `before` may be empty.
 * False without memory. */
bool skep__client_changes_find(skep_view *view, const skep__client_state *before,
                               const skep__client_state *after);

/* ---- view_frame.c --------------------------------------------------------------------------- */

void skep__client_pictures_free(skep_view *view);

/* The row of an entity in a picture; false when it is not there. Makes an index when it pays. */
bool skep__client_find(skep_view *view, const skep__client_picture *picture, uint64_t entity,
                       uint32_t *table, uint32_t *row);

/* Where a column begins. */
SKEP_INLINE uint8_t *skep__client_column(const skep__client_table *table,
                                         const skep__client_field *field)
{
    return table->memory + (size_t)table->row_cap * field->prefix;
}

/* Where the shown values of a field of an entity are, to be written over; NULL when it is not shown
 * or lacks it. `replica` is a number in the schema. */
void *skep__client_shown(skep_view *view, skep_entity entity, uint32_t replica, uint32_t field);

#endif
