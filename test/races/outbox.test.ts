import { expect } from 'chai'
import { makeMailDue, outboxOf } from '../support/aging.ts'
import { ask, NEW_PASSWORD, use } from '../support/email-flows.ts'
import { sharedMailServer, startMailServer, tokenIn, type MailServer } from '../support/mail.ts'
import { connectTo } from '../support/held.ts'
import { anAddress, PASSWORD, register, send } from '../support/people.ts'
import { createMigratedDatabase } from '../support/migrated-postgres.ts'
import { sharedPostgres } from '../support/postgres.ts'
import { startProcess, type ServerProcess } from '../support/processes.ts'
import { startServer, TEST_SECRET, type TestServer } from '../support/server.ts'

const refusing = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode })

/** A mail server that never answers what it is sent. */
const startSilentMailServer = (): Promise<MailServer> => startMailServer({ onMailFrom: () => undefined })

describe('The outbox', function () {
  this.timeout(120_000)
  let databaseUrl: string
  const servers: TestServer[] = []
  const processes: ServerProcess[] = []
  const mailServers: MailServer[] = []

  beforeEach(async () => {
    databaseUrl = await createMigratedDatabase()
  })
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()))
    await Promise.all(processes.splice(0).map((process) => process.kill()))
    await Promise.all(mailServers.splice(0).map((server) => server.stop()))
    await (await sharedPostgres()).dropDatabase(databaseUrl)
  })

  async function serverWith(mail: MailServer | null): Promise<TestServer> {
    const server = await startServer('postgresql', {
      DATABASE_URL: databaseUrl,
      ...(mail === null ? {} : { SMTP_URL: mail.url }),
    })
    servers.push(server)
    return server
  }
  async function mailServer(options: Parameters<typeof startMailServer>[0]): Promise<MailServer> {
    const server = await startMailServer(options)
    mailServers.push(server)
    return server
  }

  it('loses nothing when processes are killed between the commit and the sending', async () => {
    const silent = await startSilentMailServer()
    mailServers.push(silent)
    const promised: string[] = []
    for (let round = 0; round < 3; round += 1) {
      const process = await startProcess(databaseUrl, { SMTP_URL: silent.url })
      processes.push(process)
      const registering = Array.from({ length: 12 }, async () => {
        const email = anAddress()
        const answer = await send(`${process.url}/v1/users`, { body: { email, password: PASSWORD } }).catch(() => null)
        if (answer?.status === 202) promised.push(email)
        if (promised.length % 5 === 4) await process.kill()
      })
      await Promise.all(registering)
      await process.kill()
    }
    expect(promised).not.to.be.empty

    const rescuer = await serverWith(null)
    await makeMailDue(rescuer)
    await rescuer.hallpass.sending.run()
    const mails = await sharedMailServer()
    for (const email of promised) await mails.mailTo(email)
    expect(await outboxOf(rescuer)).to.be.empty
  })

  it('sends every mail once when all goes well, however many processes empty it', async () => {
    const [one, other, third] = [await serverWith(null), await serverWith(null), await serverWith(null)]
    const addresses: string[] = []
    // In turn: a busy machine hashes no more than so many passwords at once.
    while (addresses.length < 20) addresses.push(await register(one.url))
    await Promise.all([one, other, third].map(({ hallpass }) => hallpass.sending.run()))
    const mails = await sharedMailServer()
    for (const email of addresses) {
      await mails.mailTo(email)
      expect(mails.mailsTo(email)).to.have.lengthOf(1)
    }
  })

  it('tries again with the same Message-ID and the same link, and the answer was never lost on it', async () => {
    const ids: string[] = []
    let tries = 0
    const flaky = await mailServer({
      onData(stream, _session, answer) {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          ids.push(/^Message-ID: (.+)$/im.exec(text)?.[1]?.trim() ?? '')
          tries += 1
          answer(tries < 3 ? refusing(451, 'not now') : null)
        })
      },
    })
    const server = await serverWith(flaky)
    await register(server.url)
    for (let round = 0; round < 3; round += 1) {
      await server.hallpass.sending.run()
      await makeMailDue(server)
    }
    await server.hallpass.sending.run()
    expect(ids).to.have.lengthOf(3)
    expect(new Set(ids).size).to.equal(1)
    expect(await outboxOf(server)).to.be.empty
  })

  it('waits longer after every failure', async () => {
    const server = await serverWith(
      await mailServer({ onMailFrom: (_from, _session, answer) => answer(refusing(421, 'busy')) }),
    )
    await register(server.url)
    const waits: number[] = []
    for (let round = 0; round < 4; round += 1) {
      await makeMailDue(server)
      await server.hallpass.sending.run()
      const { database } = server.hallpass.store
      const [row] = await database.query<{ wait: number }>(
        {
          name: 'test.wait',
          text: 'select extract(epoch from next_attempt_at - clock_timestamp())::float8 as wait from outbox',
        },
        [],
      )
      waits.push(row?.wait ?? 0)
    }
    expect(
      waits.every((wait, index) => index === 0 || wait > (waits[index - 1] ?? 0)),
      waits.join(' '),
    ).to.equal(true)
  })

  it('keeps no token that could be used: the link in it is encrypted', async () => {
    const silent = await startSilentMailServer()
    mailServers.push(silent)
    const server = await serverWith(silent)
    const email = await register(server.url)
    void server.hallpass.sending.run()
    let rows = await outboxOf(server)
    while (!rows.some(({ payload }) => 'link_sealed' in payload)) rows = await outboxOf(server)
    expect(JSON.stringify(rows)).to.include(email).and.not.include('hpem_').and.not.include('token=')
  })

  it('gives up what can never be delivered, without a word about the address', async () => {
    const server = await serverWith(
      await mailServer({ onRcptTo: (_to, _session, answer) => answer(refusing(550, 'no such mailbox')) }),
    )
    await register(server.url)
    await server.hallpass.sending.run()
    expect(await outboxOf(server)).to.be.empty
  })

  it('does not send a link that has died while the mail server was away', async () => {
    const email = anAddress()
    const away = await serverWith(
      await mailServer({ onConnect: (_session, answer) => answer(refusing(421, 'closed')) }),
    )
    await register(away.url, email)
    await ask(away.url, 'magic', { email })
    await away.hallpass.sending.run()
    const { database } = away.hallpass.store
    await database.query(
      {
        name: 'test.outlive',
        text: `update outbox set payload = jsonb_set(payload, '{until}', to_jsonb(clock_timestamp() - interval '1 second'))
               where payload->>'purpose' = 'magic_link'`,
      },
      [],
    )
    const back = await serverWith(null)
    await makeMailDue(back)
    await back.hallpass.sending.run()
    const mails = (await sharedMailServer()).mailsTo(email)
    expect(mails.map(({ subject }) => subject.split(' ')[0])).to.deep.equal(['Confirm'])
  })

  it('does not begin with what nobody took up for days', async () => {
    const email = anAddress()
    const server = await serverWith(null)
    await server.hallpass.sending.stop()
    await register(server.url, email)
    await server.hallpass.store.database.query(
      { name: 'test.age_outbox', text: `update outbox set created_at = clock_timestamp() - interval '73 hours'` },
      [],
    )
    const next = await serverWith(null)
    await next.hallpass.sending.run()
    expect((await sharedMailServer()).mailsTo(email)).to.be.empty
    expect(await outboxOf(next)).to.be.empty
  })

  it('sends one mail with a good link where a process took too long to make it', async () => {
    const server = await serverWith(null)
    await server.hallpass.sending.stop()
    const email = await register(server.url)
    const other = await connectTo(databaseUrl)
    await other.query('begin')
    await other.query('select from users where email = $1 for update', [email])
    const late = await serverWith(null)
    const preparing = late.hallpass.sending.run()
    await other.isWaitedForBy(preparing)
    await makeMailDue(late) // its lease is over
    const next = await serverWith(null)
    const again = next.hallpass.sending.run()
    await other.isWaitedForBy(again, 2)
    await other.query('commit')
    await Promise.all([preparing, again])
    await other.end()
    await makeMailDue(next)
    await next.hallpass.sending.run()
    const mails = (await sharedMailServer()).mailsTo(email)
    const answers = await Promise.all(
      mails.map((mail) => use(next.url, 'confirm', { token: tokenIn(mail, 'confirm') })),
    )
    expect(answers.map(({ status }) => status)).to.deep.equal([204])
  })

  it('gives up a mail that no secret opens, when its time is over', async () => {
    const server = await serverWith(null)
    await server.hallpass.sending.stop()
    await server.hallpass.store.database.query(
      {
        name: 'test.unopenable',
        text: `insert into outbox (kind, payload) values ('mail', jsonb_build_object(
          'to', 'nobody@example.com', 'purpose', 'magic_link', 'details', '{}'::jsonb, 'link_sealed', 'AAAA',
          'until', clock_timestamp() - interval '1 second'))`,
      },
      [],
    )
    const next = await serverWith(null)
    await next.hallpass.sending.run()
    expect(await outboxOf(next)).to.be.empty
  })

  it('holds up nobody by a mail that nobody can prepare', async () => {
    const server = await serverWith(null)
    await server.hallpass.store.database.query(
      {
        name: 'test.poison',
        text: `insert into outbox (kind, payload) values ('mail', '{"purpose": "confirm", "user_id": "no id"}')`,
      },
      [],
    )
    const email = await register(server.url)
    await server.hallpass.sending.run()
    await (await sharedMailServer()).mailTo(email)
    expect(await outboxOf(server)).to.have.lengthOf(1)
  })

  it('is opened by every secret of the ring', async () => {
    const silent = await startSilentMailServer()
    mailServers.push(silent)
    const before = await startServer('postgresql', { DATABASE_URL: databaseUrl, SMTP_URL: silent.url })
    const email = await register(before.url)
    await ask(before.url, 'reset', { email })
    void before.hallpass.sending.run()
    while ((await outboxOf(before)).some(({ payload }) => !('link_sealed' in payload)));
    await before.stop()

    const after = await startServer('postgresql', {
      DATABASE_URL: databaseUrl,
      HALLPASS_SECRET: 'bQ7wE4rT1yU8iO5pA2sD9fG6hJ3kL0zX4cV',
      HALLPASS_SECRET_PREVIOUS: TEST_SECRET,
    })
    servers.push(after)
    await makeMailDue(after)
    await after.hallpass.sending.run()
    const mail = await (await sharedMailServer()).mailTo(email, ({ text }) => text.includes('/reset?token='))
    const token = tokenIn(mail, 'reset')
    expect((await use(after.url, 'reset', { token, password: NEW_PASSWORD })).status).to.equal(204)
  })
})
