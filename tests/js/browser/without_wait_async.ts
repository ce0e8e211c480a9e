// SPDX-License-Identifier: MIT
// Makes a realm one of a browser that shares memory and has no Atomics.waitAsync, such as Firefox
// 140. It is imported before everything else.

Reflect.deleteProperty(Atomics, 'waitAsync');

export function waitAsync(): string {
  return typeof Reflect.get(Atomics, 'waitAsync');
}
