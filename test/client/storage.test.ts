import { expect } from 'chai'
import { memoryStorage, webStorage } from 'hallpass/client'

describe('A storage that comes with the client', () => {
  afterEach(() => void Reflect.deleteProperty(globalThis, 'localStorage'))

  /** What a browser grants a page. */
  function grant(more: object = {}): Map<string, string> {
    const items = new Map<string, string>()
    const localStorage = {
      getItem: (name: string) => items.get(name) ?? null,
      setItem: (name: string, value: string) => void items.set(name, value),
      removeItem: (name: string) => void items.delete(name),
      ...more,
    }
    Object.defineProperty(globalThis, 'localStorage', { value: localStorage, configurable: true })
    return items
  }

  const keeps = async (storage: ReturnType<typeof memoryStorage>): Promise<void> => {
    expect((await storage.read()) || null).to.equal(null)
    await storage.write('one')
    await storage.write('other')
    expect(await storage.read()).to.equal('other')
    await storage.write(null)
    expect((await storage.read()) || null).to.equal(null)
  }

  it('in memory keeps what was written last, for itself', async () => {
    await keeps(memoryStorage())
    const [one, other] = [memoryStorage(), memoryStorage()]
    await one.write('x')
    expect(await other.read()).to.equal(null)
    expect(one.name).to.equal(undefined)
  })

  it('of a browser is what all tabs share, under its name', async () => {
    const items = grant()
    await keeps(webStorage('ours'))
    await webStorage('ours').write('x')
    expect(items.get('ours')).to.equal('x')
    expect(await webStorage('ours').read()).to.equal('x')
    expect((await webStorage('others').read()) || null).to.equal(null)
    expect(webStorage('ours').name).to.equal('ours')
  })

  for (const [name, more] of Object.entries({
    'that grants nothing': {
      setItem() {
        throw new DOMException('', 'QuotaExceededError')
      },
    },
    'that has none': null,
  })) {
    it(`of a browser ${name} is in memory`, async () => {
      if (more !== null) grant(more)
      await keeps(webStorage('ours'))
      expect(webStorage('ours').name).to.equal(undefined)
    })
  }

  it('of a browser that forbids even looking is in memory', async () => {
    Object.defineProperty(globalThis, 'localStorage', {
      get() {
        throw new DOMException('', 'SecurityError')
      },
      configurable: true,
    })
    await keeps(webStorage('ours'))
  })
})
