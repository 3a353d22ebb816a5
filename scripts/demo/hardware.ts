/** The two devices, with the headers that such devices really send. */
import type { Transport } from './device.ts'

export interface Hardware {
  /** How the demo calls it. */
  readonly name: string
  readonly headers: Readonly<Record<string, string>>
  readonly transport: Transport
  /** What the app calls the device. */
  readonly deviceName: string | null
  /** What Hallpass has to make of it. */
  readonly label: string
  readonly type: string
}

/** An Android app: its HTTP library says nothing of use, so the app says it itself. */
export const PHONE: Hardware = {
  name: 'phone',
  headers: {
    'user-agent': 'okhttp/4.12.0',
    'hallpass-client': '"Postcards"; version="2.3.1"; os="Android"; os-version="15"; model="Pixel 8"; type=mobile',
  },
  transport: 'body',
  deviceName: 'Ada’s phone',
  label: 'Postcards 2.3.1 on Pixel 8',
  type: 'mobile',
}

/** Chrome on Windows 11, whose User-Agent still says Windows 10: only the client hints know better. */
export const LAPTOP: Hardware = {
  name: 'laptop',
  headers: {
    'user-agent':
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
    'sec-ch-ua': '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"',
    'sec-ch-ua-full-version-list':
      '"Chromium";v="142.0.7444.60", "Google Chrome";v="142.0.7444.60", "Not_A Brand";v="99.0.0.0"',
    'sec-ch-ua-mobile': '?0',
    'sec-ch-ua-model': '""',
    'sec-ch-ua-platform': '"Windows"',
    'sec-ch-ua-platform-version': '"19.0.0"',
    'sec-ch-ua-form-factors': '"Desktop"',
    'sec-fetch-site': 'same-origin',
  },
  transport: 'cookie',
  deviceName: null,
  label: 'Chrome on Windows 11',
  type: 'desktop',
}
