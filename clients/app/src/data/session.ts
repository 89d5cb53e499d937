/// Who is signed in, and the one client through which everything is asked.
import { createClient, webStorage } from '@pantherahive/client'
import { Store } from './store'

export const client = createClient({ storage: webStorage('pantherahive.app') })

export type SessionState = 'signed-in' | 'signed-out'

const now = (): SessionState => (client.session.isSignedIn ? 'signed-in' : 'signed-out')

/** Follows every tab of the browser: who signs out in one is signed out in all. */
export const session = new Store<SessionState>(now())
client.session.listen(() => session.set(now()))
