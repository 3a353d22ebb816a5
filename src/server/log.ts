import { pino, type Logger } from 'pino'

/** What several workers write into one pipe stays whole up to here (PIPE_BUF of Linux). Bytes. */
const WHOLE_LINES = 4_096

/**
 * JSON lines on standard output, which are written while the service goes on: nobody waits for a slow terminal, and
 * many lines are one write when there is much to do. An exit writes what is left.
 * What is logged is chosen field by field; `redact` is the net below.
 * @param level LOG_LEVEL
 * @param worker in each line, where several workers write to one output
 */
export const createLog = (level: string, worker?: number): Logger =>
  pino(
    {
      level,
      base: worker === undefined ? null : { worker },
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
    ...(level === 'silent' ? [] : [pino.destination({ dest: 1, sync: false, maxWrite: WHOLE_LINES })]),
  )
