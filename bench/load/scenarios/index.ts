/** Every scenario there is, by name; what it is told comes from another process, so it is plain data. */
import type { Scenario } from '../scenario.ts'
import { betterAuth } from './better-auth.ts'
import { introspect } from './introspect.ts'
import { koaMikroOrm } from './koa-mikroorm.ts'
import { list } from './list.ts'
import { nothing } from './nothing.ts'
import { oidcProvider } from './oidc-provider.ts'
import { refresh } from './refresh.ts'
import { revoke } from './revoke.ts'
import { signIn } from './sign-in.ts'

const SCENARIOS = {
  refresh,
  list,
  revoke,
  introspect,
  'sign-in': signIn,
  'better-auth': betterAuth,
  'oidc-provider': oidcProvider,
  'koa-mikroorm': koaMikroOrm,
  nothing,
}

type ScenarioName = keyof typeof SCENARIOS

export type ScenarioSpec = {
  [Name in ScenarioName]: { readonly name: Name; readonly options: Parameters<(typeof SCENARIOS)[Name]>[0] }
}[ScenarioName]

export const createScenario = ({ name, options }: ScenarioSpec): Scenario =>
  (SCENARIOS[name] as (options: unknown) => Scenario)(options)
