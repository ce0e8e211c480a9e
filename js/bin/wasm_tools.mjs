// SPDX-License-Identifier: MIT
// Finds clang and wasm-ld, and says what is missing and how to get it. A clang counts when it is
// new enough and has the wasm target, which Apple's own has not; a linker when it is not older than
// the clang, since it must read what that writes.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The oldest clang that the library's headers and objects were tried with. */
export const CLANG_MIN = 15;
/** The one that the library is made with. */
export const CLANG_BEST = 19;
const CLANG_NEWEST = 24;

const INSTALL = `  Debian, Ubuntu   sudo apt-get install clang-19 lld-19     (or: clang lld)
  Fedora           sudo dnf install clang lld
  macOS            brew install llvm lld
  Windows          winget install LLVM.LLVM
  elsewhere        --clang PATH and --wasm-ld PATH, or SKEP_CLANG and SKEP_WASM_LD`;

/** What the command says in place of a stack trace. */
export class UserError extends Error {}

/** @param {string} program @param {readonly string[]} args */
function said(program, args) {
  const done = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 });
  return done.status === 0 ? `${done.stdout}` : null;
}

/** @param {string} text the first line of --version */
function majorOf(text) {
  return Number(/(?:version|LLD) (\d+)/.exec(text)?.[1] ?? 0);
}

/** Where package managers put what is not on the path. @param {string} program */
function elsewhere(program) {
  const folders =
    process.platform === 'win32'
      ? ['C:/Program Files/LLVM/bin']
      : [
          '/opt/homebrew/opt/llvm/bin',
          '/opt/homebrew/opt/lld/bin',
          '/usr/local/opt/llvm/bin',
          '/usr/local/opt/lld/bin',
        ];
  if (process.env['WASI_SDK_PATH']) folders.push(join(process.env['WASI_SDK_PATH'], 'bin'));
  const file = process.platform === 'win32' ? `${program}.exe` : program;
  return folders.map(folder => join(folder, file)).filter(path => existsSync(path));
}

/** The names to try, the best first. @param {string} program */
function candidates(program) {
  const versions = [CLANG_BEST];
  for (let v = CLANG_NEWEST; v >= CLANG_MIN; v--) if (v !== CLANG_BEST) versions.push(v);
  return [...versions.map(v => `${program}-${v}`), program, ...elsewhere(program)];
}

/** @param {string} path @returns {string} why it will not do, or '' */
function unfit(path) {
  const text = said(path, ['--version']);
  if (text === null) return 'not found';
  const version = majorOf(text);
  if (version < CLANG_MIN) return `version ${version}, ${CLANG_MIN} or newer is needed`;
  if (/^Apple/.test(text)) return "Apple's clang has no wasm target";
  const targets = said(path, ['--print-targets']);
  return targets?.includes('wasm32') ? '' : 'it has no wasm target';
}

/** Finds clang. @param {string | undefined} given what the user named
 * @returns {{ path: string, version: number }} */
export function findClang(given) {
  const tried = [];
  for (const path of given ? [given] : candidates('clang')) {
    const why = unfit(path);
    if (!why) return { path, version: majorOf(said(path, ['--version']) ?? '') };
    if (given || why !== 'not found') tried.push(`${path}: ${why}`);
  }
  throw new UserError(
    `no clang ${CLANG_MIN} or newer with a wasm target was found`
      + `${tried.length ? `\n  ${tried.join('\n  ')}` : ''}\nHow to get one:\n${INSTALL}`,
  );
}

/** Finds the linker that goes with a clang. @param {{ path: string, version: number }} clang
 * @param {string | undefined} given what the user named */
export function findLinker(clang, given) {
  const own = said(clang.path, ['--print-prog-name=wasm-ld'])?.trim() ?? '';
  const beside = join(dirname(clang.path), 'wasm-ld');
  const names = given
    ? [given]
    : [`wasm-ld-${clang.version}`, own, beside, ...candidates('wasm-ld')];
  const tried = [];
  for (const path of names.filter(name => name !== '')) {
    const text = said(path, ['--version']);
    if (text !== null && majorOf(text) >= clang.version) return path;
    if (text !== null) tried.push(`${path}: version ${majorOf(text)}`);
    else if (given) tried.push(`${path}: not found`);
  }
  throw new UserError(
    `no wasm-ld of version ${clang.version} or newer was found, to go with `
      + `${clang.path}${tried.length ? `\n  ${[...new Set(tried)].join('\n  ')}` : ''}\n`
      + `How to get one:\n${INSTALL}`,
  );
}
