/** A webhook's URL as it may be shown anywhere: without its query, which may hold a secret. */
export function shownUrl(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}
