import { createClient } from 'hallpass/client'

export const client = createClient({
  issuer: 'https://auth.example.com',
  transport: 'cookie',
  apis: ['https://api.example.com'],
})
