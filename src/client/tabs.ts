/** What tabs of one origin tell each other. Everything in it is known to every script of the origin anyway. */

export type News = NewToken | SignedOut

export interface NewToken {
  readonly token: string
  readonly sid: string
  /** What is left of it. Milliseconds. */
  readonly life: number
}

export interface SignedOut {
  readonly reason: string | null
  /** Who: null where nobody knew. */
  readonly sid: string | null
}

export interface Tabs {
  readonly tell: (news: News) => void
  close(): void
}

/** @param name null: there are no others */
export function createTabs(name: string | null, onNews: (news: News) => void): Tabs {
  if (name === null || typeof BroadcastChannel === 'undefined') return { tell: () => undefined, close: () => undefined }
  const channel = new BroadcastChannel(name)
  channel.onmessage = ({ data }: MessageEvent) => onNews(data as News)
  ;(channel as { unref?: () => void }).unref?.()
  return {
    tell: (news) => channel.postMessage(news),
    close: () => channel.close(),
  }
}
