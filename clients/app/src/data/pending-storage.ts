/// Stores the changes that the server has not answered yet, so that a tab that is closed or killed loses none of them.
///
/// Each tab has a list of its own. What a tab that is gone has left is taken over by the next one that opens: a tab holds a Web
/// Lock for as long as it lives. Where there are no Web Locks (plain http), only the own list comes back.
import { newUuid } from '@pantherahive/client'
import type { Mutation } from './mutations'

const PREFIX = 'pantherahive.pending'
const TAB_KEY = 'pantherahive.tab'

/** The same through reloads; a tab that was duplicated has the name of the other, and finds its lock taken. */
let tab = sessionStorage.getItem(TAB_KEY) ?? newUuid()
let isHeld = false

const keyOf = (viewerId: string, owner: string): string => `${PREFIX} ${viewerId} ${owner}`

/** Replaces the list of this tab. */
export function store(viewerId: string, mutations: readonly Mutation[]): void {
  try {
    if (mutations.length === 0) localStorage.removeItem(keyOf(viewerId, tab))
    else localStorage.setItem(keyOf(viewerId, tab), JSON.stringify(mutations))
  } catch {
    // There is no room: they wait in memory, and go with the page.
  }
}

/** Takes over what this person left, here or in tabs that are gone, the oldest first. `keep` stores it as this tab's own. */
export async function takeOver(viewerId: string, keep: (mutations: readonly Mutation[]) => void): Promise<void> {
  await holdTab()
  const owners = Object.keys(localStorage)
    .filter((key) => key.startsWith(`${PREFIX} ${viewerId} `))
    .map((key) => key.split(' ').at(-1) ?? '')
  for (const owner of owners) {
    if (owner === tab) keep(read(keyOf(viewerId, owner)))
    else
      await navigator.locks?.request(`${PREFIX} ${owner}`, { ifAvailable: true }, (lock) => {
        if (!lock) return
        // Stored as one's own before it is removed: in between it is there twice, which the server tells by its ids.
        keep(read(keyOf(viewerId, owner)))
        localStorage.removeItem(keyOf(viewerId, owner))
      })
  }
}

async function holdTab(): Promise<void> {
  if (isHeld || !navigator.locks) return
  isHeld = true
  if (!(await hold(tab))) await hold((tab = newUuid()))
  sessionStorage.setItem(TAB_KEY, tab)
}

/** Whether the lock of that name is held from now on, until the tab ends. */
function hold(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(`${PREFIX} ${name}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null)
      return lock && new Promise(() => undefined)
    })
  })
}

function read(key: string): Mutation[] {
  try {
    const stored = JSON.parse(localStorage.getItem(key) ?? '[]') as Mutation[]
    return Array.isArray(stored)
      ? stored.filter((each) => typeof each?.id === 'string' && typeof each.kind === 'string')
      : []
  } catch {
    return []
  }
}
