/** `--import`ed by a process that start.ts has started: says at its end how many modules it has loaded. */
import { registerHooks } from 'node:module'

let loaded = 0
registerHooks({
  load(url, context, nextLoad) {
    if (!url.startsWith('node:')) loaded += 1
    return nextLoad(url, context)
  },
})
process.once('exit', () => process.stderr.write(`modules loaded: ${loaded}\n`))
