/// The operations that were run in this browser, the latest first.
import { titleOf } from './documents'
import { isObject, recall, remember } from './storage'
import { Store } from './store'
import type { Content } from './tabs/tabs'

export interface HistoryItem extends Content {
  readonly title: string
  readonly at: number
  readonly isFavorite: boolean
}

const KEY = 'history'
const MAX_ITEMS = 50
const MAX_TEXT = 20_000

export class History extends Store<readonly HistoryItem[]> {
  constructor() {
    super(recall(KEY, isItems, []))
    this.subscribe(() => remember(KEY, this.value, localStorage))
  }

  /** Headers are not remembered: they hold tokens. */
  add(content: Content, at: number): void {
    const item = {
      query: content.query,
      variables: content.variables,
      headers: '',
      title: titleOf(content.query),
      at,
      isFavorite: false,
    }
    if (item.query.trim() === '' || item.query.length + item.variables.length > MAX_TEXT) return
    this.update((items) => {
      const same = items.find((each) => isSame(each, item))
      const rest = items.filter((each) => each !== same)
      return bounded([{ ...item, isFavorite: same?.isFavorite ?? false }, ...rest])
    })
  }

  toggleFavorite(item: HistoryItem): void {
    this.update((items) => items.map((each) => (each === item ? { ...each, isFavorite: !each.isFavorite } : each)))
  }

  remove(item: HistoryItem): void {
    this.update((items) => items.filter((each) => each !== item))
  }

  /** Favorites stay. */
  clear(): void {
    this.update((items) => items.filter((each) => each.isFavorite))
  }
}

function isSame(a: HistoryItem, b: HistoryItem): boolean {
  return a.query === b.query && a.variables === b.variables
}

/** The oldest that are no favorites go first. */
function bounded(items: HistoryItem[]): HistoryItem[] {
  while (items.length > MAX_ITEMS) {
    const place = items.findLastIndex((each) => !each.isFavorite)
    items.splice(place === -1 ? items.length - 1 : place, 1)
  }
  return items
}

function isItems(value: unknown): value is HistoryItem[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_ITEMS &&
    value.every(
      (each) =>
        isObject(each) &&
        [each.query, each.variables, each.headers, each.title].every((text) => typeof text === 'string') &&
        typeof each.at === 'number' &&
        typeof each.isFavorite === 'boolean',
    )
  )
}
