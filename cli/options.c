/* SPDX-License-Identifier: MIT */
/* The command line, read by the tables of options.inl. Options may stand before and after other
 * words, as "--name value" or "--name=value"; "--" ends them. Of two equal ones the last counts, so
 * that a script's options can be followed by one's own; --param gathers. Numbers are read strictly:
 * no sign, no blanks, no half-read text. */
#include "cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum options_kind {
    KIND_FLAG,
    KIND_U32,
    KIND_U64,
    KIND_WORKERS,
    KIND_EXECUTOR,
    KIND_GRAIN,
    KIND_PACE,
    KIND_RANGE,
    KIND_SECONDS,
    KIND_MS,
    KIND_TEXT,
    KIND_PARAM
} options_kind;

/* Bits of the commands, as the table's column "commands" names them. */
enum {
#define OPTIONS_BIT(name, ...) name = 1 << SKEP__CLI_##name,
    SKEP__CLI_COMMANDS(OPTIONS_BIT)
#undef OPTIONS_BIT
};

typedef struct options_row {
    const char *name;
    const char *arg; /* how help writes the value; "" for none */
    const char *help;
    uint64_t least;
    uint64_t most;
    options_kind kind;
    int commands;
} options_row;

static const options_row options_table[SKEP__CLI_OPTION_COUNT] = {
#define OPTIONS_ROW(id, name, arg, kind, commands, least, most, help)                              \
    {name, arg, help, least, most, KIND_##kind, commands},
    SKEP__CLI_OPTIONS(OPTIONS_ROW)
#undef OPTIONS_ROW
};

typedef struct options_command {
    const char *word;
    const char *rest;
    const char *what;
    const char *question;
    const char *help;
    uint32_t least;
    uint32_t most;
} options_command;

static const options_command options_commands[SKEP__CLI_COMMAND_COUNT] = {
#define OPTIONS_COMMAND(name, word, rest, least, most, what, question, help)                       \
    {word, rest, what, question, help, least, most},
    SKEP__CLI_COMMANDS(OPTIONS_COMMAND)
#undef OPTIONS_COMMAND
};

const char *skep__cli_command_word(skep__cli_command command)
{
    return command < SKEP__CLI_COMMAND_COUNT ? options_commands[command].word : NULL;
}

/* Whether a command's word, or its first one, is this. */
static bool options_begins(uint32_t command, const char *word)
{
    const char *own = options_commands[command].word;
    const size_t n = strcspn(own, " ");
    return strlen(word) == n && memcmp(own, word, n) == 0;
}

skep__cli_command skep__cli_command_find(uint32_t count, const char *const *words, uint32_t *used)
{
    uint32_t i = 0;
    *used = 0;
    for (; count > 0 && i < SKEP__CLI_COMMAND_COUNT; i++) {
        const char *second = strchr(options_commands[i].word, ' ');
        if (!options_begins(i, words[0])) continue;
        *used = second ? 2 : 1;
        if (!second || (count > 1 && strcmp(second + 1, words[1]) == 0)) break;
    }
    return (skep__cli_command)i;
}

bool skep__cli_command_group(const char *word)
{
    for (uint32_t i = 0; i < SKEP__CLI_COMMAND_COUNT; i++)
        if (options_begins(i, word) && strchr(options_commands[i].word, ' ')) return true;
    return false;
}

const char *skep__cli_question(const skep__cli_options *options)
{
    const options_command *c = &options_commands[options->command];
    return options->word_count < c->least ? c->question : NULL;
}

/* ---- values --------------------------------------------------------------------------------- */

/* Reads decimal digits and nothing else. */
static bool options_u64(const char *text, uint64_t *number)
{
    uint64_t n = 0;
    if (!*text) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9') return false;
        const uint64_t digit = (uint64_t)(*text - '0');
        if (n > (UINT64_MAX - digit) / 10) return false;
        n = n * 10 + digit;
    }
    *number = n;
    return true;
}

static int options_number(const skep__cli_options *o, const options_row *row,
                          skep__cli_value *value)
{
    if (options_u64(value->text, &value->number) && value->number >= row->least &&
        value->number <= row->most)
        return SKEP__EXIT_OK;
    const char *other = row->kind == KIND_WORKERS ? ", or auto" : "";
    return skep__cli_fail(o->command, "%s: \"%s\" is no whole number from %llu to %llu%s",
                          row->name, value->text, (unsigned long long)row->least,
                          (unsigned long long)row->most, other);
}

/* Reads a number of seconds or the like, within bounds that `bounds` says in words. */
static int options_real(const skep__cli_options *o, const options_row *row, skep__cli_value *value,
                        double least, double most, const char *bounds)
{
    char *end = NULL;
    value->real = strtod(value->text, &end);
    /* strtod takes blanks, signs, hexadecimal, infinity and NaN as well. */
    const bool plain = value->text[strspn(value->text, "0123456789.eE+-")] == 0 &&
                       value->text[0] != '+' && value->text[0] != '-';
    const bool number = plain && end != value->text && *end == 0;
    if (number && isfinite(value->real) && value->real >= least && value->real <= most)
        return SKEP__EXIT_OK;
    return skep__cli_fail(o->command, "%s: \"%s\" is no number of %s", row->name, value->text,
                          bounds);
}

/* Reads "A..B"; without A from the first, without B to the last, and "A" is that one alone. */
static int options_range(const skep__cli_options *o, const options_row *row, skep__cli_value *value)
{
    char first[32];
    const char *dots = strstr(value->text, "..");
    const size_t n = dots ? (size_t)(dots - value->text) : strlen(value->text);
    bool good = n < sizeof first && (n || (dots && dots[2]));
    (void)snprintf(first, sizeof first, "%.*s", (int)(n < sizeof first ? n : 0), value->text);
    value->number = 0;
    value->last = UINT64_MAX;
    if (n) good = good && options_u64(first, &value->number);
    if (dots && dots[2]) good = good && options_u64(dots + 2, &value->last);
    if (!dots) value->last = value->number;
    if (good && value->number <= value->last) return SKEP__EXIT_OK;
    return skep__cli_fail(o->command, "%s: \"%s\" is no range: 10..20, 10.., ..20 or 10", row->name,
                          value->text);
}

/* Reads one of the words of the table's column, "real|none"; the number is its place. */
static int options_word(const skep__cli_options *o, const options_row *row, skep__cli_value *value)
{
    const size_t length = strlen(value->text);
    const char *at = row->arg;
    for (value->number = 0;; value->number++) {
        const size_t n = strcspn(at, "|");
        if (n == length && memcmp(at, value->text, n) == 0) return SKEP__EXIT_OK;
        if (!at[n]) break;
        at += n + 1;
    }
    return skep__cli_fail(o->command, "%s: there is no \"%s\", only %s", row->name, value->text,
                          row->arg);
}

static int options_param(skep__cli_options *o, const options_row *row, const char *text)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return skep__cli_fail(o->command, "%s: \"%s\" is not of the form name=value", row->name,
                              text);
    o->params[o->param_count++] = text;
    return SKEP__EXIT_OK;
}

static int options_set(skep__cli_options *o, uint32_t id, const char *text)
{
    const options_row *row = &options_table[id];
    skep__cli_value *value = &o->value[id];
    value->given = true;
    value->text = text;
    switch (row->kind) {
    case KIND_FLAG:
        return SKEP__EXIT_OK;
    case KIND_WORKERS:
        value->number = SKEP_WORKERS_AUTO;
        if (strcmp(text, "auto") == 0) return SKEP__EXIT_OK;
        return options_number(o, row, value);
    case KIND_U32:
    case KIND_U64:
        return options_number(o, row, value);
    case KIND_EXECUTOR:
    case KIND_GRAIN:
    case KIND_PACE:
        return options_word(o, row, value);
    case KIND_RANGE:
        return options_range(o, row, value);
    case KIND_SECONDS:
        return options_real(o, row, value, 1e-5, 1e3, "seconds from 0.00001 to 1000");
    case KIND_MS:
        return options_real(o, row, value, 1e-3, 1e6, "milliseconds from 0.001 to 1000000");
    case KIND_PARAM:
        return options_param(o, row, text);
    case KIND_TEXT:
        break;
    }
    if (*text) return SKEP__EXIT_OK;
    return skep__cli_fail(o->command, "%s: the %s is empty", row->name, row->arg);
}

/* ---- words ---------------------------------------------------------------------------------- */

/* An option that this command does not have: says which one was meant, or whose it is. */
static int options_unknown(const skep__cli_options *o, const char *word, size_t length)
{
    char name[64], meant[128];
    const char *names[SKEP__CLI_OPTION_COUNT];
    uint32_t count = 0;
    (void)snprintf(name, sizeof name, "%.*s", (int)(length < 63 ? length : 63), word);
    for (uint32_t i = 0; i < SKEP__CLI_OPTION_COUNT; i++) {
        const options_row *row = &options_table[i];
        if (row->commands >> o->command & 1) {
            names[count++] = row->name;
        } else if (strcmp(name, row->name) == 0) {
            uint32_t c = 0;
            while (!(row->commands >> c & 1)) c++;
            return skep__cli_fail(o->command, "%s is an option of skep %s, not of this command",
                                  name, options_commands[c].word);
        }
    }
    return skep__cli_fail(o->command, "there is no option %s%s; skep %s --help lists them", name,
                          skep__cli_meant(meant, sizeof meant, name, names, count),
                          options_commands[o->command].word);
}

/* Reads one option and, where it has one, its value. `used` counts the words. */
static int options_one(skep__cli_options *o, int count, char **words, int *used)
{
    const char *word = strcmp(words[0], "-h") == 0 ? "--help" : words[0];
    const size_t length = strcspn(word, "=");
    uint32_t id = 0;
    for (; id < SKEP__CLI_OPTION_COUNT; id++) {
        const char *name = options_table[id].name;
        const bool same = strlen(name) == length && memcmp(name, word, length) == 0;
        if (same && (options_table[id].commands >> o->command & 1)) break;
    }
    *used = 1;
    if (id == SKEP__CLI_OPTION_COUNT) return options_unknown(o, word, length);
    const options_row *row = &options_table[id];
    const char *value = word[length] ? word + length + 1 : NULL;
    if (row->kind == KIND_FLAG) {
        if (value) return skep__cli_fail(o->command, "%s takes no value", row->name);
        return options_set(o, id, "");
    }
    if (!value) {
        if (count < 2)
            return skep__cli_fail(o->command, "%s: the value is missing: %s %s", row->name,
                                  row->name, row->arg);
        value = words[1];
        *used = 2;
    }
    return options_set(o, id, value);
}

static int options_word_add(skep__cli_options *o, const char *word)
{
    const options_command *c = &options_commands[o->command];
    if (!*word) return skep__cli_fail(o->command, "the name of the %s is empty", c->what);
    if (o->word_count < c->most) {
        o->words[o->word_count++] = word;
        return SKEP__EXIT_OK;
    }
    if (c->most == 1)
        return skep__cli_fail(o->command, "one %s at a time: \"%s\" and \"%s\"", c->what,
                              o->words[0], word);
    return skep__cli_fail(o->command, "%u words and no more: \"%s\" is too many", c->most, word);
}

int skep__cli_parse(skep__cli_options *options, skep__cli_command command, const char **params,
                    int count, char **words)
{
    memset(options, 0, sizeof *options);
    options->command = command;
    options->params = params;
    bool ended = false;
    for (int i = 0; i < count;) {
        int used = 1, code = SKEP__EXIT_OK;
        if (!ended && strcmp(words[i], "--") == 0)
            ended = true;
        else if (!ended && words[i][0] == '-' && words[i][1])
            code = options_one(options, count - i, words + i, &used);
        else
            code = options_word_add(options, words[i]);
        if (code != SKEP__EXIT_OK) return code;
        i += used;
    }
    return SKEP__EXIT_OK;
}

/* ---- help ----------------------------------------------------------------------------------- */

/* Prints a name and its text; a text of several lines goes on below itself. */
static void help_row(FILE *out, const char *name, const char *arg, const char *text)
{
    char left[64];
    (void)snprintf(left, sizeof left, "%s%s%s", name, *arg ? " " : "", arg);
    for (const char *line = text; line;) {
        const size_t n = strcspn(line, "\n");
        (void)fprintf(out, "  %-26s %.*s\n", line == text ? left : "", (int)n, line);
        line = line[n] ? line + n + 1 : NULL;
    }
}

static void help_all(FILE *out)
{
    (void)fputs("skep runs worlds of entities on all cores, with the same bits every time.\n\n"
                "usage: skep COMMAND [options]\n\n",
                out);
    for (uint32_t i = 0; i < SKEP__CLI_COMMAND_COUNT; i++)
        help_row(out, options_commands[i].word, options_commands[i].rest, options_commands[i].help);
    help_row(out, "--version", "", "says which skep this is");
    (void)fputs("\nskep COMMAND --help lists the options of a command.\n\n"
                "  skep run skies                      air traffic, until Ctrl-C\n"
                "  skep serve skies                    the same, for browsers to see\n"
                "  skep run flock --frames 600 --json  ten seconds of birds, as fast as it goes\n"
                "  skep plan skies                     what runs beside what\n",
                out);
}

void skep__cli_help_group(FILE *out, const char *word)
{
    bool first = true;
    for (uint32_t i = 0; i < SKEP__CLI_COMMAND_COUNT; i++) {
        if (!options_begins(i, word)) continue;
        (void)fputs(first ? "" : "\n", out);
        skep__cli_help(out, (skep__cli_command)i);
        first = false;
    }
}

void skep__cli_help(FILE *out, skep__cli_command command)
{
    if (command == SKEP__CLI_COMMAND_COUNT) {
        help_all(out);
        return;
    }
    const options_command *c = &options_commands[command];
    (void)fprintf(out, "skep %s %s: %s\n\nusage: skep %s %s [options]\n\n", c->word, c->rest,
                  c->help, c->word, c->rest);
    for (uint32_t i = 0; i < SKEP__CLI_OPTION_COUNT; i++) {
        const options_row *row = &options_table[i];
        if (row->commands >> command & 1) help_row(out, row->name, row->arg, row->help);
    }
    if (command == SKEP__CLI_RUN || command == SKEP__CLI_PLAN)
        (void)fputs("\nThe result depends on scene, seed, dt and parameters, never on workers,\n"
                    "executor or grain.\n",
                    out);
}
