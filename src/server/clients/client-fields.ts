/**
 * What an operator can set for a client: how a text becomes a value and is shown again, and what holds where
 * nothing is set. Whoever changes clients checks by this table.
 */
import { hasServiceScope, normalizeScope } from '../api-keys/scopes.ts'
import { settings } from '../settings.ts'
import { origin } from '../settings/addresses.ts'
import { choice, displayName, InvalidValue, listOf, quoted, type Kind } from '../settings/values.ts'
import { checkOwnClaims } from '../tokens/own-claims.ts'
import type { Client } from './client.entity.ts'

export type ClientField = Exclude<keyof Client & string, 'id' | 'createdAt'>

export interface FieldRules<Value> {
  /** Of the command line: `access-ttl <duration>`. */
  readonly option: string
  readonly meaning: string
  readonly kind: Kind<NonNullable<Value>>
  /** What an empty text sets. Left out where there has to be something. */
  readonly unset?: Value
  /** What holds then, in words. */
  readonly otherwise: string
}

type ClientFields = { readonly [Field in ClientField]: FieldRules<Client[Field]> }

export const clientFields: ClientFields = {
  name: {
    option: 'name <name>',
    meaning: 'what people know it by',
    kind: displayName,
    otherwise: 'its id',
  },
  type: {
    option: 'type <type>',
    meaning: 'spa; native: no cookies; service: signs people in by itself, over the admin API or in code',
    kind: choice('spa', 'native', 'service'),
    unset: 'spa',
    otherwise: 'spa',
  },
  scope: {
    option: 'scope <scope>',
    meaning: 'what its access tokens carry as scope',
    kind: {
      parse(text) {
        const normal = normalizeScope(text)
        if (normal === null) throw new InvalidValue('is not a scope (RFC 6749 section 3.3)')
        if (hasServiceScope(normal))
          throw new InvalidValue('must not hold scopes of this service: for API keys, not for people')
        return normal
      },
      show: String,
    },
    unset: '',
    otherwise: 'none',
  },
  linkUri: {
    option: 'link-uri <uri>',
    meaning: 'where its magic links lead: https://app.example.com/magic, com.example.app:/magic',
    kind: { parse: appUri, show: String },
    unset: null,
    otherwise: 'our page',
  },
  origins: {
    option: 'origins <origins>',
    meaning: 'those of its browser applications, comma-separated, beside HALLPASS_ALLOWED_ORIGINS',
    kind: mutableList(origin),
    unset: [],
    otherwise: 'none of its own',
  },
  redirectUris: {
    option: 'redirect-uris <uris>',
    meaning: 'exactly where return_to may lead after signing in, comma-separated (a comma within as %2C)',
    kind: mutableList({ parse: redirectUri, show: String }),
    unset: [],
    otherwise: 'none',
  },
  accessTtl: {
    option: 'access-ttl <duration>',
    meaning: 'life of its access tokens, at most HALLPASS_ACCESS_TTL',
    kind: settings.accessTtl.kind,
    unset: null,
    otherwise: 'HALLPASS_ACCESS_TTL',
  },
  idleTtl: {
    option: 'idle-ttl <duration>',
    meaning: 'its sessions end when they were not refreshed for so long',
    kind: settings.idleTtl.kind,
    unset: null,
    otherwise: 'HALLPASS_IDLE_TTL',
  },
  absoluteTtl: {
    option: 'absolute-ttl <duration>',
    meaning: 'its sessions end so long after their sign-in',
    kind: settings.absoluteTtl.kind,
    unset: null,
    otherwise: 'HALLPASS_ABSOLUTE_TTL',
  },
  grace: {
    option: 'grace <duration>',
    meaning: 'how long the previous refresh token is still answered; 0 for not at all',
    kind: settings.refreshGrace.kind,
    unset: null,
    otherwise: 'HALLPASS_REFRESH_GRACE',
  },
  maxSessions: {
    option: 'max-sessions <number>',
    meaning: 'how many devices a person may be signed in on',
    kind: settings.maxSessions.kind,
    unset: null,
    otherwise: 'HALLPASS_MAX_SESSIONS, of all clients together',
  },
  atLimit: {
    option: 'at-limit <what>',
    meaning: 'what one more sign-in does then: drop_oldest, refuse, or ask which device to sign out',
    kind: choice('drop_oldest', 'refuse', 'ask'),
    unset: 'drop_oldest',
    otherwise: 'drop_oldest',
  },
  dataClaims: {
    option: 'data-claims <names>',
    meaning: "members of a session's data that go into its access tokens, comma-separated",
    kind: mutableList({ parse: claimName, show: String }),
    unset: [],
    otherwise: 'none',
  },
  minAppVersion: {
    option: 'min-app-version <version>',
    meaning: 'an app older than this trips the policy app_version',
    kind: { parse: appVersion, show: String },
    unset: null,
    otherwise: 'none',
  },
}

/** In the order in which they are shown. */
export const clientFieldNames = Object.keys(clientFields) as ClientField[]

/** `HALLPASS_PRESET=strict` for one client. */
export const strictLifetimes: Pick<Client, 'accessTtl' | 'idleTtl' | 'absoluteTtl' | 'grace'> = {
  accessTtl: strict(settings.accessTtl),
  idleTtl: strict(settings.idleTtl),
  absoluteTtl: strict(settings.absoluteTtl),
  grace: strict(settings.refreshGrace),
}

function strict(setting: { readonly strict?: string; readonly kind: Kind<number> }): number | null {
  return setting.strict === undefined ? null : setting.kind.parse(setting.strict)
}

function mutableList(entry: Kind<string>): Kind<string[]> {
  const list = listOf(entry)
  return { parse: (text) => [...list.parse(text)], show: (entries) => list.show(entries) }
}

/** RFC 8252 section 7: a claimed https URL, a private scheme with a dot in it, or localhost while developing. */
function appUri(text: string): string {
  const { protocol, hostname } = URL.canParse(text) ? new URL(text) : { protocol: '', hostname: '' }
  const isLocal = protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
  if (protocol === 'https:' || isLocal || /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(protocol)) return text
  throw new InvalidValue(`must be https, or a private scheme such as com.example.app:/magic, not ${quoted(text)}`)
}

/** RFC 6749 section 3.1.2, and characters that stand in a header as they are: it is compared and sent as it is. */
function redirectUri(text: string): string {
  if (text.length > 2_000 || !/^[!-~]+$/.test(text) || /["<>\\^`{|}]/.test(text)) {
    throw new InvalidValue(`must be a URI of at most 2000 characters, others percent-encoded, not ${quoted(text)}`)
  }
  if (text.includes('#')) throw new InvalidValue('must not contain a fragment: remove everything from the # on')
  return appUri(text)
}

function claimName(text: string): string {
  if (!/^[\w.:/~-]{1,100}$/.test(text)) {
    throw new InvalidValue(`must be the name of a member, of letters, digits and _ . : / ~ -, not ${quoted(text)}`)
  }
  if (checkOwnClaims({ [text]: true })?.code === 'reserved_name') {
    throw new InvalidValue(
      `must not be ${quoted(text)}, which means something else in access tokens: name the member otherwise`,
    )
  }
  return text
}

function appVersion(text: string): string {
  if (/^\d{1,9}(\.\d{1,9}){0,5}$/.test(text)) return text
  throw new InvalidValue(`must be a version of numbers and dots, such as 2.3.1, not ${quoted(text)}`)
}
