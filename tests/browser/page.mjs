/// Drives GraphiQL in Chromium for the scripts beside this one.
///
/// BASE_URL     where the server answers, with its demo sign-in
/// SCREENSHOTS  the folder for pictures (optional)
/// CHROMIUM     the browser (optional)
///
/// Every host but the server's is blocked. A script exits with 1 and a message on the first thing that is not as it should
/// be, and also when the page logged an error or asked for another host.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const PATIENCE_MS = 40_000

/** The server's address. */
export const base = new URL(process.env.BASE_URL ?? exit('BASE_URL is not set.'))

function exit(message) {
  console.error(message)
  process.exit(1)
}

function browserPath() {
  const candidates = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  return candidates.find((path) => path && existsSync(path)) ?? exit('No Chromium was found; name one with CHROMIUM.')
}

/**
 * Runs a story in a browser of its own. The story gets `open`, which opens GraphiQL signed in, in a context with the options
 * given to it; with `url` and `ready`, which waits until it is there, another page. Errors of the page fail the story, unless they
 * match one of `expected`.
 */
export async function inBrowser(story, { expected = [], hosts = [base.host] } = {}) {
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
  const pages = []
  try {
    await story({ browser, findings, open: (options) => open(browser, findings, pages, hosts, options) })
    const unexpected = findings.filter((finding) => !expected.some((pattern) => pattern.test(finding)))
    if (unexpected.length > 0) throw new Error(`The page was not silent:\n  ${unexpected.join('\n  ')}`)
  } catch (error) {
    for (const [number, page] of pages.entries()) await picture(page, `failure-${number}`).catch(() => undefined)
    console.error(error.stack)
    if (findings.length > 0) console.error(`Findings:\n  ${findings.join('\n  ')}`)
    process.exitCode = 1
  } finally {
    await browser.close()
  }
}

async function open(browser, findings, pages, hosts, options = {}) {
  const { url = base.href, signedIn = true, prepare, ready = (page) => editor(page).waitFor(), ...more } = options
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...more })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin })
  context.setDefaultTimeout(PATIENCE_MS)
  await context.route(
    (asked) => ['http:', 'https:'].includes(asked.protocol) && !hosts.includes(asked.host),
    (route) => {
      findings.push(`outside: ${route.request().url()}`)
      return route.abort()
    },
  )
  context.on('page', (page) => {
    pages.push(page)
    page.on('console', (message) => message.type() === 'error' && findings.push(`console: ${message.text()}`))
    page.on('pageerror', (error) => findings.push(`error: ${error.message}`))
  })
  const page = await context.newPage()
  await prepare?.(page)
  await page.goto(url)
  await ready(page)
  if (signedIn) await waitUntilSignedIn(page)
  return page
}

export async function waitUntilSignedIn(page, name = '') {
  await page.locator('.hive-line[data-session="signed-in"]', { hasText: name }).waitFor()
}

export const editor = (page) => page.locator('.graphiql-query-editor .cm-content')

/** The button of the tab with that title, whatever its dot says. */
export const tabButton = (page, title) =>
  page.locator('.graphiql-tab-button', { has: page.getByText(title, { exact: true }) })

export async function showTab(page, title) {
  await tabButton(page, title).click()
  await page.locator('.graphiql-tab-active', { hasText: title }).waitFor()
}

/** The titles of all tabs, and which one is shown. */
export async function tabs(page) {
  return {
    titles: await page.locator('.graphiql-tab-title').allInnerTexts(),
    active: await page.locator('.graphiql-tab-active .graphiql-tab-title').innerText(),
  }
}

/** Waits until the example's variables name a task, and runs it. */
export async function run(page, title) {
  await showTab(page, title)
  await until(`the variables of ${title}`, async () => {
    const shown = await page.locator('.graphiql-editor-tool .cm-content').innerText()
    return { found: shown.includes('{') && !shown.includes('the id of a task'), instead: shown }
  })
  await page.getByRole('button', { name: 'Run the operation' }).click()
}

/** The answer of the tab that is shown, as soon as there is one. */
export async function answer(page) {
  await page.getByRole('button', { name: 'Copy the response' }).click()
  const result = JSON.parse(await clipboard(page))
  if (result.errors) throw new Error(`the answer has errors: ${JSON.stringify(result.errors)}`)
  return result.data
}

export async function clipboard(page) {
  await page.locator('.notice', { hasText: 'Copied' }).waitFor()
  return page.evaluate(() => navigator.clipboard.readText())
}

/** The listed events of the stream that is shown, the newest first. */
export const events = (page) => page.locator('.event .event-summary').allInnerTexts()

export async function until(what, look) {
  const deadline = Date.now() + PATIENCE_MS
  let seen
  while (Date.now() < deadline) {
    seen = await look()
    if (seen.found) return seen.found
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}; saw ${JSON.stringify(seen?.instead ?? null)}`)
}

/** The listed events that match, as soon as there are so many. Others may come with them, such as a parent's progress. */
export async function untilEvents(page, count, wanted = /./) {
  return until(`${count} events like ${wanted}`, async () => {
    const listed = await events(page)
    const matching = listed.filter((line) => wanted.test(line))
    return { found: matching.length >= count ? matching : null, instead: listed }
  })
}

export function same(what, found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: ${a} instead of ${b}`)
}

export async function picture(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) })
}

/** Somebody at the graph without a browser, as a person of the demo. */
export async function signIn(email) {
  const { people } = await (await fetch(new URL('graphiql/config.json', base))).json()
  const { password } = people.find((person) => person.email === email)
  const query = 'mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken } } }'
  const { data } = await post({ query, variables: { input: { email, password } } })
  const authorization = `Bearer ${data.sessionCreate.tokens.accessToken}`
  return (asked, variables = {}) => post({ query: asked, variables }, { authorization })
}

async function post(body, headers = {}) {
  const response = await fetch(new URL('graphql', base), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return response.json()
}
