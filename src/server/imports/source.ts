/** Where accounts and sessions come from. Every source speaks the words of docs/moving-in.md, which are those of NDJSON. */
import type { KeptToken } from '../tokens/imported-token.ts'

export type Item =
  | { readonly kind: 'user'; readonly where: string; readonly members: unknown }
  | {
      readonly kind: 'session'
      readonly where: string
      readonly members: unknown
      /** What the system before kept of the token; null where the members have it as `token_hash`. */
      readonly keptToken: KeptToken | null
    }
  | { readonly kind: 'fault'; readonly where: string; readonly fault: string }

/** Reads from the beginning each time; users come before their sessions. */
export type Source = () => AsyncIterable<Item>
