/// Signs in to the application on the pages of the server and comes back to the page that was left; then with a passkey of
/// Chromium's virtual authenticator, alone and after the password.
import { base, demo, expect, graph, judge, launch, picture, sizes } from './oauth_app.mjs'

const named = base.replace('127.0.0.1', 'localhost') // browsers have passkeys for names
const browser = await launch()
const button = (page, name) => page.getByRole('button', { name, exact: true }).click()
const heading = (page, name) => page.getByRole('heading', { name, exact: true }).waitFor()
const same = (what, found, expected) =>
  expect(JSON.stringify(found) === JSON.stringify(expected), `${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)

/** The pages of the server have no icon, and take websockets by its own name alone. */
const unexpected = (problems) => problems.filter((each) => !/favicon|WebSocket/.test(each))

async function open(viewport, problems) {
  const context = await browser.newContext({ viewport, bypassCSP: true })
  const page = await context.newPage()
  page.on('console', (message) => message.type() === 'error' && problems.push(`${message.text()} ${message.location().url}`))
  page.on('pageerror', (error) => problems.push(error.message))
  return { context, page }
}

async function fillPassword(page, { email, password }) {
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password').fill(password)
  await button(page, 'Sign in')
}

async function signOut(page, name) {
  await button(page, name)
  await button(page, 'Sign out')
  await heading(page, 'Sign in')
}

// On the pages of the server.
{
  const problems = []
  const { context, page } = await open(sizes.desktop, problems)
  const asked = []
  page.on('request', (request) => {
    if (request.url().endsWith('/oauth/token')) asked.push(new URLSearchParams(request.postData()).get('grant_type'))
  })
  await page.goto(`${base}/app/inbox?from=mail`)
  await button(page, 'Other ways to sign in')
  await page.waitForURL('**/oauth/authorize?**')
  await page.getByText('to continue to PantheraHive').waitFor()
  await picture(page, 'app_server_pages')
  await fillPassword(page, demo)
  await heading(page, 'Inbox')
  same('the address afterwards', page.url(), `${base}/app/inbox?from=mail`)
  same('what the page asked for', asked, ['authorization_code'])
  await page.reload()
  await heading(page, 'Inbox')
  same('what the page asked for after a reload', asked, ['authorization_code'])
  console.log('Came back to the page that was left')

  await signOut(page, 'Dana Whitfield')
  await button(page, 'Other ways to sign in')
  await page.waitForURL('**/oauth/authorize?**')
  await page.getByLabel('Password').waitFor() // another person may sign in, though the browser is signed in
  await page.goto(`${base}/app?code=stolen.code&state=none&iss=${encodeURIComponent(base)}`)
  await page.getByText('This sign-in was not begun in this window.').waitFor()
  same('what is left in the address', page.url(), `${base}/app/inbox?from=mail`)
  same('what the page asked for', asked, ['authorization_code'])
  same('problems', unexpected(problems), [])
  console.log('Refused the answer to a request of another window')
  await context.close()
}

// With a passkey.
for (const [size, viewport] of Object.entries(sizes)) {
  const person = { email: `app-passkey-${size}@example.com`, password: 'correct horse battery' }
  const register = 'mutation ($input: UserRegisterInput!) { userRegister(input: $input) { errors { message } } }'
  const { userRegister } = await graph(register, { input: { ...person, firstName: 'Ada', lastName: 'Byron' } })
  same('errors', userRegister.errors, [])
  const problems = []
  const { context, page } = await open(viewport, problems)
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const device = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true }
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options: device })

  await page.goto(`${named}/oauth/passkeys`)
  await fillPassword(page, person)
  await page.getByLabel('Name of a new one').fill('Mine')
  await button(page, 'Add a passkey')
  await button(page, 'Create the passkey')
  await heading(page, 'Keep these codes')
  await context.clearCookies()

  await page.goto(`${named}/app`)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
  await judge(page, `the sign-in of the application on a ${size}`)
  await picture(page, `app_sign_in_${size}`)
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await button(page, 'Sign in with a passkey')
  await page.getByText('The browser got no passkey.').waitFor()
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })
  await button(page, 'Sign in with a passkey')
  await heading(page, 'My tasks')

  await signOut(page, 'Ada Byron')
  await fillPassword(page, person)
  await page.getByLabel('Code of your authenticator app, or a recovery code').waitFor()
  await judge(page, `the second factor of the application on a ${size}`)
  await button(page, 'Use a passkey instead of a code')
  await heading(page, 'My tasks')
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  expect(width <= viewport.width, `The page is ${width} wide on a screen of ${viewport.width}.`)
  same('problems', unexpected(problems), [])
  console.log(`Signed in with a passkey on a ${size}`)
  await context.close()
}
await browser.close()
