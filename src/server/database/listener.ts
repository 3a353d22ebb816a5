/** LISTEN on a connection of its own, watched, and taken up again whenever it is lost. */
import pg from 'pg'
import { createAnnouncements } from './announcements.ts'
import { guarded } from './guarded.ts'

interface Subscription {
  readonly onNotification: (payload: string) => void
  readonly onGap: () => void
}

export interface Listener {
  listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<void>
  /** Tells this process at once, and all others; many of the same in a row become one. */
  announce(channel: string, payload: string): void
  /** What was announced is sent first. */
  close(): Promise<void>
}

/** Waits between attempts to connect again. Milliseconds. */
const FIRST_WAIT = 100
const LONGEST_WAIT = 5_000
/** A connection that a firewall forgot says nothing at all: it is asked. Milliseconds. */
const HEARTBEAT = 10_000
const PATIENCE = 4_000
const SEND_AGAIN_AFTER = 500

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
      connectionTimeoutMillis: PATIENCE,
      query_timeout: PATIENCE,
    })
    /** The server's, which is not what the driver was told where a pooler stands between. */
    let ownProcess: number | undefined
    fresh.on('notification', ({ channel, payload, processId }) => {
      if (processId === ownProcess) return // we told ourselves
      for (const { onNotification } of subscriptions.get(channel) ?? [])
        guarded(() => onNotification(payload ?? ''), onError)
    })
    fresh.on('error', onError)
    fresh.on('end', () => {
      if (client !== fresh) return
      client = undefined
      reconnect(FIRST_WAIT)
    })
    try {
      await fresh.connect()
      ownProcess = (await fresh.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
      for (const channel of subscriptions.keys()) await fresh.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      await hangUp(fresh)
      throw error
    }
    if (isClosed) return hangUp(fresh)
    client = fresh
    void send()
  }

  const announced = createAnnouncements()
  let isSending = false
  let sent: Promise<void> = Promise.resolve()

  /** What cannot be sent now is sent when the connection is back. */
  function send(): Promise<void> {
    if (!isSending) sent = sendAll()
    return sent
  }

  async function sendAll(): Promise<void> {
    isSending = true
    // What is announced meanwhile has its turn too: the loop sees it.
    for (let next = takeIfConnected(); next !== null; next = takeIfConnected()) {
      const { channel, payloads } = next
      try {
        await client?.query(NOTIFY, [channel, payloads])
      } catch (error) {
        for (const payload of payloads) announced.add(channel, payload)
        onError(error as Error)
        setTimeout(() => void send(), SEND_AGAIN_AFTER).unref()
        break
      }
    }
    isSending = false // in the same turn as the loop's end: nothing is announced between
  }

  const takeIfConnected = () => (client === undefined ? null : announced.take())

  function reconnect(wait: number): void {
    if (isClosed) return
    retry = setTimeout(
      () => {
        connecting = connect()
        connecting.then(
          () => {
            if (isClosed) return
            for (const { onGap } of [...subscriptions.values()].flat()) guarded(onGap, onError)
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

  const heartbeat = setInterval(() => {
    const asked = client
    asked?.query('select 1').catch((error: Error) => {
      onError(error)
      // Its `end` begins the reconnection.
      if (client === asked) void hangUp(asked)
    })
  }, HEARTBEAT).unref()

  return {
    async listen(channel, onNotification, onGap) {
      const known = subscriptions.get(channel)
      subscriptions.set(channel, [...(known ?? []), { onNotification, onGap }])
      connecting ??= connect()
      await connecting
      if (known === undefined) await client?.query(`listen ${pg.escapeIdentifier(channel)}`)
    },
    announce(channel, payload) {
      for (const { onNotification } of subscriptions.get(channel) ?? []) guarded(() => onNotification(payload), onError)
      announced.add(channel, payload)
      void send()
    },
    async close() {
      await send()
      isClosed = true
      clearTimeout(retry)
      clearInterval(heartbeat)
      const open = client
      client = undefined
      if (open !== undefined) await hangUp(open)
      await connecting?.catch(() => undefined)
    },
  }
}

/** The server sends each payload once, however often it is named. */
const NOTIFY = 'select pg_notify($1::text, payload) from unnest($2::text[]) as payload'

/** Also where the other side does not answer any more, and so would not say goodbye. */
async function hangUp(client: pg.Client): Promise<void> {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  const timer = setTimeout(() => connection.stream.destroy(), 1_000)
  await client.end().catch(() => undefined)
  clearTimeout(timer)
}
