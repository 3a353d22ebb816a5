/** A page around a client, as far as clients look at one: whether somebody sees it, and what happens to it. */
import { getEventListeners } from 'node:events'

export interface FakePage {
  /** Somebody comes back, or leaves. */
  show(isVisible: boolean): void
  /** `online`, `pageshow`. */
  fire(type: string): void
  /** How many listen to what happens to it. */
  listeners(): number
}

const EVENTS = ['visibilitychange', 'pageshow', 'online']
const NAMES = ['document', 'addEventListener', 'removeEventListener']

/** For the stories of this `describe`; each begins with a page that is visible. */
export function useFakePage(): FakePage {
  let document: { visibilityState: string }
  let window: EventTarget

  beforeEach(() => {
    document = { visibilityState: 'visible' }
    window = new EventTarget()
    Object.assign(globalThis, {
      document,
      addEventListener: window.addEventListener.bind(window),
      removeEventListener: window.removeEventListener.bind(window),
    })
  })

  afterEach(() => {
    for (const name of NAMES) Reflect.deleteProperty(globalThis, name)
  })

  const fire = (type: string): void => void window.dispatchEvent(new Event(type))
  return {
    fire,
    show(isVisible) {
      document.visibilityState = isVisible ? 'visible' : 'hidden'
      fire('visibilitychange')
    },
    listeners: () => EVENTS.reduce((sum, type) => sum + getEventListeners(window, type).length, 0),
  }
}
