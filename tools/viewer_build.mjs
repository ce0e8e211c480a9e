// SPDX-License-Identifier: MIT
// Builds the trace viewer: one page that holds everything, into which a trace is put where it says
// SKEP_TRACE_BASE64. It may run its own script alone, by that script's hash, and load nothing.
//
//     node tools/viewer_build.mjs [FILE]

import { build, transform } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '..');
const VIEWER = join(ROOT, 'viewer');
const MARKER = 'SKEP_TRACE_BASE64';

async function script() {
  const { outputFiles } = await build({
    entryPoints: [join(VIEWER, 'main.ts')],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    target: 'es2022',
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'warning',
  });
  // Within a page, an end of a script would be one.
  return outputFiles[0].text.trim().replaceAll('</script', '<\\/script');
}

async function style() {
  const text = await readFile(join(VIEWER, 'style.css'), 'utf8');
  const { code } = await transform(text, { loader: 'css', minify: true, target: 'es2022' });
  return code.trim();
}

/** The page as one text. */
export async function viewerPage() {
  const code = await script();
  const hash = createHash('sha256').update(code).digest('base64');
  const parts = { STYLE: await style(), SCRIPT_HASH: `sha256-${hash}`, SCRIPT: code };
  let page = await readFile(join(VIEWER, 'index.html'), 'utf8');
  for (const [name, text] of Object.entries(parts)) {
    if (page.split(`${name}<`).length + page.split(`'${name}'`).length !== 3) {
      throw new Error(`viewer/index.html must have one ${name}`);
    }
    const put = (before, after) => page.replace(before + name + after, () => before + text + after);
    page = name === 'SCRIPT_HASH' ? put("'", "'") : put('>', '<');
  }
  if (page.split(MARKER).length !== 2) throw new Error(`the page must have one ${MARKER}`);
  return page;
}

if (process.argv[1] === import.meta.filename) {
  const out = resolve(process.argv[2] ?? join(ROOT, 'build/viewer/skep-trace.html'));
  const page = await viewerPage();
  await mkdir(dirname(out), { recursive: true });
  // In one step, so that nobody reads half of it.
  const half = `${out}.${process.pid}`;
  await writeFile(half, page);
  await rename(half, out);
}
