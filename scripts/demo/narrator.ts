/** Tells on the terminal what happens, in aligned lines; in colours only where somebody sees them. */
import { styleText } from 'node:util'

export interface Narrator {
  scene(title: string): void
  /** @param who is doing it, or what it is about */
  line(who: string, what: string): void
}

const COLUMN = 10

export const createNarrator = (): Narrator => ({
  scene: (title) => write(`\n${styleText('bold', title)}\n`),
  line: (who, what) => write(`  ${styleText('cyan', who.padEnd(COLUMN))}${what}\n`),
})

/** All tokens of a session begin alike: the end tells them apart. */
export const abbreviated = (token: string): string =>
  `${token.startsWith('hprt_') ? 'hprt_' : token.slice(0, 6)}…${token.slice(-6)}`

/** Seconds, as a person says them. */
export const inMinutes = (seconds: number): string =>
  [Math.floor(seconds / 60), seconds % 60]
    .map((count, index) => (count === 0 ? '' : `${count} ${index === 0 ? 'min' : 's'}`))
    .filter((part) => part !== '')
    .join(' ') || '0 s'

const write = (text: string): void => void process.stdout.write(text)
