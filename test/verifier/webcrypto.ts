/** Standing before WebCrypto for the time of some work: to count what is asked of it, or to hold it up. */
export async function beforeCrypto(
  method: 'verify' | 'importKey',
  before: (format: unknown) => void | Promise<void>,
  work: () => Promise<void>,
): Promise<void> {
  const { subtle } = crypto
  const itself = subtle[method] as (...given: unknown[]) => Promise<unknown>
  const value = async (...given: unknown[]): Promise<unknown> => {
    await before(given[0])
    return itself.apply(subtle, given)
  }
  Object.defineProperty(subtle, method, { value, configurable: true })
  try {
    await work()
  } finally {
    Reflect.deleteProperty(subtle, method)
  }
}
