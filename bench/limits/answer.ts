/** As long as the answer to a refresh. */
export const ANSWER = {
  access_token: 'a'.repeat(520),
  token_type: 'Bearer',
  expires_in: 300,
  refresh_token: 'r'.repeat(120),
  refresh_expires_in: 2_592_000,
  session_id: '0'.repeat(36),
}
