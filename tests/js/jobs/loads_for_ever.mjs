// SPDX-License-Identifier: MIT
// A job whose module never comes to its end.
for (;;);
