// SPDX-License-Identifier: MIT
// What the package tests share: js/ packed by npm as it would be published, installed from the file
// alone into an empty project in a temporary folder, and pages built there, run in a browser.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { openBrowser, openSite, ROOT } from '../browser/harness.ts';
import { expected, type Found } from './page/run.ts';

/** A file of the tarball. */
export interface Packed {
  path: string;
  size: number;
}

// As a user's shell has it: what `npm test` adds is taken out, our own Node.js in the path before
// all, which Debian's npm does not run on.
const ENV: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/.test(name)),
);
ENV.PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .filter(part => !part.includes('node_modules'))
  .join(delimiter);

/** Runs a program in a folder and returns its standard output; throws with all it said. */
export function call(folder: string, program: string, ...args: readonly string[]): string {
  const done = spawnSync(program, args, {
    cwd: folder,
    encoding: 'utf8',
    env: ENV,
    timeout: 120_000,
    killSignal: 'SIGKILL',
  });
  if (done.status !== 0) {
    const how = done.error?.message ?? `exit ${done.status ?? done.signal}`;
    throw new Error(`${program} ${args.join(' ')}: ${how}\n${done.stdout}${done.stderr}`);
  }
  return done.stdout;
}

export class Project {
  /** The folder with package.json, node_modules/skep and src/. */
  readonly folder: string;
  /** What npm packed. */
  readonly packed: readonly Packed[];

  constructor(folder: string, packed: readonly Packed[]) {
    this.folder = folder;
    this.packed = packed;
  }

  path(...parts: readonly string[]): string {
    return join(this.folder, ...parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Packs js/ and installs the tarball where nothing else is; src/ gets the test's page. */
export async function openProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'skep_package_'));
  const npm = (cwd: string, ...args: readonly string[]) =>
    call(cwd, 'npm', ...args, '--cache', join(folder, '.npm'), '--no-update-notifier');
  const text = npm(join(ROOT, 'js'), 'pack', '--json', '--pack-destination', folder);
  const [tarball] = JSON.parse(text) as { filename: string; files: Packed[] }[];
  assert.ok(tarball, `npm pack: ${text}`);
  const own = { name: 'empty', version: '1.0.0', private: true, type: 'module' };
  await writeFile(join(folder, 'package.json'), JSON.stringify(own));
  npm(folder, 'install', '--offline', '--no-audit', '--no-fund', join(folder, tarball.filename));
  await cp(join(import.meta.dirname, 'page'), join(folder, 'src'), { recursive: true });
  return new Project(folder, tarball.files);
}

/** Text of a page that runs one script. */
export function html(script: string): string {
  return `<!doctype html><meta charset="utf-8"><title>skep</title>
<script type="module" src="${script}"></script>
`;
}

/** Loads what a bundler built in Chromium, with isolation and without, and checks what the page
 * found. */
export async function checkPage(folder: string): Promise<void> {
  await using browser = await openBrowser('chromium');
  for (const isolated of [true, false]) {
    await using site = await openSite({ isolated, folders: { '/': folder } });
    await using page = await browser.open(site);
    const found = await page.global<Found>('found');
    assert.deepEqual(found, await expected('web', isolated ? 'web' : 'copied'));
    assert.ok(
      !site.requests.some(path => path.startsWith('/skep/')),
      `the built page asked for ${site.requests.join(' ')}`,
    );
  }
}

/** Fails where text that a bundler wrote for browsers still names what is Node.js' own, or skep. */
export async function checkBundle(path: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  const left = text.match(/\b(?:from|import|require)\s*\(?\s*["'](?:node:|skep)[^"']*["']/g) ?? [];
  assert.deepEqual(left, [], `${path} still imports`);
}
