/** Requests as bytes: a head that is made once for its kind, and what is different in each. */
import { DEVICE_HEADERS } from './device.ts'

/** @returns the part of the head that every request of its kind has; further lines and a body may follow */
export function headOf(method: string, path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ host: 'localhost', ...DEVICE_HEADERS, ...headers })
  return `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}`
}

export const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
export const JSON_BODY = { 'content-type': 'application/json' }

/** @param body in ASCII */
export const withBody = (head: string, body: string): string => `${head}content-length: ${body.length}\r\n\r\n${body}`

export const withoutBody = (head: string): string => `${head}\r\n`
