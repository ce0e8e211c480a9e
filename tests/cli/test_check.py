#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""skep check: what it says of modules, for people and for programs, and how it ends."""
import json
import shutil
import subprocess

from skep_command import ROOT, SECONDS, Case, compiler, main, skep

GOOD = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
SCENE = '''
#include "skep/scene.h"
%s
SKEP_COMPONENT(Pos, (f32, x), (f32, y));
%s
SKEP_JOB(move, (mut, Pos, pos))
{
    for (uint32_t i = 0; i < task->n; i++) { %s }
}
SKEP_SCENE(bees, "bees")
{
    skep_add(b, "update", &move);
    (void)skep_create_many(b, skep_param_u32(b, "entities", 3, "n"), SKEP_OF(Pos));
    %s
}
'''


class Check(Case):
    def module(self, name, flags, head="", above="", job="c->pos.x[i] += 1.0f;", scene=""):
        source = self.file(name + ".c", SCENE % (head, above, job, scene))
        path = str(self.folder / (name + ".so"))
        subprocess.run([compiler(), "-std=gnu17", "-shared", "-fPIC", f"-I{ROOT / 'include'}",
                        *flags, "-o", path, source, "-lm"], check=True, timeout=SECONDS)
        return path

    def findings(self, path):
        """Kinds and names of the findings; notes apart."""
        done = skep("check", path, "--json")
        result = done.json
        found = {(f["kind"], f["name"]) for f in result["findings"] if not f["note"]}
        self.assertEqual(done.code, 1 if found else 0, str(done))
        self.assertEqual(done.err, "")
        return found, result

    def test_own_scenes_are_clean(self):
        for scene in ("physics", "flock", "collide", "bullets", "ship"):
            path = str(self.folder / (scene + ".so"))
            subprocess.run([compiler(), "-std=gnu17", "-shared", "-fPIC", f"-I{ROOT / 'include'}",
                            f"-I{ROOT}", *GOOD, "-o", path, ROOT / "scenes" / (scene + ".c")],
                           check=True, timeout=SECONDS)
            found, result = self.findings(path)
            self.assertEqual(found, set(), scene)
            self.assertEqual(result["scene"], scene)
            self.assertGreater(result["jobs"], 0)
            text = self.good("check", path).out
            self.assertIn("nothing found that is not pure or not the same everywhere", text)
            self.assertIn("not seen: calls and writes through pointers", text)

    def test_clean_probe_of_these_tests(self):
        self.assertEqual(self.findings(self.probe)[0], set())

    def test_globals(self):
        path = self.module("globals", GOOD, above="static int sum; int table[100] = {1};",
                           job="c->pos.x[i] += (float)(sum++ + table[i % 100]++);")
        self.assertEqual(self.findings(path)[0], {("global", "sum"), ("global", "table")})
        text = skep("check", path).out
        self.assertIn("scene bees, 1 job: 2 findings", text)
        self.assertRegex(text, r"(?m)^  global +table, 400 bytes that can be written: ")
        stripped = self.module("stripped", [*GOOD, "-s"], above="static char room[5000];",
                               job="room[i % 5000]++; c->pos.x[i] += (float)room[0];")
        found, result = self.findings(stripped)
        self.assertEqual(found, {("global", None)})
        self.assertGreaterEqual(result["findings"][0]["count"], 5000)
        self.assertIn("names, which were stripped off", skep("check", stripped).out)

    def test_libm_and_the_outside_world(self):
        path = self.module(
            "calls", GOOD, head="#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n"
                                "#include <time.h>",
            above="__attribute__((noinline)) static float turn(float x) { return sinf(x); }",
            job="c->pos.x[i] = turn(c->pos.x[i]) + sqrtf(c->pos.y[i]) + (float)pow(2.0, i);"
                'if (rand() == i) printf("hit\\n");',
            scene='if (time(NULL) == 3) puts(getenv("HOME"));')
        found, result = self.findings(path)
        self.assertLessEqual({("libm", "sinf"), ("impure", "rand"), ("impure", "time")}, found)
        by_name = {f["name"]: f for f in result["findings"]}
        self.assertEqual(by_name["sinf"]["function"], "turn")
        self.assertIn("skep_sin_f32", by_name["sinf"]["advice"])
        self.assertEqual(by_name["rand"]["function"], "move")
        self.assertTrue(by_name["getenv"]["note"])  # while the world is built
        text = skep("check", path).out
        self.assertRegex(text, r"(?m)^  note +getenv in bees_build, which no job")

    def test_arithmetic(self):
        multiply = "c->pos.x[i] = c->pos.x[i] * 1.5f + c->pos.y[i];"
        self.assertEqual(self.findings(self.module("off", [*GOOD, "-g"], job=multiply))[0], set())
        found, _ = self.findings(self.module("fast", ["-Ofast", "-g"], job=multiply))
        kinds = {kind for kind, _ in found}
        if "GNU" in self.version():
            self.assertLessEqual({("flags", "-Ofast"), ("flags", "-ffp-contract=off is missing")},
                                 found)
        machine = subprocess.run([compiler(), "-dumpmachine"], check=True, capture_output=True,
                                 text=True, timeout=SECONDS).stdout
        if machine.startswith("x86_64"):
            path = self.module("fused", ["-O2", "-mfma", "-ffp-contract=fast"], job=multiply)
            found, result = self.findings(path)
            self.assertEqual({kind for kind, _ in found} | kinds, kinds | {"fused"})
            self.assertEqual(result["findings"][0]["function"], "move")
            self.assertRegex(skep("check", path).out, r"(?m)^  fused +\d+ multiply-add")
            path = self.module("not_fused", ["-O2", "-mfma", "-ffp-contract=off"], job=multiply)
            self.assertEqual(self.findings(path)[0], set())

    @staticmethod
    def version():
        done = subprocess.run([compiler(), "--version"], check=True, capture_output=True, text=True,
                              timeout=SECONDS)
        return "GNU" if "Free Software Foundation" in done.stdout else "clang"

    def test_what_runs_when_it_is_opened(self):
        path = self.module("opened", GOOD, above="__attribute__((constructor)) static void "
                                                 "early(void) { __builtin_trap(); }")
        self.assertEqual(self.findings(path)[0], {("opening", "early")})

    def test_no_scene(self):
        source = self.file("plain.c", "int f(int x) { return x; }")
        path = str(self.folder / "plain.so")
        subprocess.run([compiler(), "-shared", "-fPIC", "-o", path, source], check=True,
                       timeout=SECONDS)
        self.assertIn("it exports no scene", skep("check", path).out)
        old = self.module("old", GOOD, head="#undef SKEP_ABI\n#define SKEP_ABI 9u")
        self.assertIn("another version of the scene interface", skep("check", old).out)

    def test_refuses(self):
        self.refuses(["check"], "which file?")
        self.refuses(["check", str(self.folder / "none.so")], "no such file")
        self.refuses(["check", self.file("text.so", "hello")], "it is no ELF file")
        self.refuses(["check", self.file("empty.so", "")], "it is no ELF file")
        cut = self.folder / "cut.so"
        shutil.copy(self.probe, cut)
        cut.write_bytes(cut.read_bytes()[:-700])
        self.refuses(["check", str(cut)], "its table of sections is not in the file")


if __name__ == "__main__":
    main()
