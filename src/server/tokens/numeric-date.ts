/** NumericDate (RFC 7519 section 2), whole: the only precision in which times of tokens are compared. */
export const toSeconds = (time: Date): number => Math.floor(time.getTime() / 1000)
