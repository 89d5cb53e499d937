/// Opens the application without the server: answers with the files of one build, which it stores when it is installed.
///
/// Nothing else is stored and nothing else is answered: not the graph, not files of people, not the configuration.
const worker = self as unknown as ServiceWorkerGlobalScope

/** Paths of the build, with what their contents must hash to; the build writes it in. */
declare const PRECACHED: Readonly<Record<string, string>>
/** Names the build by what is in it. */
declare const BUILD: string

const FILES = PRECACHED
const PREFIX = 'pantherahive.app '
const NAME = PREFIX + BUILD
const PAGE = '/app/'
const ASSETS = '/app/assets/'
/** What begins with /app, and is no page. */
const NO_PAGES = new Set(['/app/config.json', '/app/service-worker.js'])

worker.addEventListener('install', (event) => event.waitUntil(install()))
worker.addEventListener('activate', (event) => event.waitUntil(activate()))
worker.addEventListener('fetch', (event) => {
  const { origin, pathname } = new URL(event.request.url)
  if (event.request.method !== 'GET' || origin !== worker.location.origin) return
  if (pathname.startsWith(ASSETS)) event.respondWith(asset(event.request))
  else if (event.request.mode === 'navigate' && isPage(pathname)) event.respondWith(page(event))
})

/** All files or none: a build that is being replaced on the server is tried again at the next visit. */
async function install(): Promise<void> {
  const cache = await caches.open(NAME)
  try {
    await Promise.all(Object.entries(FILES).map(([path, integrity]) => store(cache, path, integrity)))
  } catch (error) {
    await caches.delete(NAME)
    throw error
  }
  await worker.skipWaiting()
}

async function store(cache: Cache, path: string, integrity: string): Promise<void> {
  // The browser compares the hash; names of assets have one in them, so theirs may come from its own cache.
  const response = await fetch(path, { integrity, cache: path === PAGE ? 'no-cache' : 'default' })
  if (!response.ok) throw new TypeError(`${path} is answered by ${response.status}`)
  await cache.put(path, response)
}

/** Pages that are open go on with the files of the build before; the ones before that are of no use to anybody. */
async function activate(): Promise<void> {
  const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== NAME)
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)))
  await worker.clients.claim()
}

/**
 * The page of this build, whose assets are stored with it: of two builds nothing is ever mixed. Its headers may change without it,
 * such as where it may send files to: they are read for the next time, together with the same page or not at all.
 */
async function page(event: FetchEvent): Promise<Response> {
  const cache = await caches.open(NAME)
  const found = await cache.match(PAGE)
  if (!found) return await fetch(event.request)
  event.waitUntil(store(cache, PAGE, FILES[PAGE]!).catch(() => undefined))
  return found
}

/** Assets have a hash in their names: whichever build brought one, it is the same. */
async function asset(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreVary: true })) ?? (await fetch(request))
}

function isPage(pathname: string): boolean {
  return (pathname === '/app' || pathname.startsWith(PAGE)) && !NO_PAGES.has(pathname)
}
