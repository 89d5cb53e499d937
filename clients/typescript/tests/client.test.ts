/** Signing in, asking and listening, against a real server. */
import { afterEach, expect, test } from 'vitest'

import { HiveError, memoryStorage, type HiveClient, type LiveState } from '../src/index.ts'
import { createTask, open, openDetour, PASSWORD, register, settle, until } from './support/world.ts'

const CHANGES = `subscription Changes($after: SyncCursor) {
  changes(after: $after, withStart: true, withCaughtUp: true) { cursor kind isCaughtUp entity { ... on Task { title } } }
}`

interface Changes {
  changes: { cursor: string; kind: string; entity: { title?: string } | null }
}

const clients: HiveClient[] = []
afterEach(async () => void (await Promise.all(clients.splice(0).map((client) => client.dispose()))))

/** The titles that a subscription brings, and how it goes. */
function follow(client: HiveClient, after: string | null = null) {
  clients.push(client)
  const titles: string[] = []
  const states: LiveState[] = []
  const errors: string[] = []
  const subscription = client.subscribe<Changes, { after: string | null }>(
    CHANGES,
    { after },
    {
      next: ({ changes }) => changes.entity?.title && titles.push(changes.entity.title),
      state: (state) => states.push(state),
      error: ({ code }) => errors.push(code),
    },
  )
  return { titles, states, errors, subscription }
}

test('a password signs in, a wrong one is refused with its code and changes nothing', async () => {
  const { client, email } = await register()
  clients.push(client)
  expect(await client.request('{ viewer { firstName } }')).toEqual({ viewer: { firstName: 'Ada' } })
  const before = client.session.storage.read()
  await expect(client.signIn({ email, password: 'another' })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(client.session.storage.read()).toEqual(before)
})

test('errors of an answer are thrown with their code, and what else came is with them', async () => {
  const { client } = await register()
  clients.push(client)
  const failed = await client
    .request('{ viewer { firstName } tasks(first: 1000) { totalCount } }')
    .catch((error) => error)
  expect(failed).toBeInstanceOf(HiveError)
  expect([failed.code, failed.isTemporary]).toEqual(['PAGE_TOO_LARGE', false])
  expect(failed.details.data).toEqual({ viewer: { firstName: 'Ada' }, tasks: null })
})

test('a server that is not there is a temporary error', async () => {
  const failed = await open({ url: 'http://127.0.0.1:9' })
    .request('{ viewer { id } }')
    .catch((error) => error)
  expect([failed.code, failed.isTemporary]).toEqual(['NETWORK', true])
})

test('after every cut a subscription goes on where it was, without a gap or a repeat', async () => {
  const world = await settle()
  clients.push(world.client)
  const detour = await openDetour()
  try {
    const other = open({ url: detour.url, storage: memoryStorage(world.client.session.storage.read()) })
    const { titles, states, subscription } = follow(other)
    await until(() => subscription.state === 'live' && subscription.cursor, 'the start')
    const expected: string[] = []
    for (const round of [1, 2, 3]) {
      for (const when of ['before', 'during'] as const) {
        if (when === 'during') detour.cut()
        expected.push(`${when} ${round}`)
        await createTask(world, expected.at(-1)!)
      }
      await until(() => titles.length === expected.length && subscription.state === 'live', `round ${round}`)
    }
    expect(titles).toEqual(expected)
    const round: LiveState[] = ['offline', 'catching up', 'live']
    expect(states).toEqual([...round, ...round, ...round, ...round])
  } finally {
    detour.close()
  }
})

test('it is live when everything that was missed has come, not before', async () => {
  const world = await settle()
  const first = follow(world.client)
  await until(() => first.subscription.state === 'live', 'the start')
  const { cursor } = first.subscription
  const missed = Array.from({ length: 30 }, (_, number) => `Missed ${number}`)
  for (const title of missed) await createTask(world, title)
  const { states, subscription, titles } = follow(world.client, cursor)
  await until(() => states.includes('live'), 'the marker')
  expect([titles, subscription.state]).toEqual([missed, 'live'])
  await createTask(world, 'Later')
  await until(() => titles.length > missed.length, 'what happens')
  expect([titles.at(-1), states]).toEqual(['Later', ['catching up', 'live']])
})

test('a subscription without a marker is live as soon as it is connected', async () => {
  const { client } = await register()
  clients.push(client)
  const states: LiveState[] = []
  client.subscribe(
    'subscription { notificationReceived { id } }',
    {},
    { next: () => {}, state: (each) => states.push(each) },
  )
  await until(() => states.includes('live'), 'the connection')
  expect(states).toEqual(['offline', 'live'])
})

test('a cursor that is none ends a subscription with its code', async () => {
  const { client } = await register()
  const { errors, subscription } = follow(client, 'nonsense')
  await until(() => errors.length, 'the refusal')
  expect(errors).toEqual(['CURSOR_INVALID'])
  expect(subscription.state).toBe('offline')
})

test('a token that the server no longer takes is renewed in the middle of a request, once for all of them', async () => {
  const { client, email } = await register()
  clients.push(client)
  await client.signIn({ email, password: PASSWORD })
  const tokens = client.session.storage.read()!
  let renewals = 0
  const counting = open({
    storage: memoryStorage({ ...tokens, expiresAt: Date.now() - 1 }),
    fetch: (input, init) => {
      if (String(init?.body).includes('sessionRefresh')) renewals += 1
      return fetch(input, init)
    },
  })
  clients.push(counting)
  const answers = await Promise.all(Array.from({ length: 5 }, () => counting.request('{ viewer { firstName } }')))
  expect(answers).toEqual(Array.from({ length: 5 }, () => ({ viewer: { firstName: 'Ada' } })))
  expect(renewals).toBe(1)
  expect(counting.session.storage.read()!.refreshToken).not.toBe(tokens.refreshToken)
})

test('signing out ends the session, and tells it', async () => {
  const { client } = await register()
  clients.push(client)
  const seen: boolean[] = []
  client.session.listen((tokens) => seen.push(tokens !== null))
  const token = await client.session.accessToken()
  await client.signOut()
  expect([client.session.isSignedIn, seen]).toEqual([false, [false]])
  const stale = open({
    storage: memoryStorage({ accessToken: token!, refreshToken: 'x', expiresAt: Date.now() + 1e6, lifetimeMs: 1e6 }),
  })
  clients.push(stale)
  // Within a second, by the server's word.
  await until(
    () =>
      stale.request('{ viewer { id } }').then(
        () => false,
        ({ code }) => code === 'UNAUTHENTICATED',
      ),
    'the end',
  )
})
