/// GraphiQL as a newcomer meets it: signed in, the board queried, a task moved in one tab, the change seen in another.
///
/// BASE_URL    where the server answers, with its demo sign-in
/// SCREENSHOT  where the picture of the first tab goes (optional)
/// CHROMIUM    the browser (optional)
///
/// Every host but the server's is blocked. Exits with 1 and a message on the first thing that is not as it should be.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const base = new URL(need('BASE_URL'))
const PATIENCE = 20_000

function need(name) {
  const value = process.env[name]
  if (!value) fail(`${name} is not set.`)
  return value
}

function fail(message) {
  console.error(`graphiql: ${message}`)
  process.exit(1)
}

function browserPath() {
  const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  return candidates.find((path) => path && existsSync(path)) ?? fail('no Chromium found; name one with CHROMIUM.')
}

/** Reads what an editor pane holds; the pane itself only draws the lines in sight. */
async function pane(page, name) {
  return page.evaluate(
    (ending) => globalThis.__MONACO?.editor.getModels().find((model) => model.uri.path.endsWith(ending))?.getValue() ?? '',
    name,
  )
}

async function until(what, look) {
  const deadline = Date.now() + PATIENCE
  let seen
  while (Date.now() < deadline) {
    seen = await look()
    if (seen.found) return seen.found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`waited ${PATIENCE / 1000} s for ${what}; saw ${seen.instead || 'nothing'}`)
}

async function open(context, findings) {
  const page = await context.newPage()
  page.on('console', (message) => message.type() === 'error' && findings.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => findings.push(`error: ${error.message}`))
  await page.goto(base.href)
  await until('the demo user to be signed in', async () => {
    const line = page.locator('.hive-line')
    if (!(await line.count())) return { instead: await page.locator('body').innerText() }
    return { found: (await line.getAttribute('data-session')) === 'signed-in', instead: await line.innerText() }
  })
  await page.locator('.graphiql-query-editor .view-lines').waitFor()
  return page
}

async function run(page, tab) {
  await page.locator('.graphiql-tab-button').getByText(tab, { exact: true }).click()
  await page.locator('.graphiql-query-editor .view-lines', { hasText: tab }).waitFor()
  await until(`the variables of ${tab}`, async () => {
    const variables = await pane(page, 'variables.json')
    return { found: variables.includes('{') && !variables.includes('the id of a task'), instead: variables }
  })
  await page.locator('.graphiql-execute-button').click()
}

async function answer(page, what, accept) {
  return until(what, async () => {
    const text = await pane(page, 'response.json')
    let result
    try {
      result = JSON.parse(text)
    } catch {
      return { instead: text }
    }
    if (result.errors) throw new Error(`${what}: ${text}`)
    return { found: accept(result.data), instead: text }
  })
}

async function story(context, findings) {
  const watcher = await open(context, findings)
  console.log(await watcher.locator('.hive-who').innerText())

  await run(watcher, 'Board')
  const project = await answer(watcher, 'the board', (data) => data?.projects?.nodes[0])
  const cards = [project.todo, project.inProgress, project.inReview, project.done].flatMap((column) => column.nodes)
  if (cards.length === 0) throw new Error(`the board of ${project.name} has no tasks`)
  console.log(`Board of ${project.name}: ${cards.length} cards`)

  await run(watcher, 'Changes')
  await watcher.locator('.hive-line[data-live="open"]').waitFor()
  await watcher.waitForTimeout(1000) // The connection is there; the server also needs to have begun to listen.

  const mover = await open(context, findings)
  await run(mover, 'MoveTask')
  const moved = await answer(mover, 'the moved task', (data) => data?.taskMove)
  if (moved.errors.length > 0) throw new Error(`taskMove: ${JSON.stringify(moved.errors)}`)
  console.log(`Moved ${moved.task.key} to ${moved.task.status}`)

  await watcher.bringToFront()
  const change = await answer(watcher, 'the change in the first tab', (data) =>
    data?.changes?.entityId === moved.task.id ? data.changes : null,
  )
  console.log(`Change seen: ${change.kind} ${change.entity?.key ?? change.entityId} by ${change.actor?.displayName}`)
  await watcher.locator('.result-window .view-lines', { hasText: change.kind }).waitFor()
  return watcher
}

const browser = await chromium.launch({
  executablePath: browserPath(),
  headless: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE ${base.hostname}`,
  ],
})
const findings = []
let context
try {
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  context.setDefaultTimeout(PATIENCE)
  context.on('request', (request) => {
    const url = new URL(request.url())
    if (['http:', 'https:'].includes(url.protocol) && url.host !== base.host) findings.push(`outside: ${url.href}`)
  })
  await context.route(
    (url) => url.host !== base.host,
    (route) => route.abort(),
  )
  const page = await story(context, findings)
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT })
  if (findings.length > 0) throw new Error(`not silent:\n  ${findings.join('\n  ')}`)
} catch (error) {
  const page = context?.pages()[0]
  if (page && process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT }).catch(() => undefined)
  console.error(`graphiql: ${error.message}`)
  if (findings.length > 0) console.error(`findings:\n  ${findings.join('\n  ')}`)
  process.exitCode = 1
} finally {
  await browser.close()
}
