import { pino, type Logger } from 'pino'

/**
 * JSON lines on standard output, which are written while the service goes on: nobody waits for a slow terminal, and
 * many lines are one write when there is much to do. An exit writes what is left. What is logged is chosen field by field; `redact` is the net below.
 * @param level LOG_LEVEL
 */
export const createLog = (level: string): Logger =>
  pino(
    {
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
    },
    ...(level === 'silent' ? [] : [pino.destination({ dest: 1, sync: false })]),
  )
