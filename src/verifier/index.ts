/**
 * The verifier: checks access tokens in an API, with no call to anyone, and hears of revocations as they
 * happen. It needs nothing but Web APIs and jose: Node, Deno, Bun, workers.
 */
export type { AccessTokenClaims } from '../protocol/claims.ts'
export { answerTo, type Answer } from './answer.ts'
export type { Clock } from './clock.ts'
export type { Follow } from './following.ts'
export { requireClaim, requireRecentAuth, requireScope, type Guard } from './guards.ts'
export type { OnStale, VerifierOptions } from './options.ts'
export { Refused, type RefusedCode } from './refused.ts'
export type { EndReason } from './revocations.ts'
export type { ApiKeyCredential, Fetch } from './service.ts'
export { createVerifier, type Verifier, type VerifierStatus, type VerifyOptions } from './verifier.ts'
