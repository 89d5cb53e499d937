/// The page: GraphiQL over the graph of this server, with the account line below it.
import { explorerPlugin } from '@graphiql/plugin-explorer'
import { HISTORY_PLUGIN } from '@graphiql/plugin-history'
import { GraphiQL } from 'graphiql'
import { useMemo, useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import { AccountLine } from './account'
import { loadConfig, type Config } from './config'
import { createFetcher, Live } from './fetcher'
import { Session } from './session'
import { exampleTabs, FilledTabs } from './tabs'
import './workers'

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })]

function Page({ config, session, live }: { config: Config; session: Session; live: Live }) {
  const fetcher = useMemo(
    () => createFetcher(session, config.subscriptionEndpoint, live),
    [session, config.subscriptionEndpoint, live],
  )
  const status = useSyncExternalStore(session.subscribe, () => session.status)
  return (
    <>
      <GraphiQL
        fetcher={fetcher}
        plugins={PLUGINS}
        defaultTabs={exampleTabs}
        defaultEditorToolsVisibility="variables"
        inputValueDeprecation
        schemaDescription
      >
        <GraphiQL.Logo>
          <span className="hive-logo">{config.title}</span>
        </GraphiQL.Logo>
        <FilledTabs fetcher={fetcher} status={status} />
      </GraphiQL>
      <AccountLine config={config} session={session} live={live} />
    </>
  )
}

function Failure({ message }: { message: string }) {
  return <p className="hive-loading">GraphiQL cannot start: {message}</p>
}

async function start(): Promise<void> {
  const root = createRoot(document.getElementById('root')!)
  try {
    const config = await loadConfig()
    document.title = `${config.title} · GraphiQL`
    root.render(<Page config={config} session={new Session(config.endpoint, config.demo)} live={new Live()} />)
  } catch (error) {
    root.render(<Failure message={error instanceof Error ? error.message : String(error)} />)
  }
}

void start()
