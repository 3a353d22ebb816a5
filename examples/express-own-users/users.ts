/** The application's own user table. Here it is a Map; yours is a database. */
import { randomBytes, randomUUID, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

interface User {
  readonly id: string
  readonly name: string
  readonly salt: Buffer
  readonly hash: Buffer
}

const users = new Map<string, User>()

export async function addUser(name: string, password: string): Promise<User> {
  const salt = randomBytes(16)
  const user = { id: randomUUID(), name, salt, hash: await hashOf(password, salt) }
  users.set(name, user)
  return user
}

export async function checkPassword(name: string, password: string): Promise<User | null> {
  const user = users.get(name)
  // The same work for a name that nobody has, so that the time tells nothing.
  const hash = await hashOf(password, user?.salt ?? NOBODY)
  return user !== undefined && timingSafeEqual(hash, user.hash) ? user : null
}

const NOBODY = randomBytes(16)

const hashOf = (password: string, salt: Buffer): Promise<Buffer> =>
  promisify<string, Buffer, number, object, Buffer>(scrypt)(password, salt, 32, { N: 2 ** 15, maxmem: 2 ** 26 })
