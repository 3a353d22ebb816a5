/** One JSON object a line; one with `user` is a session, any other an account. */
import { linesOf } from './file.ts'
import type { Item, Source } from './source.ts'

export const ndjsonSource = (path: string): Source =>
  async function* () {
    let number = 0
    for await (const line of linesOf(path)) {
      number += 1
      if (line.trim() !== '') yield itemOf(line, `line ${number}`)
    }
  }

function itemOf(line: string, where: string): Item {
  const members = parse(line)
  if (typeof members !== 'object' || members === null) return { kind: 'fault', where, fault: 'it is no JSON object' }
  return 'user' in members ? { kind: 'session', where, members, keptToken: null } : { kind: 'user', where, members }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
