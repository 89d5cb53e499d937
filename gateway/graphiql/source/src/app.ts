/// The page's state and what it can do: shared by all components.
import { fillExamples, turnAround, EXAMPLES, type Ask } from './examples'
import { copyText } from './copy/clipboard'
import type { Source } from './copy/snippets'
import { CostMeter } from './cost'
import type { Config } from './config'
import { cursorVariable, operationsIn, parseDocument, parseObject, pickOperation, titleOf } from './documents'
import { DocsNavigation, type DocsPage } from './docs/navigation'
import { History } from './history'
import { authorizationIn } from './http'
import { PreferencesStore, type Pane } from './preferences'
import { Runs, type Job } from './runs/runs'
import { SchemaLoader } from './schema'
import type { Session } from './session'
import { Store } from './store'
import { Tabs, type Tab } from './tabs/tabs'

const NOTICE_MS = 2500
const EXAMPLE_TIMEOUT_MS = 3000

type Prepared = { job: Job; problem: null } | { job: null; problem: string }

export class App {
  readonly preferences = new PreferencesStore()
  readonly tabs: Tabs
  readonly runs: Runs
  readonly history = new History()
  readonly docs = new DocsNavigation()
  readonly schema: SchemaLoader
  readonly cost: CostMeter
  /** What a narrow screen shows. */
  readonly pane = new Store<Pane>('operation')
  /** Where the cursor is in the operation editor. */
  readonly cursor = new Store(0)
  /** What has just been done, where it can't be seen otherwise. */
  readonly notice = new Store<string | null>(null)
  #noticeTimer: ReturnType<typeof setTimeout> | undefined
  /** Tabs whose operation is about to be sent. */
  #starting = new Set<string>()
  #email: string | null = null

  constructor(
    readonly config: Config,
    readonly session: Session,
  ) {
    this.tabs = new Tabs(EXAMPLES, () => this.preferences.value.keepHeaders)
    this.runs = new Runs(session, config.subscriptionEndpoint)
    this.schema = new SchemaLoader(session)
    this.cost = new CostMeter(session)
    session.status.subscribe(() => this.#onStatus())
    this.tabs.subscribe(() => this.#weigh())
    this.cursor.subscribe(() => this.#weigh())
    this.#onStatus()
    this.#weigh()
    addEventListener('pagehide', this.#save)
  }

  /** Leaves nothing to be remembered when the page is left. */
  clear(): void {
    removeEventListener('pagehide', this.#save)
  }

  #save = () => this.tabs.save()

  /** Runs the operation of the tab that is shown, or stops what runs there. */
  async toggle(operationName: string | null = null): Promise<void> {
    const tab = this.tabs.active
    if (this.runs.isRunning(tab.id)) this.runs.stop(tab.id)
    else await this.run(operationName)
  }

  async run(operationName: string | null = null): Promise<void> {
    const { id } = this.tabs.active
    if (this.#starting.has(id)) return
    this.#starting.add(id)
    await turnAround(this.tabs, this.tabs.active, this.#askSoon).finally(() => this.#starting.delete(id))
    const tab = this.tabs.find(id)
    if (!tab) return
    const { job, problem } = this.#prepare(tab, operationName)
    if (this.tabs.active === tab) this.pane.set('response')
    if (job === null) return this.runs.fail(tab.id, titleOf(tab.query), problem)
    this.history.add(tab, Date.now())
    this.runs.start(tab.id, job)
  }

  /** Puts a text on the clipboard, and says so for a moment. */
  async copy(text: string, notice: string): Promise<void> {
    this.notice.set((await copyText(text)) ? notice : 'The browser does not allow copying.')
    clearTimeout(this.#noticeTimer)
    this.#noticeTimer = setTimeout(() => this.notice.set(null), NOTICE_MS)
  }

  closeTab(id: string): void {
    this.runs.forget(id)
    this.tabs.close(id)
  }

  showDocs(page: DocsPage): void {
    this.preferences.change({ panel: 'docs' })
    this.docs.go(page)
  }

  /** The operation of the tab that is shown, ready to be copied; null while it cannot be run. */
  async source(): Promise<Source | null> {
    const { job } = this.#prepare(this.tabs.active, null)
    if (!job) return null
    const authorization = authorizationIn(job.headers) === null ? await this.session.authorization() : null
    return {
      endpoint: new URL(this.config.endpoint, location.href).href,
      kind: job.isSubscription ? 'subscription' : job.isMutation ? 'mutation' : 'query',
      query: job.query,
      operationName: job.operationName,
      variables: job.variables,
      headers: { ...job.headers, ...(authorization ? { authorization } : {}) },
    }
  }

  #prepare(tab: Tab, operationName: string | null): Prepared {
    const variables = parseObject(tab.variables)
    if (!variables.ok) return { job: null, problem: `Request not sent. The variables ${variables.problem}.` }
    const headers = parseObject(tab.headers)
    if (!headers.ok) return { job: null, problem: `Request not sent. The headers ${headers.problem}.` }
    const operation = pickOperation(parseDocument(tab.query), operationName, this.cursor.value)
    const job: Job = {
      query: tab.query,
      operationName: operation?.name?.value ?? null,
      title: operation?.name?.value ?? titleOf(tab.query),
      variables: variables.value,
      headers: Object.fromEntries(Object.entries(headers.value).map(([name, value]) => [name, String(value)])),
      isSubscription: operation?.operation === 'subscription',
      isMutation: operation?.operation === 'mutation',
      cursorVariable: operation && cursorVariable(operation),
    }
    return { job, problem: null }
  }

  #ask: Ask = async (request) => (await this.runs.ask(request)).answer

  /** For what happens between the button and the request: without an answer the request is sent as it is. */
  #askSoon: Ask = async (request) => (await this.runs.ask(request, {}, AbortSignal.timeout(EXAMPLE_TIMEOUT_MS))).answer

  #onStatus(): void {
    const status = this.session.status.value
    const email = status.state === 'signed-in' ? status.email : null
    if (email === this.#email) return
    this.#email = email
    this.runs.stopAll()
    if (this.schema.value.state === 'failed') void this.schema.load()
    if (email) void fillExamples(this.tabs, this.#ask)
    this.#weigh()
  }

  #weigh(): void {
    const tab = this.tabs.active
    const document = parseDocument(tab.query)
    const variables = parseObject(tab.variables)
    const headers = parseObject(tab.headers)
    if (!document || operationsIn(document).length === 0 || !variables.ok || !headers.ok) return this.cost.show(null)
    const operationName = pickOperation(document, null, this.cursor.value)?.name?.value ?? null
    this.cost.show(
      { query: tab.query, operationName, variables: variables.value },
      headers.value as Record<string, string>,
    )
  }
}
