/// The tabs: what is written in each, which one is shown, and how they survive a reload.
import type { ExampleName } from '../examples'
import { isObject, recall, remember } from '../storage'
import { Store } from '../store'

export interface Tab {
  readonly id: string
  readonly query: string
  readonly variables: string
  readonly headers: string
  /** The example that the tab began with. */
  readonly example: ExampleName | null
  /** The variables that the page filled in; whoever changes them takes them over. */
  readonly filled: string | null
}

export type Content = Pick<Tab, 'query' | 'variables' | 'headers'>

export interface TabsState {
  readonly tabs: readonly Tab[]
  readonly active: string
}

const KEY = 'tabs'
const SAVE_DELAY_MS = 250
export const MAX_TABS = 40

export class Tabs extends Store<TabsState> {
  #timer: ReturnType<typeof setTimeout> | undefined

  /** Takes up what was remembered; `examples` are the tabs of a first visit. */
  constructor(
    examples: readonly Omit<Tab, 'id'>[],
    readonly keepHeaders: () => boolean,
  ) {
    super(recall(KEY, isTabsState, firstState(examples)))
    this.subscribe(() => {
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.save(), SAVE_DELAY_MS)
    })
  }

  get active(): Tab {
    return activeTab(this.value)
  }

  find(id: string): Tab | undefined {
    return this.value.tabs.find((tab) => tab.id === id)
  }

  show(id: string): void {
    if (this.find(id)) this.update((state) => ({ ...state, active: id }))
  }

  /** Opens a tab after the last, and shows it; with too many open, the active one is shown instead. */
  open(content: Partial<Content> = {}): void {
    if (this.value.tabs.length >= MAX_TABS) return
    const tab = { ...blank(), ...content }
    this.update((state) => ({ tabs: [...state.tabs, tab], active: tab.id }))
  }

  /** Closes a tab and shows its neighbour; the last one leaves an empty tab behind. */
  close(id: string): void {
    this.update(({ tabs, active }) => {
      const place = tabs.findIndex((tab) => tab.id === id)
      const rest = tabs.filter((tab) => tab.id !== id)
      if (rest.length === 0) rest.push(blank())
      const neighbour = rest[Math.min(Math.max(place, 0), rest.length - 1)]!
      return { tabs: rest, active: active === id ? neighbour.id : active }
    })
  }

  edit(id: string, change: Partial<Omit<Tab, 'id'>>): void {
    this.update((state) => ({
      ...state,
      tabs: state.tabs.map((tab) => (tab.id === id ? { ...tab, ...change } : tab)),
    }))
  }

  save(): void {
    clearTimeout(this.#timer)
    const tabs = this.keepHeaders() ? this.value.tabs : this.value.tabs.map((tab) => ({ ...tab, headers: '' }))
    remember(KEY, { ...this.value, tabs })
  }
}

export function activeTab(state: TabsState): Tab {
  return state.tabs.find((tab) => tab.id === state.active) ?? state.tabs[0]!
}

function firstState(examples: readonly Omit<Tab, 'id'>[]): TabsState {
  const tabs = examples.map((example) => ({ ...example, id: newId() }))
  if (tabs.length === 0) tabs.push(blank())
  return { tabs, active: tabs[0]!.id }
}

function blank(): Tab {
  return { id: newId(), query: '', variables: '', headers: '', example: null, filled: null }
}

/** Unique in this browser; `crypto.randomUUID` is missing where the page is not served over HTTPS or from this machine. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

export function isTabsState(value: unknown): value is TabsState {
  if (!isObject(value) || !Array.isArray(value.tabs)) return false
  const { tabs, active } = value
  return (
    tabs.length > 0 &&
    tabs.length <= MAX_TABS &&
    tabs.every(isTab) &&
    new Set(tabs.map((tab) => tab.id)).size === tabs.length &&
    tabs.some((tab) => tab.id === active)
  )
}

function isTab(value: unknown): value is Tab {
  if (!isObject(value)) return false
  const texts = [value.id, value.query, value.variables, value.headers]
  const optional = [value.example, value.filled]
  return (
    texts.every((text) => typeof text === 'string') &&
    optional.every((text) => text === null || typeof text === 'string')
  )
}
