/** Mocha's own report, closed by one line that a script can read. */
import Mocha from 'mocha'

export default class Reporter extends Mocha.reporters.Spec {
  override epilogue(): void {
    super.epilogue()
    const { passes, failures, pending } = this.stats
    process.stdout.write(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`)
  }
}
