/** The one verifier of an API. It is made once, and follows the feed from then on. */
import { createVerifier } from 'hallpass/verifier'

const { HALLPASS_ISSUER = '', HALLPASS_KEY_ID = '', HALLPASS_KEY = '' } = process.env

export const verifier = createVerifier({
  issuer: HALLPASS_ISSUER,
  audience: HALLPASS_ISSUER, // what HALLPASS_AUDIENCE says; by default the issuer
  apiKey: { id: HALLPASS_KEY_ID, key: HALLPASS_KEY },
  onFailure: console.warn,
})
