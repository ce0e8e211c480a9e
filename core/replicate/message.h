/* SPDX-License-Identifier: MIT */
/* The bodies of all messages but those of view classes (class_wire.h): a struct each, a writer and
 * a reader, used by both ends. Borrowed bytes in what a reader fills live as long as the message.
 *
 * The order of things:
 *
 *     client                                      server
 *     HELLO     SCHEMA TOKEN? RESUME?      --->
 *     AUTH      TOKEN                      --->   where HELLO's token was missing and one is needed
 *                                          <---   WELCOME   SCHEMA TOKEN CLOCK
 *     SUBSCRIBE INTEREST                   --->   at any time again
 *                                          <---   EVENT     EVENTS
 *                                          <---   a state: ACK (STATE OWN?), then as many SNAPSHOT
 *                                                 and DELTA as it says, one a class that changed
 *     INPUT     INPUTS                     --->
 *     RESYNC                               --->   the next state is whole
 *     PING      CLOCK                      <-->   PONG      CLOCK
 *     BYE       REASON                     <-->
 *
 * A state is taken in whole or not at all. Classes that it does not name are as they were. A class
 * of the state before is the base of its DELTA; a class that the client does not hold comes as
 * SNAPSHOT. Values of inputs, events, resources and own components are their fields' elements one
 * after the other, little-endian, bools as 0 or 1. */
#ifndef SKEP_CORE_REPLICATE_MESSAGE_H
#define SKEP_CORE_REPLICATE_MESSAGE_H

#include "core/replicate/schema.h"
#include "core/replicate/wire.h"

#define SKEP__TOKEN_BYTES_MAX 4096u
#define SKEP__RESUME_BYTES 16u
#define SKEP__REASON_BYTES_MAX 200u
#define SKEP__MESSAGE_INPUTS_MAX 64u
#define SKEP__MESSAGE_RATES_MAX 64u

/* ---- schema: the table ------------------------------------------------------------------- */

/* SCHEMA: hash | 0, or 1 and the table: count, then each kind u8, name, field count, fields each
 * name, type u8, count varint, quantum u8. Names are length varint (1 to 255) and bytes. */
void skep__message_put_schema(skep__wire_writer *w, const skep_replica *replicas, uint32_t count,
                              bool table);

/* A schema that came: descriptions made of its bytes, owned. */
typedef struct skep__schema_table {
    skep__schema_hash hash;
    uint32_t count; /* 0: only the hash came */
    skep_replica *replicas;
    void *memory; /* one piece for all of it */
    size_t memory_bytes;
} skep__schema_table;

/* Reads SCHEMA. A table whose hash is not the one that stands before it is refused. C structs of
 * the descriptions have natural alignment. SKEP_NO_MEMORY, or the reader's error. */
SKEP_NODISCARD skep_status skep__message_get_schema(skep__wire_reader *r,
                                                    const skep_allocator *allocator,
                                                    skep__schema_table *table);

void skep__schema_table_deinit(skep__schema_table *table, const skep_allocator *allocator);

/* Compares what a program knows with the server's: NULL when it has the same fields and types
 * (quanta aside), else a text that names component and field, in `text`. */
const char *skep__schema_mismatch(const skep_component *mine, const skep_component *theirs,
                                  char *text, size_t text_bytes);

/* ---- values -------------------------------------------------------------------------------- */

/* Bytes of a value on the wire. */
uint32_t skep__message_value_bytes(const skep_component *info);

/* A C struct as on the wire, and back. The reader refuses bools other than 0 and 1 (false);
 * `value` may be NULL to check only. */
void skep__message_put_value(skep__wire_writer *w, const skep_component *info, const void *value);
bool skep__message_get_value(skep__wire_reader *r, const skep_component *info, void *value);

/* ---- bodies -------------------------------------------------------------------------------- */

/* RESUME: token 16 bytes | ids of classes held, of the state of the header's tick */
typedef struct skep__message_resume {
    uint8_t token[SKEP__RESUME_BYTES];
    skep__wire_ids held; /* to be walked with `ids` */
    skep__wire_reader ids;
} skep__message_resume;

/* One skep_rate by numbers: which field is the speed of which. */
typedef struct skep__message_rate {
    uint8_t value; /* place of its component in the schema, */
    uint8_t value_field;
    uint8_t speed;
    uint8_t speed_field;
} skep__message_rate;

/* CLOCK of WELCOME: hz varint | every varint | player varint | input window varint | resumed u8 |
 * rates: count varint, each 4 times u8. Both ends must know the rates to predict alike. */
typedef struct skep__message_welcome {
    uint32_t tick_hz; /* 1 to 10,000 */
    uint32_t every;   /* likewise */
    uint32_t player;  /* not 0 */
    uint32_t input_window;
    bool resumed; /* the classes that the client named are its base */
    uint32_t rate_count;
    skep__message_rate rates[SKEP__MESSAGE_RATES_MAX];
} skep__message_welcome;

/* INTEREST: component ids | predicted ids | axes u8 | axes * (low f32, high f32) */
typedef struct skep__message_interest {
    uint64_t components; /* by replica number, a bit each; at least one */
    uint64_t predicted;
    skep_box area; /* finite, low <= high */
} skep__message_interest;

/* STATE: previous tick varint (0: whole, all classes are dropped) | message count varint | dropped
 * class ids | last input number varint64 | slack zigzag varint | age in microseconds varint */
typedef struct skep__message_state {
    uint32_t previous;
    uint32_t message_count; /* SNAPSHOT and DELTA messages that follow */
    skep__wire_ids dropped; /* to be walked with `ids` */
    skep__wire_reader ids;
    uint64_t number;
    int32_t slack;
    uint32_t age_us; /* from the state's taking to this message */
} skep__message_state;

/* OWN: entity u64 | for each predicted component in order: 0, or 1 and its value */
typedef struct skep__message_own {
    skep_entity entity;
    uint64_t has; /* by replica number */
    const uint8_t *values;
    size_t size; /* of values, the 0s and 1s included */
} skep__message_own;

/* One of INPUTS: count varint | each: number varint64 (increasing) | tick varint | replica varint |
 * value */
typedef struct skep__message_input {
    uint64_t number;
    uint32_t tick;
    uint32_t replica;
    const uint8_t *bytes;
    uint32_t size;
} skep__message_input;

/* One of EVENTS: count varint | each: replica varint | entity u64 | value */
typedef struct skep__message_event {
    uint32_t replica;
    skep_entity to;
    const uint8_t *bytes;
    uint32_t size;
} skep__message_event;

void skep__message_put_resume(skep__wire_writer *w, const uint8_t *token, const uint32_t *held,
                              uint32_t held_count);
bool skep__message_get_resume(skep__wire_reader *r, const skep__wire_limits *limits,
                              skep__message_resume *resume);

void skep__message_put_welcome(skep__wire_writer *w, const skep__message_welcome *welcome);
bool skep__message_get_welcome(skep__wire_reader *r, skep__message_welcome *welcome);

/* Puts rates that name components of the schema into a WELCOME, and reads them from one that came.
 * False when one names something that is not there, or there are too many. */
bool skep__message_rates_set(skep__message_welcome *welcome, const skep_replica *replicas,
                             uint32_t count, const skep_rate *rates, uint32_t rate_count);
bool skep__message_rates_get(const skep__message_welcome *welcome, const skep_replica *replicas,
                             uint32_t count, skep_rate *rates);

void skep__message_put_interest(skep__wire_writer *w, const skep__message_interest *interest);
/* Ids must be those of components. */
bool skep__message_get_interest(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                                skep__message_interest *interest);

/* `dropped` are written from the list; state->dropped is not looked at. */
void skep__message_put_state(skep__wire_writer *w, const skep__message_state *state,
                             const uint32_t *dropped, uint32_t dropped_count);
bool skep__message_get_state(skep__wire_reader *r, const skep__wire_limits *limits,
                             skep__message_state *state);

bool skep__message_get_own(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                           uint64_t predicted, skep__message_own *own);

void skep__message_put_input(skep__wire_writer *w, const skep__message_input *input);
/* After the count, which the caller read: one input of a type that the schema has. `least` is the
 * lowest that its number may be. */
bool skep__message_get_input(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                             uint64_t least, skep__message_input *input);

void skep__message_put_event(skep__wire_writer *w, const skep__message_event *event);
bool skep__message_get_event(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                             skep__message_event *event);

/* Whole messages with nothing but one section or none: BYE, PING, PONG, RESYNC, AUTH. They return
 * what message_end does. */
/* `again`: it may be worth to connect once more; the header's class is 1 then, else 0. */
SKEP_NODISCARD skep_status skep__message_bye(skep__wire_writer *w, uint32_t tick, bool again,
                                             const char *reason);
/* `number` comes back as it is; `since_us` is the time since the header's tick was published. */
SKEP_NODISCARD skep_status skep__message_ping(skep__wire_writer *w, uint32_t type, uint32_t tick,
                                              uint64_t number, uint32_t since_us);
bool skep__message_get_ping(skep__wire_reader *r, uint64_t *number, uint32_t *since_us);
SKEP_NODISCARD skep_status skep__message_resync(skep__wire_writer *w, uint32_t tick);
SKEP_NODISCARD skep_status skep__message_auth(skep__wire_writer *w, const void *token, size_t size);

#endif
