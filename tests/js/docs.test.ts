// SPDX-License-Identifier: MIT
// ctest: timeout=300
// The code in js/README.md and docs/js/*.md: all of it passes TypeScript's strict checks, what says
// so runs on Node or in a page and prints what it says, and links lead somewhere. How blocks are
// marked: support/docs_code.ts.

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { browserModule, openBrowser, openSite, ROOT, within } from './browser/harness.ts';
import {
  anchors,
  expectedLines,
  links,
  missingLine,
  readDocs,
  type Doc,
  type DocFile,
} from './support/docs_code.ts';

const RUN_MS = 60_000;
const CONFIG = {
  compilerOptions: {
    strict: true,
    target: 'es2022',
    lib: ['es2022', 'esnext.disposable', 'dom', 'dom.iterable'],
    types: ['node'],
    module: 'nodenext',
    moduleDetection: 'force',
    allowJs: true,
    checkJs: true,
    skipLibCheck: true,
    rootDir: '.',
    outDir: 'out',
  },
  include: ['*/**/*.ts', '*/**/*.js'],
  exclude: ['out', 'node_modules'],
};

const docs = readDocs();
let folder: string;
/** What the compiler said, by document, with the document's lines. */
const complaints = new Map<string, string[]>();

/** Puts the document's line in place of the file's. */
function translate(line: string): [string, string] {
  const match = /^([^/(]+)\/([^(]+)\((\d+),\d+\): (.*)$/.exec(line);
  const doc = docs.find(d => d.folder === match?.[1]);
  const file = doc?.files.get(match?.[2] ?? '');
  if (!doc || !file) return ['', line];
  return [
    doc.path,
    `${doc.path}:${file.lines[Number(match![3]) - 1]} (${file.name}): ${match![4]}`,
  ];
}

async function compile(): Promise<void> {
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(CONFIG));
  for (const doc of docs) {
    for (const file of doc.files.values()) {
      const path = join(folder, doc.folder, file.name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, file.text);
    }
  }
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const done = spawnSync(process.execPath, [tsc, '--pretty', 'false', '-p', folder], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 240_000,
  });
  for (const line of done.stdout.split('\n').filter(text => text)) {
    const [path, text] = translate(line);
    complaints.set(path, [...(complaints.get(path) ?? []), text]);
  }
  // The scenes that documents load, as skep's own build makes them.
  for (const name of await readdir(join(ROOT, 'build/wasm')).catch(() => [])) {
    if (!/^(flock|physics)\.wasm$/.test(name)) continue;
    for (const doc of docs) {
      await cp(join(ROOT, 'build/wasm', name), join(folder, 'out', doc.folder, name));
    }
  }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skep_docs_'));
  await compile();
});
after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

function compiled(doc: Doc, file: DocFile): string {
  return join(folder, 'out', doc.folder, file.name.replace(/\.ts$/, '.js'));
}

async function runOnNode(doc: Doc, file: DocFile): Promise<void> {
  const child = spawn(process.execPath, [compiled(doc, file)], {
    cwd: join(folder, 'out', doc.folder),
    timeout: RUN_MS,
    killSignal: 'SIGKILL',
  });
  let out = '';
  let errors = '';
  child.stdout.on('data', chunk => (out += String(chunk)));
  child.stderr.on('data', chunk => (errors += String(chunk)));
  const code = await new Promise(done => {
    child.once('close', (status, signal) => done(status ?? signal));
  });
  const where = `${doc.path}:${file.lines[0]} (${file.name})`;
  assert.equal(code, 0, `${where}\n${out}${errors}`);
  const missing = missingLine(expectedLines(file), out.split('\n'));
  assert.equal(missing, undefined, `${where} does not print this; it prints\n${out}${errors}`);
}

/** Runs a file as a page's module, with the document's other files at its side. */
async function runInPage(doc: Doc, file: DocFile): Promise<void> {
  const files: Record<string, string> = {
    '/page/':
      '<!doctype html><meta charset="utf-8"><title>docs</title>'
      + `<script type="module" src="${file.name.replace(/\.ts$/, '.js')}"></script>`,
  };
  for (const other of doc.files.values()) {
    const text = await readFile(compiled(doc, other), 'utf8');
    files[`/page/${other.name.replace(/\.ts$/, '.js')}`] = browserModule(text);
  }
  await using browser = await openBrowser('chromium');
  await using site = await openSite({ isolated: true, files });
  await using page = await browser.open(site, '/page/');
  const said = (): string[] => page.console.map(line => line.replace(/^log: /, ''));
  const wanted = expectedLines(file);
  const seen = async (): Promise<void> => {
    while (missingLine(wanted, said()) !== undefined && !page.unexpected().length) {
      await new Promise(done => setTimeout(done, 50));
    }
  };
  await within(
    RUN_MS,
    `${doc.path} (${file.name})`,
    seen(),
    () => `; it said ${said().join('\n')}`,
  );
}

test('there is code, and some of each kind', () => {
  const files = docs.flatMap(doc => [...doc.files.values()]);
  assert.ok(docs.length >= 6, `${docs.length} documents`);
  assert.ok(files.filter(file => file.run).length > 15, 'hardly anything runs');
  assert.ok(
    files.some(file => file.web),
    'nothing runs in a page',
  );
  for (const file of files.filter(f => f.run || f.web)) {
    assert.ok(expectedLines(file).length > 0, `${file.name} runs and shows nothing`);
  }
});

for (const doc of docs) {
  test(`${doc.path}: types`, () => {
    assert.deepEqual(complaints.get(doc.path) ?? [], []);
    assert.deepEqual(complaints.get('') ?? [], []);
  });

  for (const file of doc.files.values()) {
    if (file.run) test(`${doc.path}: ${file.name} runs`, () => runOnNode(doc, file));
    if (file.web) test(`${doc.path}: ${file.name} runs in a page`, () => runInPage(doc, file));
  }

  test(`${doc.path}: links lead somewhere`, () => {
    for (const { target, line } of links(doc.path)) {
      if (/^(https?:|mailto:)/.test(target)) continue;
      const [path, anchor] = target.split('#') as [string, string?];
      const file = path ? join(ROOT, dirname(doc.path), path) : join(ROOT, doc.path);
      assert.ok(existsSync(file), `${doc.path}:${line}: there is no ${target}`);
      if (anchor) assert.ok(anchors(file).includes(anchor), `${doc.path}:${line}: no ${target}`);
    }
  });
}
