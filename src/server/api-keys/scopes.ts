/** Scopes that open this service itself. They are given on the command line only. */
export const SERVICE_SCOPES = ['revocations:read', 'introspect', 'admin', 'sessions:create', 'metrics:read'] as const

export type ServiceScope = (typeof SERVICE_SCOPES)[number]

/** RFC 6749 section 3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/

/** @returns the scope with every token once, or null for what is none */
export function normalizeScope(scope: string): string | null {
  const tokens = scope.split(' ').filter((token) => token !== '')
  return tokens.every((token) => SCOPE_TOKEN.test(token)) && scope.length <= 1000
    ? [...new Set(tokens)].join(' ')
    : null
}

export const hasScope = (scope: string, wanted: string): boolean => scope.split(' ').includes(wanted)

/** Whether everything that `part` allows, `whole` allows too. */
export const isWithinScope = (part: string, whole: string): boolean =>
  part.split(' ').every((token) => token === '' || hasScope(whole, token))

export const hasServiceScope = (scope: string): boolean => SERVICE_SCOPES.some((token) => hasScope(scope, token))
