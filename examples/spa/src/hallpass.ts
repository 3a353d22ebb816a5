/** The one client of this page, and where it finds whom it speaks to. */
import { createClient } from 'hallpass/client'

export const HALLPASS = import.meta.env.VITE_HALLPASS ?? 'http://localhost:3000'
export const API = import.meta.env.VITE_API ?? 'http://localhost:8080'

export const client = createClient({ issuer: HALLPASS, transport: 'cookie', apis: [API] })

/** A page of the service itself, from which people come back here. */
export const pageOf = (path: string): string => `${HALLPASS}${path}?return_to=${encodeURIComponent(location.href)}`
