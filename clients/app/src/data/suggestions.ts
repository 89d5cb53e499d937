/// What is suggested while somebody writes: people behind an @, tasks behind a #.
import { fromGlobalId } from '@pantherahive/client'
import { SuggestTasks } from '../graph/operations'
import { people, tasks } from './rows'
import { client } from './session'

export interface Suggested {
  /** The global id. */
  id: string
  /** The name of the person, or the key of the task. */
  name: string
  /** The title of the task. */
  detail: string
}

export type Trigger = '@' | '#'

const MAX_SHOWN = 6
/** A key of a task in a text: what stands behind a #. */
export const TASK_KEY = /(?<![\p{L}\p{N}#/&])#([A-Z][A-Z0-9]{0,9}-[1-9][0-9]{0,8})(?![\p{L}\p{N}_-])/u

/** What fits the words behind a trigger; only what this page knows when the server cannot be asked. */
export async function suggest(trigger: Trigger, words: string, signal?: AbortSignal): Promise<Suggested[]> {
  if (trigger === '@') return peopleLike(words)
  const known = tasksLike(words)
  if (known.length >= MAX_SHOWN || words.trim().length < 2) return known
  try {
    const { search } = await client.request(SuggestTasks, { query: words }, signal ? { signal } : {})
    const ids = new Set(known.map(({ id }) => id))
    for (const { node } of search?.edges ?? [])
      if (node.__typename === 'Task' && !ids.has(node.id))
        known.push({ id: node.id, name: node.key, detail: node.title })
  } catch {
    // What is here already is shown.
  }
  return known.slice(0, MAX_SHOWN)
}

/** A mention as Markdown has it. */
export function toMention({ id, name }: Suggested): string {
  return `[@${name.replace(/[\\[\]]/g, '\\$&')}](user:${fromGlobalId(id).uuid})`
}

function peopleLike(words: string): Suggested[] {
  const wanted = fold(words)
  return people
    .all()
    .filter(({ displayName }) => ` ${fold(displayName)}`.includes(` ${wanted}`))
    .toSorted((a, b) => a.displayName.localeCompare(b.displayName))
    .slice(0, MAX_SHOWN)
    .map(({ id, displayName }) => ({ id, name: displayName, detail: '' }))
}

function tasksLike(words: string): Suggested[] {
  const wanted = fold(words)
  return tasks
    .all()
    .filter(({ key, title }) => key && (fold(key).startsWith(wanted) || ` ${fold(title)}`.includes(` ${wanted}`)))
    .slice(0, MAX_SHOWN)
    .map(({ id, key, title }) => ({ id, name: key, detail: title }))
}

/** Accents and case make no difference. */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().trim()
}
