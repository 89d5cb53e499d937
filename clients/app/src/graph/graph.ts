/// Operations, typed by the server's schema: `npm run schema` writes schema.d.ts from schema/schema.graphql.
import type { initGraphQLTada } from 'gql.tada'
import type { introspection } from './schema'

type Tada = ReturnType<
  typeof initGraphQLTada<{
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
  }>
>

/** Only types are taken from the text: it is sent as it stands here, with its fragments, and nothing in the page parses it. */
export const graphql = ((text: string, fragments: readonly string[] = []): string =>
  [text, ...fragments].join('\n')) as unknown as Tada

export type { ResultOf, VariablesOf } from 'gql.tada'
