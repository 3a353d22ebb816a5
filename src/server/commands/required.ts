import type { Hallpass } from '../server.ts'

/** Commands are described without a service and run with one. */
export function required(hallpass: Hallpass | null): Hallpass {
  if (hallpass === null) throw new Error('this command needs the service')
  return hallpass
}
