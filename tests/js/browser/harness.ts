// SPDX-License-Identifier: MIT
// Drives a real browser for tests: Debian's Chromium or Firefox, headless, each with a profile of
// its own that is gone afterwards. A test opens a page of a Site, calls functions of modules that
// the site serves, and closes the page, which fails where the page reported errors that the test
// did not expect. Whatever takes too long is named, together with what the page had to say.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import type { Site } from './site.ts';

export { bundle } from './bundle.ts';
export { browserModule, CSP_WITHOUT_WORKERS, openSite, ROOT, Site } from './site.ts';
export type { SiteOptions, VirtualFile } from './site.ts';

export type BrowserName = 'chromium' | 'firefox';
/** All that the tests run in. */
export const BROWSERS: readonly BrowserName[] = ['chromium', 'firefox'];

const PROGRAMS = { chromium: '/usr/bin/chromium', firefox: '/usr/bin/firefox-esr' };
// No sandbox: tests may run as root, and load nothing but their own pages. The others keep Chromium
// from asking hosts that a test machine may not reach, and from small shared-memory mounts.
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--mute-audio',
];

// A machine busy with sanitizer builds takes many times as long as an idle one.
const LAUNCH_MS = 120_000;
const OPEN_MS = 60_000;
const RUN_MS = 60_000;
const CLOSE_MS = 15_000;

/** Waits for a promise, but no longer than `ms`; the error then names `what` hung. */
export async function within<T>(
  ms: number,
  what: string,
  promise: Promise<T>,
  more: () => string = () => '',
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`${what}: nothing within ${ms} ms${more()}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

interface Answer {
  value?: unknown;
  error?: { name?: string; message: string; stack?: string; code?: string };
}

export class TestPage {
  /** The browser's own page, for what this class does not offer. */
  readonly page: Page;
  /** Everything said on the console: "error: text". */
  readonly console: string[] = [];
  /** Console errors, uncaught errors and requests without success, in order. */
  readonly errors: string[] = [];
  /** How long one call of `run` or `global` may take. */
  limitMs = RUN_MS;
  readonly #name: string;
  readonly #expected: RegExp[] = [];

  constructor(name: string, page: Page) {
    this.#name = name;
    this.page = page;
    page.on('console', message => {
      const line = `${message.type()}: ${message.text()}`;
      this.console.push(line);
      if (message.type() === 'error') this.errors.push(line);
    });
    page.on('pageerror', error => this.errors.push(`uncaught: ${String(error)}`));
    page.on('error', error => this.errors.push(`crashed: ${String(error)}`));
    page.on('response', response => {
      if (response.status() >= 400) this.errors.push(`${response.status()}: ${response.url()}`);
    });
    page.on('requestfailed', request => {
      this.errors.push(`not loaded: ${request.url()}: ${request.failure()?.errorText}`);
    });
  }

  /** Calls an exported function of a module that the site serves, and returns what it gives, which
   * must be JSON. An error of the page is thrown here, with its name, code and stack. */
  async run<T = unknown>(module: string, name: string, ...args: readonly unknown[]): Promise<T> {
    const what = `${this.#name}: ${module}: ${name}()`;
    const text = await within(
      this.limitMs,
      what,
      this.page.evaluate(
        (path, call, values) => {
          const runTest = Reflect.get(globalThis, 'runTest') as (
            path: string,
            call: string,
            values: readonly unknown[],
          ) => Promise<string>;
          return runTest(path, call, values);
        },
        module,
        name,
        args,
      ),
      () => this.#said(),
    );
    const answer = JSON.parse(text) as Answer;
    if (answer.error) {
      const { name: kind, message, stack, code } = answer.error;
      const error = new Error(`${what}: ${kind ?? 'thrown'}: ${message}${this.#said()}`);
      Object.assign(error, { name: kind ?? 'Error', code, pageStack: stack });
      throw error;
    }
    return answer.value as T;
  }

  /** Waits until a global of the page has a value, and returns it: how a built page reports. */
  async global<T = unknown>(name: string): Promise<T> {
    const what = `${this.#name}: the page's ${name}`;
    await within(
      this.limitMs,
      what,
      this.page.waitForFunction(
        (key: string) => Reflect.get(globalThis, key) !== undefined,
        { timeout: 0 },
        name,
      ),
      () => this.#said(),
    );
    return this.page.evaluate(
      (key: string) => Reflect.get(globalThis, key) as unknown,
      name,
    ) as Promise<T>;
  }

  /** Says that errors with this text are what the test wants. */
  expectError(text: RegExp): void {
    this.#expected.push(text);
  }

  /** The errors that no call of expectError covers. */
  unexpected(): string[] {
    return this.errors.filter(line => !this.#expected.some(text => text.test(line)));
  }

  /** Closes the page; throws when it reported errors that were not expected. */
  async close(): Promise<void> {
    await within(CLOSE_MS, `${this.#name}: closing the page`, this.page.close());
    const lines = this.unexpected();
    if (lines.length) throw new Error(`${this.#name}: unexpected:\n  ${lines.join('\n  ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #said(): string {
    const lines = [...this.console.slice(-20), ...this.unexpected()];
    return lines.length ? `; the page said:\n  ${lines.join('\n  ')}` : '';
  }
}

export class TestBrowser {
  readonly name: BrowserName;
  readonly #browser: Browser;
  readonly #profile: string;

  constructor(name: BrowserName, browser: Browser, profile: string) {
    this.name = name;
    this.#browser = browser;
    this.#profile = profile;
  }

  /** Name and version, as the browser says them. */
  version(): Promise<string> {
    return this.#browser.version();
  }

  /** Opens a page of a site; its scripts have run when this returns. */
  async open(site: Site, path = '/'): Promise<TestPage> {
    const what = `${this.name}: opening ${path}`;
    const page = await within(OPEN_MS, what, this.#browser.newPage());
    const opened = new TestPage(this.name, page);
    const response = await within(
      OPEN_MS,
      what,
      page.goto(site.url(path), { timeout: 0 }),
      () => `; requests so far: ${site.requests.join(' ')}`,
    );
    if (!response?.ok()) throw new Error(`${what}: status ${response?.status()}`);
    return opened;
  }

  /** Ends the browser by its process id, at the latest after some seconds. */
  async close(): Promise<void> {
    const id = this.#browser.process()?.pid;
    try {
      await within(CLOSE_MS, `${this.name}: closing`, this.#browser.close());
    } catch {
      // It leads a process group of its own.
      try {
        if (id !== undefined) process.kill(-id, 'SIGKILL');
      } catch {
        /* gone by itself */
      }
    }
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Starts a browser. One a test file is enough: pages do not share their state. */
export async function openBrowser(name: BrowserName): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), `skep_${name}_`));
  try {
    const browser = await puppeteer.launch({
      browser: name === 'firefox' ? 'firefox' : 'chrome',
      executablePath: PROGRAMS[name],
      headless: true,
      userDataDir: profile,
      args: name === 'chromium' ? CHROMIUM_FLAGS : [],
      timeout: LAUNCH_MS,
      protocolTimeout: LAUNCH_MS,
      // Firefox writes into its home, which need not be the tests' own.
      env: name === 'firefox' ? { ...process.env, HOME: profile } : process.env,
    });
    return new TestBrowser(name, browser, profile);
  } catch (error) {
    await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    throw new Error(`${name}: ${PROGRAMS[name]} did not start`, { cause: error });
  }
}
