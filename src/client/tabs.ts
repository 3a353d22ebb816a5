/** What tabs of one origin tell each other. Everything in it is known to every script of the origin anyway. */

import type { End } from './state.ts'

export type News = NewToken | SignedOut

export interface NewToken {
  readonly token: string
  readonly sid: string
  /** What is left of it. Milliseconds. */
  readonly life: number
}

export interface SignedOut extends End {
  /** Who: null where nobody knew. */
  readonly sid: string | null
}

export interface Tabs {
  readonly tell: (news: News) => void
  close(): void
}

/** @param name null: there are no others */
export function createTabs(name: string | null, onNews: (news: News) => void): Tabs {
  const channel = name && globalThis.BroadcastChannel && new BroadcastChannel(name)
  if (channel) {
    channel.onmessage = ({ data }: MessageEvent) => onNews(data as News)
    ;(channel as { unref?: () => void }).unref?.() // Node would wait for ever
  }
  return {
    tell: (news) => channel && channel.postMessage(news),
    close: () => channel && channel.close(),
  }
}
