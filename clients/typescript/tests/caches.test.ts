/** Apollo's and urql's caches, kept as the server is by the changes of the log. */
import { ApolloClient, gql, InMemoryCache } from '@apollo/client'
import { Client, gql as urqlGql } from '@urql/core'
import { cacheExchange } from '@urql/exchange-graphcache'
import { pipe, subscribe } from 'wonka'
import { afterEach, describe, expect, test } from 'vitest'

import * as apollo from '../src/apollo.ts'
import { VersionFilter, type Change } from '../src/apply-change.ts'
import { possibleTypes } from '../src/schema.ts'
import * as urql from '../src/urql.ts'
import { createTask, open, run, settle, until, type World } from './support/world.ts'

const BOARD = `query Board($id: ID!, $other: ID!) {
  project(id: $id) { __typename id tasks(first: 50) { __typename totalCount nodes { __typename id version title rank } } }
  other: project(id: $other) { __typename id tasks(first: 50) { __typename totalCount nodes { __typename id version title rank } } }
}`
const CHANGES = `subscription Changes($after: SyncCursor) {
  changes(after: $after, withStart: true) {
    __typename cursor kind type entityId fields { __typename field before after }
    entity { __typename id version ... on Task { title rank project { __typename id } } }
  }
}`

const closing: (() => unknown)[] = []
afterEach(() => closing.splice(0).forEach((close) => close()))

interface Board {
  titles(): [string[], string[]]
  counts(): number[]
}

type Follow = (world: World, other: string) => Promise<Board>

const toBoard = (read: () => any): Board => ({
  titles: () =>
    [read()?.project, read()?.other].map((each) => (each?.tasks.nodes ?? []).map(({ title }: any) => title)) as any,
  counts: () => [read()?.project, read()?.other].map((each) => each?.tasks.totalCount),
})

const followByApollo: Follow = async ({ client, projectId }, other) => {
  const cache = new InMemoryCache({ possibleTypes })
  const apolloClient = new ApolloClient({ link: apollo.createLink(client), cache })
  closing.push(() => apolloClient.stop())
  const query = { query: gql(BOARD), variables: { id: projectId, other } }
  await apolloClient.query(query)
  let isFollowing = false
  const subscription = apolloClient.subscribe<{ changes: Change }>({ query: gql(CHANGES) }).subscribe(({ data }) => {
    isFollowing = true
    if (data) apollo.applyChange(cache, data.changes as Change)
  })
  closing.push(() => subscription.unsubscribe())
  await until(() => isFollowing, 'the start')
  return toBoard(() => cache.readQuery(query))
}

const followByUrql: Follow = async ({ client, projectId }, other) => {
  const urqlClient = new Client({
    url: client.url,
    preferGetMethod: false,
    exchanges: [
      cacheExchange({
        keys: { FieldChange: () => null, TaskConnection: () => null, Change: () => null },
        updates: {
          Subscription: {
            changes: (result: any, _: unknown, cache) => urql.applyChange(cache, result.changes as Change),
          },
        },
      }),
      urql.hiveExchange(client),
    ],
  })
  let data: any
  let isFollowing = false
  const board = pipe(
    urqlClient.query(urqlGql(BOARD), { id: projectId, other }),
    subscribe((result) => void (data = result.data)),
  )
  closing.push(board.unsubscribe)
  await until(() => data, 'the board')
  const changes = pipe(
    urqlClient.subscription(urqlGql(CHANGES), {}),
    subscribe(() => void (isFollowing = true)),
  )
  closing.push(changes.unsubscribe)
  await until(() => isFollowing, 'the start')
  return toBoard(() => data)
}

describe.each([
  ['Apollo', followByApollo],
  ['urql', followByUrql],
] as const)('%s', (_, follow) => {
  test('lists take in what is made, lose what is deleted, and follow what moves', async () => {
    const world = await settle()
    closing.push(() => world.client.dispose())
    const { project: other } = await run(
      world.client,
      'mutation ($input: ProjectCreateInput!) { result: projectCreate(input: $input) { project { id } errors { code } } }',
      { teamId: world.teamId, name: 'Other' },
    )
    const tasks: Record<string, string> = {}
    for (const title of ['A', 'B', 'C']) tasks[title] = (await createTask(world, title)).id
    const board = await follow(world, other.id)
    const shows = async (here: string[], there: string[] = []): Promise<void> => {
      await until(() => JSON.stringify(board.titles()) === JSON.stringify([here, there]), `${here} / ${there}`).catch(
        () => expect(board.titles()).toEqual([here, there]),
      )
    }
    const mutate = (field: string, type: string, input: object): Promise<unknown> =>
      run(
        world.client,
        `mutation ($input: ${type}!) { result: ${field}(input: $input) { errors { code message } } }`,
        input,
      )

    await shows(['A', 'B', 'C'])
    await createTask(world, 'D')
    await shows(['A', 'B', 'C', 'D'])
    await mutate('taskMove', 'TaskMoveInput', { id: tasks['C'], afterId: null })
    await shows(['C', 'A', 'B', 'D'])
    await mutate('taskUpdate', 'TaskUpdateInput', { id: tasks['A'], title: 'A renamed' })
    await shows(['C', 'A renamed', 'B', 'D'])
    await mutate('taskMove', 'TaskMoveInput', { id: tasks['B'], projectId: other.id })
    await shows(['C', 'A renamed', 'D'], ['B'])
    await mutate('taskDelete', 'DeleteInput', { id: tasks['A'] })
    await shows(['C', 'D'], ['B'])
    await mutate('projectUpdate', 'ProjectUpdateInput', { id: other.id, name: 'Still there' })
    await shows(['C', 'D'], ['B'])
  })
})

test('Apollo: edges and counts follow too, each object once', () => {
  const cache = new InMemoryCache({ possibleTypes })
  const query = gql(
    `query ($id: ID!) { project(id: $id) { id tasks(first: 2) { totalCount edges { cursor node { id title rank } } } } }`,
  )
  const task = (id: string, rank: string) => ({ __typename: 'Task', id, title: id, rank })
  cache.writeQuery({
    query,
    variables: { id: 'P' },
    data: {
      project: {
        __typename: 'Project',
        id: 'P',
        tasks: {
          __typename: 'TaskConnection',
          totalCount: 2,
          edges: ['a', 'c'].map((id) => ({ __typename: 'TaskEdge', cursor: id, node: task(id, id) })),
        },
      },
    },
  })
  const read = () => {
    const { tasks } = (cache.readQuery({ query, variables: { id: 'P' } }) as any).project
    return [tasks.totalCount, tasks.edges.map(({ node }: any) => node.id)]
  }
  const change = (id: string, more: Partial<Change> = {}): Change => ({
    kind: 'CREATED',
    type: 'Task',
    entityId: id,
    entity: { ...task(id, id), project: { __typename: 'Project', id: 'P' } },
    ...more,
  })
  cache.writeFragment({ fragment: gql(`fragment T on Task { id title rank }`), data: task('b', 'b') })
  for (let time = 0; time < 2; time += 1) {
    apollo.applyChange(cache, change('b'))
    expect(read()).toEqual([3, ['a', 'b', 'c']])
  }
  apollo.applyChange(cache, change('a', { kind: 'ACCESS_LOST', entity: null }))
  expect(read()).toEqual([2, ['b', 'c']])
  expect(cache.extract()['Task:a']).toBe(undefined)
  apollo.applyChange(cache, change('b', { kind: 'UPDATED', entity: null }))
  expect(read()).toEqual([2, ['b', 'c']])
})

test('what is older than what has passed is taken out of changes', () => {
  const versions = new VersionFilter()
  versions.note({ taskUpdate: { task: { id: 'a', version: 3 } }, list: [{ id: 'b', version: 1 }] })
  const changed = (id: string, version: number) => ({ changes: { cursor: 'x', entity: { id, version } } })
  expect(versions.filter(changed('a', 2))).toEqual({ changes: { cursor: 'x', entity: null } })
  expect(versions.filter(changed('a', 3))).toEqual(changed('a', 3))
  expect(versions.filter(changed('b', 2))).toEqual(changed('b', 2))
  expect(versions.filter(changed('b', 1))).toEqual({ changes: { cursor: 'x', entity: null } })
  expect(versions.filter({ other: null })).toEqual({ other: null })
})

test('errors come to both with their code, and data beside them', async () => {
  const { client } = await settle()
  closing.push(() => client.dispose())
  const half = 'query Half { viewer { __typename id } tasks(first: 1000) { __typename totalCount } }'
  const apolloClient = new ApolloClient({ link: apollo.createLink(client), cache: new InMemoryCache() })
  const byApollo = await apolloClient.query<any>({ query: gql(half), errorPolicy: 'all' })
  expect(byApollo.data.viewer.id).toBeTypeOf('string')
  expect((byApollo.error as any).errors[0].extensions.code).toBe('PAGE_TOO_LARGE')
  const urqlClient = new Client({ url: client.url, preferGetMethod: false, exchanges: [urql.hiveExchange(client)] })
  const byUrql = await urqlClient.query(urqlGql(half), {}).toPromise()
  expect(byUrql.data.viewer.id).toBeTypeOf('string')
  expect(byUrql.error?.graphQLErrors[0]?.extensions['code']).toBe('PAGE_TOO_LARGE')
  const away = new Client({
    url: 'x',
    preferGetMethod: false,
    exchanges: [urql.hiveExchange(open({ url: 'http://127.0.0.1:9' }))],
  })
  expect((await away.query(urqlGql('{ viewer { id } }'), {}).toPromise()).error?.networkError).toMatchObject({
    code: 'NETWORK',
  })
})
