// SPDX-License-Identifier: MIT
// A job whose module takes its time.
await new Promise(resolve => setTimeout(resolve, 400));
export const handle = input => input;
