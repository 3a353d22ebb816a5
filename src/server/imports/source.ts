/** Where accounts and sessions come from. Every source speaks the words of docs/moving-in.md, which are those of NDJSON. */

export type Item =
  | { readonly kind: 'user'; readonly where: string; readonly members: unknown }
  | {
      readonly kind: 'session'
      readonly where: string
      readonly members: unknown
      /** What the system before kept of the token; null where the members have it as `token_hash`. */
      readonly keptToken: Uint8Array | null
    }
  | { readonly kind: 'fault'; readonly where: string; readonly fault: string }

/** Reads from the beginning each time; users come before their sessions. */
export type Source = () => AsyncIterable<Item>
