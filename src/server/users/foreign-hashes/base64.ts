/** Whichever alphabet it is written in: the standard one, the one of URLs, or passlib's with `.` for `+`. */
export const readBase64 = (text: string): Buffer => Buffer.from(text.replaceAll('.', '+'), 'base64')

/** Long enough that nothing matches by chance. */
export const isTag = (bytes: Buffer): boolean => bytes.length >= 16 && bytes.length <= 128
