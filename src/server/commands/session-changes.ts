/** `hallpass sessions ...` for one session: its ends, its pin, what it carries. */
import type { Command } from 'commander'
import type { Write } from '../commands.ts'
import type { Hallpass } from '../server.ts'
import { OPERATOR } from '../sessions/actor.ts'
import type { FullSession } from '../sessions/full-session.ts'
import type { SessionUpdate } from '../sessions/session-update.ts'
import { identify } from './identify.ts'
import { jsonObject } from './json-object.ts'
import { required } from './required.ts'
import { span, when } from './session-arguments.ts'
import { uuid } from './uuid.ts'

export function addSessionChanges(command: Command, hallpass: Hallpass | null, write: Write): void {
  const sessions = () => required(hallpass).sessions

  const find = async (who: string, id: string): Promise<FullSession> =>
    (await sessions().findInFull(await identify(required(hallpass), who), id)) ?? noSession()

  async function change(who: string, id: string, update: SessionUpdate, done: string): Promise<void> {
    const { userId } = await find(who, id)
    const session = (await sessions().update(userId, id, update, OPERATOR)) ?? noSession()
    const ends = `expires ${session.expiresAt.toISOString()}, idle ${session.idleExpiresAt.toISOString()}`
    write(`${done} ${id}  ${session.status}, ${ends}\n`)
  }

  const ofOne = (name: string, description: string): Command =>
    command.command(name).description(description).argument('<user>').argument('<session-id>', '', uuid)

  const moved = (name: 'extend' | 'shorten', word: string, isRight: (to: Date, from: Date) => boolean): Command =>
    ofOne(name, `let a session end ${word}: after a span from now on (30d), or at a time`)
      .argument('<when>', '', when)
      .option('--idle', 'its idle end, until the next refresh sets it anew')
      .action(async (who: string, id: string, to: Date, { idle = false }: { idle?: boolean }) => {
        const session = await find(who, id)
        const from = idle ? session.idleExpiresAt : session.expiresAt
        if (!isRight(to, from)) throw new Error(`it would not end ${word}: it ends ${from.toISOString()} as it is`)
        await change(who, id, idle ? { idleExpiresAt: to } : { expiresAt: to }, `${name}ed`)
      })

  moved('extend', 'later', (to, from) => to > from)
  moved('shorten', 'earlier', (to, from) => to < from)

  ofOne('idle-ttl', "how long a session may be idle, whatever its client's idle life: 12h; default takes that back")
    .argument('<span>', '', (text: string) => (text === 'default' ? null : span(text)))
    .action((who: string, id: string, idleTtl: number | null) => change(who, id, { idleTtl }, 'changed'))

  ofOne('expire', 'end a session as if its time were over').action((who: string, id: string) =>
    change(who, id, { expired: true }, 'expired'),
  )

  ofOne('revive', 'let a session that was revoked or has expired live again')
    .option('--until <when>', 'beyond its absolute end, if need be: a span from now on, or a time', when)
    .action((who: string, id: string, { until }: { until?: Date }) =>
      change(who, id, { revived: true, expiresAt: until }, 'revived'),
    )

  ofOne('pin', 'keep a session from expiring by idleness and from the session limit').action(
    (who: string, id: string) => change(who, id, { pinned: true }, 'pinned'),
  )

  ofOne('unpin', 'take that back').action((who: string, id: string) => change(who, id, { pinned: false }, 'unpinned'))

  ofOne('set-data', "merge an object into a session's data (RFC 7396): null takes a member away")
    .argument('<json>', '', jsonObject)
    .option('--claims', "into the session's own claims in access tokens")
    .action((who: string, id: string, patch: Record<string, unknown>, { claims = false }: { claims?: boolean }) =>
      change(who, id, claims ? { claims: patch } : { data: patch }, 'changed'),
    )
}

export function noSession(): never {
  throw new Error('there is no such session; see: hallpass sessions list <user>')
}
