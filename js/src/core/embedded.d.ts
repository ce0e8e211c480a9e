// SPDX-License-Identifier: MIT
// What tools/wasm_build.py writes into js/dist/core/embedded.js.
export declare const CORE_BYTES: number;
export declare const CORE_DEFLATED: string;
