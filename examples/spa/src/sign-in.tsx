/** The form to sign in, and why it is shown. */
import { useActionState, type ReactNode } from 'react'
import { client, HALLPASS, pageOf } from './hallpass.ts'
import { Fault } from './fault.tsx'
import { whatWentWrong } from './words.ts'

interface Attempt {
  readonly email: string
  readonly fault: string | null
}

async function attempt(_before: Attempt, form: FormData): Promise<Attempt> {
  const email = form.get('email') as string
  const password = form.get('password') as string
  try {
    await client.signIn({ email, password }, { remember: form.has('remember') })
    return { email, fault: null } // and the state of the session shows another view
  } catch (error) {
    return { email, fault: whatWentWrong(error) }
  }
}

/** @param why nobody is signed in, if there is anything to say about it */
export function SignIn({ why }: { readonly why: string | null }): ReactNode {
  const [{ email, fault }, signIn, isPending] = useActionState(attempt, { email: '', fault: null })
  return (
    <main className="narrow">
      <h1>Sign in to Postcards</h1>
      {why !== null && (
        <p className="notice" role="status">
          {why}
        </p>
      )}
      <form action={signIn}>
        <Fault>{fault}</Fault>
        <label htmlFor="email">E-mail address</label>
        <input id="email" name="email" type="email" autoComplete="username" required defaultValue={email} />
        <div className="sides">
          <label htmlFor="password">Password</label>
          <a href={`${HALLPASS}/reset`}>Forgot your password?</a>
        </div>
        <input id="password" name="password" type="password" autoComplete="current-password" required />
        <label className="check">
          <input name="remember" type="checkbox" defaultChecked /> Keep me signed in
        </label>
        <button disabled={isPending}>{isPending ? 'One moment…' : 'Sign in'}</button>
      </form>
      <p className="aside">
        New here? <a href={pageOf('/sign-up')}>Create an account</a>
      </p>
    </main>
  )
}
