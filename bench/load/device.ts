/** What every device of the load sends along: an app in a browser's clothes, as most are. */
export const DEVICE_HEADERS = {
  accept: 'application/json',
  'accept-language': 'en-GB,en;q=0.9',
  'user-agent':
    'Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36',
} as const
