import { type Client, HallpassError } from 'hallpass/client'

export async function fetchOrders(client: Client, api: string): Promise<unknown> {
  try {
    const response = await client.fetch(`${api}/orders`)
    return response.ok ? await response.json() : null
  } catch (error) {
    // No token can be had now, so nothing was sent. Nobody is signed out by that.
    if (error instanceof HallpassError && error.code === 'unavailable') return 'offline'
    throw error
  }
}
