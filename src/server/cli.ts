#!/usr/bin/env node
/**
 * Where the command begins. What Node compiles is kept, so that the next start need not do it again, nor strip the
 * sources of their types (docs/benchmarks.md has what that saves).
 *
 * It is kept within the package: whoever could put something else there could as well change the code. Where nothing
 * can be written, nothing is kept. NODE_COMPILE_CACHE names another place, NODE_DISABLE_COMPILE_CACHE=1 does without.
 */
import { enableCompileCache } from 'node:module'
import { resolve } from 'node:path'

const PACKAGE = resolve(import.meta.dirname, '../..')

enableCompileCache(resolve(PACKAGE, 'node_modules/.cache/hallpass'))
await import('./program.ts')
