// SPDX-License-Identifier: MIT
// The C code of the wire, compiled to wasm, over the files that native builds are tested with: it
// makes the golden messages byte by byte and reads them, and comes to the same digests for the
// corpus of tests/fuzz, with no trap.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from './browser/site.ts';

const MEMORY_PAGES = 4096; // 256 MiB, of which a quarter is heap
const GOLDEN = join(ROOT, 'tests/golden/data/wire_v1.hex');
const CORPUS = join(ROOT, 'tests/fuzz/corpus');

interface Exports {
  wire_start(bytes: number): number;
  wire_broken(): number;
  wire_target(number: number): number;
  wire_input(): number;
  wire_run(target: number, size: number): number;
  wire_make(): number;
  wire_read(): number;
  wire_paper_bytes(number: number): number;
  wire_paper_size(number: number): number;
  wire_paper_put(number: number, size: number): void;
}

class Wire {
  readonly memory: WebAssembly.Memory;
  readonly exports: Exports;

  constructor(name: string) {
    const bytes = readFileSync(join(ROOT, 'build/wasm/tests', `${name}.wasm`));
    this.memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: 65536, shared: true });
    const never = (): number => assert.fail('no jobs run here');
    const env = { memory: this.memory, guard: never, job: never, clock: never };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env });
    this.exports = instance.exports as unknown as Exports;
    assert.ok(this.exports.wire_start(this.memory.buffer.byteLength));
  }

  bytes(at: number, size: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, size);
  }

  text(at: number): string {
    if (at === 0) return '';
    const from = this.bytes(at, 200);
    return Buffer.from(from.slice(0, from.indexOf(0))).toString();
  }

  /** The digest of an input, as digests.txt has it. */
  run(target: number, input: Uint8Array): string {
    this.bytes(this.exports.wire_input(), input.length).set(input);
    try {
      const at = this.exports.wire_run(target, input.length);
      const digest = new DataView(this.memory.buffer, at, 8).getBigUint64(0, true);
      return digest.toString(16).padStart(16, '0');
    } catch (error) {
      return `${error}: ${this.text(this.exports.wire_broken())}`;
    }
  }
}

/** The golden file: sizes, each followed by so many bytes. */
function golden(): Uint8Array[] {
  const words = readFileSync(GOLDEN, 'utf8').split(/\s+/).filter(Boolean);
  const papers: Uint8Array[] = [];
  for (let at = 0; at < words.length;) {
    const size = Number(words[at]);
    papers.push(Uint8Array.from(words.slice(at + 1, at + 1 + size), word => parseInt(word, 16)));
    at += 1 + size;
  }
  return papers;
}

for (const name of ['wire', 'wire_debug']) {
  describe(name, () => {
    test('it makes the golden bytes', () => {
      const wire = new Wire(name);
      assert.equal(wire.text(wire.exports.wire_make()), '');
      const papers = golden();
      assert.ok(papers.length > 20);
      assert.equal(wire.exports.wire_paper_bytes(papers.length), 0);
      for (const [i, paper] of papers.entries()) {
        const size = wire.exports.wire_paper_size(i);
        const made = wire.bytes(wire.exports.wire_paper_bytes(i), size).slice();
        assert.deepEqual(made, paper, `message ${i}`);
      }
    });

    test('it reads the golden file', () => {
      const wire = new Wire(name);
      for (const [i, paper] of golden().entries()) {
        wire.bytes(wire.exports.wire_paper_bytes(i), paper.length).set(paper);
        wire.exports.wire_paper_put(i, paper.length);
      }
      assert.equal(wire.text(wire.exports.wire_read()), '');
    });

    test('the fuzz corpus comes to what it comes to natively', () => {
      const wire = new Wire(name);
      const targets = new Map<string, number>();
      for (let i = 0; wire.exports.wire_target(i); i++)
        targets.set(wire.text(wire.exports.wire_target(i)), i);
      const lines = readFileSync(join(CORPUS, 'digests.txt'), 'utf8').trim().split('\n');
      assert.ok(lines.length > 50);
      for (const line of lines) {
        const [path = '', digest] = line.split(' ');
        const target = targets.get(path.split('/')[0]!);
        assert.ok(target !== undefined, path);
        const input = new Uint8Array(readFileSync(join(CORPUS, path)));
        assert.equal(wire.run(target, input), digest, path);
      }
    });
  });
}
