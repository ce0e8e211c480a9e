/* SPDX-License-Identifier: MIT */
/* What `skep check` is made of: real modules, compiled here by cc, have the findings that they were
 * written to have; and whatever is cut off or changed in them does no harm. */
#define _GNU_SOURCE 1 /* for mkdtemp */
#include "check/module_check.h"

#include "port/port.h"
#include "skep/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHANGES 1500u
#else
#define CHANGES 8000u
#endif

static const char *const source =
    "#include \"skep/scene.h\"\n"
    "#include <stdlib.h>\n"
    "#include <math.h>\n"
    "SKEP_COMPONENT(Pos, (f32, x), (f32, y));\n"
    "static int counter;\n"
    "__thread int mood;\n"
    "static const int table[4] = {1, 2, 3, 4};\n"
    "__attribute__((noinline)) static float deep(float x)\n"
    "{\n"
    "    return sinf(x) + (float)table[(int)x & 3];\n"
    "}\n"
    "SKEP_JOB(move, (mut, Pos, pos))\n"
    "{\n"
    "    for (uint32_t i = 0; i < task->n; i++) c->pos.x[i] = deep(c->pos.y[i]);\n"
    "    if (rand() == 3) counter++;\n"
    "    mood += counter;\n"
    "}\n"
    "SKEP_SCENE(bees, \"bees\")\n"
    "{\n"
    "    skep_add(b, \"update\", &move);\n"
    "    if (!malloc(skep_param_u32(b, \"entities\", 1, \"\"))) skep_scene_fail(b, \"no\");\n"
    "}\n";

typedef struct module {
    uint8_t *bytes;
    size_t size;
} module;

/* Compiles the source with these flags. */
static module compile(const char *flags)
{
    char folder[] = "/tmp/skep-check-XXXXXX";
    char path[64], command[512];
    module m = {NULL, 0};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/m.c", folder);
    assert_int_equal(skep__port_file_write(path, source, strlen(source)), SKEP_OK);
    (void)snprintf(command, sizeof command,
                   "cc -std=gnu17 -O2 -shared -fPIC -Iinclude %s -o %s/m.so %s -lm", flags, folder,
                   path);
    assert_int_equal(system(command), 0);
    const skep_allocator heap = skep__port_allocator();
    (void)snprintf(command, sizeof command, "%s/m.so", folder);
    assert_int_equal(skep__port_file_read(command, &heap, &m.bytes, &m.size), SKEP_OK);
    assert_int_equal(unlink(command), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    return m;
}

static void module_free(module *m)
{
    const skep_allocator heap = skep__port_allocator();
    heap.free(heap.ctx, m->bytes, m->size + 1, 16);
}

/* Checks bytes in memory of exactly their size. */
static skep_status check_exact(const uint8_t *bytes, size_t size, skep__check *c)
{
    const skep_allocator heap = skep__port_allocator();
    skep_error error;
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    const skep_status status = skep__check_module(copy, size, &heap, c, &error);
    if (status != SKEP_OK) assert_non_null(error.message);
    if (status != SKEP_OK) assert_true(error.offset <= size + 64);
    assert_true(c->finding_count <= SKEP__FINDINGS_MAX);
    for (uint32_t i = 0; i < c->finding_count; i++) {
        assert_non_null(c->findings[i].advice);
        assert_non_null(memchr(c->findings[i].name, 0, sizeof c->findings[i].name));
    }
    free(copy);
    return status;
}

static const skep__finding *find(const skep__check *c, skep__finding_kind kind, const char *name)
{
    for (uint32_t i = 0; i < c->finding_count; i++)
        if (c->findings[i].kind == kind && strcmp(c->findings[i].name, name) == 0)
            return &c->findings[i];
    return NULL;
}

static void the_findings_are_those_that_are_there(void **state)
{
    static skep__check c;
    (void)state;
    module m = compile("-ffp-contract=off -g");
    assert_int_equal(check_exact(m.bytes, m.size, &c), SKEP_OK);
    assert_true(c.names && c.code && c.flags);
    assert_int_equal(c.jobs, 1);
    assert_int_equal(c.abi, SKEP_ABI);
    assert_string_equal(c.scene, "bees");
    const skep__finding *f = find(&c, SKEP__FINDING_GLOBAL, "counter");
    assert_non_null(f);
    assert_int_equal(f->count, 4);
    assert_non_null(find(&c, SKEP__FINDING_GLOBAL, "mood"));
    assert_null(find(&c, SKEP__FINDING_GLOBAL, "table"));
    f = find(&c, SKEP__FINDING_LIBM, "sinf");
    assert_non_null(f);
    assert_string_equal(f->function, "deep");
    assert_non_null(strstr(f->advice, "skep_sin_f32"));
    f = find(&c, SKEP__FINDING_IMPURE, "rand");
    assert_non_null(f);
    assert_string_equal(f->function, "move_call");
    assert_false(f->note);
    f = find(&c, SKEP__FINDING_IMPURE, "malloc"); /* while the world is built: no harm */
    assert_non_null(f);
    assert_true(f->note);
    assert_int_equal(c.finding_count - c.note_count, 4);
    module_free(&m);
}

static void without_names_it_still_sees_that_there_is_something(void **state)
{
    static skep__check c;
    (void)state;
    module m = compile("-ffp-contract=off -s");
    assert_int_equal(check_exact(m.bytes, m.size, &c), SKEP_OK);
    assert_true(!c.names && !c.flags && !c.jobs);
    assert_non_null(find(&c, SKEP__FINDING_LIBM, "sinf"));
    assert_false(find(&c, SKEP__FINDING_IMPURE, "malloc")->note);
    module_free(&m);
}

/* ---- any bytes ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

static void cut_anywhere_it_does_no_harm(void **state)
{
    static skep__check c;
    (void)state;
    module m = compile("-g");
    uint32_t read = 0;
    for (size_t size = 0; size < m.size; size += size < 300 ? 1 : 61)
        read += check_exact(m.bytes, size, &c) == SKEP_OK;
    assert_int_equal(read, 0); /* the table of sections is at the end */
    module_free(&m);
}

/* A third of the changes go to the head, a third to the table of sections. */
static size_t place(uint64_t h, const module *m)
{
    uint64_t sections = 0;
    memcpy(&sections, m->bytes + 40, 8);
    switch (h % 3u) {
    case 0:
        return (size_t)((h >> 8) % 64u);
    case 1:
        return (size_t)(sections + (h >> 8) % (m->size - sections));
    default:
        return (size_t)((h >> 8) % m->size);
    }
}

static void changed_anywhere_it_does_no_harm(void **state)
{
    static skep__check c;
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x40, 8};
    const char *one = getenv("SKEP_SEED");
    (void)state;
    module m = compile("-g");
    uint8_t *changed = malloc(m.size);
    uint32_t read = 0;
    assert_non_null(changed);
    for (uint64_t seed = one ? strtoull(one, NULL, 10) : 1; seed <= CHANGES; seed++) {
        memcpy(changed, m.bytes, m.size);
        uint64_t h = mix(seed);
        for (uint32_t n = 1 + (uint32_t)(seed % 6u); n; n--, h = mix(h)) {
            const size_t at = place(h, &m);
            const size_t run = 1 + (h >> 40) % 8u;
            for (size_t i = at; i < at + run && i < m.size; i++) {
                const uint8_t random = (uint8_t)(h >> (i % 8u * 8u));
                changed[i] = random;
                if ((h >> 48) % 2u) changed[i] = odd[(h >> 52) % 8u];
            }
        }
        if (getenv("SKEP_TALK"))
            (void)fprintf(stderr, "SKEP_SEED=%llu\n", (unsigned long long)seed);
        read += check_exact(changed, m.size, &c) == SKEP_OK;
        if (one) break;
    }
    if (!one) assert_true(read > CHANGES / 10u);
    free(changed);
    module_free(&m);
}

static void other_files_are_refused(void **state)
{
    static skep__check c;
    uint8_t bytes[256];
    (void)state;
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(check_exact(bytes, 0, &c), SKEP_FOREIGN);
    assert_int_equal(check_exact(bytes, sizeof bytes, &c), SKEP_FOREIGN);
    static const uint8_t head[6] = {0x7f, 'E', 'L', 'F', 1, 1};
    memcpy(bytes, head, sizeof head);
    assert_int_equal(check_exact(bytes, sizeof bytes, &c), SKEP_FOREIGN); /* of 32 bits */
    bytes[4] = 2;
    assert_int_equal(check_exact(bytes, sizeof bytes, &c), SKEP_FOREIGN); /* no shared object */
    assert_int_equal(check_exact(bytes, 20, &c), SKEP_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_findings_are_those_that_are_there),
        cmocka_unit_test(without_names_it_still_sees_that_there_is_something),
        cmocka_unit_test(cut_anywhere_it_does_no_harm),
        cmocka_unit_test(changed_anywhere_it_does_no_harm),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests_name("check_module", tests, NULL, NULL);
}
