// SPDX-License-Identifier: MIT
// Stands for the package while the page is served from this repository. A copy of the example puts
// the files of node_modules/skep/dist in place of this folder.

export * from '../../../js/dist/index.js';
