/// A page is opened without the server after one visit, and shows what it held; what is done there arrives once. Who signs out
/// leaves nothing behind, and another build replaces the one before, without a mix of both.
import { createLine } from './line.mjs'
import { atGraph, boardPath, card, createProject, createTasks, go, moveByKeys, openApp, PEOPLE, serverBoard, shownBoard, untilEqual, untilState } from './app.mjs'
import { base, inBrowser, picture, same, until } from './page.mjs'
import { createDeployment } from './deployment.mjs'

const line = await createLine()
const deployment = await createDeployment()
const graph = await atGraph('dana')
const projectId = await createProject(graph, 'Opened offline')
const [first, second] = await createTasks(graph, projectId, ['First', 'Second'])
const path = boardPath(projectId)

await inBrowser(
  async ({ open }) => {
    const page = await openApp(open, 'dana', { origin: line.url, path })
    await card(page, 'Second').waitFor()
    await untilStored(page)

    line.set('cut')
    await page.reload()
    await card(page, 'Second').waitFor()
    await untilState(page, 'Offline')
    same('the board without the server', await shownBoard(page), { TODO: ['First', 'Second'] })
    await moveByKeys(page, 'First', 1)
    await add(page, 'TODO', 'Written offline')
    await go(page, `/tasks/${second.key}`)
    await page.getByRole('textbox', { name: 'Write a comment' }).fill('Said offline')
    await page.getByRole('button', { name: 'Comment', exact: true }).click()
    await page.getByText('Said offline').waitFor()
    await untilState(page, 'Offline · 3 waiting')
    await picture(page, 'app-opened-offline')

    await page.reload()
    await page.getByText('Said offline').waitFor()
    await untilState(page, 'Offline · 3 waiting')
    await page.goto(`${line.url}app${path}`)
    await card(page, 'Written offline').waitFor()
    same('the board after another start', await shownBoard(page), { IN_PROGRESS: ['First'], TODO: ['Second', 'Written offline'] })

    line.set('open')
    await untilState(page, 'Live')
    const board = await untilEqual(graph, projectId, [page])
    same('the board of the server', board, { IN_PROGRESS: ['First'], TODO: ['Second', 'Written offline'] })
    await until('what was said', async () => ({ found: (await said(second.id)).length > 0 }))
    await page.locator('.connection', { hasText: /^Live$/ }).waitFor()
    same('what was said', await said(second.id), ['Said offline'])
    same('how often the card was moved', await movesOf(first.id), 1)
    console.log('A page was opened twice without the server; what was done in it arrived once.')

    line.set('cut')
    await untilState(page, 'Offline')
    await moveByKeys(page, 'First', 1)
    await untilState(page, 'Offline · 1 waiting')
    await page.getByRole('button', { name: PEOPLE.dana }).click()
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByText('One change has not reached the server').waitFor()
    const other = await page.context().newPage()
    await other.goto(`${line.url}app${path}`)
    await card(other, 'First').waitFor()
    await page.getByRole('button', { name: 'Sign out anyway' }).click()
    for (const each of [page, other]) await each.getByRole('heading', { name: 'Sign in' }).waitFor()
    await until('everything to be removed', async () => {
      const left = await stored(page)
      return { found: left.databases.length === 0 && left.keys.every((key) => key === 'pantherahive.theme'), instead: left }
    })
    const caches = (await stored(page)).cached
    same('what is cached', caches.filter((address) => !address.startsWith('/app/')), [])
    same('parts of the API that are cached', caches.filter((address) => /graphql|config|blobs|sync/.test(address)), [])
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    line.set('open')
    await page.reload()
    await page.getByRole('button', { name: PEOPLE.priya }).click()
    await untilState(page, 'Live')
    same('the move of who signed out', (await serverBoard(graph, projectId)).IN_PROGRESS, ['First'])
    same('the databases of the next person', (await stored(page)).databases.length, 1)
    console.log('Who signed out left nothing behind, and the next person began anew.')

    await replaceBuild(open)
  },
  { hosts: [line.url, deployment.url, base.href].map((url) => new URL(url).host), expected: [/ERR_|WebSocket|Failed to load resource/] },
)
line.close()
deployment.close()

/** A page goes on with the build that it began with, and the next one is of the new build. */
async function replaceBuild(open) {
  const ready = (opened) => opened.getByRole('heading', { name: 'Sign in' }).waitFor()
  const page = await open({ url: `${deployment.url}app/`, signedIn: false, ready })
  await untilStored(page)
  const [before] = (await stored(page)).builds
  const chunk = (await stored(page)).cached.find((address) => /document-.*\.js$/.test(address))

  deployment.replace('broken')
  await page.evaluate(async () => (await navigator.serviceWorker.getRegistration('/app')).update().catch(() => undefined))
  await until('the broken build to be given up', async () => {
    const { installing, waiting } = await page.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration('/app')
      return { installing: registration.installing !== null, waiting: registration.waiting !== null }
    })
    return { found: !installing && !waiting && deployment.asked > 0, instead: { installing, waiting, asked: deployment.asked } }
  })
  await page.reload()
  await ready(page)
  same('the builds after one that does not fit together', (await stored(page)).builds, [before])
  same('its page', await page.evaluate(() => document.documentElement.dataset.build ?? null), null)

  deployment.replace('whole')
  await page.evaluate(async () => (await navigator.serviceWorker.getRegistration('/app')).update())
  await page.getByText('A newer version of PantheraHive is here').waitFor()
  same('the editor of the build that is open', await page.evaluate(async (address) => (await fetch(address)).status, chunk), 200)
  same('the editor on the server', (await fetch(new URL(chunk, deployment.url))).status, 404)
  await page.reload()
  await ready(page)
  same('the page of the new build', await page.evaluate(() => document.documentElement.dataset.build), 'whole')
  deployment.policy = `${(await fetch(new URL('app/', base))).headers.get('content-security-policy')}; object-src 'none'`
  await page.reload()
  await until('the headers of the page', async () => {
    const instead = await page.evaluate(async () => {
      const newest = await caches.open((await caches.keys()).at(-1))
      return (await newest.match('/app/')).headers.get('content-security-policy')
    })
    return { found: instead === deployment.policy, instead }
  })
  deployment.close()
  await page.reload()
  await ready(page)
  same('the page of the new build, without a server', await page.evaluate(() => document.documentElement.dataset.build), 'whole')
  console.log('Another build replaced the one before, and nothing was mixed.')
}

/** Waits until the page can be opened without the server. */
async function untilStored(page) {
  await page.evaluate(() => navigator.serviceWorker.ready)
  await until('the service worker', async () => ({ found: await page.evaluate(() => navigator.serviceWorker.controller !== null) }))
}

/** What the browser holds for this origin. */
async function stored(page) {
  return await page.evaluate(async () => {
    const builds = await caches.keys()
    const requests = await Promise.all(builds.map(async (name) => (await caches.open(name)).keys()))
    return {
      builds,
      cached: requests.flat().map(({ url }) => new URL(url).pathname),
      databases: (await indexedDB.databases()).map(({ name }) => name),
      keys: Object.keys(localStorage),
    }
  })
}

async function add(page, status, title) {
  const column = page.locator(`[data-status="${status}"]`)
  await column.getByRole('button', { name: 'Add' }).click()
  await column.getByRole('textbox').fill(title)
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
}

async function said(id) {
  const { data } = await graph('query ($id: ID!) { task(id: $id) { comments(first: 50) { nodes { body } } } }', { id })
  return data.task.comments.nodes.map(({ body }) => body)
}

async function movesOf(id) {
  const query = 'query ($id: ID!) { task(id: $id) { activity(first: 50) { nodes { changes { field } } } } }'
  const { data } = await graph(query, { id })
  return data.task.activity.nodes.filter(({ changes }) => changes.some(({ field }) => field === 'status')).length
}
