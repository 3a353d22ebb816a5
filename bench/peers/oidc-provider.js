/** oidc-provider: a public client whose refresh tokens rotate, JWTs for one API, which may also introspect. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import Provider from 'oidc-provider'
import { createAdapter } from './oidc-adapter.js'

const { PORT, ISSUER, DATABASE_URL, API_SECRET } = process.env
const API = 'https://api.example'
const MINUTE = 60
const DAY = 24 * 60 * MINUTE

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const provider = new Provider(ISSUER, {
  adapter: await createAdapter(DATABASE_URL),
  clients: [
    {
      client_id: 'app',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['https://app.example/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
    { client_id: 'api', client_secret: API_SECRET, redirect_uris: [], grant_types: [], response_types: [] },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'one' }] },
  cookies: { keys: [randomBytes(32).toString('hex')] },
  scopes: ['openid', 'offline_access'],
  rotateRefreshToken: true,
  ttl: { AccessToken: 5 * MINUTE, RefreshToken: 30 * DAY, Grant: 365 * DAY },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientId === 'api' },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => API,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'use',
        accessTokenTTL: 5 * MINUTE,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})

provider.use(async (ctx, next) => {
  if (ctx.path === '/healthz') ctx.body = 'ok'
  // What is left in the store by somebody who has signed in and consented.
  else if (ctx.path === '/model' && ctx.method === 'POST') ctx.body = await makeModel()
  else await next()
})

async function makeModel() {
  const accountId = randomBytes(16).toString('hex')
  const grant = new provider.Grant({ accountId, clientId: 'app' })
  grant.addOIDCScope('offline_access')
  grant.addResourceScope(API, 'use')
  const grantId = await grant.save()
  const token = new provider.RefreshToken({
    accountId,
    client: await provider.Client.find('app'),
    grantId,
    gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1000),
    resource: API,
    scope: 'offline_access use',
    rotations: 0,
  })
  return { accountId, grantId, token: await token.save() }
}

provider.listen(Number(PORT), '127.0.0.1')
process.once('SIGTERM', () => process.exit())
