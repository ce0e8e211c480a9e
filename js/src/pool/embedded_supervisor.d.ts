// SPDX-License-Identifier: MIT
// The build writes the module itself, js/dist/pool/embedded_supervisor.js, with
// tools/wasm_supervise.py.

/** The size of the supervisor's wasm file. */
export declare const SUPERVISOR_BYTES: number;
/** The file, deflated, in base64. */
export declare const SUPERVISOR_DEFLATED: string;
