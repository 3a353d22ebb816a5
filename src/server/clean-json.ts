const DEPTH_LIMIT = 16

/** PostgreSQL's text takes no NUL, and a lone surrogate is no character: neither gets any further. */
export function isCleanJson(root: unknown): boolean {
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEPTH_LIMIT) return false
    const next: unknown[] = []
    for (const value of level) {
      if (typeof value === 'string' && (value.includes('\0') || !value.isWellFormed())) return false
      if (typeof value === 'object' && value !== null) next.push(...Object.keys(value), ...Object.values(value))
    }
    level = next
  }
  return true
}
