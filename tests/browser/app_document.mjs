/// Two people write one document at once, also while the line of one is cut; versions are saved; and who comes back sees what changed.
import { createLine } from './line.mjs'
import { atGraph, createProject, documentPath, go, openApp, untilState } from './app.mjs'
import { inBrowser, picture, same, until } from './page.mjs'

const line = await createLine()
const graph = await atGraph('dana')
const projectId = await createProject(graph, 'Written together')
const content = '# Plan\n\nThe first line.\n\n- [ ] one\n- [x] two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n'
const documentId = await createDocument('The plan', content)

await inBrowser(
  async ({ open }) => {
    const dana = await openApp(open, 'dana', { origin: line.url, path: documentPath(documentId) })
    const priya = await openApp(open, 'priya', { path: documentPath(documentId) })
    const both = [dana, priya]
    for (const page of both) await text(page).getByText('The first line.').waitFor()
    await dana.getByRole('group', { name: 'Also here' }).getByRole('img', { name: 'Priya Raghavan' }).waitFor()
    console.log('Each sees that the other is here.')

    await Promise.all([write(dana, 'Home', 'From Dana. '), write(priya, 'End', ' From Priya.')])
    await untilSame(both, ['From Dana.', 'From Priya.'])
    await text(dana).locator('.peer-caret', { hasText: 'Priya Raghavan' }).waitFor({ state: 'attached' })
    await picture(dana, 'app-together')
    console.log('Two people wrote at once, and every word is there once.')

    line.set('cut')
    await dana.locator('.save-state-offline').waitFor()
    await write(dana, 'Home', 'Without a line. ')
    await write(priya, 'End', ' Meanwhile.')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    line.set('open')
    await untilSame(both, ['Without a line.', 'Meanwhile.', 'From Dana.', 'From Priya.'])
    await until('the words of both on the server', async () => {
      const { data } = await graph('query ($id: ID!) { document(id: $id) { content(format: TEXT) { text } } }', { id: documentId })
      const found = data.document.content.text
      return { found: ['Without a line.', 'Meanwhile.'].every((words) => found.split(words).length === 2), instead: found }
    })
    console.log('What was written without a line arrived once.')

    await dana.getByRole('button', { name: 'Versions' }).click()
    await dana.getByLabel('Name of the version').fill('Before lunch')
    await dana.getByRole('button', { name: 'Save', exact: true }).click()
    await dana.locator('.version', { hasText: 'Before lunch' }).waitFor()
    const seen = dana.waitForResponse((response) => response.request().postData()?.includes('mutation MarkSeen') ?? false)
    await go(dana, '/')
    await seen
    await dana.getByRole('heading', { name: 'My tasks' }).waitFor()
    await write(priya, 'End', ' After lunch.')
    await until('the words on the server', async () => {
      const { data } = await graph('query ($id: ID!) { document(id: $id) { content(format: TEXT) { text } } }', { id: documentId })
      return { found: data.document.content.text.includes('After lunch.') }
    })
    await go(dana, documentPath(documentId))
    await dana.getByRole('button', { name: 'Show what changed' }).click()
    await dana.locator('ins', { hasText: 'After lunch' }).waitFor()
    await picture(dana, 'app-since-last-visit')
    console.log('Who comes back sees what changed.')

    await dana.getByRole('button', { name: 'Versions' }).click()
    const version = dana.locator('.version', { hasText: 'Before lunch' })
    await version.getByRole('button', { name: 'Changes since' }).click()
    await version.locator('ins', { hasText: 'After lunch' }).waitFor()
    await version.getByRole('button', { name: 'Restore' }).click()
    await version.getByRole('button', { name: 'Really restore?' }).click()
    await until('the version in both editors', async () => {
      const texts = await Promise.all(both.map((page) => text(page).innerText()))
      return { found: texts.every((each) => !each.includes('After lunch.') && each.includes('Meanwhile.')), instead: texts }
    })
    await untilState(dana, 'Live')
    console.log('A version was restored under both.')
  },
  { hosts: [new URL(line.url).host, new URL(process.env.BASE_URL).host], expected: [/ERR_|WebSocket|Failed to load resource/] },
)
line.close()

async function createDocument(title, markdown) {
  const query = 'mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id } errors { message } } }'
  const { data } = await graph(query, { input: { projectId, title, content: markdown } })
  same('errors of the document', data.documentCreate.errors, [])
  return data.documentCreate.document.id
}

function text(page) {
  return page.getByRole('textbox', { name: 'Text of the document' })
}

/** Writes at one end of the first line, a key at a time. */
async function write(page, end, words) {
  await text(page).getByText('The first line.').click()
  await page.keyboard.press(end)
  await page.keyboard.type(words, { delay: 5 })
}

async function untilSame(pages, words) {
  await until('equal texts', async () => {
    const texts = await Promise.all(pages.map((page) => text(page).locator('p').first().evaluate((line) => [...line.childNodes].filter((node) => node.nodeType === 3 || !node.classList?.contains('peer-caret')).map((node) => node.textContent).join(''))))
    const found = texts.every((each) => each === texts[0]) && words.every((each) => texts[0].split(each).length === 2)
    return { found, instead: texts }
  })
}
