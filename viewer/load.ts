// SPDX-License-Identifier: MIT
// Where traces come from: the text that the page was made with, a file that was picked, or one that
// was dropped.

import { readTrace } from '../js/src/trace/read.js';
import type { Trace } from '../js/src/trace/types.js';

/** A trace and what it is called. */
export interface Loaded {
  readonly name: string;
  readonly trace: Trace;
}

interface WithBase64 {
  fromBase64?: (text: string) => Uint8Array;
}

/** The bytes of a text in base64. */
async function decode(text: string): Promise<Uint8Array> {
  const { fromBase64 } = Uint8Array as unknown as WithBase64;
  if (fromBase64) return fromBase64.call(Uint8Array, text);
  const answer = await fetch(`data:application/octet-stream;base64,${text.trim()}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The trace that the page was made with; null where it is still a template. */
export async function embedded(): Promise<Loaded | null> {
  const place = document.getElementById('trace');
  const text = place?.textContent ?? '';
  // The marker of a template has what base64 never has.
  if (text.length < 64 && (text.includes('_') || !text.trim())) return null;
  const bytes = await decode(text);
  // Megabytes of text that nobody needs any more.
  if (place) place.textContent = '';
  return { name: place?.dataset['name'] ?? '', trace: readTrace(bytes) };
}

/** Reads a file. */
export async function fromFile(file: File): Promise<Loaded> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { name: file.name, trace: readTrace(bytes) };
}

/** Why something is no trace, as a sentence. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Takes files that are dropped anywhere on the page. */
export function takeDrops(take: (files: readonly File[]) => void): void {
  const root = document.documentElement;
  addEventListener('dragover', event => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    root.dataset['drop'] = '';
  });
  addEventListener('dragleave', event => {
    if (!event.relatedTarget) delete root.dataset['drop'];
  });
  addEventListener('drop', event => {
    event.preventDefault();
    delete root.dataset['drop'];
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length) take(files);
  });
}
