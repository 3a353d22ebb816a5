/** Whoever takes part: a service on a database of its own with as many sessions as all others have. */
import type { Part } from '../load/part.ts'
import type { ScenarioSpec } from '../load/scenarios/index.ts'
import type { Service } from '../services/service.ts'

export const OPERATIONS = ['refresh', 'list', 'revoke', 'introspect', 'sign-in'] as const
export type Operation = (typeof OPERATIONS)[number]

export interface Contestant {
  readonly name: string
  readonly service: Service
  /** Processes that are a part of it and not its children. */
  readonly beside?: readonly number[]
  readonly operations: Readonly<Partial<Record<Operation, ScenarioSpec>>>
}

export type StartContestant = (where: { databaseUrl: string; sessions: number }) => Promise<Contestant>

/** Each operation has sessions of its own, so that none finds what another has changed. */
export const partsOf = (sessions: number): Readonly<Record<'refresh' | 'revoke' | 'introspect' | 'list', Part>> => {
  const between = (from: number, to: number): Part => ({
    from: Math.floor(sessions * from),
    to: Math.floor(sessions * to),
  })
  return {
    refresh: between(0, 0.5),
    revoke: between(0.5, 0.9),
    introspect: between(0.9, 0.95),
    list: between(0.95, 1),
  }
}
