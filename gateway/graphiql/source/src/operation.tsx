/// The left pane: the operation with its buttons, and below it the variables and headers.
import { json } from '@codemirror/lang-json'
import { styleTags, tags } from '@lezer/highlight'
import type { KeyBinding } from '@codemirror/view'
import { graphqlLanguage } from 'cm6-graphql'
import { useMemo, useState } from 'preact/hooks'
import type { App } from './app'
import { FORMATS, type Format } from './copy/formats'
import { operationsIn, parseDocument, toJson } from './documents'
import { Editor } from './editor/editor'
import type { LanguageModule } from './page'
import type { Tool } from './preferences'
import { useStore } from './store'
import { activeTab, type Tab } from './tabs/tabs'
import { CopyIcon, MergeIcon, PlayIcon, PrettifyIcon, StopIcon } from './ui/icons'
import { Menu } from './ui/menu'
import { Splitter } from './ui/splitter'

/** A field may be called `type`, which the grammar otherwise takes for a keyword. */
const GRAPHQL = graphqlLanguage.configure({
  props: [
    styleTags({
      'FieldName/...': tags.propertyName,
      'Alias/...': tags.labelName,
      'ObjectField/Name': tags.attributeName,
    }),
  ],
})
const JSON_LANGUAGE = json()

interface Props {
  app: App
  language: LanguageModule | null
}

export function OperationPane({ app, language }: Props) {
  const tab = useStore(app.tabs, activeTab)
  const schema = useStore(app.schema, (state) => (state.state === 'ready' ? state.schema : null))
  const { tool, toolHeight } = useStore(app.preferences)
  const [problem, setProblem] = useState<string | null>(null)
  const actions = useMemo(() => createActions(app, setProblem), [app])
  const features = useMemo(
    () =>
      language && [
        language.editingFeatures,
        schema
          ? language.operationFeatures(schema, ({ type, field }) =>
              app.showDocs(field === null ? { kind: 'type', type } : { kind: 'field', type, field }),
            )
          : [],
      ],
    [language, schema],
  )
  return (
    <section class="graphiql-editors" aria-label="Operation" style={{ '--tool-height': `${toolHeight}px` }}>
      <div class="graphiql-query-editor">
        <Editor
          label="Operation"
          docKey={`${tab.id}:query`}
          value={tab.query}
          language={GRAPHQL}
          features={features ?? undefined}
          keys={actions.keys}
          hint="Write a query, a mutation or a subscription."
          onChange={(query) => {
            setProblem(null)
            app.tabs.edit(tab.id, { query })
          }}
          onCursor={(offset) => app.cursor.set(offset)}
        />
        <Toolbar app={app} tab={tab} actions={actions} />
      </div>
      <div class="operation-status">
        {problem ? (
          <span class="hive-problem" role="alert">
            {problem}
          </span>
        ) : (
          <CostLine app={app} />
        )}
        <Notice app={app} />
      </div>
      <Tools app={app} tab={tab} tool={tool} language={language} keys={actions.keys} />
    </section>
  )
}

interface Actions {
  run: (operationName?: string | null) => void
  prettify: () => void
  merge: () => void
  keys: readonly KeyBinding[]
}

function createActions(app: App, report: (problem: string | null) => void): Actions {
  const attempt = (work: () => Promise<void>) => {
    report(null)
    work().catch((error: unknown) => report(error instanceof Error ? error.message.split('\n')[0]! : String(error)))
  }
  const actions = {
    run: (operationName: string | null = null) => attempt(() => app.toggle(operationName)),
    prettify: () =>
      attempt(async () => {
        const { id, query, variables, headers } = app.tabs.active
        const { prettify } = await import('./tools/prettify')
        app.tabs.edit(id, { query: await prettify(query), variables: tidy(variables), headers: tidy(headers) })
      }),
    merge: () =>
      attempt(async () => {
        const { id, query } = app.tabs.active
        const document = parseDocument(query)
        const { value } = app.schema
        if (!document || value.state !== 'ready')
          throw new Error('Fragments can be merged once the operation and the schema are complete.')
        const { mergeFragments } = await import('./tools/fragments')
        app.tabs.edit(id, { query: mergeFragments(document, value.schema) })
      }),
  }
  const command = (key: string, run: () => void): KeyBinding => ({
    key,
    preventDefault: true,
    run: () => (run(), true),
  })
  const keys = [
    command('Mod-Enter', () => actions.run()),
    command('Shift-Mod-p', actions.prettify),
    command('Shift-Ctrl-p', actions.prettify),
    command('Shift-Mod-m', actions.merge),
    command('Shift-Ctrl-m', actions.merge),
  ]
  return { ...actions, keys }
}

function tidy(text: string): string {
  try {
    return toJson(JSON.parse(text))
  } catch {
    return text
  }
}

function Toolbar({ app, tab, actions }: { app: App; tab: Tab; actions: Actions }) {
  const run = useStore(app.runs, (runs) => runs.get(tab.id))
  const isRunning = run !== undefined && (run.kind === 'request' ? run.busy : run.state.phase !== 'ended')
  const names = useMemo(() => {
    const document = parseDocument(tab.query)
    return document ? operationsIn(document).map((each) => each.name?.value ?? null) : []
  }, [tab.query])
  const copy = async (format: Format) => {
    const source = await app.source()
    const { snippet } = await import('./copy/snippets')
    if (source)
      await app.copy(snippet(format, source), `Copied as ${FORMATS.find((each) => each.id === format)!.label}`)
  }
  return (
    <div class="graphiql-toolbar" role="toolbar" aria-label="Operation tools">
      {isRunning || names.length < 2 ? (
        <button
          type="button"
          class="graphiql-execute-button"
          aria-label={isRunning ? 'Stop' : 'Run the operation'}
          title={isRunning ? 'Stop' : 'Run the operation (Ctrl-Enter)'}
          onClick={() => actions.run()}
        >
          {isRunning ? <StopIcon /> : <PlayIcon />}
        </button>
      ) : (
        <Menu
          class="run-menu"
          label="Run an operation"
          icon={<PlayIcon />}
          items={names.map((name) => ({ label: name ?? 'Unnamed operation', run: () => actions.run(name) }))}
        />
      )}
      <button
        type="button"
        class="icon-button"
        aria-label="Prettify"
        title="Prettify (Shift-Ctrl-P)"
        onClick={actions.prettify}
      >
        <PrettifyIcon />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label="Merge fragments"
        title="Merge fragments (Shift-Ctrl-M)"
        onClick={actions.merge}
      >
        <MergeIcon />
      </button>
      <Menu
        label="Copy as"
        icon={<CopyIcon />}
        items={FORMATS.map(({ id, label }) => ({ label: `Copy as ${label}`, run: () => void copy(id) }))}
        note="Includes your access token."
      />
    </div>
  )
}

function Notice({ app }: { app: App }) {
  return (
    <span class="notice" role="status">
      {useStore(app.notice)}
    </span>
  )
}

function CostLine({ app }: { app: App }) {
  const cost = useStore(app.cost)
  if (!cost) return <span class="faint">Cost unknown</span>
  const isOver = cost.cost > cost.limit
  return (
    <span
      class={isOver ? 'hive-problem' : 'faint'}
      title="What the server reckons for this operation before it runs it."
    >
      Cost {cost.cost.toLocaleString('en')} of {cost.limit.toLocaleString('en')}
      {isOver && ': too much to run at once'}
    </span>
  )
}

const TOOLS: readonly { tool: Tool; label: string }[] = [
  { tool: 'variables', label: 'Variables' },
  { tool: 'headers', label: 'Headers' },
]

function Tools({
  app,
  tab,
  tool,
  language,
  keys,
}: Props & { tab: Tab; tool: Tool | null; keys: readonly KeyBinding[] }) {
  const schema = useStore(app.schema, (state) => (state.state === 'ready' ? state.schema : null))
  const features = useMemo(
    () =>
      language ? [language.editingFeatures, schema ? language.variableFeatures(schema, tab.query) : []] : undefined,
    [language, schema, tab.query],
  )
  return (
    <div class="graphiql-editor-tools" data-open={tool !== null}>
      {tool !== null && (
        <Splitter
          label="Resize variables and headers"
          axis="y"
          value={app.preferences.value.toolHeight}
          min={80}
          max={600}
          step={20}
          onChange={(toolHeight) => app.preferences.change({ toolHeight })}
          measure={({ y }, splitter) => splitter.parentElement!.getBoundingClientRect().bottom - y}
        />
      )}
      <div class="tool-switch" role="group" aria-label="Variables and headers">
        {TOOLS.map(({ tool: each, label }) => (
          <button
            key={each}
            type="button"
            aria-pressed={tool === each}
            onClick={() => app.preferences.change({ tool: tool === each ? null : each })}
          >
            {label}
          </button>
        ))}
      </div>
      {tool === 'variables' && (
        <div class="graphiql-editor-tool">
          <Editor
            key="variables"
            label="Variables"
            docKey={`${tab.id}:variables`}
            value={tab.variables}
            language={JSON_LANGUAGE}
            features={features}
            keys={keys}
            hint='{ "first": 10 }'
            onChange={(variables) => app.tabs.edit(tab.id, { variables })}
          />
        </div>
      )}
      {tool === 'headers' && (
        <div class="graphiql-editor-tool">
          <Editor
            key="headers"
            label="Headers"
            docKey={`${tab.id}:headers`}
            value={tab.headers}
            language={JSON_LANGUAGE}
            features={language?.editingFeatures}
            keys={keys}
            hint='{ "Accept-Language": "en" }'
            onChange={(headers) => app.tabs.edit(tab.id, { headers })}
          />
        </div>
      )}
    </div>
  )
}
