/** Puts a mail into words: subject, plain text and HTML, from the templates. */
import { join } from 'node:path'
import { displayText } from '../sessions/display-text.ts'
import type { Mail } from './mail.ts'
import { proofread } from './proofread.ts'
import { createTemplates } from './templates.ts'
import { mailVariables } from './variables.ts'

export interface RenderedMail {
  readonly subject: string
  readonly text: string
  readonly html: string
}

export type RenderMail = (mail: Mail) => RenderedMail

/**
 * @param name what people know the service by
 * @param issuer its public URL
 * @param templatesDirectory an operator's own templates, any of which takes the place of ours; or null
 * @throws for a template that cannot be read or rendered, so call it at the start
 */
export function createRenderMail({
  name,
  issuer,
  templatesDirectory,
}: {
  name: string
  issuer: string
  templatesDirectory: string | null
}): RenderMail {
  const sender = { name: displayText(name, 100) ?? new URL(issuer).host, issuer }
  const directories = [...(templatesDirectory === null ? [] : [templatesDirectory]), OURS]
  const texts = createTemplates({ kind: 'txt', directories })
  const pages = createTemplates({ kind: 'html', directories })

  const render: RenderMail = (mail) => {
    const { purpose, locale } = mail
    const written = texts.render(purpose, locale, (language) => mailVariables(sender, mail, language))
    const { subject, text } = separateSubject(written, purpose)
    const html = pages.render(purpose, locale, (language) => ({ ...mailVariables(sender, mail, language), subject }))
    return { subject, text, html: html.trim() + '\n' }
  }

  // Ours are tried by tests, and not at every start.
  if (templatesDirectory !== null) proofread(render, [...new Set([...texts.languages, ...pages.languages])])
  return render
}

const OURS = join(import.meta.dirname, 'templates')

/** The first line of the plain text is the subject, so that whoever translates a mail finds it there. */
const separateSubject = (written: string, purpose: string): { subject: string; text: string } => {
  const [, line, rest = ''] = /^\s*Subject:([^\n]*)([^]*)$/.exec(written) ?? []
  const subject = displayText(line, 200)
  if (subject === null) throw new Error(`The text of the mail ${purpose} does not begin with a line "Subject: ..."`)
  return {
    subject,
    text:
      rest
        .replaceAll(/[ \t]+$/gm, '')
        .replaceAll(/\n{3,}/g, '\n\n')
        .trim() + '\n',
  }
}
