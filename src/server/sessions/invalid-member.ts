/** What cannot be in a request; `pointer` (RFC 6901) says where, by the names of the HTTP contract. */
export class InvalidMember extends Error {
  override readonly name: string = 'InvalidMember'
  readonly pointer: string
  readonly code: string

  constructor(pointer: string, code: string) {
    super(`${pointer.slice(1)}: ${code}`)
    this.pointer = pointer
    this.code = code
  }
}
