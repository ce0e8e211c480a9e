/* SPDX-License-Identifier: MIT */
/* The `skep` command: finds the command's word and hands over the rest. */
#include "bench/bench.h"
#include "cli/cli.h"
#include "port/port_terminal.h"
#include "skep_build_info.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int main_version(void)
{
    printf("skep %s (commit %s, %s,%s%s, %s)\n", SKEP_BUILD_VERSION, SKEP_BUILD_COMMIT,
           SKEP_BUILD_COMPILER, SKEP_BUILD_FLAGS[0] == ' ' ? "" : " ", SKEP_BUILD_FLAGS,
           SKEP_BUILD_TYPE);
    return SKEP__EXIT_OK;
}

/* Says that there is no such command; `second` is the word behind the first of two, or NULL. */
static int main_unknown(const char *word, const char *second)
{
    char meant[128], wanted[128];
    const char *names[SKEP__CLI_COMMAND_COUNT + 2];
    uint32_t count = 0;
    for (; count < SKEP__CLI_COMMAND_COUNT; count++)
        names[count] = skep__cli_command_word((skep__cli_command)count);
    names[count++] = "--version";
    names[count++] = "--help";
    (void)snprintf(wanted, sizeof wanted, "%s%s%s", word, second ? " " : "", second ? second : "");
    return skep__cli_fail(SKEP__CLI_COMMAND_COUNT,
                          "there is no command \"%s\"%s; skep %s%s--help lists them", wanted,
                          skep__cli_meant(meant, sizeof meant, wanted, names, count),
                          second ? word : "", second ? " " : "");
}

/* `skep help`, with the words that follow it. */
static int main_help(uint32_t count, const char *const *words)
{
    uint32_t used = 0;
    if (count == 0) {
        skep__cli_help(stdout, SKEP__CLI_COMMAND_COUNT);
        return SKEP__EXIT_OK;
    }
    const skep__cli_command command = skep__cli_command_find(count, words, &used);
    const bool group = skep__cli_command_group(words[0]);
    if (group && count == 1) {
        skep__cli_help_group(stdout, words[0]);
        return SKEP__EXIT_OK;
    }
    if (command == SKEP__CLI_COMMAND_COUNT) return main_unknown(words[0], group ? words[1] : NULL);
    if (used < count)
        return skep__cli_fail(SKEP__CLI_HELP, "one command at a time: \"%s\" and \"%s\"",
                              words[used - 1], words[used]);
    skep__cli_help(stdout, command);
    return SKEP__EXIT_OK;
}

static int main_work(const skep__cli_options *options)
{
    switch (options->command) {
    case SKEP__CLI_RUN:
        return skep__cli_run(options);
    case SKEP__CLI_SERVE:
        return skep__cli_serve(options);
    case SKEP__CLI_VIEW:
        return skep__cli_view(options);
    case SKEP__CLI_SCENES:
        return skep__cli_list(options);
    case SKEP__CLI_CHECK:
        return skep__cli_check(options);
    case SKEP__CLI_REPLAY:
        return skep__cli_replay(options);
    case SKEP__CLI_TRACE_SUMMARY:
        return skep__cli_trace_summary(options);
    case SKEP__CLI_TRACE_COMPARE:
        return skep__cli_trace_compare(options);
    case SKEP__CLI_TRACE_CONVERT:
        return skep__cli_trace_convert(options);
    default:
        return skep__cli_plan(options);
    }
}

/* Parses and runs a command other than bench, which reads its own words. */
static int main_command(skep__cli_command command, int count, char **words)
{
    const char **params = calloc((size_t)count + 2, sizeof *params);
    skep__cli_options options;
    if (!params) {
        (void)skep__cli_fail(command, "%s", skep_status_text(SKEP_NO_MEMORY));
        return SKEP__EXIT_FAILED;
    }
    int code = skep__cli_parse(&options, command, params, count, words);
    const char *question = code == SKEP__EXIT_OK ? skep__cli_question(&options) : NULL;
    if (code == SKEP__EXIT_OK && options.value[SKEP__CLI_help].given)
        skep__cli_help(stdout, command);
    else if (question)
        code = skep__cli_fail(command, "%s", question);
    else if (code == SKEP__EXIT_OK && command == SKEP__CLI_HELP)
        code = main_help(options.word_count, options.words);
    else if (code == SKEP__EXIT_OK)
        code = main_work(&options);
    free(params);
    return code;
}

/* The first of two words alone, or with one that does not go with it. */
static int main_group(int count, char **words)
{
    const char *second = count > 1 ? words[1] : NULL;
    if (second && strcmp(second, "--help") != 0 && strcmp(second, "-h") != 0)
        return main_unknown(words[0], second);
    skep__cli_help_group(second ? stdout : stderr, words[0]);
    return second ? SKEP__EXIT_OK : SKEP__EXIT_USAGE;
}

static int main_dispatch(int argc, char **argv)
{
    uint32_t used = 0;
    if (argc < 2) {
        skep__cli_help(stderr, SKEP__CLI_COMMAND_COUNT);
        return SKEP__EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) return main_version();
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return main_command(SKEP__CLI_HELP, argc - 2, argv + 2);
    const skep__cli_command command =
        skep__cli_command_find((uint32_t)argc - 1, (const char *const *)(argv + 1), &used);
    if (command == SKEP__CLI_COMMAND_COUNT)
        return skep__cli_command_group(word) ? main_group(argc - 1, argv + 1)
                                             : main_unknown(word, NULL);
    const bool help = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
    if (command == SKEP__CLI_BENCH && help) return main_help(1, (const char *const *)(argv + 1));
    if (command == SKEP__CLI_BENCH) return skep__bench_main(argc - 1, argv + 1);
    return main_command(command, argc - 1 - (int)used, argv + 1 + used);
}

int main(int argc, char **argv)
{
    skep__port_standard_files();
#ifdef SIGPIPE
    /* A reader that goes away ends a run as Ctrl-C does: with its save. */
    (void)signal(SIGPIPE, SIG_IGN);
#endif
    static char buffer[1 << 16]; /* large enough that a whole text fails or succeeds at the end */
    (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    return skep__cli_finish(main_dispatch(argc, argv));
}
