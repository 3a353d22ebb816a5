/** @returns what stands between `before` and the next quote; a string of its own that keeps no buffer alive */
export function textIn(body: Buffer, before: string): string | null {
  const at = body.indexOf(before, 0, 'latin1')
  if (at < 0) return null
  const start = at + before.length
  const end = body.indexOf(0x22, start)
  return end < 0 ? null : body.toString('latin1', start, end)
}
