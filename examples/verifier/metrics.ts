/** For Prometheus. */
import type { Verifier } from 'hallpass/verifier'

export function metricsOf(verifier: Verifier): string {
  const { keys, revocations, rememberedTokens } = verifier.status()
  return [
    `hallpass_keys_age_seconds ${keys.age}`,
    `hallpass_remembered_tokens ${rememberedTokens}`,
    ...(revocations === null
      ? []
      : [
          `hallpass_feed_staleness_seconds ${revocations.staleness}`,
          `hallpass_feed_is_stale ${Number(revocations.isStale)}`,
          `hallpass_remembered_revocations ${revocations.remembered}`,
        ]),
    '',
  ].join('\n')
}
