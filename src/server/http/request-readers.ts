/** What all endpoints read of a request in one way: the cookie, where it comes from, who sent it. */
import type { Clients } from '../clients/clients.ts'
import type { Config } from '../config.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { createAllowedOrigins, type AllowedOrigins } from './allowed-origins.ts'
import { createClientAddressOf, type ClientAddressOf } from './client-address-of.ts'
import {
  createReadCookieEnd,
  createReadCookieSession,
  type ReadCookieEnd,
  type ReadCookieSession,
} from './cookie-session.ts'
import { createSessionCookie, type SessionCookie } from './cookie.ts'
import {
  createDemandOwnOrigin,
  createRefuseForeignReaders,
  type DemandOwnOrigin,
  type RefuseForeignReaders,
} from './origin.ts'
import { createReadPresentedToken, type ReadPresentedToken } from './presented-token.ts'

export interface RequestReaders {
  readonly cookie: SessionCookie
  readonly allowedOrigins: AllowedOrigins
  readonly demandOwnOrigin: DemandOwnOrigin
  readonly refuseForeignReaders: RefuseForeignReaders
  readonly readPresentedToken: ReadPresentedToken
  readonly readCookieSession: ReadCookieSession
  readonly readCookieEnd: ReadCookieEnd
  readonly clientAddressOf: ClientAddressOf
}

export function createRequestReaders(deps: {
  config: Pick<Config, 'allowedOrigins' | 'trustedProxies'>
  isSecure: boolean
  clients: Clients
  sessions: Sessions
}): RequestReaders {
  const { config, isSecure, clients, sessions } = deps
  const cookie = createSessionCookie({ isSecure })
  const allowedOrigins = createAllowedOrigins({ configured: config.allowedOrigins, clients })
  const demandOwnOrigin = createDemandOwnOrigin(allowedOrigins)
  return {
    cookie,
    allowedOrigins,
    demandOwnOrigin,
    refuseForeignReaders: createRefuseForeignReaders(allowedOrigins),
    readPresentedToken: createReadPresentedToken({ cookie, demandOwnOrigin }),
    readCookieSession: createReadCookieSession({ cookie, sessions }),
    readCookieEnd: createReadCookieEnd({ cookie, sessions }),
    clientAddressOf: createClientAddressOf(config.trustedProxies),
  }
}
