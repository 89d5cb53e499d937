/// The row of tabs, each with the state of what runs in it.
import { useEffect, useRef } from 'preact/hooks'
import type { App } from '../app'
import { titleOf } from '../documents'
import type { Run } from '../runs/runs'
import { useStore } from '../store'
import { AddIcon, CloseIcon } from '../ui/icons'
import { MAX_TABS, type Tab } from './tabs'

export function TabBar({ app }: { app: App }) {
  const { tabs, active } = useStore(app.tabs)
  const runs = useStore(app.runs)
  const list = useRef<HTMLUListElement>(null)
  useEffect(() => {
    list.current?.querySelector('.graphiql-tab-active')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [active, tabs.length])
  return (
    <nav class="graphiql-tabs" aria-label="Operations">
      <ul ref={list}>
        {tabs.map((tab) => {
          const title = cachedTitle(tab)
          const state = dotOf(runs.get(tab.id))
          return (
            <li key={tab.id} class={`graphiql-tab ${tab.id === active ? 'graphiql-tab-active' : ''}`}>
              <button
                type="button"
                class="graphiql-tab-button"
                aria-current={tab.id === active ? 'page' : undefined}
                onClick={() => app.tabs.show(tab.id)}
                onAuxClick={(event) => event.button === 1 && app.closeTab(tab.id)}
              >
                {state && <span class="dot" data-state={state} role="img" aria-label={DOT_LABELS[state]} />}
                <span class="graphiql-tab-title">{title}</span>
              </button>
              <button
                type="button"
                class="graphiql-tab-close"
                aria-label={`Close ${title}`}
                onClick={() => app.closeTab(tab.id)}
              >
                <CloseIcon />
              </button>
            </li>
          )
        })}
      </ul>
      <button
        type="button"
        class="icon-button graphiql-tab-add"
        aria-label="New tab"
        title="New tab"
        disabled={tabs.length >= MAX_TABS}
        onClick={() => app.tabs.open()}
      >
        <AddIcon />
      </button>
    </nav>
  )
}

export type Dot = 'open' | 'waiting' | 'busy'

export const DOT_LABELS: Record<Dot, string> = { open: 'Listening', waiting: 'Not connected', busy: 'Running' }

/** What the dot of a run says; null where nothing goes on. */
export function dotOf(run: Run | undefined): Dot | null {
  if (!run) return null
  if (run.kind === 'request') return run.busy ? 'busy' : null
  return run.state.phase === 'ended' ? null : run.state.phase === 'open' ? 'open' : 'waiting'
}

const titles = new WeakMap<Tab, string>()

function cachedTitle(tab: Tab): string {
  const known = titles.get(tab)
  if (known !== undefined) return known
  const title = titleOf(tab.query)
  titles.set(tab, title)
  return title
}
