// SPDX-License-Identifier: MIT
// The build writes the module itself, js/dist/pool/embedded_supervisor.js, with
// tools/wasm_supervise.py.

/** The wasm file of the supervisor in base64. */
export declare const SUPERVISOR_WASM: string;
