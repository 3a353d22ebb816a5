/** One attempt to deliver one message, and how it ended. */
import type { Message } from './message.ts'

export interface Outcome {
  /** Of the answer; null where there was none. */
  readonly status: number | null
  /** Null for a success, else a word. It quotes nothing that was answered. */
  readonly failure: string | null
  /** Milliseconds. */
  readonly duration: number
}

/** Milliseconds. */
export const PATIENCE = 15_000
/** Of an answer: enough for those who say something, so that the connection can be used again. Bytes. */
const LONGEST_ANSWER = 16 * 1024

/**
 * Never rejects. Redirects are not followed: a signed message is for the address that was given.
 * @param stopping gives it up when the process ends
 */
export async function post(
  url: string,
  { headers, body }: Message,
  { stopping, patience = PATIENCE }: { stopping: AbortSignal; patience?: number },
): Promise<Outcome> {
  const began = performance.now()
  const end = (status: number | null, failure: string | null): Outcome => ({
    status,
    failure,
    duration: Math.round(performance.now() - began),
  })
  const late = AbortSignal.timeout(patience)
  try {
    const signal = AbortSignal.any([late, stopping])
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    await skim(response)
    return end(response.status, failureOfStatus(response.status))
  } catch (error) {
    return end(null, late.aborted ? 'timeout' : failureOfConnection(error))
  }
}

/** What was decided by the status stays so, whatever becomes of the rest. */
async function skim({ body }: Response): Promise<void> {
  let length = 0
  try {
    for await (const chunk of body ?? []) {
      length += chunk.byteLength
      if (length > LONGEST_ANSWER) return
    }
  } catch {
    // it ended early, or took too long
  }
}

function failureOfStatus(status: number): string | null {
  if (status >= 200 && status < 300) return null
  if (status >= 300 && status < 400) return 'redirect'
  return status === 410 ? 'gone' : 'status'
}

/** `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, ...: the code says it; the message may name the URL. */
function failureOfConnection(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^\w{1,60}$/.test(code) ? code : 'network'
}
