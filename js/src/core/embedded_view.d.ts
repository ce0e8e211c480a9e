// SPDX-License-Identifier: MIT
// What tools/wasm_build.py writes into js/dist/core/embedded_view.js.
export declare const VIEW_BYTES: number;
export declare const VIEW_DEFLATED: string;
