/** Every scenario there is, by name; what it is told comes from another process, so it is plain data. */
import type { Scenario } from '../scenario.ts'
import { refresh } from './refresh.ts'

const SCENARIOS = { refresh }

export type ScenarioName = keyof typeof SCENARIOS

export type ScenarioSpec = {
  [Name in ScenarioName]: { readonly name: Name; readonly options: Parameters<(typeof SCENARIOS)[Name]>[0] }
}[ScenarioName]

export const createScenario = ({ name, options }: ScenarioSpec): Scenario => SCENARIOS[name](options)
