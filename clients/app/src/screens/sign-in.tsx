/// Signs in: with address and password, and a code or passkey where the account has one; with a passkey alone; or on the server's pages.
import { HiveError } from '@pantherahive/client'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { client } from '../data/session'
import {
  beginSignIn,
  hasPasskeys,
  hasServerPages,
  loadConfig,
  refusal,
  signInWithPasskey,
  type SignInConfig,
} from '../data/sign-in'
import { Hexagon } from '../ui/frame'
import { useTitle } from '../ui/states'

export function SignInScreen() {
  useTitle('Sign in')
  const [config, setConfig] = useState<SignInConfig | null>(null)
  const [needsFactor, setNeedsFactor] = useState(false)
  const [problem, setProblem] = useState(refusal.get)
  const [isBusy, setBusy] = useState(false)
  const form = useRef<HTMLFormElement>(null)

  useEffect(() => {
    loadConfig().then(setConfig, () => undefined)
  }, [])

  async function attempt(signIn: () => Promise<void>) {
    setBusy(true)
    setProblem(null)
    try {
      await signIn()
      refusal.set(null)
    } catch (error) {
      setBusy(false)
      const isFirst = error instanceof HiveError && error.code === 'SECOND_FACTOR_REQUIRED' && !needsFactor
      if (isFirst) setNeedsFactor(true)
      else setProblem(error instanceof Error ? error.message : String(error))
    }
  }

  function read(name: string): string {
    return String(new FormData(form.current!).get(name) ?? '')
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const code = read('code').trim()
    const credentials = { email: read('email').trim(), password: read('password'), ...(code ? { code } : {}) }
    void attempt(() => client.signIn(credentials))
  }

  function usePasskey() {
    const password = needsFactor ? { email: read('email').trim(), password: read('password') } : undefined
    void attempt(() => signInWithPasskey(password))
  }

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <div className="sign-in-brand">
          <Hexagon />
          <span>PantheraHive</span>
        </div>
        <h1>Sign in</h1>
        <form onSubmit={submit} ref={form}>
          <label className="field">
            <span>E-mail address</span>
            <input name="email" type="email" autoComplete="username" required autoFocus />
          </label>
          <label className="field">
            <span>Password</span>
            <input name="password" type="password" autoComplete="current-password" required />
          </label>
          {needsFactor && (
            <label className="field">
              <span>Code of your authenticator app, or a recovery code</span>
              <input name="code" autoComplete="one-time-code" inputMode="text" required autoFocus />
            </label>
          )}
          <p className="form-problem" role="alert">
            {problem}
          </p>
          <button className="button button-primary button-wide" disabled={isBusy}>
            {isBusy ? 'Signing in …' : 'Sign in'}
          </button>
        </form>
        {config && (hasPasskeys || hasServerPages(config)) && (
          <div className="sign-in-ways">
            {hasPasskeys && (
              <button className="button button-wide" disabled={isBusy} onClick={usePasskey}>
                {needsFactor ? 'Use a passkey instead of a code' : 'Sign in with a passkey'}
              </button>
            )}
            {hasServerPages(config) && (
              <button
                className="button button-wide"
                disabled={isBusy}
                onClick={() => void attempt(() => beginSignIn(config.oauth))}
              >
                Other ways to sign in
              </button>
            )}
          </div>
        )}
        {config && config.people.length > 0 && (
          <div className="sign-in-demo">
            <p>This is a demo: come in as</p>
            {config.people.map(({ name, email, password }) => (
              <button
                key={email}
                className="button button-wide"
                disabled={isBusy}
                onClick={() => void attempt(() => client.signIn({ email, password }))}
              >
                {name}
              </button>
            ))}
          </div>
        )}
      </div>
    </main>
  )
}
