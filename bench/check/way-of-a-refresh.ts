/** What a refresh costs without its statement: from the bytes of the request to those of the answer. */
import { generateKeyPairSync, sign } from 'node:crypto'
import type { RequestListener } from 'node:http'
import Koa from 'koa'
import { createRequestListener } from '../../src/server/request-listener.ts'
import { makeMigratedMemory } from '../../test/support/migrated-memory.ts'
import { startServer, TEST_SECRET } from '../../test/support/server.ts'
import { ANSWER } from '../limits/answer.ts'
import { nothing } from '../load/scenarios/nothing.ts'
import { refresh } from '../load/scenarios/refresh.ts'
import { median } from '../report/quantiles.ts'
import type { Figure } from './figure.ts'
import { inProcess, type InProcess } from './in-process.ts'
import { processorTimeOf, ratioInTurns } from './in-turns.ts'
import { standInForRotation } from './stand-in.ts'

/** So many that none is refreshed too often. */
const SESSIONS = 1_000_000
/** Requests. */
const WARM_UP = 6_000
const A_TURN = 400
const TURNS = 25
const HEAP_TURNS = 9

export async function measureWayOfARefresh(): Promise<Figure[]> {
  await makeMigratedMemory()
  const server = await startServer('embedded', { HALLPASS_RATE_LIMITS: 'on' })
  standInForRotation(server.hallpass.store.database)
  const scenario = refresh({ sessions: SESSIONS, secret: TEST_SECRET })
  const refreshes = inProcess(createRequestListener(server.hallpass), scenario)
  const yardstick = inProcess(bareKoa(), nothing({}))
  try {
    await refreshes.ask(WARM_UP)
    await yardstick.ask(WARM_UP)
    const turnOf = (asked: InProcess) => () => processorTimeOf(() => asked.ask(A_TURN))
    const ratio = await ratioInTurns({ work: turnOf(refreshes), yardstick: turnOf(yardstick), turns: TURNS })
    const allocated: number[] = []
    while (allocated.length < HEAP_TURNS) allocated.push(await allocatedBy(refreshes))
    return [
      { name: 'refresh without its statement', value: ratio, unit: 'times bare Koa and a signature', allowed: 0.15 },
      { name: 'memory that a refresh takes', value: median(allocated), unit: 'bytes', allowed: 0.04 },
    ]
  } finally {
    await server.stop()
  }
}

/** Answers as much as a refresh does, and signs as often: what a refresh cannot do without. */
function bareKoa(): RequestListener {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signed = Buffer.alloc(400)
  const handle = new Koa()
    .use((ctx) => {
      sign('sha256', signed, privateKey)
      ctx.body = ANSWER
    })
    .callback()
  return (request, response) => void handle(request, response)
}

/** How much the heap grows, in bytes for each; it has room for a whole turn, so nothing is collected meanwhile. */
async function allocatedBy(asked: InProcess): Promise<number> {
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  await asked.ask(A_TURN)
  return (process.memoryUsage().heapUsed - before) / A_TURN
}
