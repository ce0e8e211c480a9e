#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Misuse of the job interface does not compile, and the error is on the user's own line.

Each piece is a job file with one line that is wrong. It is compiled as C17 with every compiler that
is there: with the line it must fail, with an error on that line; without it, it must compile.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("SKEP_SOURCE_DIR",
                                   pathlib.Path(__file__).resolve().parent.parent.parent))

HEAD = """#include "skep/job.h"
SKEP_COMPONENT(Pos, (f32, x), (f32, y));
SKEP_COMPONENT(Vel, (f32, x), (f32, y));
SKEP_COMPONENT(Target, (entity, id));
SKEP_TAG(Enemy);
SKEP_EVENT(Hit, (f32, amount));
SKEP_RESOURCE(Rules, (f32, near));
SKEP_PREFAB(Bullet);
"""

# What is wrong: name, access list of the job, the wrong line of its body.
IN_BODY = [
    ("write to an `in` column", "(in, Pos, pos)", "c->pos.x[0] = 1.0f;"),
    ("write to a resource", "(in, Pos, pos), (res, Rules, rules)", "c->rules->near = 1.0f;"),
    ("misspelt field", "(mut, Pos, pos)", "c->pos.z[0] = 1.0f;"),
    ("component that was not declared", "(mut, Pos, pos)", "c->vel.x[0] = 1.0f;"),
    ("destroying without the right", "(in, Pos, pos)",
     "skep_destroy(task, c->gone, task->entity[0]);"),
    ("the right of another kind", "(in, Pos, pos), (spawn, Bullet, bullet)",
     "skep_destroy(task, c->bullet, task->entity[0]);"),
    ("adding with the right of another component", "(in, Pos, pos), (add, Vel, vel)",
     "Pos_put(task, c->vel, task->entity[0], SKEP_LIT(Pos, 1.0f, 2.0f));"),
    ("sending without the right", "(in, Pos, pos)",
     "Hit_send(task, c->hit, task->entity[0], SKEP_LIT(Hit, 1.0f));"),
    ("spawning with the right to add", "(in, Pos, pos), (add, Vel, vel)",
     "(void)Bullet_new(task, c->vel);"),
    ("looking up through a column", "(in, Pos, pos)",
     "Pos at; (void)Pos_get(&c->pos, task->entity[0], &at);"),
    ("the value of another component", "(in, Pos, pos), (lookup, Vel, vels)",
     "Pos at; (void)Vel_get(&c->vels, task->entity[0], &at);"),
    ("an entity that is a number", "(in, Pos, pos), (destroy, Entity, gone)",
     "skep_destroy(task, c->gone, 7);"),
    ("reaching the world", "(in, Pos, pos)", "Pos at; (void)Pos_of(0, task->entity[0], &at);"),
]

# Wrong declarations: the line stands alone.
ALONE = [
    ("misspelt mode", "SKEP_JOB(bad, (inn, Pos, pos)) { (void)c; }"),
    ("component that does not exist", "SKEP_JOB(bad, (in, Pso, pos)) { (void)c; }"),
    ("writing to an event", "SKEP_JOB(bad, (mut, Hit, hit)) { (void)c; }"),
    ("reading a resource as a column", "SKEP_JOB(bad, (in, Rules, rules)) { (void)c; }"),
    ("spawning what is no prefab", "SKEP_JOB(bad, (spawn, Pos, pos)) { (void)c; }"),
    ("two members of one name", "SKEP_JOB(bad, (in, Pos, a), (in, Vel, a)) { (void)c; }"),
    ("field of an unknown type", "SKEP_COMPONENT(Odd, (float32, x));"),
]

FLAGS = ["-std=c17", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
         "-I", str(ROOT / "include")]


def compile_text(compiler, path, text):
    path.write_text(text, encoding="utf-8")
    return subprocess.run([compiler, *FLAGS, str(path)], capture_output=True, text=True,
                          check=False)


def body(access, line):
    return f"{HEAD}SKEP_JOB(job, {access})\n{{\n    (void)c;\n    {line}\n}}\n" \
           "extern const skep_job *const used; const skep_job *const used = &job;\n"


def alone(line):
    return f"{HEAD}{line}\nextern int used; int used;\n"


def must_fail(compiler, path, name, text, wrong):
    """True when it fails with an error on the line that holds `wrong`."""
    number = next(i for i, line in enumerate(text.splitlines(), 1) if wrong in line)
    done = compile_text(compiler, path, text)
    if done.returncode == 0:
        print(f"{compiler}: {name}: it compiles")
        return False
    lines = {int(n) for n in re.findall(rf"{path.name}:(\d+):", done.stderr)}
    if number not in lines:
        print(f"{compiler}: {name}: the error is not on line {number}:\n{done.stderr}")
        return False
    return True


def main():
    compilers = [name for name in ("gcc", "clang", "clang-19") if shutil.which(name)]
    if not compilers:
        sys.exit("no C compiler was found")
    bad = count = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "misuse.c"
        for compiler in compilers:
            for name, access, line in IN_BODY:
                count += 1
                good = compile_text(compiler, path, body(access, ";"))
                if good.returncode != 0:
                    print(f"{compiler}: {name}: the rest does not compile:\n{good.stderr}")
                    bad += 1
                bad += not must_fail(compiler, path, name, body(access, line), line)
            for name, line in ALONE:
                count += 1
                bad += not must_fail(compiler, path, name, alone(line), line)
    print(f"{count} misuses, {bad} not caught")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
