// SPDX-License-Identifier: MIT
// ctest: timeout=600
// The package as npm would publish it: what the tarball holds, what package.json says, and that an
// empty project finds code and types by every entry.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from './browser/harness.ts';
import { call, openProject, type Project } from './package/project.ts';
import { expected } from './package/page/run.ts';

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

interface Manifest {
  exports: Record<string, string | Record<string, string>>;
  scripts?: Record<string, string>;
  [key: string]: unknown;
}

let project: Project;
let manifest: Manifest;
before(async () => {
  project = await openProject();
  manifest = JSON.parse(
    await readFile(project.path('node_modules/skep/package.json'), 'utf8'),
  ) as Manifest;
});
after(() => project[Symbol.asyncDispose]());

test('files: dist, bin, package.json, README.md and LICENSE', () => {
  const paths = project.packed.map(file => file.path);
  const others = paths.filter(
    path =>
      !/^dist\/(?!wasm\/)[\w/]+(\.d\.ts|\.js)$/.test(path) && !/^dist\/wasm\/.*\.h$/.test(path),
  );
  assert.deepEqual(others.sort(), [
    'LICENSE',
    'README.md',
    'bin/skep_wasm.mjs',
    'bin/stack_checks.mjs',
    'bin/wasm_flags.json',
    'bin/wasm_tools.mjs',
    'dist/wasm/debug/libskep.a',
    'dist/wasm/libskep.a',
    'package.json',
  ]);
  assert.ok(!paths.some(path => /test|bench/.test(path)), paths.join(' '));
  for (const { path, size } of project.packed) assert.ok(size > 0, `${path} is empty`);
});

test('every import within the package leads to a packed file', async () => {
  const packed = new Set(project.packed.map(file => file.path));
  let imports = 0;
  for (const path of packed) {
    if (!path.startsWith('dist/')) continue;
    const text = await readFile(project.path('node_modules/skep', path), 'utf8');
    assert.ok(!text.includes('sourceMappingURL'), `${path} points to a source map`);
    for (const [, name] of text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
      imports++;
      const target = join(dirname(path), name!);
      const wanted = path.endsWith('.d.ts') ? target.replace(/\.js$/, '.d.ts') : target;
      assert.ok(packed.has(wanted), `${path} imports ${name}, and ${wanted} is not packed`);
    }
  }
  assert.ok(imports > 10, `only ${imports} imports were seen`);
});

test('package.json: types first, nothing to install or to run', async () => {
  for (const key of ['dependencies', 'optionalDependencies']) {
    assert.equal(manifest[key], undefined, key);
  }
  // For those who serve worlds; npm installs it for nobody.
  assert.deepEqual(Object.keys(manifest['peerDependencies'] as object), ['ws']);
  assert.deepEqual(manifest['peerDependenciesMeta'], { ws: { optional: true } });
  assert.deepEqual(manifest['bin'], { 'skep-wasm': 'bin/skep_wasm.mjs' });
  assert.equal(manifest.scripts, undefined);
  assert.equal(manifest['type'], 'module');
  assert.equal(manifest['license'], 'MIT');
  assert.deepEqual(Object.keys(manifest.exports).sort(), [
    '.',
    './client',
    './gateway',
    './math',
    './node',
    './package.json',
    './record',
    './trace',
    './web',
    './worker',
  ]);
  for (const [entry, target] of Object.entries(manifest.exports)) {
    if (typeof target === 'string') continue;
    assert.deepEqual(Object.keys(target), ['types', 'default'], entry);
  }
  const lock = await readFile(project.path('package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { packages: Record<string, object> };
  assert.deepEqual(Object.keys(packages), ['', 'node_modules/skep'], 'more was installed');
});

// Type checks of users: in a page without Node.js' types, where our declarations are checked as
// well, and on Node.js without a page's.
async function compile(name: string, files: readonly string[], options: object): Promise<void> {
  const config = {
    compilerOptions: {
      strict: true,
      target: 'es2022',
      noEmit: true,
      allowImportingTsExtensions: true,
      types: [],
      ...options,
    },
    files: files.map(file => `src/${file}`),
  };
  await writeFile(project.path(`${name}.json`), JSON.stringify(config));
  call(project.folder, process.execPath, TSC, '-p', `${name}.json`);
}

const PAGE = ['main.ts', 'worker.ts'];

test('types of a page, moduleResolution bundler', () =>
  compile('bundler', PAGE, {
    module: 'esnext',
    moduleResolution: 'bundler',
    lib: ['es2022', 'dom'],
  }));

test('types of a page, moduleResolution nodenext', () =>
  compile('nodenext', PAGE, { module: 'nodenext', lib: ['es2022', 'dom'] }));

test('types that are wrong are told', async () => {
  const text = await readFile(project.path('src/main.ts'), 'utf8');
  await writeFile(project.path('src/wrong.ts'), text.replace("executor: 'web'", 'executor: 7'));
  await assert.rejects(
    compile('wrong', ['wrong.ts'], { module: 'nodenext', lib: ['es2022', 'dom'] }),
    /wrong\.ts\(\d+,\d+\): error TS2322/,
  );
});

// The Node.js of package-lock.json, and the machine's own where the package supports it.
function nodes(): string[] {
  const version = spawnSync('/usr/bin/node', ['--version'], { encoding: 'utf8' }).stdout ?? '';
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
  const supported = major! > 20 || (major === 20 && minor! >= 16);
  return supported ? [process.execPath, '/usr/bin/node'] : [process.execPath];
}

test('a program on Node.js: types, every entry, workers', async () => {
  await symlink(join(ROOT, 'node_modules/@types'), project.path('node_modules/@types'));
  await symlink(join(ROOT, 'node_modules/undici-types'), project.path('node_modules/undici-types'));
  await compile('program', ['node_main.ts'], {
    module: 'nodenext',
    lib: ['es2022'],
    types: ['node'],
    skipLibCheck: true,
    noEmit: false,
    rewriteRelativeImportExtensions: true,
    rootDir: 'src',
    outDir: 'out',
  });
  for (const node of nodes()) {
    const found = JSON.parse(call(project.folder, node, 'out/node_main.js')) as Record<
      string,
      unknown
    >;
    for (const [entry, count] of Object.entries(found['exported'] as object)) {
      assert.ok((count as number) > 0, `${entry} exports nothing`);
    }
    assert.equal(found['sameJob'], true);
    assert.deepEqual(found['withoutWs'], {
      name: 'SkepError',
      code: 'E_UNSUPPORTED',
      hint: 'npm install ws',
    });
    assert.deepEqual(found['shared'], await expected('node'), node);
    assert.deepEqual(found['local'], await expected('local'), node);
  }
});
