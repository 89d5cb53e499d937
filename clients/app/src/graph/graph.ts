/// Operations, typed by the server's schema: `npm run schema` writes schema.d.ts from schema/schema.graphql.
import { initGraphQLTada } from 'gql.tada'
import type { introspection } from './schema'

export const graphql = initGraphQLTada<{
  introspection: introspection
  disableMasking: true
  scalars: {
    Base64: string
    Date: string
    DateTime: string
    JSON: unknown
    Markdown: string
    SyncCursor: string
    URL: string
    UUID: string
  }
}>()

export type { ResultOf, VariablesOf } from 'gql.tada'
