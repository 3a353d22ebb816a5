/** Pages as a browser asks for them, and what a person reads there. */
import { expect } from 'chai'

export interface HtmlAnswer {
  readonly status: number
  readonly headers: Headers
  readonly html: string
}

/** What browsers say of a form on our own page; `fetch` as it is here would say nothing. */
export const OUR_FORM = { 'sec-fetch-site': 'same-origin' }

export const openPage = (url: string, headers: Record<string, string> = {}): Promise<HtmlAnswer> =>
  fetch(url, { headers, redirect: 'manual' }).then(read)

export const submitForm = (
  url: string,
  fields: Record<string, string>,
  headers: Record<string, string> = OUR_FORM,
): Promise<HtmlAnswer> =>
  fetch(url, { method: 'POST', body: new URLSearchParams(fields), headers, redirect: 'manual' }).then(read)

const read = async (response: Response): Promise<HtmlAnswer> => ({
  status: response.status,
  headers: response.headers,
  html: await response.text(),
})

/** The page without its marks. */
export const wordsOf = ({ html }: HtmlAnswer): string =>
  html
    .slice(html.indexOf('<main>'), html.indexOf('</main>'))
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')

export function expectPage(answer: HtmlAnswer, status: number, heading: string): void {
  expect(/<h1>(.*?)<\/h1>/.exec(answer.html)?.[1]).to.equal(heading)
  expect(answer.status).to.equal(status)
  expect(answer.headers.get('content-type')).to.equal('text/html; charset=utf-8')
  expect(answer.headers.get('cache-control')).to.equal('no-store')
}

export function expectToGoOnTo({ status, headers, html }: HtmlAnswer, place: string): void {
  expect(headers.get('location')).to.equal(place)
  expect(status).to.equal(303)
  expect(headers.get('cache-control')).to.equal('no-store')
  expect(html).to.equal('')
}

/** What one directive of a page's Content-Security-Policy allows; undefined where it has none of that name. */
export const policyOf = ({ headers }: HtmlAnswer, directive: string): string | undefined =>
  headers
    .get('content-security-policy')
    ?.split('; ')
    .find((each) => each.startsWith(`${directive} `))
    ?.slice(directive.length + 1)
