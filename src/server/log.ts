import { pino, type Logger } from 'pino'

/**
 * JSON lines on standard output. What is logged is chosen field by field; `redact` is the net below.
 * @param level LOG_LEVEL
 */
export const createLog = (level: string): Logger =>
  pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: [
      '*.password',
      '*.token',
      '*.refresh_token',
      '*.access_token',
      '*.secret',
      '*.email',
      '*.headers',
      '*.body',
    ],
  })
