import type { Client, SessionState } from 'hallpass/client'

/** Shows what is true now, and whatever is true later. @returns to stop that */
export function follow(client: Client, show: (words: string) => void): () => void {
  const tell = (state: SessionState): void => show(inWords(state))
  tell(client.state)
  return client.onChange(tell)
}

function inWords(state: SessionState): string {
  switch (state.status) {
    case 'signed_in':
      return 'Welcome back.'
    case 'signed_out':
      return state.message ?? 'Please sign in.' // "You signed this device out from Firefox on Linux, on …"
    case 'unknown':
      return state.because === 'starting' ? 'One moment …' : 'You seem to be offline. We go on as soon as you are back.'
  }
}
