/**
 * What people are told about the device behind a session. Nothing here is proof: every word comes
 * from the client, and serves the owner to recognise a device, never us to trust one.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { type ClientHints, cluesFromHints } from './client-hints.ts'
import { type DeviceClues, type DeviceType, type NameAndVersion, NO_CLUES } from './device-clues.ts'
import { displayText } from './display-text.ts'
import { cluesFromHallpassClient } from './hallpass-client.ts'
import { systemLabel, usualDeviceType } from './operating-system.ts'
import { cluesFromUserAgent, USER_AGENT_MAX } from './user-agent.ts'

/** Null is "not known". No text holds control or bidi override characters. */
export interface Device {
  /** What the app or the person called it; at most 100 characters. Shown in place of the label where there is one. */
  name: string | null
  /** "Chrome on Windows 11", "Acme 2.3.1 on Pixel 8", "Unknown device"; at most 128 characters, independent of `name`. */
  label: string
  type: DeviceType
  /** What speaks HTTP: a browser, or a library such as okhttp. Names at most 48 characters, versions 24. */
  browser: NameAndVersion
  os: NameAndVersion
  /** At most 48 characters. */
  model: string | null
  app: NameAndVersion
}

/** What a sign-in says about its device. */
export interface DeviceEvidence {
  /** At most 512 characters, empty when none was sent. */
  readonly userAgent: string
  readonly hints: ClientHints
  /** The `Hallpass-Client` header, see hallpass-client.ts. */
  readonly hallpassClient: string | undefined
  readonly deviceName: string | null
}

/**
 * The value of `Accept-CH` (RFC 8942): the hints that browsers do not send unasked. They heed it on
 * a page that they navigate to over https, and send the hints to that page's origin from then on; on
 * the answer to a fetch it does nothing.
 */
export const ACCEPT_CH =
  'Sec-CH-UA-Full-Version-List, Sec-CH-UA-Platform-Version, Sec-CH-UA-Model, Sec-CH-UA-Form-Factors'

/** All that is read of a request. Whoever tells requests apart by their device (seen.ts) has to look at the same. */
export const DEVICE_HEADERS = [
  'user-agent',
  'sec-ch-ua',
  'sec-ch-ua-full-version-list',
  'sec-ch-ua-platform',
  'sec-ch-ua-platform-version',
  'sec-ch-ua-model',
  'sec-ch-ua-mobile',
  'sec-ch-ua-form-factors',
  'hallpass-client',
] as const

/** @param deviceName the request's `device_name`, as it came */
export const deviceEvidence = (headers: IncomingHttpHeaders, deviceName: string | null): DeviceEvidence => {
  const header = (name: (typeof DEVICE_HEADERS)[number]): string | undefined => {
    const value = headers[name]
    return typeof value === 'string' ? value : undefined
  }
  return {
    userAgent: displayText(header('user-agent'), USER_AGENT_MAX) ?? '',
    hints: {
      brands: header('sec-ch-ua'),
      fullVersionList: header('sec-ch-ua-full-version-list'),
      platform: header('sec-ch-ua-platform'),
      platformVersion: header('sec-ch-ua-platform-version'),
      model: header('sec-ch-ua-model'),
      mobile: header('sec-ch-ua-mobile'),
      formFactors: header('sec-ch-ua-form-factors'),
    },
    hallpassClient: header('hallpass-client'),
    deviceName,
  }
}

/** The app's own words win over client hints, and those over the User-Agent. Never throws. */
export const describeDevice = (evidence: DeviceEvidence): Device => {
  const app = cluesFromHallpassClient(evidence.hallpassClient)
  const agent = cluesFromUserAgent(evidence.userAgent)
  // What a crawler hints belongs to the phone that it dresses up as.
  const hints = agent.type === 'bot' ? NO_CLUES : cluesFromHints(evidence.hints)
  const os = combined(app.os, hints.os, agent.os)
  const device = {
    type: typeOf(app, hints, agent) ?? usualDeviceType(os.name) ?? 'unknown',
    browser: browserOf(hints.browser, agent.browser),
    os,
    model: app.model ?? hints.model ?? agent.model,
    app: combined(app.app, agent.app),
  }
  return { name: displayText(evidence.deviceName, 100), label: labelOf(device, agent.family), ...device }
}

/** The first that has a name; a version from whoever means the same, the most exact one. */
const combined = (...sources: NameAndVersion[]): NameAndVersion => {
  const name = sources.find((source) => source.name !== null)?.name ?? null
  let version: string | null = null
  for (const source of sources) {
    if (source.name !== name || source.version === null) continue
    if (version === null || source.version.startsWith(`${version}.`)) version = source.version
  }
  return { name, version }
}

const typeOf = (app: DeviceClues, hints: DeviceClues, agent: DeviceClues): DeviceType | null => {
  if (app.type !== null) return app.type
  // "Mobile" is all that hints say of a headset; the User-Agent may know better.
  return hints.type === null || hints.type === 'mobile' ? (agent.type ?? hints.type) : hints.type
}

const browserOf = (hinted: NameAndVersion, parsed: NameAndVersion): NameAndVersion => {
  // An app on the bare engine (Electron) names itself only in the User-Agent.
  const engineOnly = hinted.name === 'Chromium' && parsed.name !== null && parsed.name !== 'Chrome'
  return engineOnly ? parsed : combined(hinted, parsed)
}

const labelOf = (device: Omit<Device, 'name' | 'label'>, family: string | null): string => {
  const { app, browser, os, model } = device
  const program = app.name === null ? browser.name : [app.name, app.version].filter((part) => part !== null).join(' ')
  const place = model ?? systemLabel(os) ?? family
  return [program, place].filter((part) => part !== null).join(' on ') || 'Unknown device'
}
