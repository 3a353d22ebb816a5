/**
 * Refreshes that share a statement with those that are under way at the same time, and each by itself
 * (HALLPASS_REFRESH_GROUPS), in turns: what docs/decisions/0035 rests on.
 *
 *   npm ci --prefix bench
 *   npm run bench:groups
 *   npm run bench:groups -- --connections 64 --rounds 1 --seconds 2 --heat-up 1 --sessions 20000
 */
import { compareSettings } from './settings-in-turns.ts'

await compareSettings(
  'groups',
  ['on', 'off'].map((groups) => async (postgres) => ({
    name: groups === 'on' ? 'grouped' : 'each by itself',
    databaseUrl: await postgres.createDatabase(),
    environment: { HALLPASS_REFRESH_GROUPS: groups },
  })),
)
