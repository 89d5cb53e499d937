/// One line about an event of a subscription, so that a list of them can be read at a glance.
import type { Answer } from '../http'

const LONGEST = 160
const MOST_WORDS = 5

/** Fields that say what something is called, the most telling first. */
const NAMES = ['key', 'title', 'name', 'displayName', 'body', 'email']

/** "MOVED · Task · ENG-12 Ship it · status: TODO → DONE · Dana Whitfield"; the first values of an event that is no change. */
export function summarize(answer: Answer): string {
  if (answer.errors?.length) return shorten(answer.errors.map((error) => error.message).join(' '))
  const [event] = Object.values(answer.data ?? {})
  if (!isObject(event)) return shorten(JSON.stringify(event) ?? 'null')
  const words = typeof event.kind === 'string' ? changeWords(event) : firstWords(event)
  return shorten(words.join(' · ') || JSON.stringify(event))
}

function changeWords(change: Record<string, unknown>): string[] {
  const { kind, type, entity, fields, actor } = change
  const named = isObject(entity) ? nameOf(entity) : ''
  const changed = Array.isArray(fields) ? fields.filter(isObject).map(fieldWords) : []
  return [kind, type, named, ...changed, isObject(actor) ? nameOf(actor) : ''].filter(
    (word): word is string => typeof word === 'string' && word !== '',
  )
}

function fieldWords({ field, before, after }: Record<string, unknown>): string {
  if (typeof field !== 'string') return ''
  const [from, to] = [plain(before), plain(after)]
  return from === to ? field : `${field}: ${from} → ${to}`
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > 24 ? `${text.slice(0, 23)}…` : text
}

function nameOf(value: Record<string, unknown>): string {
  return NAMES.map((name) => value[name])
    .filter((each): each is string => typeof each === 'string' && each !== '')
    .slice(0, 2)
    .join(' ')
}

function firstWords(event: Record<string, unknown>): string[] {
  const words: string[] = []
  for (const [name, value] of Object.entries(event)) {
    if (words.length === MOST_WORDS) break
    if (name === '__typename' || value === null) continue
    if (isObject(value)) words.push(nameOf(value) || name)
    else words.push(`${name}: ${Array.isArray(value) ? value.length : String(value)}`)
  }
  return words
}

/** Cut between characters as people see them, not inside of one. */
function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ')
  if (line.length <= LONGEST) return line
  let cut = ''
  for (const { segment } of new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(
    line.slice(0, LONGEST + 32),
  )) {
    if (cut.length + segment.length > LONGEST - 1) break
    cut += segment
  }
  return `${cut}…`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
