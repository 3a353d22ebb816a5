/** A server that does nothing: what node:http costs. */
import { createServer } from 'node:http'
import { ANSWER } from './answer.ts'

const body = JSON.stringify(ANSWER)

createServer((request, response) => {
  request.resume()
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}).listen(Number(process.env['PORT']), '127.0.0.1')
process.once('SIGTERM', () => process.exit())
