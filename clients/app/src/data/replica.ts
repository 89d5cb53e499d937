/// The replica of whoever is signed in: opened with them, also offline, and closed when they leave.
///
/// Who signs out takes everything along. Who was signed out by the server, or by another tab, leaves no rows behind either, but
/// what they wrote and the server has not answered waits, stored, until the same person signs in again.
import { toGlobalId, type LiveState } from '@pantherahive/client'
import { createSync, removeStored, viewerId, type HiveSync, type Operation } from '@pantherahive/sync'
import { notify } from './notices'
import { attach } from './rows'
import { client } from './session'
import { Store } from './store'
import { forgetUndo, offerUndo } from './undo'
import { inWords } from './writes'

/** The UUID of who is signed in; null for nobody. */
export const signedInAs = new Store<string | null>(viewerId(client))
client.session.listen(() => signedInAs.set(viewerId(client)))

export const connection = new Store<LiveState>('offline')
/** What was written here and the server has not answered yet, the oldest first. */
export const pending = new Store<readonly Operation[]>([])
/** Whether there is anything to show. */
export const isReady = new Store(false)
/** Whether another tab has a newer build, or removed what was stored: this one goes on after a reload. */
export const isClosed = new Store(false)
/** Why nothing more arrives; null while it does, or is tried again. */
export const problem = new Store<string | null>(null)

let opened: HiveSync | null = null

export function replica(): HiveSync {
  if (!opened) throw new Error('Nobody is signed in.')
  return opened
}

/** The global id of the viewer. */
export function me(): string | null {
  const id = signedInAs.get()
  return id && toGlobalId('User', id)
}

/** Opens what `name` has stored here, and follows the server; returns what ends both. */
export function open(name: string): () => void {
  const sync = createSync(client, {
    name,
    onRejected: (operation, error) => notify(`${inWords(operation)}: not done. ${error.message}`, 'problem'),
    onDone: (operation, changeId) => {
      // The other tabs show it when they are looked at.
      const isSeen = document.visibilityState === 'visible' && operation.type !== 'Notification'
      if (isSeen) offerUndo(() => Promise.resolve(changeId), inWords(operation))
    },
    onConflict: ({ operation }) => {
      if ('title' in operation.changes || 'description' in operation.changes)
        notify(`${inWords(operation)}: somebody else wrote there, too. Yours stands now.`)
      return 'mine'
    },
  })
  opened = sync
  attach(sync)
  const unlisten = sync.listen((status) => {
    connection.set(status.state)
    pending.set(sync.queue)
    isReady.set(status.isReady)
    isClosed.set(status.error?.code === 'STORAGE_CLOSED')
    problem.set(status.error?.message ?? null)
  })
  return () => {
    unlisten()
    forgetUndo()
    attach(null)
    if (opened === sync) opened = null
    connection.set('offline')
    pending.set([])
    isReady.set(false)
    isClosed.set(false)
    problem.set(null)
    void close(sync, name)
  }
}

async function close(sync: HiveSync, name: string): Promise<void> {
  // What was removed meanwhile cannot be forgotten any more.
  if (signedInAs.get() !== name) await sync.forget().catch(() => undefined)
  await sync.dispose()
}

/** Calls `watcher` after something has happened to an object, whether or not it shows in a row. */
export function watch(id: string, watcher: () => void): () => void {
  return replica().watch((ids) => ids.has(id) && watcher())
}

const LEAVING = 'pantherahive.leaving'

/** Signs out, and removes everything of this person from the browser, also what the server has not answered. */
export async function leave(): Promise<void> {
  const name = signedInAs.get()
  if (name === null) return
  localStorage.setItem(LEAVING, name)
  await Promise.all([client.signOut(), finishLeaving()])
}

/** Goes on with it where the page was closed in between. */
export async function finishLeaving(): Promise<void> {
  const name = localStorage.getItem(LEAVING)
  if (name === null) return
  await removeStored(name)
  localStorage.removeItem(LEAVING)
}
