/* SPDX-License-Identifier: MIT */
/* The bodies of messages: each a writer and the reader that refuses what the writer would not
 * write. A reader takes a whole section, to its last byte; only inputs and events, of which a
 * section has many, are read one by one. Nothing here allocates. */
#include "core/replicate/message.h"

#include "core/base/bits.h"

/* Lists of components, which come without limits of the connection. */
static const skep__wire_limits message_replica_limits = {.id_count_max = SKEP_REPLICA_MAX};

static bool message_get_flag(skep__wire_reader *r, bool *flag)
{
    const size_t at = r->at;
    uint32_t x = 0;
    if (!skep__wire_get_u8(r, &x)) return false;
    if (x > 1) return skep__wire_fail(r, "message: a flag is not 0 or 1", at);
    *flag = x == 1;
    return true;
}

/* Checks a list to its end, and leaves the walk over it to the caller. */
static bool message_get_ids(skep__wire_reader *r, const skep__wire_limits *limits,
                            skep__wire_ids *list, skep__wire_reader *ids)
{
    uint32_t id = 0;
    if (!skep__wire_get_ids(r, limits, UINT32_MAX, list)) return false;
    *ids = *r;
    skep__wire_ids walk = *list;
    while (walk.left)
        if (!skep__wire_get_id(r, &walk, &id)) return false;
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

uint32_t skep__message_value_bytes(const skep_component *info)
{
    uint32_t bytes = 0;
    for (uint32_t f = 0; f < info->field_count; f++)
        bytes += (uint32_t)info->fields[f].size * info->fields[f].count;
    return bytes;
}

static uint64_t value_element(const uint8_t *at, uint32_t size)
{
    uint16_t x16;
    uint32_t x32;
    uint64_t x64;
    switch (size) {
    case 1:
        return *at;
    case 2:
        memcpy(&x16, at, 2);
        return x16;
    case 4:
        memcpy(&x32, at, 4);
        return x32;
    default:
        memcpy(&x64, at, 8);
        return x64;
    }
}

static void value_element_set(uint8_t *at, uint32_t size, uint64_t x)
{
    const uint16_t x16 = (uint16_t)x;
    const uint32_t x32 = (uint32_t)x;
    switch (size) {
    case 1:
        *at = (uint8_t)x;
        return;
    case 2:
        memcpy(at, &x16, 2);
        return;
    case 4:
        memcpy(at, &x32, 4);
        return;
    default:
        memcpy(at, &x, 8);
    }
}

static void value_field_put(uint8_t *to, const skep_field *field, const uint8_t *from)
{
    for (uint32_t i = 0; i < field->count; i++) {
        uint64_t x = value_element(from + (size_t)i * field->size, field->size);
        if (field->type == SKEP_TYPE__Bool) x = x != 0;
        for (uint32_t b = 0; b < field->size; b++) *to++ = (uint8_t)(x >> (8 * b));
    }
}

static void value_field_get(uint8_t *to, const skep_field *field, const uint8_t *from)
{
    for (uint32_t i = 0; i < field->count; i++) {
        uint64_t x = 0;
        for (uint32_t b = 0; b < field->size; b++) x |= (uint64_t)*from++ << (8 * b);
        value_element_set(to + (size_t)i * field->size, field->size, x);
    }
}

void skep__message_put_value(skep__wire_writer *w, const skep_component *info, const void *value)
{
    for (uint32_t f = 0; f < info->field_count; f++) {
        const skep_field *field = &info->fields[f];
        uint8_t *to = skep__wire_reserve(w, (size_t)field->size * field->count);
        if (to) value_field_put(to, field, (const uint8_t *)value + field->offset);
    }
}

/* Steps over a value whose bools are sound. */
static bool value_get_bytes(skep__wire_reader *r, const skep_component *info, const uint8_t **bytes)
{
    const size_t start = r->at;
    if (!skep__wire_get_bytes(r, skep__message_value_bytes(info), bytes)) return false;
    const uint8_t *at = *bytes;
    for (uint32_t f = 0; f < info->field_count; f++) {
        const skep_field *field = &info->fields[f];
        for (uint32_t i = 0; field->type == SKEP_TYPE__Bool && i < field->count; i++)
            if (at[i] > 1)
                return skep__wire_fail(r, "message: a bool is not 0 or 1",
                                       start + (size_t)(at - *bytes) + i);
        at += (size_t)field->size * field->count;
    }
    return true;
}

bool skep__message_get_value(skep__wire_reader *r, const skep_component *info, void *value)
{
    const uint8_t *at = NULL;
    if (!value_get_bytes(r, info, &at)) return false;
    for (uint32_t f = 0; value && f < info->field_count; f++) {
        const skep_field *field = &info->fields[f];
        value_field_get((uint8_t *)value + field->offset, field, at);
        at += (size_t)field->size * field->count;
    }
    return true;
}

/* ---- joining --------------------------------------------------------------------------------- */

void skep__message_put_resume(skep__wire_writer *w, const uint8_t *token, const uint32_t *held,
                              uint32_t held_count)
{
    skep__wire_put_bytes(w, token, SKEP__RESUME_BYTES);
    skep__wire_put_ids(w, held, held_count);
}

bool skep__message_get_resume(skep__wire_reader *r, const skep__wire_limits *limits,
                              skep__message_resume *resume)
{
    const uint8_t *token = NULL;
    if (!skep__wire_get_bytes(r, SKEP__RESUME_BYTES, &token)) return false;
    memcpy(resume->token, token, SKEP__RESUME_BYTES);
    return message_get_ids(r, limits, &resume->held, &resume->ids) && skep__wire_get_end(r);
}

void skep__message_put_welcome(skep__wire_writer *w, const skep__message_welcome *welcome)
{
    SKEP_ASSERT(welcome->tick_hz && welcome->every && welcome->player);
    skep__wire_put_varint(w, welcome->tick_hz);
    skep__wire_put_varint(w, welcome->every);
    skep__wire_put_varint(w, welcome->player);
    skep__wire_put_varint(w, welcome->input_window);
    skep__wire_put_u8(w, welcome->resumed);
    SKEP_ASSERT(welcome->rate_count <= SKEP__MESSAGE_RATES_MAX);
    skep__wire_put_varint(w, welcome->rate_count);
    for (uint32_t i = 0; i < welcome->rate_count; i++) {
        const skep__message_rate rate = welcome->rates[i];
        const uint8_t bytes[4] = {rate.value, rate.value_field, rate.speed, rate.speed_field};
        skep__wire_put_bytes(w, bytes, sizeof bytes);
    }
}

/* A number of 1 to `max`. */
static bool message_get_number(skep__wire_reader *r, uint32_t max, uint32_t *x)
{
    const size_t at = r->at;
    if (!skep__wire_get_varint(r, x)) return false;
    return (*x && *x <= max) || skep__wire_fail(r, "message: a number is out of range", at);
}

static bool message_get_rates(skep__wire_reader *r, skep__message_welcome *welcome)
{
    const size_t at = r->at;
    const uint8_t *bytes = NULL;
    if (!skep__wire_get_varint(r, &welcome->rate_count)) return false;
    if (welcome->rate_count > SKEP__MESSAGE_RATES_MAX)
        return skep__wire_fail(r, "message: too many rates", at);
    for (uint32_t i = 0; i < welcome->rate_count; i++) {
        if (!skep__wire_get_bytes(r, 4, &bytes)) return false;
        welcome->rates[i] = (skep__message_rate){bytes[0], bytes[1], bytes[2], bytes[3]};
    }
    return true;
}

bool skep__message_get_welcome(skep__wire_reader *r, skep__message_welcome *welcome)
{
    return message_get_number(r, 10000, &welcome->tick_hz) &&
           message_get_number(r, 10000, &welcome->every) &&
           message_get_number(r, UINT32_MAX, &welcome->player) &&
           skep__wire_get_varint(r, &welcome->input_window) &&
           message_get_flag(r, &welcome->resumed) && message_get_rates(r, welcome) &&
           skep__wire_get_end(r);
}

static bool message_find(const skep_replica *replicas, uint32_t count, const skep_component *info,
                         uint32_t field, uint8_t *number)
{
    for (uint32_t i = 0; i < count; i++) {
        if (replicas[i].info != info) continue;
        *number = skep__u8(i);
        return field < info->field_count;
    }
    return false;
}

bool skep__message_rates_set(skep__message_welcome *welcome, const skep_replica *replicas,
                             uint32_t count, const skep_rate *rates, uint32_t rate_count)
{
    welcome->rate_count = 0;
    if (rate_count > SKEP__MESSAGE_RATES_MAX) return false;
    for (uint32_t i = 0; i < rate_count; i++) {
        skep__message_rate *to = &welcome->rates[i];
        const skep_rate *from = &rates[i];
        if (!message_find(replicas, count, from->value, from->value_field, &to->value) ||
            !message_find(replicas, count, from->speed, from->speed_field, &to->speed))
            return false;
        to->value_field = skep__u8(from->value_field);
        to->speed_field = skep__u8(from->speed_field);
    }
    welcome->rate_count = rate_count;
    return true;
}

bool skep__message_rates_get(const skep__message_welcome *welcome, const skep_replica *replicas,
                             uint32_t count, skep_rate *rates)
{
    for (uint32_t i = 0; i < welcome->rate_count; i++) {
        const skep__message_rate *rate = &welcome->rates[i];
        if (rate->value >= count || rate->speed >= count) return false;
        const skep_component *value = replicas[rate->value].info;
        const skep_component *speed = replicas[rate->speed].info;
        if (rate->value_field >= value->field_count || rate->speed_field >= speed->field_count)
            return false;
        rates[i] = (skep_rate){value, rate->value_field, speed, rate->speed_field};
    }
    return true;
}

/* ---- interest -------------------------------------------------------------------------------- */

static void message_put_set(skep__wire_writer *w, uint64_t set)
{
    uint32_t ids[64];
    uint32_t count = 0;
    for (; set; set &= set - 1u) ids[count++] = skep__bit_lowest(set);
    skep__wire_put_ids(w, ids, count);
}

static bool message_get_set(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                            uint64_t *set)
{
    skep__wire_ids list;
    uint32_t id = 0;
    *set = 0;
    if (!skep__wire_get_ids(r, &message_replica_limits, count, &list)) return false;
    while (list.left) {
        const size_t at = r->at;
        if (!skep__wire_get_id(r, &list, &id)) return false;
        if (replicas[id].info->kind != SKEP_KIND_COMPONENT)
            return skep__wire_fail(r, "message: what is asked for is no component", at);
        *set |= (uint64_t)1 << id;
    }
    return true;
}

static void message_put_f32(skep__wire_writer *w, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    skep__wire_put_u32(w, bits);
}

static bool message_get_f32(skep__wire_reader *r, float *x)
{
    const size_t at = r->at;
    uint32_t bits = 0;
    if (!skep__wire_get_u32(r, &bits)) return false;
    if ((bits & 0x7F800000u) == 0x7F800000u)
        return skep__wire_fail(r, "message: a number is not finite", at);
    memcpy(x, &bits, sizeof bits);
    return true;
}

static void message_put_box(skep__wire_writer *w, const skep_box *box)
{
    SKEP_ASSERT(box->axes <= 3);
    skep__wire_put_u8(w, box->axes);
    for (uint32_t i = 0; i < box->axes; i++) {
        message_put_f32(w, box->low[i]);
        message_put_f32(w, box->high[i]);
    }
}

static bool message_get_box(skep__wire_reader *r, skep_box *box)
{
    const size_t at = r->at;
    *box = (skep_box){0};
    if (!skep__wire_get_u8(r, &box->axes)) return false;
    if (box->axes > 3) return skep__wire_fail(r, "message: an area has more than 3 axes", at);
    for (uint32_t i = 0; i < box->axes; i++) {
        if (!message_get_f32(r, &box->low[i]) || !message_get_f32(r, &box->high[i])) return false;
        if (box->low[i] > box->high[i])
            return skep__wire_fail(r, "message: an area ends before it begins", r->at - 8u);
    }
    return true;
}

void skep__message_put_interest(skep__wire_writer *w, const skep__message_interest *interest)
{
    SKEP_ASSERT(interest->components);
    message_put_set(w, interest->components);
    message_put_set(w, interest->predicted);
    message_put_box(w, &interest->area);
}

bool skep__message_get_interest(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                                skep__message_interest *interest)
{
    const size_t at = r->at;
    if (!message_get_set(r, replicas, count, &interest->components) ||
        !message_get_set(r, replicas, count, &interest->predicted) ||
        !message_get_box(r, &interest->area) || !skep__wire_get_end(r))
        return false;
    return interest->components || skep__wire_fail(r, "message: nothing is asked for", at);
}

/* ---- states ---------------------------------------------------------------------------------- */

void skep__message_put_state(skep__wire_writer *w, const skep__message_state *state,
                             const uint32_t *dropped, uint32_t dropped_count)
{
    SKEP_ASSERT(state->previous || !dropped_count);
    const uint32_t sign = state->slack < 0 ? UINT32_MAX : 0;
    skep__wire_put_varint(w, state->previous);
    skep__wire_put_varint(w, state->message_count);
    skep__wire_put_ids(w, dropped, dropped_count);
    skep__wire_put_varint(w, state->number);
    skep__wire_put_varint(w, (uint32_t)state->slack << 1 ^ sign);
    skep__wire_put_varint(w, state->age_us);
}

static bool message_get_zigzag(skep__wire_reader *r, int32_t *x)
{
    uint32_t code = 0;
    if (!skep__wire_get_varint(r, &code)) return false;
    *x = (int32_t)(code >> 1 ^ (0u - (code & 1u)));
    return true;
}

bool skep__message_get_state(skep__wire_reader *r, const skep__wire_limits *limits,
                             skep__message_state *state)
{
    if (!skep__wire_get_varint(r, &state->previous) ||
        !skep__wire_get_varint(r, &state->message_count))
        return false;
    const size_t at = r->at;
    if (!message_get_ids(r, limits, &state->dropped, &state->ids)) return false;
    if (!state->previous && state->dropped.left)
        return skep__wire_fail(r, "message: a whole state drops classes", at);
    return skep__wire_get_varint64(r, &state->number) && message_get_zigzag(r, &state->slack) &&
           skep__wire_get_varint(r, &state->age_us) && skep__wire_get_end(r);
}

bool skep__message_get_own(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                           uint64_t predicted, skep__message_own *own)
{
    const size_t start = r->at;
    bool has = false;
    own->has = 0;
    if (!skep__wire_get_u64(r, &own->entity.bits)) return false;
    own->values = r->bytes + r->at;
    own->size = r->end - r->at;
    for (; predicted; predicted &= predicted - 1u) {
        const uint32_t id = skep__bit_lowest(predicted);
        SKEP_ASSERT(id < count);
        if (!message_get_flag(r, &has)) return false;
        if (has && !skep__message_get_value(r, replicas[id].info, NULL)) return false;
        if (has) own->has |= (uint64_t)1 << id;
    }
    (void)count; /* asserted alone */
    if (own->has && skep_entity_is_null(own->entity))
        return skep__wire_fail(r, "message: nobody has components", start);
    return skep__wire_get_end(r);
}

/* ---- inputs and events ----------------------------------------------------------------------- */

/* The number of a type in the schema, which must be of this kind. */
static bool message_get_type(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                             uint32_t kind, uint32_t *replica)
{
    const size_t at = r->at;
    if (!skep__wire_get_varint(r, replica)) return false;
    if (*replica >= count)
        return skep__wire_fail(r, "message: a type that the schema does not have", at);
    return replicas[*replica].info->kind == kind ||
           skep__wire_fail(r, "message: a type of another kind", at);
}

void skep__message_put_input(skep__wire_writer *w, const skep__message_input *input)
{
    skep__wire_put_varint(w, input->number);
    skep__wire_put_varint(w, input->tick);
    skep__wire_put_varint(w, input->replica);
    skep__wire_put_bytes(w, input->bytes, input->size);
}

bool skep__message_get_input(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                             uint64_t least, skep__message_input *input)
{
    const size_t at = r->at;
    if (!skep__wire_get_varint64(r, &input->number)) return false;
    /* The very last number would leave none for the next. */
    if (input->number < least || input->number == UINT64_MAX)
        return skep__wire_fail(r, "message: an input's number is out of order", at);
    if (!skep__wire_get_varint(r, &input->tick) ||
        !message_get_type(r, replicas, count, SKEP_KIND_INPUT, &input->replica))
        return false;
    input->size = skep__message_value_bytes(replicas[input->replica].info);
    return value_get_bytes(r, replicas[input->replica].info, &input->bytes);
}

void skep__message_put_event(skep__wire_writer *w, const skep__message_event *event)
{
    skep__wire_put_varint(w, event->replica);
    skep__wire_put_u64(w, event->to.bits);
    skep__wire_put_bytes(w, event->bytes, event->size);
}

bool skep__message_get_event(skep__wire_reader *r, const skep_replica *replicas, uint32_t count,
                             skep__message_event *event)
{
    if (!message_get_type(r, replicas, count, SKEP_KIND_EVENT, &event->replica) ||
        !skep__wire_get_u64(r, &event->to.bits))
        return false;
    event->size = skep__message_value_bytes(replicas[event->replica].info);
    return value_get_bytes(r, replicas[event->replica].info, &event->bytes);
}

/* ---- whole messages -------------------------------------------------------------------------- */

/* Bytes of a text that is cut to `max`, not inside of a character of UTF-8. */
static uint32_t message_text_bytes(const char *text, uint32_t max)
{
    uint32_t n = 0;
    while (n < max && text[n]) n++;
    if (!text[n]) return n;
    while (n && ((uint8_t)text[n] & 0xC0u) == 0x80u) n--;
    return n;
}

skep_status skep__message_bye(skep__wire_writer *w, uint32_t tick, bool again, const char *reason)
{
    const skep__wire_header h = {.type = SKEP__WIRE_BYE, .tick = tick, .class = again};
    skep__wire_message_begin(w, &h);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_REASON);
    skep__wire_put_bytes(w, reason, message_text_bytes(reason, SKEP__REASON_BYTES_MAX));
    skep__wire_section_end(w);
    return skep__wire_message_end(w);
}

skep_status skep__message_ping(skep__wire_writer *w, uint32_t type, uint32_t tick, uint64_t number,
                               uint32_t since_us)
{
    SKEP_ASSERT(type == SKEP__WIRE_PING || type == SKEP__WIRE_PONG);
    const skep__wire_header h = {.type = type, .tick = tick};
    skep__wire_message_begin(w, &h);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_CLOCK);
    skep__wire_put_varint(w, number);
    skep__wire_put_varint(w, since_us);
    skep__wire_section_end(w);
    return skep__wire_message_end(w);
}

bool skep__message_get_ping(skep__wire_reader *r, uint64_t *number, uint32_t *since_us)
{
    return skep__wire_get_varint64(r, number) && skep__wire_get_varint(r, since_us) &&
           skep__wire_get_end(r);
}

skep_status skep__message_resync(skep__wire_writer *w, uint32_t tick)
{
    const skep__wire_header h = {.type = SKEP__WIRE_RESYNC, .tick = tick};
    skep__wire_message_begin(w, &h);
    return skep__wire_message_end(w);
}

skep_status skep__message_auth(skep__wire_writer *w, const void *token, size_t size)
{
    const skep__wire_header h = {.type = SKEP__WIRE_AUTH};
    SKEP_ASSERT(size <= SKEP__TOKEN_BYTES_MAX);
    skep__wire_message_begin(w, &h);
    skep__wire_section_begin(w, SKEP__WIRE_SECTION_TOKEN);
    skep__wire_put_bytes(w, token, size);
    skep__wire_section_end(w);
    return skep__wire_message_end(w);
}
