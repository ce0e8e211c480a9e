// SPDX-License-Identifier: MIT
// A module without a job.

export const other = 1;
