/// Signs in to an app on the pages of the authorization server, without JavaScript, on a phone and on a desktop; and lets axe
/// judge the pages.
import { base, demo, expect, judge, launch, listen, picture, registerClient, request, sizes } from './oauth_app.mjs'

const browser = await launch()
const clientId = await registerClient()
const app = await listen()

for (const [name, viewport] of Object.entries(sizes)) {
  const context = await browser.newContext({ viewport, javaScriptEnabled: false })
  const page = await context.newPage()
  const problems = []
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && problems.push(message.text()))
  const { verifier, address } = request(clientId, app.redirectUri)

  await page.goto(address)
  await picture(page, `sign_in_${name}`)
  await page.getByLabel('E-mail address').fill(demo.email)
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByLabel('Password').fill(demo.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Allow Larkspur Planner?' }).waitFor()
  await picture(page, `consent_${name}`)
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
await page.goto(request(clientId, app.redirectUri).address)
await judge(page, 'the sign-in page')
await page.getByLabel('E-mail address').fill(demo.email)
await page.getByLabel('Password').fill(demo.password)
await page.getByRole('button', { name: 'Sign in' }).click()
await page.getByRole('heading', { name: 'Allow Larkspur Planner?' }).waitFor()
await judge(page, 'the consent page')
await page.goto(`${base}/oauth/device`)
await judge(page, 'the page for codes of devices')
await page.goto(`${base}/oauth/authorize?client_id=nobody`)
await judge(page, 'the page of an unknown app')
await browser.close()
app.server.close()
