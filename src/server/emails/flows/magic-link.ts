import { paths } from '../../../protocol/paths.ts'
import type { EmailFlow } from '../flow.ts'

/** Signs in, or shows that it is still you; which of them, magic-links.ts sees to. */
export const magicLink: EmailFlow = {
  purpose: 'magic_link',
  resource: paths.magicLinks,
  page: paths.magicPage,
  lifetime: 10 * 60, // OWASP ASVS 6.5.5
  askedBy: 'anybody',
  isUsedByPut: false,
  takesPassword: false,
  isBoundToAddress: true,
  act: () => Promise.resolve(true),
}
