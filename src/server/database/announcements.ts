/** What waits to be announced: by channel, each payload once, and a thousand of them at most. */

/** The payload of what is about everything: who listens looks again at all that it knows. */
export const EVERYTHING = ''

export type Announce = (channel: string, payload: string) => void

export interface Announcements {
  readonly add: Announce
  /** Waits no more. @returns null where nothing does */
  readonly take: () => { readonly channel: string; readonly payloads: readonly string[] } | null
  /** All of them, one by one. */
  sendTo(announce: Announce): void
}

/** Of one channel; beyond that one payload says it all. */
const MOST_WAITING = 1_000

export function createAnnouncements(): Announcements {
  const waiting = new Map<string, Set<string>>()

  return {
    add(channel, payload) {
      const payloads = waiting.get(channel) ?? new Set<string>()
      if (payloads.has(EVERYTHING) || payloads.has(payload)) return
      const isAll = payload === EVERYTHING || payloads.size >= MOST_WAITING
      waiting.set(channel, isAll ? new Set([EVERYTHING]) : payloads.add(payload))
    },
    take() {
      const [next] = waiting
      if (next === undefined) return null
      waiting.delete(next[0])
      return { channel: next[0], payloads: [...next[1]] }
    },
    sendTo(announce) {
      for (const [channel, payloads] of waiting) for (const payload of payloads) announce(channel, payload)
      waiting.clear()
    },
  }
}
