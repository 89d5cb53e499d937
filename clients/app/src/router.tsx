/// Addresses below /app, and links between them.
import { useSyncExternalStore, type AnchorHTMLAttributes, type MouseEvent } from 'react'

export const ROOT = '/app'

export type Route =
  | { screen: 'my-tasks' }
  | { screen: 'inbox' }
  | { screen: 'search'; query: string; type: string }
  | { screen: 'projects' }
  | { screen: 'board'; project: string }
  | { screen: 'documents'; project: string }
  | { screen: 'task'; key: string }
  | { screen: 'document'; id: string }
  | { screen: 'nothing' }

const NAVIGATED = 'hive:navigated'

export function navigate(path: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', ROOT + path)
  else history.pushState(null, '', ROOT + path)
  dispatchEvent(new Event(NAVIGATED))
}

export function parseRoute({ pathname, search }: Pick<Location, 'pathname' | 'search'>): Route {
  const [first = '', second, third, ...rest] = pathname
    .slice(ROOT.length)
    .split('/')
    .filter(Boolean)
    .map(decodeURIComponent)
  if (rest.length > 0) return { screen: 'nothing' }
  if (first === '') return { screen: 'my-tasks' }
  if (first === 'inbox' && !second) return { screen: 'inbox' }
  if (first === 'search' && !second) {
    const asked = new URLSearchParams(search)
    return { screen: 'search', query: asked.get('q') ?? '', type: asked.get('type') ?? '' }
  }
  if (first === 'projects' && !second) return { screen: 'projects' }
  if (first === 'projects' && second && !third) return { screen: 'board', project: second }
  if (first === 'projects' && second && third === 'documents') return { screen: 'documents', project: second }
  if (first === 'tasks' && second && !third) return { screen: 'task', key: second }
  if (first === 'documents' && second && !third) return { screen: 'document', id: second }
  return { screen: 'nothing' }
}

function listen(listener: () => void): () => void {
  addEventListener('popstate', listener)
  addEventListener(NAVIGATED, listener)
  return () => {
    removeEventListener('popstate', listener)
    removeEventListener(NAVIGATED, listener)
  }
}

export function usePath(): string {
  return useSyncExternalStore(listen, () => location.pathname + location.search)
}

/** A link that stays in the page, unless it is asked to open elsewhere. */
export function Link({ to, onClick, ...rest }: { to: string } & AnchorHTMLAttributes<HTMLAnchorElement>) {
  function follow(event: MouseEvent<HTMLAnchorElement>) {
    onClick?.(event)
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return
    event.preventDefault()
    navigate(to)
  }
  return <a {...rest} href={ROOT + to} onClick={follow} />
}
