/** The PostgreSQL that is measured: one of our own, or the one that BENCH_DATABASE_URL names. */
import { startPostgres, usePostgres, type Postgres } from '../../test/support/postgres.ts'

/** Commits reach the disk. Memory and checkpoints as an operator of a server with some memory would set them. */
const SETTINGS = {
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  max_connections: 300,
}

/** @param settings further ones of a server of our own */
export function startMeasuredPostgres(settings: Readonly<Record<string, string | number>> = {}): Promise<Postgres> {
  const external = process.env['BENCH_DATABASE_URL']
  if (external) return Promise.resolve(usePostgres(external))
  return startPostgres({ durable: true, settings: { ...SETTINGS, ...settings } })
}
