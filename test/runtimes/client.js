/** One and the same in every runtime: a device that signs in, is started again, and is signed out from elsewhere. */
import { createClient, memoryStorage } from 'hallpass/client'

export async function tryClient({ serviceUrl, account }) {
  const storage = memoryStorage()
  const open = (options) => createClient({ issuer: serviceUrl, transport: 'body', ...options })
  const device = open({ storage })
  const before = await device.ready()
  const session = await device.signIn(account, { deviceName: 'A device' })
  device.close()

  const again = open({ storage, follow: true })
  const after = await again.ready()
  const me = await (await again.fetch(`${serviceUrl}/v1/users/me`)).json()
  const told = new Promise((resolve) => again.onChange(resolve))

  const other = open({})
  await other.signIn(account)
  const revoked = await other.sessions.revokeOthers()
  const { status, reason } = await told
  const isOut = await other.signOut()
  for (const client of [again, other]) client.close()

  return {
    before: before.status,
    name: session.device.name,
    after: after.status,
    isSame: after.sessionId === session.id,
    email: me.email,
    revoked,
    told: [status, reason],
    isOut,
    // Why it is out, for whoever starts the app again; and no token.
    kept: Object.keys(JSON.parse(storage.read() || '{}')),
  }
}
