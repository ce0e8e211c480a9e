// SPDX-License-Identifier: MIT
// The job that does nothing, as piscina and tinypool load it.

export default function empty(): void {}
