// SPDX-License-Identifier: MIT
// A module that cannot be loaded.

throw new RangeError('thrown while loading');
