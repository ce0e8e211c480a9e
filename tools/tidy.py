#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""House style as a test: reads the tree and fails with file:line messages.

    tools/tidy.py             check
    tools/tidy.py --update    shrink tools/tidy_ratchet.txt to what is still needed

What it looks for: includes that go up a layer, cycles, calls and headers that the core must not
use, platform switches outside port/, functions, lines and files that are too long, deep nesting,
global mutable state, names that clash when all files become one, public declarations without a
comment, SPDX lines, header guards, file names, and words that mark unfinished work; in TypeScript
the text, the heads and the names, and that the npm package imports nothing but itself.

Lengths, nesting and globals are a ratchet: tools/tidy_ratchet.txt lists what is tolerated, one
"path rule value" a line. A value may only fall; an entry nobody needs any more is an error as well.
"""
import argparse
import pathlib
import re
import subprocess
import sys
from collections import defaultdict

import tidy_scan

LINE_MAX = 100
FUNCTION_MAX = 70
NESTING_MAX = 4
FILE_MAX = 1500
GROUP_MAX = 12  # declarations that one comment may cover

LAYERS = {
    "core/base": 0, "core/simd": 0, "core/trace": 0, "core/supervise": 0, "core/store": 1,
    "core/world": 2, "core/data": 3, "core/plan": 4, "core/record": 5, "core/replicate": 5,
    "pool": 5, "port": 5, "sim": 6, "cli": 6, "wasm": 6, "gateway": 6, "trace": 6, "check": 6,
    "js": 6, "viewer": 6, "scenes": 6, "bench": 6,
}
# The lowest layer that may include a public header.
PUBLIC_LAYERS = {
    "status": 0, "id": 0, "assert": 0, "log": 0, "math": 0, "version": 0, "random": 0, "trace": 0,
    "component": 1, "parent": 1, "field": 1, "patch": 1, "job": 1, "inline": 1,
    "world": 2, "query": 2, "command": 2, "prefab": 2, "event": 2, "resource": 2, "input": 2,
    "hook": 2, "grid": 2, "snapshot": 3, "save": 3, "diff": 3, "hash": 3, "plan": 4, "frame": 4,
    "fault": 4, "system": 4, "pool": 4, "processes": 4, "port": 5, "run": 5, "publish": 5,
    "view": 5, "predict": 5, "recovery": 6, "sim": 6, "scene": 6, "skep": 6, "gateway": 6,
    "client": 6, "experimental": 6,
}
# Where the layer alone says too little: all that a folder may include, beside itself.
MAY_INCLUDE = {
    "pool": {"include", "core/base", "core/simd", "core/supervise", "core/trace", "port"},
    "port": {"include", "core/base"},
    "gateway": {"include", "core/base", "port"},
    "trace": {"include", "core/base", "core/trace", "port"},
    "check": {"include", "core/base"},
    "scenes": {"include"},
    "sim": {"include", "core/base", "core/simd", "core/store", "core/world", "core/data",
            "core/plan", "core/record", "core/replicate", "core/trace", "pool", "port"},
    "examples": {"include"},
    "tests/api": {"include", "tests/support"},
}
LIBRARY = ("core", "pool", "port", "sim")

FREESTANDING = {
    "stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "limits.h", "float.h", "stdalign.h",
    "stdnoreturn.h", "stdatomic.h", "string.h",
}
SIMD_HEADERS = {"immintrin.h", "emmintrin.h", "arm_neon.h", "wasm_simd128.h"}
STRING_CALLS_ALLOWED = {"memcpy", "memmove", "memset", "memcmp"}
GENERATED = {"skep_build_info.h", "skep.h"}  # of the build, and of the amalgamation
BANNED_CALLS = set("""
    malloc calloc realloc reallocarray free aligned_alloc posix_memalign strdup alloca
    printf fprintf dprintf sprintf snprintf vprintf vfprintf vsprintf vsnprintf puts fputs putchar
    fputc putc perror scanf sscanf fscanf fopen fclose fread fwrite fflush fseek remove rename
    abort exit _Exit quick_exit atexit getenv setenv system signal raise setjmp longjmp
    clock time difftime mktime gmtime localtime gettimeofday clock_gettime nanosleep usleep sleep
    rand srand random srandom qsort bsearch atoi atol atof strtol strtoul strtoll strtoull strtod
    strtof assert pthread_create mmap munmap read write open close
""".split())
PLATFORM = re.compile(r"\b(_WIN32|_WIN64|__linux__|__linux|__APPLE__|__unix__|__FreeBSD__|"
                      r"__ANDROID__|__CYGWIN__|__MINGW32__)\b")
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b|not imple" r"mented|"
                        r"place" r"holder|\bst" r"ub(bed)?\b")
SCRIPT_SUFFIXES = {".ts", ".mjs", ".js"}
SPDX_SUFFIXES = {".c", ".h", ".inl", ".py", ".sh", ".cmake"} | SCRIPT_SUFFIXES
TEXT_SUFFIXES = {".md", ".txt", ".json", ".in"} | SPDX_SUFFIXES


class Report:
    """Collects complaints; those of the ratchet wait until it is known what it tolerates."""

    def __init__(self):
        self.lines = []
        self.measured = {}

    def add(self, path, line, message):
        self.lines.append((str(path), line, message))

    def measure(self, path, line, rule, value, message):
        key = (str(path), rule)
        if key not in self.measured or self.measured[key][0] < value:
            self.measured[key] = (value, line, message)


class Tree:
    """The files of a checkout: paths relative to its root, texts, and what the scanner found."""

    def __init__(self, root):
        self.root = root
        self.paths = [path for path in self._list() if (root / path).is_file()]
        self.texts = {}
        for path in self.paths:
            if path.suffix in TEXT_SUFFIXES or path.name in ("Makefile", "CMakeLists.txt"):
                self.texts[path] = (root / path).read_text(encoding="utf-8")
        self.sources = {path: tidy_scan.Source(text) for path, text in self.texts.items()
                        if path.suffix in (".c", ".h", ".inl")}

    def _list(self):
        if (self.root / ".git").exists():
            done = subprocess.run(
                ["git", "-C", str(self.root), "ls-files", "-co", "--exclude-standard", "-z"],
                check=False, capture_output=True)
            if done.returncode == 0:
                names = set(done.stdout.decode().split("\0"))
                return sorted(pathlib.PurePosixPath(name) for name in names if name)
        skip = {"build", "dist", ".cache"}
        return sorted(pathlib.PurePosixPath(path.relative_to(self.root).as_posix())
                      for path in self.root.rglob("*")
                      if path.is_file() and path.relative_to(self.root).parts[0] not in skip)


def folder_of(path):
    """The folder that the layer table knows: core/base, pool, include, tests/api, ..."""
    parts = path.parts[:-1]
    if not parts:
        return "."
    if parts[0] in ("core", "tests") and len(parts) > 1:
        return "/".join(parts[:2])
    return parts[0]


def is_public(path):
    return path.parts[:2] == ("include", "skep")


def layer_of(path):
    """The layer of a file; None for tests and examples, which have a rule of their own."""
    if is_public(path):
        return PUBLIC_LAYERS.get(path.stem)
    return LAYERS.get(folder_of(path))


# Includes ---------------------------------------------------------------------------------------


def resolve(tree, path, name):
    """The file that a quoted include means: from the root, include/, tests/ or its own folder."""
    for base in (pathlib.PurePosixPath("."), pathlib.PurePosixPath("include"),
                 pathlib.PurePosixPath("tests"), path.parent):
        candidate = base / name
        if candidate in tree.sources:
            return candidate
    return None


def check_includes(tree, report):
    graph = defaultdict(list)
    for path, source in tree.sources.items():
        if is_public(path) and path.suffix == ".h" and path.stem not in PUBLIC_LAYERS:
            report.add(path, 1, "public header without a layer: name it in tools/tidy.py, "
                                "PUBLIC_LAYERS")
        for line, name, quoted in source.includes:
            if not quoted:
                check_system_include(path, line, name, report)
                continue
            target = resolve(tree, path, name)
            if target is None:
                if name not in GENERATED:
                    report.add(path, line, f'"{name}" is no file of the tree, seen from the root '
                                           "or from include/")
                continue
            graph[path].append((line, target))
            check_layer(path, line, target, report)
    check_cycles(graph, report)


def check_system_include(path, line, name, report):
    folder = folder_of(path)
    allowed = set(FREESTANDING)
    if folder == "core/simd" or path.name == "math.h":
        allowed |= SIMD_HEADERS
    if is_public(path) and path.name == "math.h":
        allowed.add("math.h")  # sqrt, where neither instruction nor builtin is at hand
    if (path.parts[0] == "core" or is_public(path)) and name not in allowed:
        report.add(path, line, f"<{name}> in {path.parts[0]}/: only freestanding headers and "
                               "<string.h> for mem* are allowed")


def check_layer(path, line, target, report):
    here, there = layer_of(path), layer_of(target)
    folder, other = folder_of(path), folder_of(target)
    if folder in MAY_INCLUDE:
        if other != folder and other not in MAY_INCLUDE[folder]:
            report.add(path, line, f"{folder}/ must not include {other}/ ({target})")
    if here is not None and there is None and not is_public(target):
        report.add(path, line, f"{folder}/ must not include {other}/ ({target})")
    elif here is not None and there is not None and there > here:
        report.add(path, line, f"include goes up: {path} is layer {here}, {target} is layer "
                               f"{there}")


def check_cycles(graph, report):
    state = {}  # absent: not seen; 1: on the way; 2: done

    def visit(path, trail):
        state[path] = 1
        for line, target in graph.get(path, ()):
            if state.get(target) == 1:
                loop = trail[trail.index(target):] + [target]
                report.add(path, line, "include cycle: " + " -> ".join(map(str, loop)))
            elif target not in state:
                visit(target, trail + [target])
        state[path] = 2

    for path in sorted(graph):
        if path not in state:
            visit(path, [path])


# Code -------------------------------------------------------------------------------------------

CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(")


def check_core_calls(tree, report):
    for path, source in tree.sources.items():
        if path.parts[0] != "core":
            continue
        for number, line in enumerate(source.code_lines, 1):
            for name in CALL.findall(line):
                if name in BANNED_CALLS or (re.match(r"(str|mem|wcs)[a-z]+$", name)
                                            and name not in STRING_CALLS_ALLOWED):
                    report.add(path, number, f"{name}() in core/: of libc it has memcpy, memmove, "
                                             "memset and memcmp only")


def check_platform(tree, report):
    for path, source in tree.sources.items():
        if folder_of(path) == "port" or path.parts[0] in ("tests", "examples"):
            continue
        for number, _, text in source.directives:
            if not PLATFORM.search(text):
                continue
            after = "\n".join(source.lines[number:number + 3])
            if is_public(path) and "__declspec" in after:
                continue
            report.add(path, number, "platform switch outside port/")


def check_functions(tree, report):
    for path, source in tree.sources.items():
        if source.unbalanced:
            report.add(path, source.unbalanced, "braces that do not balance: tidy cannot read on")
        for function in source.functions:
            length = function.end - function.start + 1
            if length > FUNCTION_MAX:
                report.measure(path, function.start, f"function-length:{function.name}", length,
                               f"{function.name} has {length} lines, {FUNCTION_MAX} are allowed")
            if function.nesting > NESTING_MAX:
                report.measure(path, function.deepest, f"nesting:{function.name}", function.nesting,
                               f"{function.name} nests {function.nesting} deep, "
                               f"{NESTING_MAX} is allowed")
            if path.parts[0] == "core" and function.calls_itself:
                report.add(path, function.start, f"{function.name} calls itself: no recursion in "
                                                 "core/")


def check_globals(tree, report):
    for path, source in tree.sources.items():
        if path.parts[0] not in LIBRARY:
            continue
        for variable in source.variables:
            if not variable.constant:
                report.measure(path, variable.line, f"mutable-global:{variable.name}", 1,
                               f"{variable.name} is global and mutable: hang it on what the user "
                               "created")


def check_unique_names(tree, report):
    """The amalgamation makes one file of all: what is file-static must not meet its namesake."""
    seen = {}
    for path, source in tree.sources.items():
        if path.parts[0] not in LIBRARY:
            continue
        names = [(f.name, f.start) for f in source.functions if f.static]
        names += [(v.name, v.line) for v in source.variables if v.static]
        if path.suffix == ".c":
            names += [(name, line) for name, line in source.macros.items()
                      if name not in source.undefined and not name.startswith("_")]
        for name, line in names:
            first = seen.setdefault(name, (path, line))
            both_ports = folder_of(path) == "port" and folder_of(first[0]) == "port"
            if first[0] != path and not both_ports:
                report.add(path, line, f"{name} is also in {first[0]}:{first[1]}: own names "
                                       "must be unique: they become one file")


# Text -------------------------------------------------------------------------------------------


def check_text(tree, report):
    for path, text in tree.texts.items():
        lines = text.split("\n")
        if path.suffix in SPDX_SUFFIXES or path.name in ("Makefile", "CMakeLists.txt"):
            if not any("SPDX-License-Identifier: MIT" in line for line in lines[:2]):
                report.add(path, 1, "no SPDX line")
            long = [n for n, line in enumerate(lines, 1) if len(line) > LINE_MAX]
            if long:
                report.measure(path, long[0], "long-lines", len(long),
                               f"longer than {LINE_MAX} columns (lines {long[:8]})")
        for number, line in enumerate(lines, 1):
            found = UNFINISHED.search(line)
            if found:
                report.add(path, number, f'"{found.group(0)}": finish it or say what it is')
        if (path in tree.sources or path.suffix in SCRIPT_SUFFIXES) and len(lines) - 1 > FILE_MAX:
            report.measure(path, FILE_MAX, "file-length", len(lines) - 1,
                           f"{len(lines) - 1} lines, {FILE_MAX} are allowed")


def check_heads(tree, report):
    """The second thing in a file of C is a paragraph that says what the file is for."""
    for path, source in tree.sources.items():
        head = source.comments[1] if len(source.comments) > 1 else None
        if path.suffix != ".inl" and (head is None or head.start > 3):
            report.add(path, 2, "no paragraph of purpose after the SPDX line")
    for path, text in tree.texts.items():
        if path.suffix not in SCRIPT_SUFFIXES:
            continue
        head = [line for line in text.split("\n")[1:4] if not line.startswith("// ctest: ")]
        if not re.match(r"// \w", head[0]):
            report.add(path, 2, "no paragraph of purpose after the SPDX line")


IMPORT = re.compile(r"(?:\bfrom|\bimport|\bimport\()\s*(['\"])([^'\"]+)\1")


def check_imports(tree, report):
    """The npm package has no dependency, and bundlers must not see what is Node.js' own."""
    for path, text in tree.texts.items():
        if path.parts[:2] != ("js", "src") or path.suffix not in SCRIPT_SUFFIXES:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if re.match(r"\s*(//|\*|/\*)", line):
                continue
            code = re.sub(r" // .*|\btypeof import\(.*?\)", "", line)
            for _, name in IMPORT.findall(code):
                if not name.startswith("."):
                    report.add(path, number, f'import of "{name}": js/src has no dependency, and '
                                             "takes builtins from process.getBuiltinModule")


def check_guards(tree, report):
    seen = {}
    for path, source in tree.sources.items():
        if path.suffix != ".h":
            continue
        guard = source.guard
        if guard is None:
            report.add(path, 1, "no include guard")
            continue
        want = f"SKEP_{path.stem.upper()}_H"
        if is_public(path) and guard != want and path.stem != "skep":
            report.add(path, 1, f"include guard is {guard}, not {want}")
        elif not re.fullmatch(r"SKEP_\w+_H", guard):
            report.add(path, 1, f"include guard {guard} is not of the form SKEP_..._H")
        if seen.setdefault(guard, path) != path:
            report.add(path, 1, f"include guard {guard} is also that of {seen[guard]}")


def check_names(tree, report):
    seen = {}
    for path in tree.paths:
        if path.suffix not in {".c", ".h", ".inl", ".py", ".sh"} | SCRIPT_SUFFIXES:
            continue
        stem = re.sub(r"\.(test|config|d)$", "", path.stem)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", stem):
            report.add(path, 1, "file names are lower snake case")
        if path.suffix in SCRIPT_SUFFIXES:
            continue  # modules are found by their folders
        if path.parent.name == "include":
            continue  # stands in for a header of the system, whose name is given
        # A header and its .c share a name; a public header and the file behind it do, too.
        key = (path.name, is_public(path))
        if seen.setdefault(key, path) != path:
            report.add(path, 1, f"file name also used by {seen[key]}")


# Documentation ----------------------------------------------------------------------------------


def is_private(name):
    return name.startswith("_") or "__" in name


def documented_before(source, line, ends):
    """Whether a comment stands right before `line`; `ends` maps last lines of items to their state
    (documented, how many the comment covers), so that neighbours without a blank line share one."""
    at = line - 1
    while at > 0:
        text = source.lines[at - 1].strip()
        if at in source.leading_lines:
            return True, 1
        if at in ends:
            state, count = ends[at]
            return state and count < GROUP_MAX, count + 1
        if not text.startswith("#") or source.guard and source.guard in text.split():
            return False, 1
        at -= 1
    return False, 1


def on_own_lines(source, start, end):
    return any(line in source.comment_lines for line in (start, end))


def check_docs(tree, report):
    for path, source in tree.sources.items():
        if not is_public(path):
            continue
        ends = {}
        items = [(s.start, s.end, s.name, s.members) for s in source.statements if s.name]
        items += [(line, end, name, []) for name, (line, end) in source.macro_spans.items()
              if name != source.guard]
        documented = set()
        missing = []
        for start, end, name, members in sorted(items, key=lambda item: item[0]):
            before, count = documented_before(source, start, ends)
            good = before or on_own_lines(source, start, start) or (
                not members and on_own_lines(source, start, end))
            ends[end] = (good, count)
            if good:
                documented.add(name)
            else:
                missing.append((start, name))
            told = comment_before(source, start) if before else ""
            check_members(path, source, members, before, told, report)
        for line, name in missing:
            exempt = is_private(name) or name in source.undefined
            if not exempt and name not in documented:
                report.add(path, line, f"{name} has no comment")


def comment_before(source, line):
    """The text of the comment that stands before a line."""
    at = line - 1
    while at > 0 and at not in source.leading_lines and source.lines[at - 1].startswith("#"):
        at -= 1
    first = at
    while first > 1 and first - 1 in source.leading_lines:
        first -= 1
    return "\n".join(source.lines[first - 1:at])


def check_members(path, source, members, struct_documented, told, report):
    """The comment of the struct covers its first group of members, a comment before a group that
    group; but where most members have a comment of their own, all must, or be named in the
    struct's."""
    groups = []
    for member in members:
        if not groups or not joined(source, groups[-1][-1].end, member.start):
            groups.append([])
        groups[-1].append(member)
    for index, group in enumerate(groups):
        own = [on_own_lines(source, m.start, m.end) or documented_before(source, m.start, {})[0]
               for m in group]
        covered = documented_before(source, group[0].start, {})[0] or (
            index == 0 and struct_documented)
        mostly = len(group) > 2 and 2 * sum(own) > len(group)
        for member, good in zip(group, own):
            plain = member.name.startswith("pad") or member.name.endswith("_count") or \
                re.search(rf"\b{member.name}\b", told)
            if not good and not is_private(member.name) and (not covered or mostly and not plain):
                report.add(path, member.start, f"member {member.name} has no comment")


def joined(source, end, start):
    """Whether nothing but comments and directives lies between two lines: no blank line."""
    return all(source.lines[line - 1].strip() for line in range(end + 1, start))


# Ratchet ----------------------------------------------------------------------------------------


def read_ratchet(path):
    entries = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                name, rule, value = line.split()
                entries[(name, rule)] = int(value)
    return entries


def apply_ratchet(report, ratchet, ratchet_name):
    """Adds what the ratchet does not tolerate, and what it tolerates without need."""
    for (path, rule), (value, line, message) in sorted(report.measured.items()):
        allowed = ratchet.get((path, rule))
        if allowed is None:
            report.add(path, line, message)
        elif value > allowed:
            report.add(path, line, f"{message}; {ratchet_name} tolerates {allowed}")
        elif value < allowed:
            report.add(path, line, f"{rule} fell to {value}: run tools/tidy.py --update, so that "
                                   f"it stays below {allowed}")
    for path, rule in sorted(set(ratchet) - set(report.measured)):
        report.add(path, 1, f"{rule} is no longer needed in {ratchet_name}: run "
                            "tools/tidy.py --update")


def update_ratchet(report, ratchet, path):
    """Writes the entries still needed, with values that only fall."""
    kept = {key: min(value, report.measured[key][0]) for key, value in ratchet.items()
            if key in report.measured}
    head = [line for line in path.read_text(encoding="utf-8").splitlines()
            if line.startswith("#")] if path.exists() else []
    body = [f"{name} {rule} {value}" for (name, rule), value in sorted(kept.items())]
    path.write_text("\n".join(head + body) + "\n", encoding="utf-8")
    return kept


CHECKS = (check_includes, check_core_calls, check_platform, check_functions, check_globals,
          check_unique_names, check_text, check_heads, check_imports, check_guards, check_names,
          check_docs)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--update", action="store_true", help="shrink the ratchet")
    options = parser.parse_args(arguments)

    tree = Tree(options.root)
    report = Report()
    for check in CHECKS:
        check(tree, report)
    ratchet_path = options.root / "tools" / "tidy_ratchet.txt"
    ratchet = read_ratchet(ratchet_path)
    if options.update:
        ratchet = update_ratchet(report, ratchet, ratchet_path)
    apply_ratchet(report, ratchet, "tools/tidy_ratchet.txt")
    for path, line, message in sorted(set(report.lines)):
        print(f"{path}:{line}: {message}")
    if report.lines:
        print(f"tidy: {len(set(report.lines))} complaints")
        return 1
    functions = sum(len(source.functions) for source in tree.sources.values())
    scripts = sum(path.suffix in SCRIPT_SUFFIXES for path in tree.texts)
    print(f"tidy: {len(tree.sources)} files of C, {functions} functions, {scripts} files of "
          "TypeScript: clean")
    return 0


if __name__ == "__main__":
    sys.exit(main())
