/* SPDX-License-Identifier: MIT */
/* ctest: threads waits timeout=120
 * Code of this process in children: what was there when the zygote was forked, modules that were
 * opened since, and modules whose file was replaced, moved or removed in between. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "process_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

typedef int64_t answer_fn(int64_t n);

/* A folder of our own with copies of the module. */
typedef struct folder {
    char path[64];
    char a[80], b[80];
} folder;

static void copy_module(const char *to)
{
    char from[1024];
    const uint8_t *bytes = NULL;
    size_t byte_count = 0;
    const char *build = getenv("SKEP_BUILD_DIR");
    snprintf(from, sizeof from, "%s/tests/module_answer.so", build ? build : "build/dev");
    if (skep__port_file_map(from, &bytes, &byte_count) != SKEP_OK) fail_msg("no %s", from);
    assert_int_equal(skep__port_file_write(to, bytes, byte_count), SKEP_OK);
    skep__port_file_unmap(bytes, byte_count);
}

static void folder_open(folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/skep-module-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->a, sizeof f->a, "%s/a.so", f->path);
    snprintf(f->b, sizeof f->b, "%s/b.so", f->path);
    copy_module(f->a);
    copy_module(f->b);
}

static void folder_close(folder *f)
{
    unlink(f->a);
    unlink(f->b);
    rmdir(f->path);
}

static const void *pointer_of(void (*function)(void))
{
    const void *p = NULL;
    memcpy(&p, &function, sizeof p);
    return p;
}

static void *module_open(const char *path)
{
    char text[256];
    void *module = skep__port_module_open(path, text, sizeof text);
    if (!module) fail_msg("%s", text);
    return module;
}

static const void *find(const lab *l, const void *here, bool *loaded)
{
    char text[256] = "";
    const void *there = skep__port_spawner_address(l->spawner, here, loaded, text, sizeof text);
    if (!there) fail_msg("%s", text);
    return there;
}

static void find_not(const lab *l, const void *here, const char *why)
{
    char text[600] = "";
    bool loaded = true;
    assert_null(skep__port_spawner_address(l->spawner, here, &loaded, text, sizeof text));
    assert_false(loaded);
    if (!strstr(text, why)) fail_msg("%s", text);
}

/* Calls what is at an address of the child's. */
static int64_t work_call(const lab_seen *seen, const int64_t *args)
{
    answer_fn *answer = NULL;
    (void)seen;
    memcpy(&answer, &args[0], sizeof answer);
    return answer(args[1]);
}

static int64_t ask(lab *l, uint32_t child, const void *there, int64_t n)
{
    const int64_t args[2] = {(int64_t)(uintptr_t)there, n};
    const lab_outcome o = lab_run(l, child, work_call, args, 2);
    if (!o.returned) fail_msg("%s", o.text);
    return o.result;
}

static int64_t local_answer(int64_t n)
{
    return n + 7;
}

static void test_there_before(void **state)
{
    lab l;
    folder f;
    bool loaded = true;
    (void)state;
    folder_open(&f);
    void *module = module_open(f.a);
    const void *answer = pointer_of(skep__port_module_function(module, "module_answer"));
    lab_open(&l, false);
    const void *local = pointer_of((void (*)(void))local_answer);
    assert_ptr_equal(find(&l, local, &loaded), local);
    assert_false(loaded);
    assert_int_equal(ask(&l, 0, local, 1), 8);
    assert_ptr_equal(find(&l, answer, &loaded), answer);
    assert_false(loaded);
    assert_int_equal(ask(&l, 0, answer, 2), 42);
    const void *libc = pointer_of((void (*)(void))labs);
    assert_ptr_equal(find(&l, libc, &loaded), libc);
    lab_close(&l);
    skep__port_module_close(module);
    folder_close(&f);
}

static void test_opened_since(void **state)
{
    lab l;
    folder f;
    bool loaded = false;
    (void)state;
    folder_open(&f);
    lab_open(&l, false);
    lab_fork(&l, 0);
    /* Two of them, the other way round than the spawner will open them. */
    void *module_a = module_open(f.a);
    void *module_b = module_open(f.b);
    const void *a = pointer_of(skep__port_module_function(module_a, "module_answer"));
    const void *b = pointer_of(skep__port_module_function(module_b, "module_answer"));
    const void *other = pointer_of(skep__port_module_function(module_b, "module_other"));
    const void *there_b = find(&l, b, &loaded);
    assert_true(loaded);
    const void *there_a = find(&l, a, &loaded);
    assert_true(loaded);
    assert_ptr_equal(find(&l, b, &loaded), there_b);
    assert_false(loaded);
    const void *there_other = find(&l, other, &loaded);
    assert_false(loaded);
    assert_int_equal((intptr_t)there_other - (intptr_t)there_b, (intptr_t)other - (intptr_t)b);
    /* A child forked now has them; one from before has not. */
    assert_int_equal(ask(&l, 1, there_a, 3), 43);
    assert_int_equal(ask(&l, 1, there_b, 4), 44);
    assert_int_equal(ask(&l, 1, there_other, 4), -3);
    const int64_t args[2] = {(int64_t)(uintptr_t)there_b, 0};
    assert_false(lab_run(&l, 0, work_call, args, 2).returned);
    lab_close(&l);
    skep__port_module_close(module_a);
    skep__port_module_close(module_b);
    folder_close(&f);
}

static void test_replaced(void **state)
{
    lab l;
    folder f;
    bool loaded = false;
    (void)state;
    folder_open(&f);
    lab_open(&l, false);
    void *module = module_open(f.a);
    const void *a = pointer_of(skep__port_module_function(module, "module_answer"));
    copy_module(f.a); /* a new file of the same name */
    find_not(&l, a, "gone or another one");
    /* Once it is loaded anew, it can be found, and replaced again. */
    for (uint32_t i = 0; i < 3; i++) {
        skep__port_module_close(module);
        module = module_open(f.a);
        a = pointer_of(skep__port_module_function(module, "module_answer"));
        const void *there = find(&l, a, &loaded);
        lab_fork(&l, i);
        assert_int_equal(ask(&l, i, there, i), 40 + i);
        copy_module(f.a);
    }
    unlink(f.a);
    void *module_b = module_open(f.b);
    const void *b = pointer_of(skep__port_module_function(module_b, "module_answer"));
    unlink(f.b);
    find_not(&l, b, "gone or another one");
    skep__port_module_close(module);
    skep__port_module_close(module_b);
    lab_close(&l);
    folder_close(&f);
}

static void test_no_code(void **state)
{
    lab l;
    (void)state;
    lab_open(&l, false);
    void *memory = malloc(64);
    find_not(&l, memory, "is of no file");
    find_not(&l, NULL, "is of no file");
    free(memory);
    lab_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_before),
        cmocka_unit_test(test_opened_since),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_no_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
