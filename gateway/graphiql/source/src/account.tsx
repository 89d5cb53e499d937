/// The line at the bottom: where the graph is, which subscriptions listen, and who is signed in.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { App } from './app'
import type { Person } from './config'
import { StreamWords } from './runs/events'
import type { StreamRun } from './runs/runs'
import type { Session } from './session'
import { useStore } from './store'

export function AccountLine({ app }: { app: App }) {
  const { config, session } = app
  const status = useStore(session.status)
  const [asked, setAsked] = useState<boolean | null>(null)
  const email = status.state === 'signed-in' ? status.email : null
  const open = session.oauth === null && (asked ?? (status.state === 'signed-out' && config.people.length === 0))
  const person = config.people.find((each) => each.email === email)
  const others = config.people.filter((each) => each.email !== email)

  useEffect(() => {
    if (email) setAsked(null)
  }, [email])

  return (
    <footer class="hive-line" data-session={status.state} data-live={useLive(app)}>
      <span class="hive-endpoint">{new URL(config.endpoint, location.href).href}</span>
      <LiveStatus app={app} />
      <span class="space" />
      {status.state !== 'starting' && status.problem && (
        <span class="hive-problem" role="alert">
          {status.problem}
        </span>
      )}
      <span class="hive-who" role="status">
        {status.state === 'starting' && 'Signing in …'}
        {status.state === 'signed-out' && 'Not signed in'}
        {email && (
          <>
            Signed in as <strong title={email}>{person?.name ?? email}</strong>
          </>
        )}
      </span>
      {status.state !== 'starting' && (
        <>
          {others.map((other) => (
            <DemoPerson key={other.email} person={other} session={session} signedIn={email !== null} />
          ))}
          {session.oauth ? (
            <button type="button" class="link" onClick={() => void session.leaveToSignIn()}>
              Sign in …
            </button>
          ) : (
            <button type="button" class="link" aria-expanded={open} onClick={() => setAsked(!open)}>
              Sign in …
            </button>
          )}
          {email && (
            <button type="button" class="link" onClick={() => void session.signOut()}>
              Sign out
            </button>
          )}
        </>
      )}
      {open && <SignInForm session={session} onDone={() => setAsked(null)} onCancel={() => setAsked(false)} />}
    </footer>
  )
}

/** Another person of the demo: in this window by the button, beside it by the arrow. */
function DemoPerson({ person, session, signedIn }: { person: Person; session: Session; signedIn: boolean }) {
  const [problem, setProblem] = useState<string | null>(null)
  const first = person.name.split(' ')[0]
  return (
    <span class="hive-person">
      <button type="button" class="link" onClick={() => void session.signIn(person).then(setProblem)}>
        {signedIn ? `Switch to ${person.name}` : `Sign in as ${person.name}`}
      </button>
      <a
        class="link"
        href={`?as=${encodeURIComponent(person.email)}`}
        target="_blank"
        rel="noopener"
        title={`Opens a second window as ${person.name}`}
      >
        <span class="hive-wide">Open as {first} </span>↗
      </a>
      {problem && (
        <span class="hive-problem" role="alert">
          {problem}
        </span>
      )}
    </span>
  )
}

function useStreams(app: App): StreamRun[] {
  const runs = [...useStore(app.runs).values()]
  return runs.filter((run): run is StreamRun => run.kind === 'stream' && run.state.phase !== 'ended')
}

/** `open` only while every subscription that was started really listens. */
function useLive(app: App): 'closed' | 'connecting' | 'open' {
  const running = useStreams(app)
  if (running.length === 0) return 'closed'
  return running.every((run) => run.state.phase === 'open') ? 'open' : 'connecting'
}

function LiveStatus({ app }: { app: App }) {
  const running = useStreams(app)
  const waiting = running.find((run) => run.state.phase !== 'open')
  return (
    <span class="hive-live" role="status">
      {running.length > 0 && <span class="dot" data-state={waiting ? 'waiting' : 'open'} />}
      {waiting && (
        <>
          {waiting.title}: <StreamWords state={waiting.state} />
        </>
      )}
      {!waiting && running.length === 1 && `Listening to ${running[0]!.title}`}
      {!waiting && running.length > 1 && `Listening to ${running.length} subscriptions`}
    </span>
  )
}

function SignInForm({ session, onDone, onCancel }: { session: Session; onDone: () => void; onCancel: () => void }) {
  const first = useRef<HTMLInputElement>(null)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => first.current?.focus(), [])

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    if (busy) return
    const entered = new FormData(event.currentTarget as HTMLFormElement)
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
      class="hive-form"
      aria-label="Sign in"
      onSubmit={(event) => void submit(event)}
      onKeyDown={(event) => event.key === 'Escape' && onCancel()}
    >
      <label>
        Email
        <input ref={first} name="email" type="email" autoComplete="username" required />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      {problem && (
        <p class="hive-problem" role="alert">
          {problem}
        </p>
      )}
      <div>
        <button type="button" class="link" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" class="primary" aria-disabled={busy}>
          {busy ? 'Signing in …' : 'Sign in'}
        </button>
      </div>
    </form>
  )
}
