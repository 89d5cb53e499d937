/// Adds a passkey with the virtual authenticator of Chromium, signs in to an app with it, alone and after the password, on a phone
/// and on a desktop, and removes it.
import { base, expect, graph, judge, launch, listen, picture, registerClient, request, sizes } from './oauth_app.mjs'

const named = base.replace('127.0.0.1', 'localhost') // browsers have passkeys for names
const browser = await launch()
const clientId = await registerClient()
const app = await listen()

async function register(name) {
  const email = `passkeys-${name}@example.com`, password = 'correct horse battery'
  const text = 'mutation ($input: UserRegisterInput!) { userRegister(input: $input) { errors { message } } }'
  const { userRegister } = await graph(text, { input: { email, password, firstName: 'Ada', lastName: name } })
  expect(userRegister.errors.length === 0, JSON.stringify(userRegister.errors))
  return { email, password }
}

async function signInByPassword(page, person) {
  await page.getByLabel('E-mail address').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

const heading = (page, name) => page.getByRole('heading', { name }).waitFor()
const button = (page, name) => page.getByRole('button', { name }).click()

for (const [name, viewport] of Object.entries(sizes)) {
  const person = await register(name)
  const context = await browser.newContext({ viewport })
  const page = await context.newPage()
  const problems = []
  page.on('console', (message) => message.type() === 'error' && !message.text().includes('401') && problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(error.message))
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const device = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true }
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options: device })
  const address = () => request(clientId, app.redirectUri).address.replace(base, named)

  await page.goto(`${named}/oauth/passkeys`)
  await picture(page, `sign_in_with_passkey_${name}`)
  await signInByPassword(page, person)
  await heading(page, 'Your passkeys')
  await page.getByLabel('Name of a new one').fill(`The ${name} of Ada`)
  await button(page, 'Add a passkey')
  await heading(page, `Add “The ${name} of Ada”`)
  await picture(page, `passkey_create_${name}`)
  await button(page, 'Create the passkey')
  await heading(page, 'Keep these codes')
  await picture(page, `recovery_codes_${name}`)
  await page.getByRole('link', { name: 'Back to your passkeys' }).click()
  await heading(page, 'Your passkeys')
  await picture(page, `passkeys_${name}`)
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  expect(width <= viewport.width, `The page is ${width} wide on a screen of ${viewport.width}.`)

  await page.getByLabel('Name of a new one').fill('Once more')
  await button(page, 'Add a passkey')
  await button(page, 'Create the passkey')
  await page.getByText('This device has a passkey of your account already.').waitFor()

  await context.clearCookies()
  await page.goto(address())
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await button(page, 'Sign in with a passkey')
  await page.getByText('The browser got no passkey.').waitFor()
  await picture(page, `passkey_refused_${name}`)
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })
  await button(page, 'Sign in with a passkey')
  await heading(page, 'Allow Larkspur Planner?')
  await page.getByText(person.email).waitFor()

  await context.clearCookies()
  await page.goto(address())
  await signInByPassword(page, person)
  await heading(page, 'Enter your code')
  await picture(page, `factor_${name}`)
  await button(page, 'Use a passkey')
  await heading(page, 'Allow Larkspur Planner?')

  await page.goto(`${named}/oauth/passkeys`)
  await button(page, 'Remove')
  await page.getByText('You have none yet.').waitFor()
  await context.clearCookies()
  await page.goto(address())
  await button(page, 'Sign in with a passkey')
  await page.getByText('This passkey does not sign in here').waitFor()
  expect(problems.length === 0, problems.join('\n'))
  console.log(`A passkey came and went on a ${name}`)
  await context.close()
}

const context = await browser.newContext({ bypassCSP: true })
const page = await context.newPage()
await page.goto(`${named}/oauth/passkeys`)
await judge(page, 'the sign-in page with passkeys')
await signInByPassword(page, { email: 'passkeys-phone@example.com', password: 'correct horse battery' })
await heading(page, 'Your passkeys')
await judge(page, 'the page of passkeys')
await page.getByLabel('Name of a new one').fill('Judged')
await button(page, 'Add a passkey')
await heading(page, 'Add “Judged”')
await judge(page, 'the page on which a passkey is made')
await browser.close()
app.server.close()
