/** What Ada and her devices do, scene by scene. */
import { randomBytes } from 'node:crypto'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { createCheck, Difference, type Check } from './check.ts'
import { createDevice, tokenIn, type Device, type SessionAnswer, type TokenAnswer } from './device.ts'
import { LAPTOP, PHONE } from './hardware.ts'
import { sendAndLoseAnswer } from './lost-answer.ts'
import { abbreviated, createNarrator, inMinutes, type Narrator } from './narrator.ts'
import { request, type Answer } from './request.ts'
import { discover, type Service } from './service.ts'

interface Stage {
  readonly service: Service
  readonly say: Narrator
  readonly check: Check
}

const PASSWORD = 'three postcards from Lisbon'
const ROUNDS = 3

/** @throws {Difference} at the first answer that is not as promised */
export async function play(url: string): Promise<void> {
  const service = await discover(url)
  const stage = { service, say: createNarrator(), check: createCheck() }
  process.stdout.write(`Hallpass at ${service.url}, issuer ${service.issuer}\n`)
  const phone = createDevice(PHONE, service)
  const laptop = createDevice(LAPTOP, service)

  const email = await register(stage)

  stage.say.scene('She signs in on her phone and on her laptop')
  const phoneId = await signIn(stage, phone, email)
  const laptopId = await signIn(stage, laptop, email)
  const copied = laptop.credential.refreshToken

  await refreshSeveralTimes(stage, [phone, laptop])
  await loseAnAnswer(stage, phone)
  await checkLocally(stage, phone, phoneId)
  await listDevices(stage, laptop, phoneId, laptopId)
  await signThePhoneOut(stage, phone, laptop, phoneId)
  await useACopy(stage, laptop, copied)
  process.stdout.write(`\n${stage.check.count} expectations, and every one was met.\n`)
}

async function register({ service, say, check }: Stage): Promise<string> {
  say.scene('Ada makes an account')
  const email = `ada-${randomBytes(4).toString('hex')}@example.com`
  const answer = await request(`${service.url}/v1/users`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  })
  check.same(answer.status, 202, 'status of a registration')
  check.same(answer.body, {}, 'answer to a registration')
  say.line('account', `${email}; the answer would be the same if the address were taken`)
  return email
}

async function signIn({ say, check }: Stage, device: Device, email: string): Promise<string> {
  const { name, label, type, deviceName, transport } = device.hardware
  const answer = await device.signIn(email, PASSWORD)
  if (answer.status === 401) {
    throw new Difference(
      'Signing in was refused. Where HALLPASS_UNCONFIRMED_SIGN_IN is `refuse` (the default with DATABASE_URL), ' +
        'the address has to be confirmed first, and the demo cannot do that.',
    )
  }
  check.same(answer.status, 201, `status of the ${name}'s sign-in`)
  const { session } = answer.body
  check.same(session?.device.label, label, `how the ${name} is described`)
  check.same(session?.device.type, type, `the ${name}'s type`)
  check.same(session?.device.name, deviceName, `the ${name}'s own name`)
  check.holds(tokenIn(answer).startsWith('hprt_'), `the ${name} gets a refresh token`)
  if (transport === 'cookie') {
    check.same(answer.body.refresh_token, undefined, 'refresh token in the body of a cookie session')
    check.holds(/HttpOnly/i.test(answer.cookie?.attributes ?? ''), 'the cookie is HttpOnly')
    check.holds(/SameSite=Strict/i.test(answer.cookie?.attributes ?? ''), 'the cookie is SameSite=Strict')
  }
  const kept = transport === 'cookie' ? 'in a cookie that no script can read' : 'in the app'
  say.line(name, `seen as ${describe(session)}`)
  say.line('', `refresh token ${abbreviated(tokenIn(answer))} ${kept}`)
  return session?.id ?? ''
}

async function refreshSeveralTimes({ say, check }: Stage, devices: Device[]): Promise<void> {
  say.scene('Both refresh, and get a new refresh token every time')
  for (const device of devices) {
    const { name } = device.hardware
    const tokens = [device.credential.refreshToken]
    for (let round = 0; round < ROUNDS; round += 1) {
      const answer = await device.refresh()
      check.same(answer.status, 200, `status of the ${name}'s refresh`)
      check.holds(!tokens.includes(tokenIn(answer)), `the ${name} gets a new refresh token`)
      check.holds(answer.body.expires_in > 0, `the ${name}'s access token has a life`)
      check.holds(answer.body.expires_in <= answer.body.refresh_expires_in, 'no access token outlives its session')
      tokens.push(tokenIn(answer))
    }
    say.line(name, tokens.map((token) => token.slice(-6)).join(' → '))
  }
}

async function loseAnAnswer({ service, say, check }: Stage, phone: Device): Promise<void> {
  say.scene('The phone refreshes in a tunnel, and the answer is lost')
  const { credential } = phone
  const status = await sendAndLoseAnswer(`${service.url}/oauth/token`, phone.refreshRequest(credential))
  check.same(status, 200, 'status of the answer that was lost')
  say.line('sent', `${abbreviated(credential.refreshToken)}; answered, but the connection broke before it was read`)

  const again = await phone.present(credential)
  check.same(again.status, 200, 'status of the repeated refresh')
  check.holds(tokenIn(again) !== credential.refreshToken, 'the repeated refresh brings a new token')
  say.line('repeated', `the same token and Idempotency-Key bring ${abbreviated(tokenIn(again))}`)

  const onceMore = await phone.present(credential)
  check.same(onceMore.status, 200, 'status of a refresh repeated twice')
  check.same(tokenIn(onceMore), tokenIn(again), 'refresh token of a refresh repeated twice')
  say.line('and again', `${abbreviated(tokenIn(onceMore))}, byte for byte the same`)

  phone.keep(again)
  const next = await phone.refresh()
  check.same(next.status, 200, 'status of the refresh after the recovery')
  say.line('goes on', `that one is good: it brings ${abbreviated(tokenIn(next))}`)
}

async function checkLocally({ service, say, check }: Stage, phone: Device, phoneId: string): Promise<void> {
  say.scene('An API checks the phone’s access token by itself, with the published keys')
  const keys = createRemoteJWKSet(new URL(service.jwksUri))
  const { issuer, audience } = service
  const verify = (token: string) => jwtVerify(token, keys, { typ: 'at+jwt', issuer, audience })

  const { payload, protectedHeader } = await verify(phone.accessToken).catch((error: Error) => {
    throw new Difference(`jose refuses the access token: ${error.message}`)
  })
  check.same(payload['sid'], phoneId, 'the session in the access token')
  check.same(payload['client_id'], 'demo', 'the client in the access token')
  check.same(payload['amr'], ['pwd'], 'how the person signed in, in the access token')
  check.holds(typeof payload.sub === 'string' && typeof payload.jti === 'string', 'the access token has sub and jti')
  const life = (payload.exp ?? 0) - (payload.iat ?? 0)
  check.holds(life > 0, 'the access token ends')
  say.line('good', `${protectedHeader.alg}, key ${protectedHeader.kid?.slice(0, 8)}…, lives ${inMinutes(life)}`)

  const refusal = await verify(altered(phone.accessToken)).then(
    () => null,
    (error: unknown) => error,
  )
  check.holds(refusal instanceof errors.JWSSignatureVerificationFailed, 'an altered access token is refused')
  say.line('altered', 'one character changed: refused, the signature does not fit')
}

async function listDevices(stage: Stage, laptop: Device, phoneId: string, laptopId: string): Promise<void> {
  const { say, check } = stage
  say.scene('Ada looks at her devices, on the laptop')
  const answer = await laptop.call<{ sessions: SessionAnswer[] }>('GET', '/v1/sessions')
  check.same(answer.status, 200, 'status of the list')
  const { sessions } = answer.body
  // Newest use first, and the phone was the last to refresh.
  check.same(
    sessions.map(({ id, current, status }) => ({ id, current, status })),
    [
      { id: phoneId, current: false, status: 'active' },
      { id: laptopId, current: true, status: 'active' },
    ],
    'the devices in the list',
  )
  check.holds(!/hprt_|secret|hash/.test(JSON.stringify(sessions)), 'the list holds no token and no hash')
  for (const session of sessions) {
    say.line(
      session.current ? 'this one' : 'another',
      `${describe(session)}, last used ${timeOf(session.last_used_at)}`,
    )
  }
}

async function signThePhoneOut(stage: Stage, phone: Device, laptop: Device, phoneId: string): Promise<void> {
  const { say, check } = stage
  say.scene('She signs the phone out, from the laptop')
  const ended = await laptop.call('DELETE', `/v1/sessions/${phoneId}`)
  check.same(ended.status, 204, 'status of signing the phone out')
  say.line('laptop', `DELETE /v1/sessions/${phoneId}: done`)

  refused(stage, 'phone', await phone.refresh(), 'revoked_by_user')
  const own = await phone.call('GET', '/v1/users/me')
  check.same(own.status, 401, 'status of the phone’s access token at Hallpass')
  say.line(
    '',
    'its access token is refused by Hallpass at once; an API that only checks signatures takes it to its end',
  )

  const still = await laptop.refresh()
  check.same(still.status, 200, 'status of the laptop’s refresh')
  say.line('laptop', 'goes on as before')
}

/** Without the key that only the device has, an old token is proof of a copy. */
async function useACopy(stage: Stage, laptop: Device, oldToken: string): Promise<void> {
  const { say, check } = stage
  say.scene('Somebody presents an old refresh token of the laptop, copied before')
  refused(stage, 'thief', await laptop.present({ refreshToken: oldToken }), 'token_reuse')
  const own = await laptop.refresh()
  check.same(own.body.reason, 'token_reuse', 'why the laptop’s own refresh is refused')
  say.line('laptop', 'is signed out as well, and is told why: whoever has the newer token cannot be known')
}

/** A refusal for good, with a reason for programs and a sentence for people. */
function refused({ say, check }: Stage, who: string, answer: Answer<TokenAnswer>, expected: string): void {
  const { error, error_description: words, reason, terminal } = answer.body
  check.same(answer.status, 400, `status of the ${who}'s refresh`)
  check.same(error, 'invalid_grant', `error of the ${who}'s refresh`)
  check.same(reason, expected, `reason why the ${who}'s refresh is refused`)
  check.same(terminal, true, `whether the refusal of the ${who} is final`)
  check.holds(typeof words === 'string' && words.endsWith('.'), `the refusal of the ${who} has words for a person`)
  say.line(who, `refused: ${reason}`)
  say.line('', `“${words}”`)
}

/** The first character of the signature, whose every bit counts. */
function altered(token: string): string {
  const at = token.lastIndexOf('.') + 1
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

const describe = (session: SessionAnswer | undefined): string =>
  [session?.device.name, session?.device.label, session?.device.type].filter((part) => part != null).join(', ')

const timeOf = (timestamp: string): string => `${timestamp.slice(11, 19)} UTC`
