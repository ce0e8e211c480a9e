#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// npx skep-wasm own.c -o own.wasm: compiles a scene in C and links it with the library that this
// package carries into one wasm file, which loadScene() takes. clang and wasm-ld do the work; this
// finds them, gives them the flags that the library was made with, refuses those that would give
// the scene other bits than it has elsewhere, and lets the result trap where its stack ends.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addStackChecks } from './stack_checks.mjs';
import { findClang, findLinker, UserError } from './wasm_tools.mjs';

const HERE = new URL('.', import.meta.url);
/** @type {{ compile: string[], c: string[], cxx: string[], link: string[], refused: string[] }} */
const FLAGS = JSON.parse(readFileSync(new URL('wasm_flags.json', HERE), 'utf8'));
const KIT = fileURLToPath(new URL('../dist/wasm', HERE));
const CXX = new Set(['.cc', '.cpp', '.cxx', '.C']);

const HELP = `usage: skep-wasm FILE.c... [-o OUT.wasm] [options] [options of clang]

Links a scene of your own, one file of C with SKEP_SCENE or several, into one wasm file:
  npx skep-wasm own.c -o own.wasm
and in JavaScript: scheduler.addScene(await loadScene('own.wasm')).

  -o OUT.wasm         where to; by default the first file's name with .wasm
  --debug             with the library's asserts, names of functions, and less optimising
  --no-stack-checks   without the trap at the end of a job's stack
  --clang PATH        the compiler (or SKEP_CLANG), 15 or newer
  --wasm-ld PATH      the linker (or SKEP_WASM_LD)
  --verbose           shows the commands
  --flags             prints what clang is given, for editors and other builds
  --help, --version

All other options go to clang: -I, -D, -O2, -Werror ... Files that end in .o or .a are linked as
they are. -O3 and -Wall are there already.
`;

/**
 * @typedef {object} Options
 * @property {string[]} sources
 * @property {string[]} objects
 * @property {string[]} extra
 * @property {string} output
 * @property {boolean} debug
 * @property {boolean} checks
 * @property {boolean} verbose
 * @property {string | undefined} clang
 * @property {string | undefined} linker
 */

/** Options of clang whose value is the next argument. */
const WITH_VALUE = new Set(['-I', '-D', '-U', '-include', '-isystem', '-x', '-Xclang', '-mllvm']);

/** @param {readonly string[]} args @returns {Options} */
function parse(args) {
  /** @type {Options} */
  const options = {
    sources: [],
    objects: [],
    extra: [],
    output: '',
    debug: false,
    checks: true,
    verbose: false,
    clang: process.env['SKEP_CLANG'],
    linker: process.env['SKEP_WASM_LD'],
  };
  const rest = [...args];
  const value = (/** @type {string} */ name) => {
    const next = rest.shift();
    if (next === undefined) throw new UserError(`${name} needs a value`);
    return next;
  };
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next === '-o') options.output = value(next);
    else if (next === '--debug') options.debug = true;
    else if (next === '--no-stack-checks') options.checks = false;
    else if (next === '--verbose') options.verbose = true;
    else if (next === '--clang') options.clang = value(next);
    else if (next === '--wasm-ld') options.linker = value(next);
    else if (WITH_VALUE.has(next)) options.extra.push(next, value(next));
    else if (next.startsWith('-')) options.extra.push(next);
    else if (/\.(o|a)$/.test(next)) options.objects.push(next);
    else options.sources.push(next);
  }
  return checked(options);
}

/** @param {Options} options */
function checked(options) {
  const { sources, objects, extra } = options;
  const [first] = [...sources, ...objects];
  if (first === undefined) throw new UserError('no files are given; --help says more');
  for (const path of [...sources, ...objects]) {
    if (!existsSync(path)) throw new UserError(`there is no ${path}`);
  }
  for (const flag of extra) {
    const bad = FLAGS.refused.find(name => flag.toLowerCase().startsWith(name.toLowerCase()));
    if (bad === undefined) continue;
    throw new UserError(
      `${flag}: a scene compiled with it has other bits than the same scene `
        + 'elsewhere, so hashes, replays and prediction break. Remove the flag.',
    );
  }
  options.output ||= `${basename(first, extname(first))}.wasm`;
  if (sources.includes(options.output)) throw new UserError(`-o ${options.output} is a source`);
  return options;
}

/** Runs a program; fails with `hint` of what it said. @param {Options} options
 * @param {string} program @param {readonly string[]} args @param {(text: string) => string} hint */
function call(options, program, args, hint) {
  if (options.verbose) console.error([program, ...args].join(' '));
  const done = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  process.stderr.write(done.stderr ?? '');
  if (done.status === 0) return;
  const why = done.error?.message ?? hint(done.stderr);
  throw new UserError(`${basename(program)} failed${why ? `: ${why}` : ''}`);
}

/** What a failed compilation may need to hear. @param {string} text */
function compileHint(text) {
  const header = /'([\w/]+\.h)' file not found/.exec(text)?.[1];
  if (header === undefined || header.startsWith('skep/')) return '';
  return (
    `there is no <${header}> in wasm. Scenes have the compiler's own headers (stdint.h, `
    + 'stdbool.h, limits.h ...), string.h, and of math.h sqrt, floor and fabs; skep/math.h has the '
    + 'rest with the same bits everywhere'
  );
}

/** @param {string} text */
function linkHint(text) {
  if (/undefined symbol: skep_scene_entry/.test(text)) return 'no file has a SKEP_SCENE';
  if (/duplicate symbol: skep_scene_entry/.test(text)) return 'one SKEP_SCENE a wasm file';
  const name = /undefined symbol: (\w+)/.exec(text)?.[1];
  if (name === undefined) return '';
  return (
    `${name} is defined nowhere. There is no libc in wasm; skep/math.h has sin, cos, atan2, `
    + 'exp, log and pow with the same bits everywhere, '
    + 'skep_scratch and skep_init_memory give memory'
  );
}

/** @param {boolean} cxx @param {boolean} debug */
function compileFlags(cxx, debug) {
  return [
    ...FLAGS.compile,
    ...(cxx ? FLAGS.cxx : FLAGS.c),
    '-isystem',
    join(KIT, 'libc'),
    '-I',
    join(KIT, 'include'),
    debug ? '-O1' : '-O3',
    '-Wall',
  ];
}

/** @param {Options} options @param {string} clang @param {string} folder */
function compile(options, clang, folder) {
  return options.sources.map((path, i) => {
    const object = join(folder, `${i}.o`);
    const flags = compileFlags(CXX.has(extname(path)), options.debug);
    call(options, clang, [...flags, ...options.extra, '-c', path, '-o', object], compileHint);
    return object;
  });
}

/** Refuses what links but does not work. @param {string} path */
function checkResult(path) {
  const module = new WebAssembly.Module(readFileSync(path));
  // The linker wraps every export where there are constructors, to run them at each call.
  const [names] = WebAssembly.Module.customSections(module, 'name');
  if (names && Buffer.from(names).includes('.command_export')) {
    throw new UserError(
      'a file runs code before the scene (a global object with a constructor, or '
        + 'a function marked as one), which no host does: build it in SKEP_SCENE instead',
    );
  }
  const exported = new Set(WebAssembly.Module.exports(module).map(e => e.name));
  if (!exported.has('skep_scene_entry')) {
    throw new UserError('no file has a SKEP_SCENE, so there is nothing to load');
  }
}

/** @param {Options} options */
function build(options) {
  const library = join(KIT, options.debug ? 'debug/libskep.a' : 'libskep.a');
  if (!existsSync(library)) {
    throw new UserError(`there is no ${library}: in a checkout run tools/js_build.sh`);
  }
  const clang = findClang(options.clang);
  const linker = findLinker(clang, options.linker);
  const folder = mkdtempSync(join(tmpdir(), 'skep_wasm_'));
  try {
    const objects = compile(options, clang.path, folder);
    const linked = join(folder, 'linked.wasm');
    call(
      options,
      linker,
      [
        ...FLAGS.link,
        ...objects,
        ...options.objects,
        '--whole-archive',
        library,
        '--no-whole-archive',
        '-o',
        linked,
      ],
      linkHint,
    );
    checkResult(linked);
    const bytes = readFileSync(linked);
    writeFileSync(options.output, options.checks ? addStackChecks(bytes).bytes : bytes);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {readonly string[]} args */
function main(args) {
  if (args.includes('--help')) return void process.stdout.write(HELP);
  if (args.includes('--version')) {
    const text = readFileSync(new URL('../package.json', HERE), 'utf8');
    return void console.log(`skep-wasm ${JSON.parse(text).version}`);
  }
  if (args.includes('--flags')) {
    return void console.log(compileFlags(false, args.includes('--debug')).join(' '));
  }
  try {
    build(parse(args));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`skep-wasm: ${error.message}`);
    process.exitCode = 1;
  }
}

main(process.argv.slice(2));
