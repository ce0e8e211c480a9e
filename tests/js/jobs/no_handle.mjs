// SPDX-License-Identifier: MIT
// A module that is no job.
export const other = 1;
export const another = { handle: 'not a function' };
