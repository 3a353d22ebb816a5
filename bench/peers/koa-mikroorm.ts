/**
 * No product, but what many would write: Koa, MikroORM's unit of work and jose. One row a session, which holds the
 * hash of its only refresh token.
 */
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import Router from '@koa/router'
import { LockMode, MikroORM, defineEntity, p } from '@mikro-orm/postgresql'
import { SignJWT } from 'jose'
import Koa from 'koa'
import getRawBody from 'raw-body'

const { PORT = '', DATABASE_URL = '' } = process.env
const ISSUER = `http://127.0.0.1:${PORT}`
/** Seconds. */
const ACCESS_TTL = 300
const IDLE_TTL = 30 * 24 * 60 * 60

const UserSchema = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: { id: p.uuid().primary(), email: p.string().unique(), role: p.string() },
})
class User extends UserSchema.class {}
UserSchema.setClass(User)

const SessionSchema = defineEntity({
  name: 'Session',
  tableName: 'sessions',
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User),
    tokenHash: p.string(),
    rotations: p.integer(),
    userAgent: p.text(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime(),
    expiresAt: p.datetime(),
    revokedAt: p.datetime().nullable(),
  },
})
class Session extends SessionSchema.class {}
SessionSchema.setClass(Session)

const orm = await MikroORM.init({
  clientUrl: DATABASE_URL,
  entities: [User, Session],
  pool: { min: 0, max: 16 },
})
await orm.em.getConnection().execute(`
  create table if not exists users (id uuid primary key, email text not null unique, role text not null);
  create table if not exists sessions (
    id uuid primary key, user_id uuid not null references users (id), token_hash text not null,
    rotations integer not null, user_agent text not null, created_at timestamptz not null,
    last_used_at timestamptz not null, expires_at timestamptz not null, revoked_at timestamptz
  );
  create index if not exists sessions_user_id on sessions (user_id)`)

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')
const later = (seconds: number): Date => new Date(Date.now() + seconds * 1000)

const router = new Router()
router.get('/healthz', (ctx) => {
  ctx.body = 'ok'
})
router.post('/model', async (ctx) => {
  const em = orm.em.fork()
  const [id, secret, now] = [randomUUID(), randomBytes(16).toString('hex'), new Date()]
  const user = em.create(User, { id: randomUUID(), email: 'model@example.com', role: 'user' })
  em.create(Session, {
    id,
    user,
    tokenHash: hashOf(secret),
    rotations: 0,
    userAgent: ctx.get('user-agent'),
    createdAt: now,
    lastUsedAt: now,
    expiresAt: later(IDLE_TTL),
    revokedAt: null,
  })
  await em.flush()
  ctx.body = { sessionId: id, userId: user.id }
})
router.post('/token', async (ctx) => {
  const form = new URLSearchParams(await getRawBody(ctx.req, { encoding: 'utf8', limit: '10kb' }))
  const [id = '', secret = ''] = (form.get('refresh_token') ?? '').split('.')
  const successor = randomBytes(16).toString('hex')
  const session = await orm.em.fork().transactional(async (em) => {
    const found = await em.findOne(
      Session,
      { id, revokedAt: null, expiresAt: { $gt: new Date() } },
      { lockMode: LockMode.PESSIMISTIC_WRITE, populate: ['user'] },
    )
    if (found === null || found.tokenHash !== hashOf(secret)) return null
    found.tokenHash = hashOf(successor)
    found.rotations += 1
    found.lastUsedAt = new Date()
    found.expiresAt = later(IDLE_TTL)
    return found
  })
  if (session === null) {
    ctx.status = 400
    ctx.body = { error: 'invalid_grant' }
    return
  }
  const accessToken = await new SignJWT({ sid: session.id, role: session.user.role })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'one' })
    .setIssuer(ISSUER)
    .setAudience(ISSUER)
    .setSubject(session.user.id)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(`${ACCESS_TTL}s`)
    .sign(privateKey)
  ctx.set('cache-control', 'no-store')
  ctx.body = {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: ACCESS_TTL,
    refresh_token: `${session.id}.${successor}`,
  }
})

new Koa().use(router.routes()).listen(Number(PORT), '127.0.0.1')
process.once('SIGTERM', () => process.exit())
