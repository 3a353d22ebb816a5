/**
 * Of `node:http` what we need. To import it as a module makes all of it, and with it `fetch` and what that is made of:
 * 13 MB and a tenth of a second for every process (measured: docs/benchmarks.md), whether or not it ever fetches.
 */
export const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http')
