/// The graph's schema: read once from the server, which answers 304 while the browser's copy is still right.
import type { GraphQLSchema, IntrospectionQuery } from 'graphql'
import type { Session } from './session'
import { Store } from './store'

export type SchemaState =
  { state: 'loading' } | { state: 'ready'; schema: GraphQLSchema } | { state: 'failed'; problem: string }

const PATH = 'graphiql/schema.json'

const PROBLEMS: Record<number, string> = {
  401: 'Sign in to read the schema.',
  404: 'This server runs trusted documents only, and does not show its schema.',
}

export class SchemaLoader extends Store<SchemaState> {
  #text = ''

  constructor(readonly session: Session) {
    super({ state: 'loading' })
  }

  /** Reads the schema again; the one that is shown stays while nothing newer has arrived. */
  async load(): Promise<void> {
    if (this.value.state === 'failed') this.set({ state: 'loading' })
    try {
      const authorization = await this.session.authorization()
      const response = await fetch(PATH, { cache: 'no-cache', headers: authorization ? { authorization } : {} })
      const text = await response.text()
      if (!response.ok) {
        this.set({ state: 'failed', problem: PROBLEMS[response.status] ?? `The server answered ${response.status}.` })
      } else if (text !== this.#text) {
        const { buildClientSchema } = await import('./language')
        this.set({ state: 'ready', schema: buildClientSchema((JSON.parse(text) as { data: IntrospectionQuery }).data) })
        this.#text = text
      }
    } catch {
      if (this.value.state !== 'ready') {
        this.set({ state: 'failed', problem: 'The schema cannot be read: the server cannot be reached.' })
      }
    }
  }
}
