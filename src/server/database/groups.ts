/**
 * Work that is done together while more of it arrives: whoever comes while others are under way joins the next group,
 * whoever comes when nobody is goes at once. Nobody waits for company, and the busier it is, the larger the groups.
 */
export interface GroupWork<Member, Result> {
  /** Two of one key are never in one group; groups are sorted by it. */
  readonly keyOf: (member: Member) => string
  readonly alone: (member: Member) => Promise<Result>
  /** Answers by key. Whoever is missing goes alone. */
  readonly together: (members: readonly Member[]) => Promise<ReadonlyMap<string, Result>>
  /** Whether it is known of a failure that nothing was done: then all go alone. After any other nothing is tried again. */
  readonly isUndone: (error: unknown) => boolean
}

/** Larger ones were no cheaper for each (docs/decisions/0035). */
const LARGEST = 64
/** A group that is held up holds up those behind it for so long, then they go beside it. Milliseconds. */
const PATIENCE = 50

interface Waiting<Member, Result> {
  readonly key: string
  readonly member: Member
  readonly settle: (result: Promise<Result> | Result) => void
}

/** @returns what does one member's work, by itself or with others */
export function createGroups<Member, Result>(work: GroupWork<Member, Result>): (member: Member) => Promise<Result> {
  const { keyOf, alone, together, isUndone } = work
  let waiting: Waiting<Member, Result>[] = []
  let isUnderWay = false

  function join(member: Member): Promise<Result> {
    return new Promise((settle) => {
      waiting.push({ key: keyOf(member), member, settle })
      if (!isUnderWay) depart()
    })
  }

  function depart(): void {
    const group = takeGroup()
    if (group.length === 0) return
    isUnderWay = true
    let isFollowed = false
    const follow = (): void => {
      if (isFollowed) return
      isFollowed = true
      clearTimeout(patience)
      isUnderWay = false
      depart()
    }
    const patience = setTimeout(follow, PATIENCE).unref()
    void go(group).then(follow, follow)
  }

  /** Whoever has waited longest first, one of each key. */
  function takeGroup(): Waiting<Member, Result>[] {
    if (waiting.length <= 1) return waiting.splice(0)
    const group = new Map<string, Waiting<Member, Result>>()
    const left: Waiting<Member, Result>[] = []
    for (const each of waiting) {
      if (group.size < LARGEST && !group.has(each.key)) group.set(each.key, each)
      else left.push(each)
    }
    waiting = left
    return [...group.values()].sort((one, other) => (one.key < other.key ? -1 : 1))
  }

  /** Its end is that of the group: whoever goes alone after it holds up nobody. */
  async function go(group: readonly Waiting<Member, Result>[]): Promise<void> {
    const [first] = group
    if (first !== undefined && group.length === 1) {
      const result = alone(first.member)
      first.settle(result)
      await result
      return
    }
    try {
      const results = await together(group.map(({ member }) => member))
      for (const { key, member, settle } of group) settle(results.get(key) ?? alone(member))
    } catch (error) {
      for (const { member, settle } of group) settle(isUndone(error) ? alone(member) : Promise.reject(error))
    }
  }

  return join
}
