/// Short messages that come and go, and what screen readers are told.
import { Store } from './store'

export interface Notice {
  id: number
  text: string
  kind: 'problem' | 'done'
  action?: Action
}

/** What may be done about a message, while it is shown. */
export interface Action {
  label: string
  run: () => void
}

const SHOWN_FOR_MS = 7_000
/** There is something to decide, in milliseconds. */
const SHOWN_WITH_ACTION_MS = 15_000
let last = 0

export const notices = new Store<readonly Notice[]>([])
/** What a screen reader says next, such as where a card was moved to. */
export const announcement = new Store('')

/** Of messages with an action only the last is shown. */
export function notify(text: string, kind: Notice['kind'] = 'done', action?: Action): void {
  const id = ++last
  const others = notices.get().filter((each) => !action || !each.action)
  notices.set([...others.slice(-3), { id, text, kind, ...(action ? { action } : {}) }])
  setTimeout(() => dismiss(id), action ? SHOWN_WITH_ACTION_MS : SHOWN_FOR_MS)
}

export function dismiss(id: number): void {
  notices.set(notices.get().filter((each) => each.id !== id))
}

export function announce(text: string): void {
  announcement.set(text)
}
