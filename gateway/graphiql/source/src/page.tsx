/// The page: tools at the side, tabs above, the operation and its response beside each other, the account below.
import { useEffect, useState } from 'preact/hooks'
import { AccountLine } from './account'
import type { App } from './app'
import { SettingsDialog, ShortcutsDialog } from './dialogs'
import type * as Language from './language'
import { OperationPane } from './operation'
import { SidePanel } from './panel'
import { applyTheme, type Pane, type Panel } from './preferences'
import { ResponsePane } from './runs/response'
import { useStore } from './store'
import { TabBar } from './tabs/bar'
import { BuilderIcon, DocsIcon, HistoryIcon, KeyboardIcon, ReloadIcon, SettingsIcon } from './ui/icons'
import { Splitter } from './ui/splitter'

/** The part of the page that needs the schema, once it has been loaded. */
export type LanguageModule = typeof Language

export function Page({ app }: { app: App }) {
  const preferences = useStore(app.preferences)
  const pane = useStore(app.pane)
  const language = useLanguage(app)
  const [dialog, setDialog] = useState<'settings' | 'shortcuts' | null>(null)
  useEffect(() => applyTheme(preferences.theme), [preferences.theme])
  return (
    <>
      <div
        class="graphiql-container"
        data-pane={pane}
        data-panel={preferences.panel ?? 'none'}
        style={{ '--panel-width': `${preferences.panelWidth}px`, '--response-share': preferences.responseShare }}
      >
        <Rail app={app} onDialog={setDialog} />
        {preferences.panel && <SidePanel app={app} panel={preferences.panel} />}
        <main class="graphiql-main">
          <div class="graphiql-session-header">
            <TabBar app={app} />
            <h1 class="graphiql-logo">{app.config.title}</h1>
          </div>
          <PaneSwitch app={app} pane={pane} />
          <div class="graphiql-session">
            <OperationPane app={app} language={language} />
            <Splitter
              label="Resize the response"
              axis="x"
              value={100 - preferences.responseShare}
              min={15}
              max={85}
              step={5}
              onChange={(share) => app.preferences.change({ responseShare: 100 - share })}
              measure={({ x }, splitter) => {
                const { left, right } = splitter.parentElement!.getBoundingClientRect()
                return ((x - left) / (right - left)) * 100
              }}
            />
            <section class="graphiql-response" aria-label="Response">
              <ResponsePane app={app} features={language?.viewingFeatures} />
            </section>
          </div>
        </main>
      </div>
      <AccountLine app={app} />
      {dialog === 'settings' && <SettingsDialog app={app} onClose={() => setDialog(null)} />}
      {dialog === 'shortcuts' && <ShortcutsDialog onClose={() => setDialog(null)} />}
    </>
  )
}

/** Loads completion and checks, and the schema, once the editor can be used. */
function useLanguage(app: App): LanguageModule | null {
  const [language, setLanguage] = useState<LanguageModule | null>(null)
  useEffect(() => {
    whenIdle(() => {
      void import('./language').then(setLanguage)
      void app.schema.load()
    })
  }, [app])
  return language
}

const LONGEST_WAIT_MS = 2000

/** Not before the page has been drawn and has answered to what was typed meanwhile. Safari has no idle callbacks. */
function whenIdle(work: () => void): void {
  if ('requestIdleCallback' in window) requestIdleCallback(work, { timeout: LONGEST_WAIT_MS })
  else setTimeout(work, 200)
}

const PANELS: readonly { panel: Panel; label: string; Icon: () => preact.VNode }[] = [
  { panel: 'docs', label: 'Documentation', Icon: DocsIcon },
  { panel: 'history', label: 'History', Icon: HistoryIcon },
  { panel: 'builder', label: 'Query builder', Icon: BuilderIcon },
]

function Rail({ app, onDialog }: { app: App; onDialog: (dialog: 'settings' | 'shortcuts') => void }) {
  const open = useStore(app.preferences, (preferences) => preferences.panel)
  const isLoading = useStore(app.schema, (schema) => schema.state === 'loading')
  return (
    <nav class="graphiql-sidebar" aria-label="Tools">
      {PANELS.map(({ panel, label, Icon }) => (
        <button
          key={panel}
          type="button"
          class="icon-button"
          aria-label={label}
          title={label}
          aria-pressed={open === panel}
          onClick={() => app.preferences.change({ panel: open === panel ? null : panel })}
        >
          <Icon />
        </button>
      ))}
      <span class="space" />
      <button
        type="button"
        class={`icon-button ${isLoading ? 'turning' : ''}`}
        aria-label="Reload the schema"
        title="Reload the schema"
        onClick={() => void app.schema.load()}
      >
        <ReloadIcon />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts"
        onClick={() => onDialog('shortcuts')}
      >
        <KeyboardIcon />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label="Settings"
        title="Settings"
        onClick={() => onDialog('settings')}
      >
        <SettingsIcon />
      </button>
    </nav>
  )
}

const PANES: readonly { pane: Pane; label: string }[] = [
  { pane: 'operation', label: 'Operation' },
  { pane: 'variables', label: 'Variables' },
  { pane: 'headers', label: 'Headers' },
  { pane: 'response', label: 'Response' },
]

/** On narrow screens, where one pane is shown at a time. */
function PaneSwitch({ app, pane }: { app: App; pane: Pane }) {
  return (
    <div class="pane-switch" role="group" aria-label="What is shown">
      {PANES.map(({ pane: each, label }) => (
        <button
          key={each}
          type="button"
          aria-pressed={pane === each}
          onClick={() => {
            app.pane.set(each)
            if (each === 'variables' || each === 'headers') app.preferences.change({ tool: each })
          }}
        >
          {label}
        </button>
      ))}
    </div>
  )
}
