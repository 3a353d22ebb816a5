import type { Config } from './config.ts'

/** For whoever started it by hand: where it is, where data goes, and what to try. */
export function welcome(config: Config, port: number): void {
  if (process.stdout.isTTY || config.databaseUrl === null) process.stdout.write(textOf(config, port))
}

function textOf(config: Config, port: number): string {
  const url = `http://${config.host === '0.0.0.0' || config.host === '::' ? 'localhost' : config.host}:${port}`
  const data = config.databaseUrl === null ? config.dataDir : 'the PostgreSQL database in DATABASE_URL'
  const mail =
    config.smtpUrl === null ? `  Mail is kept too: ${url.replace('127.0.0.1', 'localhost')}/dev/mailbox\n` : ''
  const json = "-H 'Content-Type: application/json'"
  const account = `'{"email":"ada@example.com","password":"correct horse battery"}'`
  return `
  Hallpass is listening on ${url}
  Data is kept in ${data}
${mail}
  Try it:
    curl ${url}/v1/users ${json} -d ${account}
    curl ${url}/v1/sessions ${json} -d ${account}
    curl ${url}/oauth/token -d grant_type=refresh_token -d refresh_token=<the refresh_token of that answer>

`
}
