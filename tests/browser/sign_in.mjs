/// Signs in to an app on the pages of the authorization server, without JavaScript, on a phone and on a desktop; and lets axe
/// judge the pages.
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const base = process.env.BASE_URL
const demo = { email: 'demo@pantherahive.dev', password: 'panthera-demo' }
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

function expect(holds, message) {
  if (holds) return
  console.error(message)
  process.exit(1)
}

async function graph(query, variables, token) {
  const headers = { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) }
  const response = await fetch(`${base}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
  const { data, errors } = await response.json()
  expect(!errors, JSON.stringify(errors))
  return data
}

async function registerClient() {
  const signIn = 'mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken } } }'
  const token = (await graph(signIn, { input: demo })).sessionCreate.tokens.accessToken
  const { teams } = await graph('{ teams { nodes { id viewerCan } } }', {}, token)
  const teamId = teams.nodes.find((each) => each.viewerCan.includes('MANAGE')).id
  const create = 'mutation ($input: OAuthClientCreateInput!) { oauthClientCreate(input: $input) { oauthClient { clientId } errors { message } } }'
  const input = {
    teamId, name: 'Larkspur Planner', isPublic: true, redirectUris: ['http://127.0.0.1/callback'],
    grants: ['AUTHORIZATION_CODE'], scopes: ['TASKS_READ', 'TASKS_WRITE', 'PROJECTS_READ'],
  }
  const made = (await graph(create, { input }, token)).oauthClientCreate
  expect(made.errors.length === 0, JSON.stringify(made.errors))
  return made.oauthClient.clientId
}

/** The app's own server: what it was given back. */
async function listen() {
  const given = []
  const server = createServer((request, response) => {
    given.push(new URL(request.url, 'http://127.0.0.1'))
    response.end('<title>Back</title>Back at the app.')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { given, server, redirectUri: `http://127.0.0.1:${server.address().port}/callback` }
}

function request(clientId, redirectUri) {
  const verifier = randomBytes(32).toString('base64url')
  const asked = {
    response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope: 'openid profile TASKS_READ TASKS_WRITE',
    state: 'kept', code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  }
  return { verifier, address: `${base}/oauth/authorize?${new URLSearchParams(asked)}` }
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: ['--no-sandbox', '--disable-gpu'] })
const clientId = await registerClient()
const app = await listen()
const sizes = { phone: { width: 390, height: 780 }, desktop: { width: 1280, height: 800 } }

for (const [name, viewport] of Object.entries(sizes)) {
  const context = await browser.newContext({ viewport, javaScriptEnabled: false })
  const page = await context.newPage()
  const problems = []
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && problems.push(message.text()))
  const shot = (what) => page.screenshot({ path: join(process.env.SCREENSHOTS, `${what}_${name}.png`), fullPage: true })
  const { verifier, address } = request(clientId, app.redirectUri)

  await page.goto(address)
  await shot('sign_in')
  await page.getByLabel('E-mail address').fill(demo.email)
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Password').fill(demo.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Allow Larkspur Planner?' }).waitFor()
  await shot('consent')
  const width = (await page.getByRole('main').boundingBox()).width
  expect(width <= viewport.width, `The page is ${width} wide on a screen of ${viewport.width}.`)
  await page.getByRole('button', { name: 'Allow' }).click()
  await page.waitForURL(/callback/)
  const answer = app.given.findLast((each) => each.pathname === '/callback').searchParams
  expect(answer.get('state') === 'kept' && answer.get('iss') === base, `Given back: ${answer}`)
  const form = { grant_type: 'authorization_code', code: answer.get('code'), redirect_uri: app.redirectUri, client_id: clientId, code_verifier: verifier }
  const tokens = await (await fetch(`${base}/oauth/token`, { method: 'POST', body: new URLSearchParams(form) })).json()
  expect(tokens.access_token && tokens.id_token, JSON.stringify(tokens))
  expect(problems.length === 0, problems.join('\n'))
  console.log(`Signed in on a ${name}: ${tokens.scope}`)
  await context.close()
}

const context = await browser.newContext({ bypassCSP: true })
const page = await context.newPage()
async function judge(what) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run())
  const found = violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(' ')}`)
  expect(found.length === 0, `${what}: ${found.join('\n')}`)
  console.log(`axe finds nothing on ${what}`)
}
await page.goto(request(clientId, app.redirectUri).address)
await judge('the sign-in page')
await page.getByLabel('E-mail address').fill(demo.email)
await page.getByLabel('Password').fill(demo.password)
await page.getByRole('button', { name: 'Sign in' }).click()
await page.getByRole('heading', { name: 'Allow Larkspur Planner?' }).waitFor()
await judge('the consent page')
await page.goto(`${base}/oauth/device`)
await judge('the page for codes of devices')
await page.goto(`${base}/oauth/authorize?client_id=nobody`)
await judge('the page of an unknown app')
await browser.close()
app.server.close()
