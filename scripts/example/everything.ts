/** Hallpass, the API and the app, each on a port of localhost. */
import { start as startApi } from '../../examples/spa-api/api.ts'
import { startApp } from './app.ts'
import { startHallpass, type RunningHallpass } from './hallpass.ts'
import { findPort } from './ports.ts'

export interface Ports {
  readonly hallpass: number
  readonly app: number
  readonly api: number
}

export interface Example {
  /** URLs. */
  readonly hallpass: string
  readonly app: string
  readonly api: string
  /** The service itself, for tests. */
  readonly service: RunningHallpass['hallpass']
  stop(): Promise<void>
}

/**
 * @param wanted 0: any
 * @param logLevel of Vite
 * @throws {PortTaken}
 */
export async function startEverything(wanted: Ports, logLevel: 'error' | 'silent' = 'error'): Promise<Example> {
  const [hallpassPort, appPort, apiPort] = await findPorts(wanted)
  const [app, api] = [appPort, apiPort].map((port) => `http://localhost:${port}`) as [string, string]

  const stops: (() => unknown)[] = []
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each()
  }
  try {
    const running = await startHallpass(hallpassPort)
    stops.push(() => running.stop())
    const { issuer, apiKey, hallpass: service } = running
    const runningApi = await startApi({ issuer, apiKey, origin: app, port: apiPort })
    stops.push(() => runningApi.close())
    const runningApp = await startApp(appPort, { hallpass: issuer, api }, logLevel)
    stops.push(() => runningApp.stop())
    return { hallpass: issuer, app, api, service, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** One after the other, or two might find the same. */
async function findPorts({ hallpass, app, api }: Ports): Promise<[number, number, number]> {
  return [await findPort(hallpass), await findPort(app), await findPort(api)]
}
