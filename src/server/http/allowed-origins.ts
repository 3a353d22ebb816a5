import type { Clients } from '../clients/clients.ts'

/** Those of the configuration, and those of clients. */
export interface AllowedOrigins {
  /** Whether a request with this `Origin` may change something here. */
  has(origin: string): boolean
}

export const createAllowedOrigins = (deps: {
  configured: readonly string[]
  clients: Pick<Clients, 'known'>
}): AllowedOrigins => ({
  has: (origin) =>
    isAllowedOrigin(deps.configured, origin) ||
    [...deps.clients.known().values()].some(({ origins }) => isAllowedOrigin(origins, origin)),
})

/**
 * Whether a request's `Origin` may change something here. Origins are compared whole, never by
 * their beginning or end; an entry `http://localhost:*` stands for every port of localhost.
 *
 * @param allowedOrigins checked entries of the configuration, or of a client
 * @param origin the header as it came; `null`, which sandboxes and local files send, is nobody's
 */
export const isAllowedOrigin = (allowedOrigins: readonly string[], origin: string): boolean =>
  origin !== 'null' &&
  allowedOrigins.some((entry) => (entry.endsWith(':*') ? isAtLocalhost(entry, origin) : entry === origin))

function isAtLocalhost(entry: string, origin: string): boolean {
  const [, host, port] = /^(https?:\/\/localhost)(?::([1-9]\d{0,4}))?$/.exec(origin) ?? []
  return `${host}:*` === entry && Number(port ?? 0) <= 65_535
}
