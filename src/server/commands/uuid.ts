import { InvalidArgumentError } from 'commander'
import { validate as isUuid } from 'uuid'

export function uuid(text: string): string {
  if (!isUuid(text))
    throw new InvalidArgumentError('It is not an id, which reads like 01890a5d-ac96-774b-bcce-b302099a8057.')
  return text
}
