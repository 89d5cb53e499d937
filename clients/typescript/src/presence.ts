/** Who is there in a document: a colour for each person, the same everywhere, and the people behind the states of awareness. */
import type { Awareness } from 'y-protocols/awareness'

export interface PresentUser {
  id: string
  name: string
  color: string
}

/** Readable on white and on black alike (contrast of 4.5 and more with text of the other). */
const COLORS = [
  '#0b6bcb',
  '#c2410c',
  '#15803d',
  '#9333ea',
  '#b91c1c',
  '#0e7490',
  '#a16207',
  '#be185d',
  '#4d7c0f',
  '#4f46e5',
]

/** The colour of a person, by their id. */
export function presenceColor(id: string): string {
  let hash = 0
  for (let place = 0; place < id.length; place += 1) hash = (Math.imul(hash, 31) + id.charCodeAt(place)) >>> 0
  return COLORS[hash % COLORS.length]!
}

/** Shows oneself to others, in the form that TipTap's carets read. */
export function announceUser(awareness: Awareness, user: { id: string; name: string }): void {
  awareness.setLocalStateField('user', { ...user, color: presenceColor(user.id) } satisfies PresentUser)
}

/** Everybody who is there, each once whatever they have open, oneself included. */
export function presentUsers(awareness: Awareness): PresentUser[] {
  const found = new Map<string, PresentUser>()
  for (const state of awareness.getStates().values()) {
    const user = state['user'] as Partial<PresentUser> | undefined
    if (user?.id) found.set(user.id, { name: '', color: presenceColor(user.id), ...user, id: user.id })
  }
  return [...found.values()]
}
