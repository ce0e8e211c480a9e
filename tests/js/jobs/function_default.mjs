// SPDX-License-Identifier: MIT
// A job whose module has a default export alone.
export default async input => ({ got: input, by: 'default' });
