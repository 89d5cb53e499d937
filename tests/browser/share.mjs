/// Opens share links of the demo, without JavaScript, on a phone and on a desktop, in light and dark; and lets axe judge the pages.
import { base, demo, expect, graph, judge, launch, picture, sizes } from './oauth_app.mjs'

const signIn = 'mutation ($input: SessionCreateInput!) { sessionCreate(input: $input) { tokens { accessToken } } }'
const token = (await graph(signIn, { input: demo })).sessionCreate.tokens.accessToken
const subjects = await graph(
  '{ projects { nodes { id tasks { totalCount } } } documents(orderBy: [{ field: TITLE }]) { nodes { id title type } } }',
  {},
  token,
)
const create = 'mutation ($input: ShareLinkCreateInput!) { shareLinkCreate(input: $input) { shareLink { url } errors { message } } }'

async function share(subjectId) {
  const made = (await graph(create, { input: { subjectId, expiresAt: '2999-01-01T00:00:00Z' } }, token)).shareLinkCreate
  expect(made.errors.length === 0, JSON.stringify(made.errors))
  return new URL(made.shareLink.url).pathname
}

const fullest = subjects.projects.nodes.reduce((most, each) => (each.tasks.totalCount > most.tasks.totalCount ? each : most))
const pages = { board: await share(fullest.id), ended: '/share/nonsense' }
for (const type of ['TEXT', 'SPREADSHEET', 'PRESENTATION']) {
  const found = subjects.documents.nodes.find((each) => each.type === type)
  if (found) pages[type.toLowerCase()] = await share(found.id)
}

const browser = await launch()
for (const [size, viewport] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport, colorScheme, javaScriptEnabled: false })
    const page = await context.newPage()
    const problems = []
    page.on('console', (message) => message.type() === 'error' && !message.text().includes('404') && problems.push(message.text()))
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(base + path)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
      const width = (await page.getByRole('main').boundingBox()).width
      expect(width <= viewport.width, `The page is ${width} wide on a screen of ${viewport.width}.`)
      await picture(page, `${name}_${size}_${colorScheme}`)
    }
    expect(problems.length === 0, problems.join('\n'))
    await context.close()
  }
}
for (const colorScheme of ['light', 'dark']) {
  const page = await (await browser.newContext({ bypassCSP: true, colorScheme })).newPage()
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(base + path)
    await judge(page, `the page ${name}, ${colorScheme}`)
  }
}
await browser.close()
