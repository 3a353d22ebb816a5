/** Whether memory comes to an end of its growth: so many refreshes through one process, and rest after them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fillFleet } from '../fleet/fill.ts'
import { startLoad, type Result } from '../load/load.ts'
import { ownMemory, residentMemory } from '../machine/memory.ts'
import { startHallpass } from '../services/hallpass.ts'

/** None of them is refreshed more often than the limit allows. */
const SESSIONS = 100_000
const CONNECTIONS = 64
/** Seconds. */
const SLICE = 5
const REST = 30
/** Lines of the table. */
const LOOKS = 10

export async function watchMemory({
  databaseUrl,
  refreshes,
  environment,
}: {
  databaseUrl: string
  refreshes: number
  environment: Readonly<Record<string, string>>
}): Promise<void> {
  const service = await startHallpass({ databaseUrl, environment })
  try {
    await sleep(REST * 1000)
    console.log('\n| refreshes | resident, MB | of which its own | refreshes a second | server µs |')
    console.log('|---:|---:|---:|---:|---:|')
    print('0')
    await fillFleet({ sessions: SESSIONS, url: service.url, databaseUrl })
    const load = await startLoad({ name: 'refresh', options: { sessions: SESSIONS, secret: service.secret } })
    const where = { urls: [service.url], connections: CONNECTIONS, server: [service.pid], database: null }
    let done = 0
    let lastLook = 0
    while (done < refreshes) {
      const result = await load.run({ ...where, warmUp: 0, seconds: SLICE })
      if (result.errors > 0) throw new Error(result.faults.join(', '))
      done += result.requests
      if (done - lastLook < refreshes / LOOKS && done < refreshes) continue
      lastLook = done
      print(done.toLocaleString('en'), result)
    }
    load.stop()
    await sleep(REST * 1000)
    print(`${REST} s of rest later`)
  } finally {
    await service.stop()
  }

  function print(when: string, result?: Result): void {
    const [resident, own] = [residentMemory(service.pid), ownMemory(service.pid)]
    const cells = [resident / 2 ** 20, own / 2 ** 20, result?.perSecond, result?.cpu.server]
    console.log(`| ${when} | ${cells.map((cell) => cell?.toFixed(0) ?? '').join(' | ')} |`)
  }
}
