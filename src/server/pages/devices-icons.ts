/** What kind of device it is, drawn. */
import type { DeviceType } from '../sessions/device-clues.ts'
import { html, type Html } from './html.ts'

/** @param name what those hear who cannot see it */
export const deviceIcon = (type: DeviceType, name: string): Html =>
  html`<svg class="kind" viewBox="0 0 24 24" role="img" aria-label="${name}">${SHAPES[type]}</svg>`

const SHAPES: Record<DeviceType, Html> = {
  desktop: html`<rect x="3.5" y="4.5" width="17" height="11.5" rx="1.75" /><path d="M12 16v3.5M8 19.75h8" />`,
  mobile: html`<rect x="7" y="3" width="10" height="18" rx="2.25" /><path d="M11 17.75h2" />`,
  tablet: html`<rect x="5" y="3" width="14" height="18" rx="2" /><path d="M11 17.75h2" />`,
  tv: html`<rect x="3" y="6.5" width="18" height="12" rx="1.75" /><path d="m8.5 2.75 3.5 3.5 3.5-3.5M8 21.25h8" />`,
  console: html`<path
    d="M7.5 7.5h9a4.5 4.5 0 0 1 4.4 3.6l.7 3.6a2.3 2.3 0 0 1-4 2L15.5 14.5h-7l-2.1 2.2a2.3 2.3 0 0 1-4-2l.7-3.6a4.5 4.5 0 0 1 4.4-3.6ZM8.25 9.5v3M6.75 11h3M15.5 11h.1M17.25 9.75h.1"
  />`,
  wearable: html`<rect x="6.75" y="6.5" width="10.5" height="11" rx="2.5" /><path
      d="M9 6.5 9.6 3h4.8l.6 3.5M9 17.5l.6 3.5h4.8l.6-3.5M12 10v2.25l1.5 1"
    />`,
  bot: html`<rect x="3.5" y="4.5" width="17" height="15" rx="2" /><path d="m7.5 9.5 3 2.5-3 2.5M12.5 15h4" />`,
  unknown: html`<rect x="3.5" y="4.5" width="17" height="15" rx="2" /><path
      d="M9.75 10a2.25 2.25 0 1 1 3.4 1.95c-.75.45-1.15.8-1.15 1.55m0 2.4v.1"
    />`,
}
