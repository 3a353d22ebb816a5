/** How long a process takes to stop. Beside what serves, since the primary of several workers loads nothing of that. */

/** Kubernetes and systemd wait longer before they kill. Milliseconds. */
export const STOP_WITHIN = 10_000
/** What an orchestrator's load balancer needs to notice. Milliseconds. */
const LINGER = 1_000

/** How long new requests are still served after a signal: a person at the keyboard waits for nobody. Milliseconds. */
export const lingerAfter = (signal: string | undefined): number => (signal === 'SIGTERM' ? LINGER : 0)
