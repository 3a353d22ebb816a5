/** What fleet.ts says of a session, for programs that know it only as a number in SQL. */
import { FIRST_MADE } from './fleet.ts'

/** @param number an expression of type bigint */
export const userIdInSql = (number: string): string => idInSql('user', number)
export const sessionIdInSql = (number: string): string => idInSql('session', number)
export const secretHashInSql = (number: string): string => `sha256(sha256(convert_to('secret ' || ${number}, 'UTF8')))`

function idInSql(kind: string, number: string): string {
  const random = `encode(sha256(convert_to('${kind} ' || ${number}, 'UTF8')), 'hex')`
  const time = `lpad(to_hex(${FIRST_MADE} + ${number}), 12, '0')`
  return `(${time} || '7' || substr(${random}, 1, 3) || '8' || substr(${random}, 4, 3) || substr(${random}, 7, 12))::uuid`
}
