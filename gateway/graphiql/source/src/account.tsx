/// The line below GraphiQL: where the graph is, whether a subscription listens, and who is signed in.
import { useEffect, useRef, useState, useSyncExternalStore, type FormEvent } from 'react'
import type { Config } from './config'
import type { Live } from './fetcher'
import type { Session } from './session'

const LIVE_WORDS = { closed: '', connecting: 'Connecting …', open: 'Listening for changes' }

export function AccountLine({ config, session, live }: { config: Config; session: Session; live: Live }) {
  const status = useSyncExternalStore(session.subscribe, () => session.status)
  const listening = useSyncExternalStore(live.subscribe, () => live.state)
  const [asked, setAsked] = useState<boolean | null>(null)
  const email = status.state === 'signed-in' ? status.email : null
  const open = asked ?? (status.state === 'signed-out')

  useEffect(() => {
    if (email) setAsked(null)
  }, [email])

  return (
    <footer className="hive-line" data-session={status.state} data-live={listening}>
      <span className="hive-endpoint">{new URL(config.endpoint, location.href).href}</span>
      <span className="hive-live" role="status">
        {LIVE_WORDS[listening]}
      </span>
      <span className="hive-space" />
      {status.state !== 'starting' && status.problem && (
        <span className="hive-problem" role="alert">
          {status.problem}
        </span>
      )}
      <span className="hive-who" role="status">
        {status.state === 'starting' && 'Signing in …'}
        {status.state === 'signed-out' && 'Not signed in'}
        {email && (
          <>
            Signed in as <strong>{email}</strong>
          </>
        )}
      </span>
      {email && (
        <button type="button" onClick={() => void session.signOut()}>
          Sign out
        </button>
      )}
      {status.state !== 'starting' && (
        <button type="button" aria-expanded={open} onClick={() => setAsked(!open)}>
          {email ? 'Switch user …' : 'Sign in …'}
        </button>
      )}
      {open && <SignInForm session={session} onDone={() => setAsked(null)} onCancel={() => setAsked(false)} />}
    </footer>
  )
}

function SignInForm({ session, onDone, onCancel }: { session: Session; onDone: () => void; onCancel: () => void }) {
  const first = useRef<HTMLInputElement>(null)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => first.current?.focus(), [])

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault()
    if (busy) return
    const entered = new FormData(event.currentTarget)
    setBusy(true)
    const wrong = await session.signIn({
      email: String(entered.get('email')),
      password: String(entered.get('password')),
    })
    setBusy(false)
    setProblem(wrong)
    if (wrong === null) onDone()
  }

  return (
    <form
      className="hive-form"
      aria-label="Sign in"
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => event.key === 'Escape' && onCancel()}
    >
      <label>
        E-mail
        <input ref={first} name="email" type="email" autoComplete="username" required defaultValue={session.demo?.email} />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      {problem && (
        <p className="hive-problem" role="alert">
          {problem}
        </p>
      )}
      <div>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" aria-disabled={busy}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
      </div>
    </form>
  )
}
