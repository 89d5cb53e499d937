/// How the page is arranged and what it may remember, as chosen in this browser.
import { isObject, recall, remember } from './storage'
import { Store } from './store'

export type Panel = 'docs' | 'history' | 'builder'
export type Tool = 'variables' | 'headers'
export type Theme = 'system' | 'light' | 'dark'
/** What a narrow screen shows, where there is room for one pane only. */
export type Pane = 'operation' | Tool | 'response'

export interface Preferences {
  readonly panel: Panel | null
  /** In pixels. */
  readonly panelWidth: number
  /** The response's part of the width, in percent. */
  readonly responseShare: number
  readonly tool: Tool | null
  /** In pixels. */
  readonly toolHeight: number
  /** The part of a stream's pane that shows one event, in percent. */
  readonly detailShare: number
  readonly theme: Theme
  readonly keepHeaders: boolean
}

const DEFAULTS: Preferences = {
  panel: null,
  panelWidth: 320,
  responseShare: 50,
  tool: 'variables',
  toolHeight: 180,
  detailShare: 60,
  theme: 'system',
  keepHeaders: false,
}

const CHOICES = {
  panel: [null, 'docs', 'history', 'builder'],
  tool: [null, 'variables', 'headers'],
  theme: ['system', 'light', 'dark'],
} as const

const KEY = 'preferences'

export class PreferencesStore extends Store<Preferences> {
  constructor() {
    const found = recall(KEY, isObject, {})
    super(
      Object.fromEntries(
        Object.entries(DEFAULTS).map(([name, value]) => [name, usable(name, found[name], value)]),
      ) as unknown as Preferences,
    )
    this.subscribe(() => remember(KEY, this.value))
  }

  change(change: Partial<Preferences>): void {
    this.update((preferences) => ({ ...preferences, ...change }))
  }
}

function usable(name: string, value: unknown, fallback: unknown): unknown {
  if (name in CHOICES)
    return (CHOICES[name as keyof typeof CHOICES] as readonly unknown[]).includes(value) ? value : fallback
  if (typeof fallback === 'number') return typeof value === 'number' && value >= 5 && value <= 1200 ? value : fallback
  return typeof value === typeof fallback ? value : fallback
}

/** Marks the page for its style sheet, which follows the system without a mark. */
export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
}
