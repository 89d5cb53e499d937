/// An app that signs people in on the pages of the authorization server, for the scripts beside this one.
///
/// BASE_URL     where the server answers, with its demo sign-in
/// SCREENSHOTS  the folder for pictures
/// CHROMIUM     the browser
import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const base = process.env.BASE_URL
export const demo = { email: 'demo@pantherahive.dev', password: 'panthera-demo' }
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export function expect(holds, message) {
  if (holds) return
  console.error(message)
  process.exit(1)
}

export async function graph(query, variables, token) {
  const headers = { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) }
  const response = await fetch(`${base}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
  const { data, errors } = await response.json()
  expect(!errors, JSON.stringify(errors))
  return data
}

export async function registerClient() {
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
export async function listen() {
  const given = []
  const server = createServer((request, response) => {
    given.push(new URL(request.url, 'http://127.0.0.1'))
    response.end('<title>Back</title>Back at the app.')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { given, server, redirectUri: `http://127.0.0.1:${server.address().port}/callback` }
}

export function request(clientId, redirectUri) {
  const verifier = randomBytes(32).toString('base64url')
  const asked = {
    response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope: 'openid profile TASKS_READ TASKS_WRITE',
    state: 'kept', code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  }
  return { verifier, address: `${base}/oauth/authorize?${new URLSearchParams(asked)}` }
}

export const sizes = { phone: { width: 390, height: 780 }, desktop: { width: 1280, height: 800 } }

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM, headless: true, args: ['--no-sandbox', '--disable-gpu'] })

export const picture = (page, name) =>
  page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true })

/** Fails where axe finds something. */
export async function judge(page, what) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run())
  const found = violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(' ')}`)
  expect(found.length === 0, `${what}: ${found.join('\n')}`)
  console.log(`axe finds nothing on ${what}`)
}
