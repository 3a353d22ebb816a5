/** Whatever a page throws is told in words, with the status and the headers that programs look at. */
import type { Context, Handler } from '../http/context.ts'
import { toProblem } from '../http/middleware/answer-errors.ts'
import type { Page, SendPage } from './document.ts'
import { html } from './html.ts'
import { texts } from './texts.ts'

/** The handler of a page, with errors answered as pages. They still reach the log. */
export const createInWords =
  (send: SendPage) =>
  (handler: (ctx: Context) => Promise<void>): Handler =>
  async (ctx) => {
    try {
      await handler(ctx)
    } catch (error) {
      ctx.state.failure = error
      const { status, code, headers } = toProblem(error)
      ctx.set(headers)
      const told = code === 'invalid_client' ? texts.unknownClient : wordsOn(status)
      send(ctx, failurePage(status, told, Number(headers['Retry-After'])))
    }
  }

export interface PassingRefusal {
  readonly status: number
  /** Shown with the form, which keeps what was entered. */
  readonly words: readonly string[]
}

/**
 * What passes by itself, with the headers that programs look at.
 * @throws the error again where waiting does not help
 */
export function waitInWords(ctx: Context, error: unknown): PassingRefusal {
  const { status, headers } = toProblem(error)
  if (status !== 429 && status !== 503) throw error
  ctx.state.failure = error
  ctx.set(headers)
  return { status, words: [texts.wait[status], texts.retryIn(Number(headers['Retry-After']))] }
}

type Failure = (typeof texts)['failures'][number]

const wordsOn = (status: number): Failure =>
  texts.failures[status] ?? texts.failures[status < 500 ? 400 : 500] ?? { title: '', paragraphs: [] }

function failurePage(status: number, { title, paragraphs }: Failure, retryAfter: number): Page {
  const hasToWait = status === 429 && retryAfter > 0
  return {
    status,
    title,
    sign: 'failed',
    body: html`${[...(hasToWait ? [texts.retryIn(retryAfter)] : []), ...paragraphs].map((each) => html`<p>${each}</p> `)}`,
  }
}
