// SPDX-License-Identifier: MIT
// A job whose module takes its time.
await new Promise(resolve => setTimeout(resolve, 1200));
export const handle = input => input;
