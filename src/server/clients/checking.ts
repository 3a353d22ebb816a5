/** What a client must not be. Each fault is a sentence that says what to do. */
import { InvalidValue, showDuration } from '../settings/values.ts'
import { clientFieldNames, clientFields, type ClientField, type FieldRules } from './client-fields.ts'
import type { Client } from './client.entity.ts'

/** The service's own, seconds: what holds for clients that set nothing. */
export interface ServiceLifetimes {
  readonly accessTtl: number
  readonly idleTtl: number
  readonly absoluteTtl: number
}

/** Nothing was changed. */
export class InvalidClient extends Error {
  override readonly name = 'InvalidClient'
  readonly faults: readonly ClientFault[]

  constructor(faults: readonly ClientFault[]) {
    super(faults.map(({ message }) => message).join('\n'))
    this.faults = faults
  }
}

export interface ClientFault {
  readonly field: 'id' | ClientField
  readonly message: string
}

/**
 * @param client as it would be
 * @param changed what else it is, is not judged: a setting of the service may have become shorter since
 * @throws {InvalidClient} all that is wrong, at once
 */
export function checkClient(client: Client, changed: readonly ClientField[], service: ServiceLifetimes): void {
  const ofId: ClientFault[] = /^[\w.:-]{1,100}$/.test(client.id)
    ? []
    : [{ field: 'id', message: 'an id has letters, digits and . _ : - only, at most 100 of them' }]
  const ofFields = clientFieldNames
    .filter((field) => changed.includes(field))
    .flatMap((field) => faultsOf(field, clientFields[field], client[field]))
  const ofLifetimes = ofFields.length > 0 ? [] : lifetimeFaults(client, changed, service)
  const faults = [...ofId, ...ofFields, ...ofLifetimes]
  if (faults.length > 0) throw new InvalidClient(faults)
}

/** What is good is what could have been written: as a text it gives the same value. */
function faultsOf<Value>(field: ClientField, { kind, unset, option }: FieldRules<Value>, value: Value): ClientFault[] {
  const isUnset = JSON.stringify(value) === JSON.stringify(unset)
  if (isUnset || value == null) return isUnset ? [] : [{ field, message: `${nameOf(option)} must have a value` }]
  try {
    kind.parse(kind.show(value))
    return []
  } catch (error) {
    if (!(error instanceof InvalidValue)) throw error
    return error.problems.map((problem) => ({ field, message: `${nameOf(option)} ${problem}` }))
  }
}

/** Of `access-ttl <duration>`, how the command line calls it. */
export const nameOf = (option: string): string => option.split(' ', 1)[0] ?? ''

type Lifetime = keyof ServiceLifetimes

/**
 * Feed, retired keys and memory remember for as long as HALLPASS_ACCESS_TTL says, so no access token may live
 * longer. A life that is not the client's own gives way to a shorter one around it.
 */
function lifetimeFaults(client: Client, changed: readonly ClientField[], service: ServiceLifetimes): ClientFault[] {
  const absolute = client.absoluteTtl ?? service.absoluteTtl
  const idle = client.idleTtl ?? Math.min(service.idleTtl, absolute)
  const rules: readonly (readonly [Lifetime, number, Lifetime, string])[] = [
    ['accessTtl', service.accessTtl, 'accessTtl', 'raise HALLPASS_ACCESS_TTL, and shorten it for the other clients'],
    ['accessTtl', idle, 'idleTtl', 'change one of them'],
    ['idleTtl', absolute, 'absoluteTtl', 'change one of them'],
  ]
  return rules.flatMap(([field, most, limit, way]) => {
    const life = client[field]
    const isConcerned = changed.includes(field) || changed.includes(limit)
    if (!isConcerned || life == null || life <= most) return []
    const around = field === limit || client[limit] == null ? `the service's ${SETTINGS[limit]}` : OPTIONS[limit]
    const message = `${OPTIONS[field]} must not be longer than ${around}: ${showDuration(life)} is more than ${showDuration(most)}; ${way}`
    return [{ field, message }]
  })
}

const OPTIONS: Record<Lifetime, string> = {
  accessTtl: nameOf(clientFields.accessTtl.option),
  idleTtl: nameOf(clientFields.idleTtl.option),
  absoluteTtl: nameOf(clientFields.absoluteTtl.option),
}

const SETTINGS: Record<Lifetime, string> = {
  accessTtl: clientFields.accessTtl.otherwise,
  idleTtl: clientFields.idleTtl.otherwise,
  absoluteTtl: clientFields.absoluteTtl.otherwise,
}
