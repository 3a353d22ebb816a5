/** A GeoIP database as operators have them, written as the MaxMind DB format 2.0 says; small, and of invented places. */
import ipaddr from 'ipaddr.js'

export interface KnownPlace {
  readonly network: string
  readonly city?: string
  readonly country: string
  readonly code: string
}

/** A node's two sides: another node, a place, or nothing. */
type Side = Node | { readonly data: number } | null
type Node = { sides: [Side, Side] }

/** @param ipVersion 6 knows IPv4 addresses too, as the first 2^32 of all; 4 knows nothing else */
export function geoipDatabase(places: readonly KnownPlace[], ipVersion: 4 | 6 = 6): Buffer {
  const root: Node = { sides: [null, null] }
  const records: Buffer[] = []
  let size = 0
  for (const { network, ...place } of places) {
    put(root, bitsOf(network, ipVersion), size)
    const record = encode(recordOf(place))
    records.push(record)
    size += record.length
  }
  const nodes = inOrder(root)
  return Buffer.concat([
    ...nodes.map((node) => Buffer.concat(node.sides.map((side) => pointer(side, nodes)))),
    Buffer.alloc(16),
    ...records,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    encode({
      binary_format_major_version: 2,
      binary_format_minor_version: 0,
      build_epoch: 1_767_225_600,
      database_type: 'Test-City',
      ip_version: ipVersion,
      node_count: nodes.length,
      record_size: 24,
    }),
  ])
}

const recordOf = ({ city, country, code }: Omit<KnownPlace, 'network'>): object => ({
  ...(city === undefined ? {} : { city: { names: { de: `${city} (de)`, en: city } } }),
  country: { iso_code: code, names: { de: `${country} (de)`, en: country } },
})

function bitsOf(network: string, ipVersion: 4 | 6): number[] {
  const [address, length] = ipaddr.parseCIDR(network)
  const bits = address.toByteArray().flatMap((byte) => [7, 6, 5, 4, 3, 2, 1, 0].map((shift) => (byte >> shift) & 1))
  const isPadded = address.kind() === 'ipv4' && ipVersion === 6
  return [...Array.from({ length: isPadded ? 96 : 0 }, () => 0), ...bits.slice(0, length)]
}

function put(root: Node, bits: readonly number[], data: number): void {
  let node = root
  for (const bit of bits.slice(0, -1)) {
    const next = node.sides[bit]
    const below: Node = next && 'sides' in next ? next : { sides: [null, null] }
    node.sides[bit === 0 ? 0 : 1] = below
    node = below
  }
  node.sides[bits.at(-1) === 0 ? 0 : 1] = { data }
}

function inOrder(root: Node): Node[] {
  const nodes = [root]
  for (const node of nodes) for (const side of node.sides) if (side && 'sides' in side) nodes.push(side)
  return nodes
}

/** 24 bits: a node's number, or beyond all of them a place in the data, or just their count for nothing. */
function pointer(side: Side, nodes: readonly Node[]): Buffer {
  const value = side === null ? nodes.length : 'data' in side ? nodes.length + 16 + side.data : nodes.indexOf(side)
  return Buffer.from([value >> 16, (value >> 8) & 255, value & 255])
}

/** Maps, texts and whole numbers. */
function encode(value: object | string | number): Buffer {
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    return Buffer.concat([control(2, text.length), text])
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(6, 4), bytes])
  }
  const members = Object.entries(value) as [string, object | string | number][]
  return Buffer.concat([
    control(7, members.length),
    ...members.flatMap(([name, member]) => [encode(name), encode(member)]),
  ])
}

const control = (type: number, size: number): Buffer =>
  size < 29 ? Buffer.from([(type << 5) | size]) : Buffer.from([(type << 5) | 29, size - 29])
