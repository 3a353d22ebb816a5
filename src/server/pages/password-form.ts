import { readFileSync } from 'node:fs'

/** For pages whose form takes a password: it can be shown, and the form is sent once. */
export const PASSWORD_FORM = readFileSync(new URL('./password-form.client.js', import.meta.url), 'utf8')
