/// Starts the page: reads what the server says of itself, signs in where there is a demo, and draws.
import { render } from 'preact'
import { App } from './app'
import { loadConfig, type Config, type Person } from './config'
import { OAuth } from './oauth'
import { Page } from './page'
import { Session } from './session'
import { recall, remember } from './storage'

const PERSON = 'person'

/** The demo person of the address (`?as=`), or who this window was before it was reloaded, or the first. */
function firstPerson({ people }: Config): Person | null {
  const asked = new URLSearchParams(location.search).get('as')
  if (asked !== null) history.replaceState(null, '', location.pathname) // Who is switched to later survives a reload.
  const before = recall(PERSON, (value) => typeof value === 'string', '')
  const find = (wanted: string | null) => people.find(({ email }) => email === wanted)
  return find(asked) ?? find(before) ?? people[0] ?? null
}

async function start(root: HTMLElement): Promise<void> {
  try {
    const config = await loadConfig()
    document.title = `${config.title} · GraphiQL`
    const session = new Session(config.endpoint, config.people, firstPerson(config), OAuth.of(config))
    session.status.subscribe(() => {
      const status = session.status.value
      if (status.state === 'signed-in') remember(PERSON, status.email, sessionStorage)
    })
    root.replaceChildren()
    render(<Page app={new App(config, session)} />, root)
  } catch (error) {
    root.textContent = `GraphiQL cannot start: ${error instanceof Error ? error.message : String(error)}`
  }
}

void start(document.getElementById('root')!)
