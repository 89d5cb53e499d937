/// The panel at the side: documentation, history or the query builder.
import { useEffect, useState } from 'preact/hooks'
import type { App } from './app'
import { followVariables } from './builder/variables'
import type { HistoryItem } from './history'
import type { Panel } from './preferences'
import { useStore } from './store'
import { activeTab } from './tabs/tabs'
import { CloseIcon, StarIcon } from './ui/icons'
import { Splitter } from './ui/splitter'

const TITLES: Record<Panel, string> = { docs: 'Documentation', history: 'History', builder: 'Query builder' }

export function SidePanel({ app, panel }: { app: App; panel: Panel }) {
  const width = useStore(app.preferences, (preferences) => preferences.panelWidth)
  return (
    <aside class="graphiql-plugin" aria-label={TITLES[panel]}>
      <div class="panel">
        <header class="panel-header">
          <h2>{TITLES[panel]}</h2>
          <button
            type="button"
            class="icon-button"
            aria-label={`Close ${TITLES[panel]}`}
            onClick={() => app.preferences.change({ panel: null })}
          >
            <CloseIcon />
          </button>
        </header>
        {panel === 'docs' && <DocsPanel app={app} />}
        {panel === 'history' && <HistoryPanel app={app} />}
        {panel === 'builder' && <BuilderPanel app={app} />}
      </div>
      <Splitter
        label="Resize the side panel"
        axis="x"
        value={width}
        min={200}
        max={700}
        step={20}
        onChange={(panelWidth) => app.preferences.change({ panelWidth })}
        measure={({ x }, splitter) => x - splitter.parentElement!.getBoundingClientRect().left}
      />
    </aside>
  )
}

/** What comes with the docs' and the builder's own file, once it is there. */
function useModule<T>(load: () => Promise<T>): T | null {
  const [found, setFound] = useState<T | null>(null)
  useEffect(() => {
    void load().then(setFound)
  }, [])
  return found
}

function DocsPanel({ app }: { app: App }) {
  const docs = useModule(() => import('./docs/docs'))
  const state = useStore(app.schema)
  if (state.state === 'failed') return <SchemaProblem app={app} problem={state.problem} />
  if (!docs || state.state === 'loading') return <p class="panel-note">Loading the schema …</p>
  return <docs.Docs schema={state.schema} navigation={app.docs} />
}

function BuilderPanel({ app }: { app: App }) {
  const builder = useModule(() => import('./builder/builder'))
  const state = useStore(app.schema)
  const tab = useStore(app.tabs, activeTab)
  const cursor = useStore(app.cursor)
  if (state.state === 'failed') return <SchemaProblem app={app} problem={state.problem} />
  if (!builder || state.state === 'loading') return <p class="panel-note">Loading the schema …</p>
  const onEdit = (query: string) =>
    app.tabs.edit(tab.id, { query, variables: followVariables(tab.variables, tab.query, query) })
  return <builder.Builder schema={state.schema} query={tab.query} cursor={cursor} onEdit={onEdit} />
}

function SchemaProblem({ app, problem }: { app: App; problem: string }) {
  return (
    <div class="panel-note" role="alert">
      <p>{problem}</p>
      <button type="button" class="link" onClick={() => void app.schema.load()}>
        Try again
      </button>
    </div>
  )
}

function HistoryPanel({ app }: { app: App }) {
  const items = useStore(app.history)
  if (items.length === 0) return <p class="panel-note">Operations that you run are listed here.</p>
  const favorites = items.filter((item) => item.isFavorite)
  const others = items.filter((item) => !item.isFavorite)
  return (
    <div class="panel-scroll" tabIndex={0} role="region" aria-label="Operations that were run">
      <ul class="history">
        {[...favorites, ...others].map((item) => (
          <HistoryLine key={`${item.at}:${item.title}`} app={app} item={item} />
        ))}
      </ul>
      {others.length > 0 && (
        <button type="button" class="link history-clear" onClick={() => app.history.clear()}>
          {favorites.length > 0 ? 'Remove all but favorites' : 'Remove all'}
        </button>
      )}
    </div>
  )
}

function HistoryLine({ app, item }: { app: App; item: HistoryItem }) {
  const { title, query, variables, headers, at, isFavorite } = item
  return (
    <li>
      <button
        type="button"
        class="history-open"
        title={query}
        onClick={() => app.tabs.open({ query, variables, headers })}
      >
        <span class="history-title">{title}</span>
        <time class="faint" dateTime={new Date(at).toISOString()}>
          {new Date(at).toLocaleString()}
        </time>
      </button>
      <button
        type="button"
        class="icon-button"
        aria-pressed={isFavorite}
        aria-label={`Favorite ${title}`}
        onClick={() => app.history.toggleFavorite(item)}
      >
        <StarIcon />
      </button>
      <button type="button" class="icon-button" aria-label={`Remove ${title}`} onClick={() => app.history.remove(item)}>
        <CloseIcon />
      </button>
    </li>
  )
}
