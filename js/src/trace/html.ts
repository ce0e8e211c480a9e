// SPDX-License-Identifier: MIT
// A trace as a page of its own: the viewer, with the file's bytes put into it.

import { SkepError } from '../errors.js';

/** What stands in the viewer's page where the bytes of the trace belong. */
export const TRACE_HTML_MARK = 'SKEP_TRACE_BASE64';

/** A multiple of three bytes, which base64 does not have to fill up. */
const PIECE = 3 * 8192;

/**
 * The viewer's page with a trace in it. Throws SkepError (E_ARGUMENT) where `template` is not that
 * page. O(bytes).
 */
export function traceHtml(bytes: Uint8Array, template: string): string {
  const parts = template.split(TRACE_HTML_MARK);
  if (parts.length !== 2) {
    const message = `the page has ${parts.length - 1} places for a trace, and should have one`;
    throw new SkepError('E_ARGUMENT', message, { hint: 'give the page of the trace viewer' });
  }
  const texts = [parts[0]!];
  for (let at = 0; at < bytes.length; at += PIECE) {
    texts.push(btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE))));
  }
  return texts.join('') + parts[1]!;
}
