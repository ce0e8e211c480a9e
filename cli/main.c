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

static int main_unknown(const char *word)
{
    char meant[128];
    const char *names[SKEP__CLI_COMMAND_COUNT + 2];
    uint32_t count = 0;
    for (; count < SKEP__CLI_COMMAND_COUNT; count++)
        names[count] = skep__cli_command_word((skep__cli_command)count);
    names[count++] = "--version";
    names[count++] = "--help";
    return skep__cli_fail(SKEP__CLI_COMMAND_COUNT,
                          "there is no command \"%s\"%s; skep --help lists them", word,
                          skep__cli_meant(meant, sizeof meant, word, names, count));
}

static int main_help(const char *word)
{
    const skep__cli_command command = word ? skep__cli_command_find(word) : SKEP__CLI_COMMAND_COUNT;
    if (word && command == SKEP__CLI_COMMAND_COUNT) return main_unknown(word);
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
    if (code == SKEP__EXIT_OK && options.value[SKEP__CLI_help].given)
        skep__cli_help(stdout, command);
    else if (code == SKEP__EXIT_OK && command == SKEP__CLI_HELP)
        code = main_help(options.scene);
    else if (code == SKEP__EXIT_OK && command == SKEP__CLI_SCENES)
        code = skep__cli_list(&options);
    else if (code == SKEP__EXIT_OK && !options.scene)
        code = command == SKEP__CLI_VIEW
                   ? skep__cli_fail(command, "which server? skep view http://localhost:8080/")
                   : skep__cli_fail(command, "which scene? skep scenes lists them");
    else if (code == SKEP__EXIT_OK)
        code = main_work(&options);
    free(params);
    return code;
}

static int main_dispatch(int argc, char **argv)
{
    if (argc < 2) {
        skep__cli_help(stderr, SKEP__CLI_COMMAND_COUNT);
        return SKEP__EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) return main_version();
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return main_command(SKEP__CLI_HELP, argc - 2, argv + 2);
    const skep__cli_command command = skep__cli_command_find(word);
    if (command == SKEP__CLI_COMMAND_COUNT) return main_unknown(word);
    const bool help = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
    if (command == SKEP__CLI_BENCH && help) return main_help(word);
    if (command == SKEP__CLI_BENCH) return skep__bench_main(argc - 1, argv + 1);
    return main_command(command, argc - 2, argv + 2);
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
