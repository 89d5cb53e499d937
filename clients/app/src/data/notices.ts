/// Short messages that come and go, and what screen readers are told.
import { Store } from './store'

export interface Notice {
  id: number
  text: string
  kind: 'problem' | 'done'
}

const SHOWN_FOR_MS = 7_000
let last = 0

export const notices = new Store<readonly Notice[]>([])
/** What a screen reader says next, such as where a card was moved to. */
export const announcement = new Store('')

export function notify(text: string, kind: Notice['kind'] = 'done'): void {
  const id = ++last
  notices.set([...notices.get().slice(-3), { id, text, kind }])
  setTimeout(() => dismiss(id), SHOWN_FOR_MS)
}

export function dismiss(id: number): void {
  notices.set(notices.get().filter((each) => each.id !== id))
}

export function announce(text: string): void {
  announcement.set(text)
}
