// SPDX-License-Identifier: MIT
// Checkpoints as files of a folder, by the names that `skep run --checkpoint` gives them:
// checkpoint-N-T.skep, the N-th of this folder, of a world that had run T frames. A file gets its
// name when all of it is synced, and only then may an old one go: whatever stops the program or the
// machine, whole ones are left.

import { SkepError } from '../errors.js';
import { builtin } from '../pool/env.js';

const NAME = /^checkpoint-(0*[1-9]\d{0,17})-(\d{1,18})\.skep$/;
const ENDING = '.tmp';

/** A checkpoint in a folder. */
export interface Entry {
  readonly path: string;
  readonly number: number;
  readonly tick: number;
}

function modules(): {
  fs: typeof import('node:fs/promises');
  path: typeof import('node:path');
} {
  const fs = builtin<typeof import('node:fs/promises')>('node:fs/promises');
  const path = builtin<typeof import('node:path')>('node:path');
  if (fs && path) return { fs, path };
  throw new SkepError('E_UNSUPPORTED', 'there are no files here', {
    hint: 'checkpoints(world, { write: (bytes, tick) => ... }) hands you the bytes',
  });
}

/** The checkpoints of a folder, newest first; none where there is no folder. */
export async function listFolder(dir: string): Promise<Entry[]> {
  const { fs, path } = modules();
  const names = await fs.readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .flatMap((name): Entry[] => {
      const match = NAME.exec(name);
      if (!match) return [];
      return [{ path: path.join(dir, name), number: Number(match[1]), tick: Number(match[2]) }];
    })
    .sort((a, b) => b.number - a.number);
}

/** The bytes of one. */
export async function readEntry(entry: Entry): Promise<Uint8Array> {
  return modules().fs.readFile(entry.path);
}

export class Folder {
  readonly #dir: string;
  readonly #keep: number;
  #next = 0;

  constructor(dir: string, keep: number) {
    this.#dir = dir;
    this.#keep = keep;
    modules();
  }

  /** Makes the folder where it is not there, and clears away what was cut off. */
  async #open(): Promise<void> {
    const { fs, path } = modules();
    await fs.mkdir(this.#dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    for (const name of await fs.readdir(this.#dir)) {
      if (!name.endsWith(ENDING) || !NAME.test(name.slice(0, -ENDING.length))) continue;
      await fs.rm(path.join(this.#dir, name), { force: true });
    }
    const [newest] = await listFolder(this.#dir);
    this.#next = (newest?.number ?? 0) + 1;
  }

  /** Writes one, synced and with its name when this resolves; those beyond `keep` are gone then. */
  async write(bytes: Uint8Array, tick: number): Promise<void> {
    const { fs, path } = modules();
    if (!this.#next) await this.#open();
    const name = path.join(this.#dir, `checkpoint-${this.#next}-${tick}.skep`);
    const file = await fs.open(name + ENDING, 'w');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } catch (error) {
      await file.close();
      await fs.rm(name + ENDING, { force: true });
      throw error;
    }
    await file.close();
    await fs.rename(name + ENDING, name);
    this.#next++;
    await this.#syncFolder();
    for (const old of (await listFolder(this.#dir)).slice(this.#keep)) {
      await fs.rm(old.path, { force: true });
    }
  }

  /** The name is safe when the folder is; Windows has no such thing. */
  async #syncFolder(): Promise<void> {
    const folder = await modules()
      .fs.open(this.#dir, 'r')
      .catch(() => null);
    await folder?.sync().catch(() => {});
    await folder?.close();
  }
}
