/** Typed by gql.tada: this file need not run, it must type-check. */
import { initGraphQLTada, type ResultOf } from 'gql.tada'

import { createClient, type LiveState } from '../../src/index.ts'
import type { Scalars } from '../../src/schema.ts'
import type { introspection } from './generated/tada.d.ts'

const graphql = initGraphQLTada<{ introspection: introspection; scalars: Scalars }>()
const hive = createClient({ url: 'https://hive.example.com' })

const BOARD = graphql(`
  query Board($id: ID!) {
    project(id: $id) {
      name
      tasks(first: 50) {
        nodes {
          id
          status
          dueOn
        }
      }
    }
  }
`)
const CHANGES = graphql(`
  subscription Changes($after: SyncCursor) {
    changes(after: $after, withStart: true, withCaughtUp: true) {
      cursor
      isCaughtUp
      entity {
        __typename
        ... on Task {
          title
        }
      }
    }
  }
`)
const VIEWER = graphql('query Viewer { viewer { id } }')

export async function board(id: string): Promise<[string, string | null][]> {
  const { project } = await hive.request(BOARD, { id })
  const status: 'BACKLOG' | 'TODO' | 'IN_PROGRESS' | 'IN_REVIEW' | 'DONE' | 'CANCELED' | undefined =
    project?.tasks.nodes[0]?.status
  // @ts-expect-error: a status is no number
  const wrong: number | undefined = project?.tasks.nodes[0]?.status
  void [status, wrong]
  return (project?.tasks.nodes ?? []).map(({ id, dueOn }) => [id, dueOn])
}

export async function refused(): Promise<void> {
  // @ts-expect-error: a project's id is needed
  await hive.request(BOARD)
  // @ts-expect-error: an id is text
  await hive.request(BOARD, { id: 3 })
  const { viewer } = await hive.request(VIEWER)
  const id: string | undefined = viewer?.id
  void id
}

export function follow(show: (title: string) => void): LiveState {
  const subscription = hive.subscribe(
    CHANGES,
    { after: null },
    {
      next: ({ changes }: ResultOf<typeof CHANGES>) =>
        changes.entity?.__typename === 'Task' && show(changes.entity.title),
    },
  )
  return subscription.state
}
