// SPDX-License-Identifier: MIT
// Takes the code out of documents for JavaScript users, so that it can be compiled and run.
//
// A block that opens with ```ts or ```js is a file of its own. Blocks with file=NAME are pieces of
// one file, joined in the order of the document. `run`: the file is run on Node, `web`: as a page's
// module in a browser; it must print what follows // on its lines with console.log, in this order.
// `plain` is text that only looks like code, and is left alone.

import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ROOT } from '../browser/site.ts';

/** A file of a document. */
export interface DocFile {
  /** In the folder of its document. */
  readonly name: string;
  text: string;
  /** The document's line of each line, from 1. */
  readonly lines: number[];
  run: boolean;
  web: boolean;
}

/** A document and its code. */
export interface Doc {
  /** From the root of the checkout. */
  readonly path: string;
  /** The folder that its files go to. */
  readonly folder: string;
  readonly files: ReadonlyMap<string, DocFile>;
}

const FENCE = /^(`{3,})(ts|js)\b([^\n`]*)\n([\s\S]*?)^\1[ \t]*$/gm;

function readDoc(path: string): Doc {
  const source = readFileSync(join(ROOT, path), 'utf8');
  const files = new Map<string, DocFile>();
  let number = 0;
  for (const match of source.matchAll(FENCE)) {
    const [all, , language, info, text] = match as unknown as string[];
    const flags = info!.trim().split(/\s+/);
    if (flags.includes('plain')) continue;
    number++;
    const name = /\bfile=([\w./-]+)/.exec(info!)?.[1] ?? `block${number}.${language}`;
    const file = files.get(name) ?? { name, text: '', lines: [], run: false, web: false };
    const first = source.slice(0, match.index + all!.indexOf('\n') + 1).split('\n').length;
    text!.split('\n').forEach((_, i) => file.lines.push(first + i));
    file.lines.pop();
    file.text += text;
    file.run ||= flags.includes('run');
    file.web ||= flags.includes('web');
    files.set(name, file);
  }
  const folder = path === 'js/README.md' ? 'readme' : basename(path, '.md').replace(/\W/g, '_');
  return { path, folder, files };
}

/** All documents for JavaScript users. */
export function readDocs(): Doc[] {
  const pages = readdirSync(join(ROOT, 'docs/js')).filter(name => name.endsWith('.md'));
  return ['js/README.md', ...pages.sort().map(name => `docs/js/${name}`)].map(readDoc);
}

/** What a file says that it prints, in order. */
export function expectedLines(file: DocFile): string[] {
  return [...file.text.matchAll(/^.*\bconsole\.log\(.*\);[ \t]*\/\/ (.+)$/gm)].map(m => m[1]!);
}

/** The first of `wanted` that is not among `said` after the one before it; undefined: all are. */
export function missingLine(
  wanted: readonly string[],
  said: readonly string[],
): string | undefined {
  let at = 0;
  for (const line of wanted) {
    const found = said.indexOf(line, at);
    if (found < 0) return line;
    at = found + 1;
  }
  return undefined;
}

/** Addresses that Markdown links lead to, with the line of each. */
export function links(path: string): { target: string; line: number }[] {
  const source = readFileSync(join(ROOT, path), 'utf8');
  return [...source.matchAll(/\]\(([^)\s]+)\)/g)].map(match => ({
    target: match[1]!,
    line: source.slice(0, match.index).split('\n').length,
  }));
}

/** The anchors of a document's headings. */
export function anchors(file: string): string[] {
  const headings = readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\w\s-]/g, '')
      .trim()
      .replace(/\s+/g, '-'),
  );
}
