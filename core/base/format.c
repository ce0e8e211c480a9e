/* SPDX-License-Identifier: MIT */
/* The formatter: a sink that counts what does not fit, a parser of one conversion, and exact
 * decimals.
 *
 * A double is m * 2^e. It is written out in full as a decimal number in base 10^9, then rounded
 * where the text ends, so the result is the correctly rounded one whatever the machine, with
 * integers only:
 *
 *     word:    0 ... 34 35 | 36 37 ... 155
 *                       ^     ^ the first nine digits after the point
 *                       units
 *
 * 36 words hold 1.8e308, 120 words all 1,074 binary places of the least denormal. Whoever prints
 * doubles here prints few: the worst case, a denormal, takes some microseconds; a clever
 * shortest-digits algorithm needs tables of many kilobytes instead. */
#include "core/base/format.h"

#define DECIMAL_BASE 1000000000u
#define DECIMAL_WHOLE 36
#define DECIMAL_WORDS 156
/* Positions of digits: 0 is the units digit, 1 the tens, -1 the tenths. */
#define DECIMAL_TOP (9 * DECIMAL_WHOLE - 1)
#define DECIMAL_LAST (-9 * (DECIMAL_WORDS - DECIMAL_WHOLE))

typedef struct text_sink {
    char *out;
    size_t max;
    size_t length;
} text_sink;

typedef struct conversion {
    bool left;
    bool zero;
    bool sign_plus;
    bool sign_space;
    bool alternate;
    int width;
    int precision; /* -1 when not given */
    char length;   /* 'H' for hh, 'L' for ll, else the letter, or 0 */
    char kind;
} conversion;

/* A list in a struct can be passed on by address everywhere; a va_list parameter, an array on some
 * machines, cannot. */
typedef struct format_arguments {
    va_list list;
} format_arguments;

typedef struct decimal {
    uint32_t word[DECIMAL_WORDS];
} decimal;

static void text_bytes(text_sink *s, const char *bytes, size_t n)
{
    if (s->length < s->max) {
        const size_t room = s->max - s->length;
        memcpy(s->out + s->length, bytes, n < room ? n : room);
    }
    s->length += n;
}

static void text_repeat(text_sink *s, char c, int n)
{
    for (int i = 0; i < n; i++) text_bytes(s, &c, 1);
}

/* Puts what comes before a body of `body_length`: padding, `prefix` (a sign, 0x) and `zeros` zeros.
 * Returns the spaces that are due after the body. */
static int put_head(text_sink *s, const conversion *c, const char *prefix, int zeros,
                    int body_length)
{
    int prefix_length = 0;
    while (prefix[prefix_length]) prefix_length++;
    int fill = c->width - prefix_length - zeros - body_length;
    if (fill < 0) fill = 0;
    if (c->zero && !c->left) {
        zeros += fill;
        fill = 0;
    }
    if (!c->left) text_repeat(s, ' ', fill);
    text_bytes(s, prefix, (size_t)prefix_length);
    text_repeat(s, '0', zeros);
    return c->left ? fill : 0;
}

static void put_text(text_sink *s, const conversion *c, const char *prefix, const char *body,
                     int length)
{
    const int after = put_head(s, c, prefix, 0, length);
    text_bytes(s, body, (size_t)length);
    text_repeat(s, ' ', after);
}

static const char *sign_of(const conversion *c, bool negative)
{
    if (negative) return "-";
    if (c->sign_plus) return "+";
    return c->sign_space ? " " : "";
}

/* ---- integers ---- */

static void put_integer(text_sink *s, conversion c, const char *prefix, uint64_t value)
{
    const char *const digits = c.kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    const uint32_t base = c.kind == 'o' ? 8u : (c.kind == 'x' || c.kind == 'X') ? 16u : 10u;
    char body[24];
    int at = (int)sizeof body;
    while (value) {
        body[--at] = digits[value % base];
        value /= base;
    }
    const int length = (int)sizeof body - at;
    int least = c.precision < 0 ? 1 : c.precision;
    if (c.kind == 'o' && c.alternate && least <= length) least = length + 1;
    if (c.precision >= 0) c.zero = false;
    const int after = put_head(s, &c, prefix, least > length ? least - length : 0, length);
    text_bytes(s, body + at, (size_t)length);
    text_repeat(s, ' ', after);
}

static int64_t signed_argument(format_arguments *a, char length)
{
    switch (length) {
    case 'H':
        return (signed char)va_arg(a->list, int);
    case 'h':
        return (short)va_arg(a->list, int);
    case 'l':
        return va_arg(a->list, long);
    case 'L':
        return va_arg(a->list, long long);
    case 'z':
    case 't':
        return va_arg(a->list, ptrdiff_t);
    default:
        return va_arg(a->list, int);
    }
}

static uint64_t unsigned_argument(format_arguments *a, char length)
{
    switch (length) {
    case 'H':
        return (unsigned char)va_arg(a->list, unsigned);
    case 'h':
        return (unsigned short)va_arg(a->list, unsigned);
    case 'l':
        return va_arg(a->list, unsigned long);
    case 'L':
        return va_arg(a->list, unsigned long long);
    case 'z':
    case 't':
        return va_arg(a->list, size_t);
    default:
        return va_arg(a->list, unsigned);
    }
}

static void convert_signed(text_sink *s, const conversion *c, format_arguments *a)
{
    const int64_t value = signed_argument(a, c->length);
    const uint64_t size = value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
    put_integer(s, *c, sign_of(c, value < 0), size);
}

static void convert_unsigned(text_sink *s, const conversion *c, format_arguments *a)
{
    const uint64_t value = unsigned_argument(a, c->length);
    const char *prefix = "";
    if (c->alternate && value && c->kind == 'x') prefix = "0x";
    if (c->alternate && value && c->kind == 'X') prefix = "0X";
    put_integer(s, *c, prefix, value);
}

/* ---- doubles ---- */

static const uint32_t decimal_power[9] = {1,      10,      100,      1000,     10000,
                                          100000, 1000000, 10000000, 100000000};

/* The word that holds a position between DECIMAL_LAST and DECIMAL_TOP. */
static int decimal_word(int position)
{
    return DECIMAL_WORDS - 1 - (position - DECIMAL_LAST) / 9;
}

static uint32_t decimal_place(int position)
{
    return decimal_power[(position - DECIMAL_LAST) % 9];
}

static void decimal_shift_left(decimal *d, int bits)
{
    int top = DECIMAL_WHOLE - 2; /* the mantissa takes two words */
    while (bits > 0) {
        const int step = bits < 29 ? bits : 29;
        uint64_t carry = 0;
        for (int i = DECIMAL_WHOLE - 1; i >= top; i--) {
            const uint64_t word = ((uint64_t)d->word[i] << step) + carry;
            d->word[i] = (uint32_t)(word % DECIMAL_BASE);
            carry = word / DECIMAL_BASE;
        }
        if (carry) d->word[--top] = (uint32_t)carry;
        bits -= step;
    }
}

/* Steps of 9 bits at most: 10^9 is divisible by 2^9, so that a remainder goes into the next word
 * whole. */
static void decimal_shift_right(decimal *d, int bits)
{
    int last = DECIMAL_WHOLE - 1;
    while (bits > 0) {
        const int step = bits < 9 ? bits : 9;
        uint32_t carry = 0;
        for (int i = DECIMAL_WHOLE - 2; i <= last; i++) {
            const uint32_t word = d->word[i];
            d->word[i] = (word >> step) + carry;
            carry = (word & ((1u << step) - 1u)) * (DECIMAL_BASE >> step);
        }
        if (carry) d->word[++last] = carry;
        bits -= step;
    }
}

static void decimal_from(decimal *d, uint64_t mantissa, int exponent)
{
    memset(d, 0, sizeof *d);
    d->word[DECIMAL_WHOLE - 1] = (uint32_t)(mantissa % DECIMAL_BASE);
    d->word[DECIMAL_WHOLE - 2] = (uint32_t)(mantissa / DECIMAL_BASE);
    if (exponent > 0) decimal_shift_left(d, exponent);
    if (exponent < 0) decimal_shift_right(d, -exponent);
}

static uint32_t decimal_digit(const decimal *d, int position)
{
    if (position < DECIMAL_LAST || position > DECIMAL_TOP) return 0;
    return d->word[decimal_word(position)] / decimal_place(position) % 10u;
}

/* Position of the first digit that is not zero; the units digit of zero. */
static int decimal_highest(const decimal *d)
{
    int i = 0;
    while (i < DECIMAL_WORDS && !d->word[i]) i++;
    if (i == DECIMAL_WORDS) return 0;
    int position = DECIMAL_TOP - 9 * i;
    while (!decimal_digit(d, position)) position--;
    return position;
}

/* Rounds to the nearest multiple of 10^position, ties to an even digit. */
static void decimal_round(decimal *d, int position)
{
    if (position <= DECIMAL_LAST) return;
    const uint32_t below = decimal_digit(d, position - 1);
    const bool odd = decimal_digit(d, position) & 1u;
    int i = decimal_word(position - 1);
    bool more = d->word[i] % decimal_place(position - 1) != 0;
    while (++i < DECIMAL_WORDS) {
        more |= d->word[i] != 0;
        d->word[i] = 0;
    }
    i = decimal_word(position);
    if (decimal_word(position - 1) != i) d->word[i + 1] = 0;
    d->word[i] -= d->word[i] % decimal_place(position);
    if (below < 5 || (below == 5 && !more && !odd)) return;
    d->word[i] += decimal_place(position);
    while (d->word[i] >= DECIMAL_BASE) {
        d->word[i] -= DECIMAL_BASE;
        d->word[--i]++;
    }
}

/* Puts digits of positions from `first` down, `count` of them. */
static void put_digits(text_sink *s, const decimal *d, int first, int count)
{
    for (int i = 0; i < count; i++) {
        const char digit = (char)('0' + (int)decimal_digit(d, first - i));
        text_bytes(s, &digit, 1);
    }
}

/* d is rounded already: 123.450 */
static void put_fixed(text_sink *s, const conversion *c, const char *sign, const decimal *d,
                      int places)
{
    const int highest = decimal_highest(d);
    const int whole = highest > 0 ? highest + 1 : 1;
    const int point = places || c->alternate;
    const int after = put_head(s, c, sign, 0, whole + point + places);
    put_digits(s, d, whole - 1, whole);
    if (point) text_bytes(s, ".", 1);
    put_digits(s, d, -1, places);
    text_repeat(s, ' ', after);
}

/* d is rounded already: 1.2345e+02 */
static void put_scientific(text_sink *s, const conversion *c, const char *sign, const decimal *d,
                           int places)
{
    const int exponent = decimal_highest(d);
    const int size = exponent < 0 ? -exponent : exponent;
    const bool upper = c->kind == 'E' || c->kind == 'G';
    char tail[5] = {upper ? 'E' : 'e', exponent < 0 ? '-' : '+', 0, 0, 0};
    int tail_length = 2;
    if (size >= 100) tail[tail_length++] = (char)('0' + size / 100);
    tail[tail_length++] = (char)('0' + size / 10 % 10);
    tail[tail_length++] = (char)('0' + size % 10);
    const int point = places || c->alternate;
    const int after = put_head(s, c, sign, 0, 1 + point + places + tail_length);
    put_digits(s, d, exponent, 1);
    if (point) text_bytes(s, ".", 1);
    put_digits(s, d, exponent - 1, places);
    text_bytes(s, tail, (size_t)tail_length);
    text_repeat(s, ' ', after);
}

/* %g: `precision` digits that count, in the shorter notation, without zeros at the end. */
static void put_general(text_sink *s, const conversion *c, const char *sign, decimal *d,
                        int precision)
{
    if (!precision) precision = 1;
    decimal_round(d, decimal_highest(d) - precision + 1);
    const int exponent = decimal_highest(d);
    const bool fixed = exponent >= -4 && exponent < precision;
    const int first = fixed ? 0 : exponent; /* the digit before the point */
    int places = precision - 1 - (fixed ? exponent : 0);
    if (!c->alternate) {
        if (places > first - DECIMAL_LAST) places = first - DECIMAL_LAST;
        while (places && !decimal_digit(d, first - places)) places--;
    }
    if (fixed) {
        put_fixed(s, c, sign, d, places);
    } else {
        put_scientific(s, c, sign, d, places);
    }
}

/* A NaN has no sign here: which one a computation makes differs between processors. */
static void put_not_finite(text_sink *s, conversion c, bool negative, bool nan)
{
    const bool upper = c.kind == 'F' || c.kind == 'E' || c.kind == 'G';
    c.zero = false;
    if (nan) {
        put_text(s, &c, "", upper ? "NAN" : "nan", 3);
    } else {
        put_text(s, &c, sign_of(&c, negative), upper ? "INF" : "inf", 3);
    }
}

static void convert_double(text_sink *s, const conversion *c, format_arguments *a)
{
    const double value = va_arg(a->list, double);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const bool negative = bits >> 63;
    const int exponent = (int)(bits >> 52 & 0x7FFu);
    uint64_t mantissa = bits & 0xFFFFFFFFFFFFFu;
    if (exponent == 0x7FF) {
        put_not_finite(s, *c, negative, mantissa != 0);
        return;
    }
    if (exponent) mantissa |= (uint64_t)1 << 52;
    decimal d;
    decimal_from(&d, mantissa, (exponent ? exponent : 1) - 1075);
    const char *const sign = sign_of(c, negative);
    const int precision = c->precision < 0 ? 6 : c->precision;
    if (c->kind == 'f' || c->kind == 'F') {
        decimal_round(&d, -precision);
        put_fixed(s, c, sign, &d, precision);
    } else if (c->kind == 'e' || c->kind == 'E') {
        decimal_round(&d, decimal_highest(&d) - precision);
        put_scientific(s, c, sign, &d, precision);
    } else {
        put_general(s, c, sign, &d, precision);
    }
}

/* ---- the rest, and the parser ---- */

static void convert_string(text_sink *s, conversion c, format_arguments *a)
{
    const char *text = va_arg(a->list, const char *);
    if (!text) text = "(null)";
    int length = 0;
    while ((c.precision < 0 || length < c.precision) && text[length]) length++;
    c.zero = false;
    put_text(s, &c, "", text, length);
}

static void convert_char(text_sink *s, conversion c, format_arguments *a)
{
    const char text = (char)va_arg(a->list, int);
    c.zero = false;
    put_text(s, &c, "", &text, 1);
}

static void convert_pointer(text_sink *s, conversion c, format_arguments *a)
{
    const uintptr_t address = (uintptr_t)va_arg(a->list, void *);
    c.kind = 'x';
    put_integer(s, c, "0x", address);
}

static const char *parse_format_flags(const char *at, conversion *c)
{
    for (;; at++) {
        switch (*at) {
        case '-':
            c->left = true;
            break;
        case '0':
            c->zero = true;
            break;
        case '+':
            c->sign_plus = true;
            break;
        case ' ':
            c->sign_space = true;
            break;
        case '#':
            c->alternate = true;
            break;
        default:
            return at;
        }
    }
}

/* A number of digits, or the next argument for a star. More than a million is a mistake, and cut.
 */
static const char *parse_format_number(const char *at, int *number, format_arguments *a)
{
    if (*at == '*') {
        *number = va_arg(a->list, int);
        return at + 1;
    }
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (*number < 100000) *number = *number * 10 + (*at - '0');
    }
    return at;
}

/* Reads one conversion behind its percent sign and returns what follows its letter. */
static const char *parse_conversion(const char *at, conversion *c, format_arguments *a)
{
    at = parse_format_flags(at, c);
    at = parse_format_number(at, &c->width, a);
    if (c->width < 0) {
        c->left = true;
        c->width = c->width < -1000000 ? 1000000 : -c->width;
    }
    c->precision = -1;
    if (*at == '.') at = parse_format_number(at + 1, &c->precision, a);
    if (*at == 'h' || *at == 'l' || *at == 'z' || *at == 't') {
        c->length = *at++;
        if (c->length == 'h' && *at == 'h') {
            c->length = 'H';
            at++;
        } else if (c->length == 'l' && *at == 'l') {
            c->length = 'L';
            at++;
        }
    }
    c->kind = *at;
    return *at ? at + 1 : at;
}

static bool convert_one(text_sink *s, const conversion *c, format_arguments *a)
{
    switch (c->kind) {
    case 'd':
    case 'i':
        convert_signed(s, c, a);
        return true;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        convert_unsigned(s, c, a);
        return true;
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        convert_double(s, c, a);
        return true;
    case 's':
        convert_string(s, *c, a);
        return true;
    case 'c':
        convert_char(s, *c, a);
        return true;
    case 'p':
        convert_pointer(s, *c, a);
        return true;
    case '%':
        text_bytes(s, "%", 1);
        return true;
    default:
        return false;
    }
}

size_t skep__vformat(char *out, size_t max, const char *format, va_list args)
{
    SKEP_ASSERT(format && (out || !max));
    text_sink s = {.out = out, .max = max};
    format_arguments a;
    va_copy(a.list, args);
    const char *at = format;
    while (*at) {
        const char *const run = at;
        while (*at && *at != '%') at++;
        text_bytes(&s, run, (size_t)(at - run));
        if (!*at) break;
        const char *const percent = at;
        conversion c = {0};
        at = parse_conversion(at + 1, &c, &a);
        if (!convert_one(&s, &c, &a)) text_bytes(&s, percent, (size_t)(at - percent));
    }
    va_end(a.list);
    if (max) out[s.length < max ? s.length : max - 1] = 0;
    return s.length;
}

size_t skep__format(char *out, size_t max, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const size_t length = skep__vformat(out, max, format, args);
    va_end(args);
    return length;
}
