/// Signs in with address and password, and a code where the account has a second factor.
import { HiveError } from '@pantherahive/client'
import { useEffect, useState, type FormEvent } from 'react'
import { client } from '../data/session'
import { Hexagon } from '../ui/frame'
import { useTitle } from '../ui/states'

interface DemoPerson {
  name: string
  email: string
  password: string
}

export function SignInScreen() {
  useTitle('Sign in')
  const [people, setPeople] = useState<readonly DemoPerson[]>([])
  const [needsCode, setNeedsCode] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)

  useEffect(() => {
    fetch('/app/config.json')
      .then((response) => response.json())
      .then((config: { people: DemoPerson[] }) => setPeople(config.people))
      .catch(() => undefined)
  }, [])

  async function signIn(email: string, password: string, code: string) {
    setBusy(true)
    setProblem(null)
    try {
      await client.signIn({ email, password, ...(code ? { code } : {}) })
    } catch (error) {
      setBusy(false)
      if (!(error instanceof HiveError)) throw error
      if (error.code === 'SECOND_FACTOR_REQUIRED' && !needsCode) setNeedsCode(true)
      else setProblem(error.message)
    }
  }

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const read = (name: string) => String(form.get(name) ?? '')
    void signIn(read('email').trim(), read('password'), read('code').trim())
  }

  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <div className="sign-in-brand">
          <Hexagon />
          <span>PantheraHive</span>
        </div>
        <h1>Sign in</h1>
        <form onSubmit={submit}>
          <label className="field">
            <span>E-mail address</span>
            <input name="email" type="email" autoComplete="username" required autoFocus />
          </label>
          <label className="field">
            <span>Password</span>
            <input name="password" type="password" autoComplete="current-password" required />
          </label>
          {needsCode && (
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
        {people.length > 0 && (
          <div className="sign-in-demo">
            <p>This is a demo: come in as</p>
            {people.map(({ name, email, password }) => (
              <button
                key={email}
                className="button button-wide"
                disabled={isBusy}
                onClick={() => void signIn(email, password, '')}
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
