// SPDX-License-Identifier: MIT
// What tools/wasm_build.py writes into js/dist/core/embedded_live.js.
export declare const LIVE_BYTES: number;
export declare const LIVE_DEFLATED: string;
