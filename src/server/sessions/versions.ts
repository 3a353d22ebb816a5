/** Versions as programs write them: `130.0.6723.58`. What is no number is left out of it, and what has none is not known. */

/** @returns whether `version` is older than `other` in the parts that both have: 130 is not older than 130.0.6723 */
export function wentDown(other: string | null, version: string | null): boolean {
  const [before, now] = [exactPartsOf(other), exactPartsOf(version)]
  const shared = Math.min(before.length, now.length)
  return compareParts(now.slice(0, shared), before.slice(0, shared)) < 0
}

/** @returns whether it is older, parts that are not there being 0; false where either is not known */
export function isBelow(version: string | null, minimum: string | null): boolean {
  const [parts, least] = [partsOf(version), partsOf(minimum)]
  return parts.length > 0 && least.length > 0 && compareParts(parts, least) < 0
}

function compareParts(one: readonly bigint[], other: readonly bigint[]): number {
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const [a, b] = [one[index] ?? 0n, other[index] ?? 0n]
    if (a !== b) return a < b ? -1 : 1
  }
  return 0
}

/** Not numbers: a hostile version may have twenty digits. */
function partsOf(version: string | null): readonly bigint[] {
  const [numeric] = /^\d+(?:\.\d+)*/.exec(version ?? '') ?? []
  return numeric?.split('.').map(BigInt) ?? []
}

/** A browser that hides its exact version says 130.0.0.0: only the first number is true. */
const exactPartsOf = (version: string | null): readonly bigint[] =>
  partsOf(version?.replace(/^(\d+)\.0\.0\.0$/, '$1') ?? null)
