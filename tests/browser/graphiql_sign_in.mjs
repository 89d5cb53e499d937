/// GraphiQL signs in on the server's own pages by the code flow, stays signed in through a reload without storing a token, renews
/// its tokens, and signs out.
import { editor, inBrowser, picture, same, waitUntilSignedIn } from './page.mjs'

const priya = { email: 'priya@larkspur.example', password: 'panthera-demo' }

await inBrowser(async ({ open }) => {
  const page = await open()
  const asked = []
  page.on('request', (request) => {
    if (request.url().endsWith('/oauth/token')) asked.push(new URLSearchParams(request.postData()).get('grant_type'))
  })
  const button = (name) => page.getByRole('button', { name, exact: true }).click()

  await button('Sign out')
  await page.getByText('Not signed in').waitFor()
  await signIn('graphiql-sign-in')
  await waitUntilSignedIn(page, 'Priya Raghavan')
  same('the address afterwards', new URL(page.url()).search, '')
  same('what the page asked for', asked, ['authorization_code'])
  same('tokens in storage', await storedTokens(), [])
  await picture(page, 'graphiql-signed-in')
  console.log('Signed in on the pages of the server.')

  await page.reload()
  await editor(page).waitFor()
  await waitUntilSignedIn(page, 'Priya Raghavan')
  same('what the page asked for', asked, ['authorization_code', 'authorization_code'])
  console.log('Still signed in after a reload.')

  await button('Sign out')
  await page.getByText('Not signed in').waitFor()
  await page.reload()
  await editor(page).waitFor()
  await waitUntilSignedIn(page, 'Dana Whitfield') // of the demo, as without any sign-in
  await signIn('graphiql-sign-in-again') // another person may sign in, though the browser is signed in
  await waitUntilSignedIn(page, 'Priya Raghavan')
  console.log('Asked who signs in after signing out.')

  await page.goto(`${page.url()}?code=stolen.code&state=none&iss=${encodeURIComponent(new URL(page.url()).origin)}`)
  await page.getByText('This sign-in was not begun in this window.').waitFor()
  console.log('Refused the answer to a request of another window.')

  async function signIn(name) {
    await button('Sign in …')
    await page.waitForURL('**/oauth/authorize?**')
    await picture(page, name)
    await page.getByLabel('E-mail address').fill(priya.email)
    await page.getByLabel('Password').fill(priya.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await editor(page).waitFor()
  }

  function storedTokens() {
    return page.evaluate(() => {
      const texts = [sessionStorage, localStorage].flatMap((each) => Object.values(each))
      return texts.filter((text) => /eyJ|refreshToken|verifier/.test(text))
    })
  }
})
