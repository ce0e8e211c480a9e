// SPDX-License-Identifier: MIT
// A job whose module throws while it is loaded.
throw new SyntaxError('the module does not want to');
