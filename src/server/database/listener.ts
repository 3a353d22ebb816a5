/** LISTEN on a connection of its own, taken up again whenever it is lost. */
import pg from 'pg'

interface Subscription {
  readonly onNotification: (payload: string) => void
  readonly onGap: () => void
}

export interface Listener {
  listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<void>
  close(): Promise<void>
}

/** Waits between attempts to connect again. Milliseconds. */
const FIRST_WAIT = 100
const LONGEST_WAIT = 5_000

export function listenOn(url: string, onError: (error: Error) => void): Listener {
  const subscriptions = new Map<string, Subscription[]>()
  let client: pg.Client | undefined
  let connecting: Promise<void> | undefined
  let retry: NodeJS.Timeout | undefined
  let isClosed = false

  async function connect(): Promise<void> {
    const fresh = new pg.Client({
      connectionString: url,
      application_name: 'hallpass listener',
      keepAlive: true,
      connectionTimeoutMillis: 2_000,
    })
    fresh.on('notification', ({ channel, payload }) => {
      for (const { onNotification } of subscriptions.get(channel) ?? []) onNotification(payload ?? '')
    })
    fresh.on('error', onError)
    fresh.on('end', () => {
      if (client !== fresh) return
      client = undefined
      reconnect(FIRST_WAIT)
    })
    try {
      await fresh.connect()
      for (const channel of subscriptions.keys()) await fresh.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      await fresh.end().catch(() => undefined)
      throw error
    }
    client = fresh
  }

  function reconnect(wait: number): void {
    if (isClosed) return
    retry = setTimeout(
      () => {
        connect().then(
          () => {
            for (const { onGap } of [...subscriptions.values()].flat()) onGap()
          },
          (error: Error) => {
            onError(error)
            reconnect(Math.min(wait * 2, LONGEST_WAIT))
          },
        )
      },
      wait * (0.5 + Math.random() / 2),
    )
  }

  return {
    async listen(channel, onNotification, onGap) {
      const known = subscriptions.get(channel)
      subscriptions.set(channel, [...(known ?? []), { onNotification, onGap }])
      connecting ??= connect()
      await connecting
      if (known === undefined) await client?.query(`listen ${pg.escapeIdentifier(channel)}`)
    },
    async close() {
      isClosed = true
      clearTimeout(retry)
      const open = client
      client = undefined
      await open?.end()
    },
  }
}
