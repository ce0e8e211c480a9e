#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that tools/tidy.py finds what it is there to find: each case is a small tree with one
mistake, and the message must name that file and line. A tree without mistakes must pass."""
import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import tidy  # pylint: disable=wrong-import-position

HEAD = "/* SPDX-License-Identifier: MIT */\n/* A file of the test. */\n"
SCRIPT = "// SPDX-License-Identifier: MIT\n// A module of the test.\n\n"


def header(guard, body):
    return f"{HEAD}#ifndef {guard}\n#define {guard}\n{body}#endif\n"


CLEAN = {
    "include/skep/status.h": header(
        "SKEP_STATUS_H",
        '#include <stdint.h>\n#ifdef __cplusplus\nextern "C" {\n#endif\n'
        "/* A pair of numbers. */\ntypedef struct skep_pair {\n    int a; /* first */\n"
        "    int b; /* second */\n} skep_pair;\n\n/* Returns one. */\nint skep_one(void);\n"
        "/* Adds. */\n#define SKEP_ADD(a, b) ((a) + (b))\n"
        "#ifdef __cplusplus\n}\n#endif\n"),
    "core/base/base.h": header("SKEP_CORE_BASE_BASE_H", '#include "skep/status.h"\n'),
    "core/base/base.c": HEAD + '#include "core/base/base.h"\n\n#include <string.h>\n\n'
                               "static const int one[] = {1};\n\nint skep_one(void)\n{\n"
                               "    for (int i = 0; i < 1; i++) {\n        if (one[i]) return 1;\n"
                               "    }\n    return one[0];\n}\n",
    "core/world/world.h": header("SKEP_CORE_WORLD_WORLD_H", '#include "core/base/base.h"\n'),
    "pool/pool.c": HEAD + '#include "skep/status.h"\n',
    "js/src/pool.ts": SCRIPT + "import { a } from './a.js';\nexport const b = a; // from 'x'\n"
                               "/** import('node:fs') is not for us. */\n"
                               "export type C = typeof import('node:fs');\n",
    "tests/js/pool.test.ts": SCRIPT.replace("// A", "// ctest: timeout=9\n// A")
                             + "import test from 'node:test';\n",
    "port/port_linux.c": HEAD + "#include <unistd.h>\n#ifdef __linux__\nint skep__x(void);\n"
                                "#endif\n",
}


def run(files, *options):
    """Writes a tree, runs tidy over it, and returns (exit code, output)."""
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            code = tidy.main(["--root", name, *options])
        ratchet = root / "tools" / "tidy_ratchet.txt"
        after = ratchet.read_text(encoding="utf-8") if ratchet.exists() else ""
        return code, output.getvalue(), after


def function(lines, name="long_one"):
    body = "".join(f"    int v{i} = {i};\n    (void)v{i};\n" for i in range(lines // 2))
    return f"void {name}(void)\n{{\n{body}}}\n"


class Tidy(unittest.TestCase):
    def finds(self, path, text, line, words):
        code, output, _ = run({**CLEAN, path: text})
        wanted = [row for row in output.splitlines()
                  if row.startswith(f"{path}:{line}:") and words in row]
        self.assertTrue(wanted, f"no complaint {path}:{line} with {words!r} in:\n{output}")
        self.assertEqual(code, 1)

    def passes(self, path, text):
        code, output, _ = run({**CLEAN, path: text})
        self.assertEqual(code, 0, output)

    def test_clean_tree(self):
        code, output, _ = run(CLEAN)
        self.assertEqual(code, 0, output)

    def test_upward_include(self):
        self.finds("core/base/up.c", HEAD + '#include "core/world/world.h"\n', 3, "goes up")

    def test_public_header_above(self):
        files = {"include/skep/sim.h": header("SKEP_SIM_H", "")}
        code, output, _ = run({**CLEAN, **files,
                               "core/plan/plan.c": HEAD + '#include "skep/sim.h"\n'})
        self.assertIn("core/plan/plan.c:3: include goes up", output)
        self.assertEqual(code, 1)

    def test_pool_knows_no_world(self):
        self.finds("pool/bad.c", HEAD + '#include "core/world/world.h"\n', 3, "must not include")

    def test_port_knows_no_pool(self):
        files = {**CLEAN, "pool/pool.h": header("SKEP_POOL_H", ""),
                 "port/bad.c": HEAD + '#include "pool/pool.h"\n'}
        self.assertIn("port/bad.c:3: port/ must not include pool/", run(files)[1])

    def test_api_tests_use_public_headers(self):
        self.finds("tests/api/test_a.c", HEAD + '#include "core/base/base.h"\n', 3,
                   "must not include")

    def test_cycle(self):
        files = {**CLEAN,
                 "core/base/a.h": header("SKEP_A_H", '#include "core/base/b.h"\n'),
                 "core/base/b.h": header("SKEP_B_H", '#include "core/base/a.h"\n')}
        code, output, _ = run(files)
        self.assertIn("include cycle: core/base/a.h -> core/base/b.h -> core/base/a.h", output)
        self.assertEqual(code, 1)

    def test_unknown_include(self):
        self.finds("core/base/u.c", HEAD + '#include "nowhere.h"\n', 3, "no file of the tree")

    def test_system_header_in_core(self):
        self.finds("core/base/s.c", HEAD + "#include <stdio.h>\n", 3, "<stdio.h>")

    def test_libc_calls_in_core(self):
        for call in ("malloc(1)", "printf(x)", "abort()", "strlen(x)", "clock()", "time (0)"):
            with self.subTest(call):
                self.finds("core/base/m.c", f"{HEAD}void f(void)\n{{\n    {call};\n}}\n", 5,
                           "() in core/")

    def test_calls_that_only_look_banned(self):
        self.passes("core/base/m.c", HEAD + "void f(struct a *a)\n{\n    a->free(a);\n"
                                            "    a->b.malloc(1); /* free(x) */\n"
                                            '    skep__free(a, "malloc(1)");\n}\n')

    def test_platform_switch(self):
        self.finds("pool/p.c", HEAD + "#if defined(_WIN32)\n#endif\n", 3, "platform switch")

    def test_export_macro_may_ask_for_the_platform(self):
        self.passes("include/skep/id.h", header(
            "SKEP_ID_H", "#ifdef _WIN32\n/* Exports. */\n#define SKEP_EX __declspec(dllexport)\n"
                         "#endif\n"))

    def test_function_length(self):
        self.finds("core/base/l.c", HEAD + function(70), 3, "long_one has 73 lines")
        self.passes("core/base/l.c", HEAD + function(66))

    def test_macro_function_has_a_name(self):
        text = HEAD + function(80).replace("void long_one(void)", "SKEP_JOB(move, (in, A, a))")
        self.finds("scenes/s.c", text, 3, "SKEP_JOB(move)")

    def test_nesting(self):
        deep = "void f(int x)\n{\n" + "if (x) {\n" * 5 + "x = 1;\n" + "}\n" * 5 + "}\n"
        self.finds("core/base/n.c", HEAD + deep, 9, "nests 5 deep")

    def test_initialisers_are_no_nesting(self):
        self.passes("core/base/n.c", HEAD + "void f(int x)\n{\n    if (x) {\n        do {\n"
                                            "            while (x) {\n"
                                            "                struct a t[] = {{{{1}}}};\n"
                                            "                g((struct a){.b = {{x}}});\n"
                                            "            }\n        } while (x);\n    }\n}\n")

    def test_branches_of_the_preprocessor(self):
        self.passes("core/base/b.c", HEAD + "#if A\nint f(int a) {\n#else\nint f(long a) {\n"
                                            "#endif\n    return 1;\n}\n")

    def test_line_length(self):
        self.finds("pool/w.c", HEAD + "/* " + "x" * 100 + " */\n", 3, "longer than 100")
        self.finds("tools/w.py", "# SPDX-License-Identifier: MIT\n#" + "x" * 100 + "\n", 2,
                   "longer than 100")

    def test_file_length(self):
        self.finds("pool/w.c", HEAD + "\n" * 1500, 1500, "1502 lines")

    def test_recursion(self):
        self.finds("core/base/r.c", HEAD + "int f(int n)\n{\n    return n ? f(n - 1) : 0;\n}\n", 3,
                   "calls itself")

    def test_mutable_global(self):
        for text in ("static int count;", "int table[3] = {1, 2, 3};", "static const char *text;",
                     "static _Thread_local int t = 1;", "static struct a *a = 0;"):
            with self.subTest(text):
                self.finds("pool/g.c", f"{HEAD}{text}\n", 3, "global and mutable")
        self.passes("pool/g.c", HEAD + "static const int a[] = {1};\nstatic int f(void);\n"
                                       "extern int there;\nstatic const char *const b = 0;\n"
                                       "struct s {\n    int x;\n};\ntypedef int t;\n")

    def test_name_clash(self):
        one = HEAD + "static int helper(void)\n{\n    return 1;\n}\n"
        files = {**CLEAN, "pool/a.c": one, "pool/b.c": one}
        self.assertIn("pool/b.c:3: helper is also in pool/a.c:3", run(files)[1])
        macro = HEAD + "#define LIMIT 3\n"
        files = {**CLEAN, "pool/a.c": macro, "sim/b.c": macro}
        self.assertIn("sim/b.c:3: LIMIT is also in pool/a.c:3", run(files)[1])

    def test_undocumented(self):
        for body, line, name in (
                ("int skep_two(void);\n", 5, "skep_two"),
                ("/* Far off. */\n\nint skep_two(void);\n", 7, "skep_two"),
                ("typedef struct skep_t skep_t;\n", 5, "skep_t"),
                ("#define SKEP_TWO 2\n", 5, "SKEP_TWO"),
                ("typedef int (*skep_call)(void *ctx);\n", 5, "skep_call"),
                ("static inline int skep_two(void)\n{\n    return 2;\n}\n", 5, "skep_two"),
                ("/* S. */\nstruct skep_s {\n    int a;\n\n    int b;\n};\n", 9, "member b"),
                ("/* S. */\nstruct skep_s {\n    int a; /* a */\n    int b; /* b */\n"
                 "    int c;\n};\n", 9, "member c"),
                ("/* E. */\nenum skep_e {\n    SKEP_A, /* a */\n    SKEP_B, /* b */\n"
                 "    SKEP_C\n};\n", 9, "member SKEP_C")):
            with self.subTest(body):
                self.finds("include/skep/id.h", header("SKEP_ID_H", body), line, name)

    def test_documented(self):
        self.passes("include/skep/id.h", header(
            "SKEP_ID_H", "/* Two of a kind. */\nint skep_a(void);\nint skep_b(void);\n\n"
                         "#define SKEP__OWN 1\nint skep__own(void);\n"
                         "/* Numbers: `x` and more. */\nstruct skep_n {\n    int x;\n    int y;\n"
                         "};\n#if A\n/* On. */\n#define SKEP_M 1\n#else\n#define SKEP_M 0\n"
                         "#endif\n#define SKEP_ROW 1\n#undef SKEP_ROW\n"))

    def test_public_header_without_layer(self):
        self.finds("include/skep/novel.h", header("SKEP_NOVEL_H", ""), 1, "without a layer")

    def test_unfinished_words(self):
        for word in ("TO" + "DO", "FIX" + "ME", "place" + "holder", "not imple" + "mented"):
            with self.subTest(word):
                self.finds("docs/x.md", f"one\n{word} two\n", 2, "finish it")

    def test_spdx_head_and_guard(self):
        self.finds("pool/s.c", "/* No licence. */\n", 1, "SPDX")
        self.finds("tools/s.sh", "#!/bin/sh\n", 1, "SPDX")
        self.finds("pool/h.c", "/* SPDX-License-Identifier: MIT */\nint skep__h(void);\n", 2,
                   "paragraph of purpose")
        self.finds("pool/g.h", HEAD + "int skep__g(void);\n", 1, "no include guard")
        self.finds("include/skep/id.h", header("SKEP_WRONG_H", ""), 1, "not SKEP_ID_H")

    def test_file_names(self):
        self.finds("pool/Upper.c", HEAD, 1, "lower snake case")
        self.finds("sim/base.h", header("SKEP_SIM_BASE_H", ""), 1, "also used by core/base/base.h")
        self.passes("wasm/include/base.h", header("SKEP_WASM_INCLUDE_BASE_H", ""))

    def test_scripts(self):
        self.finds("tests/js/s.test.ts", "// No licence.\n// At all.\n", 1, "SPDX")
        self.finds("tests/js/h.test.ts", "// SPDX-License-Identifier: MIT\nlet a;\n", 2,
                   "paragraph of purpose")
        self.finds("examples/Upper.mjs", SCRIPT, 1, "lower snake case")
        self.finds("tests/js/two-words.test.ts", SCRIPT, 1, "lower snake case")
        self.finds("js/src/l.ts", f"{SCRIPT}// {'x' * 100}\n", 4, "100 columns")
        self.finds("js/src/w.ts", f"{SCRIPT}// {'TO' + 'DO'}\n", 4, "finish it")
        self.passes("vite.config.ts", SCRIPT)
        self.passes("js/src/pool/pool.ts", SCRIPT)
        self.passes("js/src/long.d.ts", SCRIPT)

    def test_package_imports_only_itself(self):
        for line in ("import fs from 'node:fs';", 'export { a } from "a";', "import 'a';",
                     "const a = await import('node:fs');"):
            with self.subTest(line):
                self.finds("js/src/i.ts", f"{SCRIPT}{line}\n", 4, "has no dependency")

    def test_ratchet(self):
        path, ratchet = "core/base/l.c", "tools/tidy_ratchet.txt"
        files = {**CLEAN, path: HEAD + function(80)}
        for value, code, words in ((83, 0, "clean"), (80, 1, "tolerates 80"),
                                   (90, 1, "fell to 83")):
            with self.subTest(value):
                entry = {ratchet: f"{path} function-length:long_one {value}\n"}
                got, output, _ = run({**files, **entry})
                self.assertIn(words, output)
                self.assertEqual(got, code)
        entry = {ratchet: f"# head\n{path} function-length:long_one 90\n{path} long-lines 2\n"}
        self.assertIn("long-lines is no longer needed", run({**files, **entry})[1])
        code, output, after = run({**files, **entry}, "--update")
        self.assertEqual(code, 0, output)
        self.assertEqual(after, f"# head\n{path} function-length:long_one 83\n")

    def test_update_tolerates_nothing_new(self):
        files = {**CLEAN, "core/base/l.c": HEAD + function(80)}
        code, output, after = run({**files, "tools/tidy_ratchet.txt": "# head\n"}, "--update")
        self.assertIn("long_one has 83 lines", output)
        self.assertEqual((code, after), (1, "# head\n"))


if __name__ == "__main__":
    unittest.main()
