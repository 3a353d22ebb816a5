/**
 * A figure that grows when something becomes dearer, and that says the same on a busy machine as on an idle one: what
 * can be counted, and processor time as a multiple of that of a yardstick, which never changes.
 */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** How much more than recorded is not yet worth a word: a share of it, above what nine measurements on a busy machine differed by. */
  readonly allowed: number
}
