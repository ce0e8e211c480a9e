// SPDX-License-Identifier: MIT
// Gives back what it got.
export function handle(input) {
  return input;
}
