/** Sessions: renewed in time, in band, once for all tabs; by password and by OAuth; against a real server. */
import { afterEach, beforeEach, expect, inject, test, vi } from 'vitest'
import WebSocket from 'ws'

import {
  memoryStorage,
  webStorage,
  type HiveClient,
  type LiveState,
  type Tokens,
  type TokenStorage,
} from '../src/index.ts'
import { authorizationUrl, redeem } from '../src/oauth.ts'
import { createTask, open, PASSWORD, register, run, settle, until } from './support/world.ts'

const clients: HiveClient[] = []
let renewals: string[] = []
beforeEach(() => void (renewals = []))
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.dispose()))
  vi.unstubAllGlobals()
})

/** A client that counts how often it asks for new tokens, and by which way. */
function counted(storage: TokenStorage, more: object = {}): HiveClient {
  const client = open({
    storage,
    fetch: (input, init) => {
      if (String(init?.body).includes('sessionRefresh')) renewals.push('graph')
      if (String(input).endsWith('/oauth/token')) renewals.push('oauth')
      return fetch(input, init)
    },
    ...more,
  })
  clients.push(client)
  return client
}

async function tokensOfSomebody(): Promise<Tokens> {
  const { client } = await register()
  clients.push(client)
  return client.session.storage.read()!
}

const VIEWER = '{ viewer { firstName } }'

test('a renewed token replaces the old one on the open socket: nothing is interrupted', async () => {
  const world = await settle()
  clients.push(world.client)
  const pongs: unknown[] = []
  let connections = 0
  class Socket extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given)
      connections += 1
      this.on('message', (data) => {
        const message = JSON.parse(String(data))
        if (message.type === 'pong') pongs.push(message.payload)
      })
    }
  }
  const client = counted(memoryStorage(world.client.session.storage.read()), { webSocketImpl: Socket })
  const titles: string[] = []
  const states: LiveState[] = []
  const subscription = client.subscribe<any, object>(
    'subscription ($after: SyncCursor) { changes(after: $after, withCaughtUp: true) { cursor isCaughtUp entity { ... on Task { title } } } }',
    { after: null },
    {
      next: ({ changes }) => changes.entity?.title && titles.push(changes.entity.title),
      state: (state) => states.push(state),
    },
  )
  await until(() => subscription.state === 'live' && subscription.cursor, 'the start')
  await client.session.accessTokenAfter((await client.session.accessToken())!)
  await until(() => pongs.length, 'the answer')
  expect(pongs).toEqual([{ authorization: 'accepted' }])
  world.client.session.set(client.session.storage.read())
  await createTask(world, 'After the renewal')
  await until(() => titles.length, 'the change')
  expect([titles, states, connections, renewals]).toEqual([
    ['After the renewal'],
    ['offline', 'catching up', 'live'],
    1,
    ['graph'],
  ])
})

test('who signs in as somebody else comes back on another socket', async () => {
  const [first, second] = [await tokensOfSomebody(), await tokensOfSomebody()]
  const client = counted(memoryStorage(first))
  const names: string[] = []
  client.subscribe<any, object>(
    'subscription ($after: SyncCursor) { changes(after: $after, withStart: true) { entityId } }',
    {},
    { next: ({ changes }) => names.push(changes.entityId) },
  )
  await until(() => names.length === 1, 'the first')
  client.session.set(second)
  await until(() => names.length === 2, 'the second')
  expect(new Set(names).size).toBe(2)
})

test('while anybody listens, a token is renewed before it expires', async () => {
  const tokens = await tokensOfSomebody()
  const client = counted(memoryStorage({ ...tokens, lifetimeMs: 2000, expiresAt: Date.now() + 1000 }))
  const seen: (string | undefined)[] = []
  client.session.listen((renewed) => seen.push(renewed?.accessToken))
  await until(() => seen.length, 'the renewal')
  expect(client.session.storage.read()!.lifetimeMs).toBe(600_000)
  expect([seen[0] === tokens.accessToken, renewals]).toEqual([false, ['graph']])
})

test.each(['with Web Locks', 'without'])('tabs that share a storage renew once, %s', async (how) => {
  const asked: string[] = []
  if (how === 'with Web Locks') {
    let last: Promise<unknown> = Promise.resolve()
    const request = (name: string, work: () => Promise<unknown>): Promise<unknown> => {
      asked.push(name)
      return (last = last.then(work, work))
    }
    vi.stubGlobal('navigator', { locks: { request } })
  }
  const storage = memoryStorage({ ...(await tokensOfSomebody()), expiresAt: Date.now() - 1 })
  const tabs = [counted(storage), counted(storage), counted(storage)]
  const answers = await Promise.all(tabs.map((tab) => tab.request(VIEWER)))
  expect(answers).toEqual(tabs.map(() => ({ viewer: { firstName: 'Ada' } })))
  expect(renewals).toEqual(['graph'])
  expect(asked).toEqual(how === 'without' ? [] : Array.from({ length: 3 }, () => `pantherahive ${inject('url')}`))
})

test('a session that has ended elsewhere is noticed at its renewal, and everybody is told', async () => {
  const tokens = await tokensOfSomebody()
  await clients[0]!.request('mutation { sessionRevoke(input: {}) { errors { code } } }')
  const client = counted(memoryStorage({ ...tokens, expiresAt: Date.now() - 1 }))
  const seen: unknown[] = []
  client.session.listen((renewed) => seen.push(renewed))
  await expect(client.request('{ teams { totalCount } }')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  expect([client.session.isSignedIn, seen]).toEqual([false, [null]])
})

test('while the server is away a token that still works is used, and nobody is signed out', async () => {
  const tokens = { ...(await tokensOfSomebody()), expiresAt: Date.now() + 5_000, lifetimeMs: 600_000 }
  let isAway = true
  const client = counted(memoryStorage(tokens), {
    fetch: (input: string, init: RequestInit) =>
      isAway && String(init.body).includes('sessionRefresh')
        ? Promise.reject(new TypeError('away'))
        : fetch(input, init),
  })
  expect(await client.request(VIEWER)).toEqual({ viewer: { firstName: 'Ada' } })
  expect(client.session.storage.read()).toEqual(tokens)
  isAway = false
  await client.request(VIEWER)
  expect(client.session.storage.read()!.accessToken).not.toBe(tokens.accessToken)
})

test('tokens in web storage are shared, and what another tab writes is heard of', async () => {
  const values = new Map<string, string>()
  const storage = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  } as unknown as Storage
  const listeners: ((event: unknown) => void)[] = []
  vi.stubGlobal(
    'addEventListener',
    (name: string, listener: (event: unknown) => void) => name === 'storage' && listeners.push(listener),
  )
  vi.stubGlobal('removeEventListener', () => undefined)
  const [here, there] = [counted(webStorage('key', storage)), counted(webStorage('key', storage))]
  const seen: boolean[] = []
  there.session.listen((tokens) => seen.push(tokens !== null))
  here.session.set(await tokensOfSomebody())
  listeners.forEach((listener) => listener({ storageArea: storage, key: 'key' }))
  expect(await there.request(VIEWER)).toEqual({ viewer: { firstName: 'Ada' } })
  await here.signOut()
  listeners.forEach((listener) => listener({ storageArea: storage, key: 'key' }))
  expect([seen, there.session.isSignedIn, values.size]).toEqual([[true, false], false, 0])
  values.set('key', '{"accessToken": 3}')
  expect(there.session.isSignedIn).toBe(false)
})

// ── OAuth ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** A person at a browser without scripts, who signs in and consents; the address that the app gets back. */
async function browse(start: string, email: string): Promise<string> {
  const { origin } = new URL(start)
  const cookies = new Map<string, string>()
  const visit = async (address: string, form?: Record<string, string>): Promise<Response> => {
    const response = await fetch(new URL(address, origin), {
      redirect: 'manual',
      headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; '), ...(form ? { origin } : {}) },
      ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [name, value] = cookie.split(';')[0]!.split(/=(.*)/s)
      cookies.set(name!, value!)
    }
    return response
  }
  const text = (html: string): string =>
    html.replaceAll('&amp;', '&').replaceAll('&#x27;', "'").replaceAll('&quot;', '"')
  const submit = async (page: Response, fields: Record<string, string>): Promise<Response> => {
    const [, action, inside] = /<form method="post" action="([^"]+)">(.*?)<\/form>/s.exec(await page.text())!
    const hidden = [...inside!.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)]
    return await visit(text(action!), {
      ...Object.fromEntries(hidden.map(([, name, value]) => [name, text(value!)])),
      ...fields,
    })
  }
  const signedIn = await submit(await visit(start), { email, password: PASSWORD })
  const consent = await visit(signedIn.headers.get('location')!)
  return (await submit(consent, { decision: 'allow' })).headers.get('location')!
}

test('OAuth: the code and PKCE sign in, tokens are renewed by their own way, and signing out ends the session', async () => {
  const { client: owner, email, teamId } = await settle()
  clients.push(owner)
  const { issuer } = await (await fetch(`${inject('url')}/.well-known/openid-configuration`)).json()
  const redirectUri = 'https://app.example.com/callback'
  const { oauthClient } = await run(
    owner,
    'mutation ($input: OAuthClientCreateInput!) { result: oauthClientCreate(input: $input) { oauthClient { clientId } errors { code message } } }',
    {
      teamId,
      name: 'App',
      isPublic: true,
      redirectUris: [redirectUri],
      grants: ['AUTHORIZATION_CODE', 'REFRESH_TOKEN'],
      scopes: ['TASKS_READ'],
    },
  )
  const values = new Map<string, string>()
  const storage = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  }
  const oauth = { clientId: oauthClient.clientId, redirectUri, scopes: ['TASKS_READ'] }
  const returned = await browse(await authorizationUrl(issuer, oauth, storage), email)
  expect(await redeem(issuer, returned.replace(/state=[^&]+/, 'state=another'), fetch, storage)).toBe(null)
  const tokens = await redeem(issuer, returned, fetch, storage)
  expect([tokens?.clientId, tokens?.lifetimeMs, values.size]).toEqual([oauthClient.clientId, 600_000, 0])
  expect(await redeem(issuer, returned, fetch, storage)).toBe(null)

  const client = counted(memoryStorage({ ...tokens!, expiresAt: Date.now() - 1 }))
  expect(await client.request('{ tasks { totalCount } }')).toEqual({ tasks: { totalCount: 0 } })
  expect(renewals).toEqual(['oauth'])
  const { accessToken } = client.session.storage.read()!
  await client.signOut()
  const stale = counted(memoryStorage({ ...tokens!, accessToken, expiresAt: Date.now() + 60_000 }))
  await until(
    () =>
      stale.request('{ tasks { totalCount } }').then(
        () => false,
        ({ code }) => code === 'UNAUTHENTICATED',
      ),
    'the end',
  )
})

test('OAuth: who declines is told why, and an answer of another server is refused', async () => {
  const pending = (): Pick<Storage, 'getItem' | 'removeItem'> => ({
    getItem: () => JSON.stringify({ state: 's', verifier: 'v', redirectUri: 'x', clientId: 'c' }),
    removeItem: () => undefined,
  })
  const back = (query: string) =>
    redeem('https://hive.example.com', `https://app.example.com/?state=s&${query}`, fetch, pending())
  await expect(back('error=access_denied')).rejects.toMatchObject({ code: 'ACCESS_DENIED' })
  await expect(back('code=c&iss=https://evil.example')).rejects.toMatchObject({ code: 'INVALID' })
  await expect(back('')).rejects.toMatchObject({ code: 'INVALID' })
})
