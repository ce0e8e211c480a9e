// SPDX-License-Identifier: MIT
// A job the notes' way: a plain module that exports `handle`.
export function handle(input) {
  return { got: input, by: 'handle' };
}
export default () => ({ by: 'default' });
