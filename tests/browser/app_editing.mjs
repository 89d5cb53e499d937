/// Makes, renames, moves and removes documents, edits and resolves comments, mentions people and tasks, links tasks, lets one
/// repeat, uses a template, and takes back what was done; with the keyboard where there is a choice.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { atGraph, boardPath, createProject, createTasks, go, openApp } from './app.mjs'
import { inBrowser, picture, same, until } from './page.mjs'

const { WIDTH = '1440', COLOR_SCHEME: colorScheme = 'light' } = process.env
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const graph = await atGraph('dana')
const name = `Written down ${Date.now() % 100_000}`
const projectId = await createProject(graph, name)
const elsewhereId = await createProject(graph, `${name}, elsewhere`)
const [plan, other] = await createTasks(graph, projectId, ['Plan the move', 'Book a lorry'])

await inBrowser(async ({ open }) => {
  const viewport = { width: Number(WIDTH), height: 860 }
  const page = await openApp(open, 'dana', { viewport, colorScheme, bypassCSP: true })
  const press = (key) => page.keyboard.press(key)
  const button = (label) => page.getByRole('button', { name: label, exact: true })
  const suggested = (words) => page.locator('.suggestions [role="option"]', { hasText: words }).waitFor()
  const done = (words) => page.locator('.notice-done', { hasText: words }).waitFor()
  const undo = async (words) => {
    await page.locator('.notice', { hasText: words }).getByRole('button', { name: 'Undo' }).click()
    await done('Undone.')
  }

  // Documents.
  await go(page, `${boardPath(projectId)}/documents`)
  await button('New document').click()
  await page.keyboard.type('Packing list')
  await press('Enter')
  await page.getByRole('textbox', { name: 'Text of the document' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('textbox', { name: 'Text of the document' }).click()
  await page.keyboard.type('Ask @Priy')
  await suggested('Priya Raghavan')
  await look('document-mention')
  await press('Enter')
  await page.locator('.text [data-type="mention"]', { hasText: 'Priya Raghavan' }).waitFor()
  await page.keyboard.type(`about #${other.key}`)
  await suggested(other.key)
  await press('Enter')
  await page.locator('.text a', { hasText: `#${other.key}` }).waitFor()
  await page.keyboard.type('today.')
  await until('the text on the server', async () => {
    const { data } = await graph('query ($id: ID!) { project(id: $id) { documents { nodes { content(format: TEXT) { text } } } } }', { id: projectId })
    const text = data.project.documents.nodes[0]?.content.text ?? ''
    return { found: text.includes(`Ask @Priya Raghavan about #${other.key} today.`), instead: text }
  })
  await page.locator('.text a', { hasText: `#${other.key}` }).click({ modifiers: ['Control'] })
  await page.locator('.task-title').waitFor()
  console.log('Wrote a document that names a person and a task.')

  await go(page, `${boardPath(projectId)}/documents`)
  await button('Change “Packing list”').click()
  await page.getByLabel('Title', { exact: true }).fill('What to pack')
  await look('document-menu')
  await press('Enter')
  await page.getByRole('link', { name: /What to pack/ }).waitFor()
  await undo('Rename')
  await page.getByRole('link', { name: /Packing list/ }).waitFor()
  await page.locator('.notice', { hasText: 'Undone.' }).getByRole('button', { name: 'Redo' }).click()
  await page.getByRole('link', { name: /What to pack/ }).waitFor()
  await button('Change “What to pack”').click()
  await page.locator('.menu-card').getByLabel('Project').selectOption({ label: `${name}, elsewhere` })
  await button('Move').click()
  await page.getByText('No documents yet').waitFor()
  await done('Move “What to pack”')
  await go(page, `${boardPath(elsewhereId)}/documents`)
  await page.getByRole('link', { name: /What to pack/ }).waitFor()
  await button('Change “What to pack”').click()
  await button('Delete').click()
  await page.getByText('No documents yet').waitFor()
  await done('Delete a document')
  await page.locator('h1').focus()
  await press('Control+z')
  await page.getByRole('link', { name: /What to pack/ }).waitFor()
  console.log('Renamed, moved and removed a document, and took back what was done.')

  // Comments.
  await go(page, `/tasks/${plan.key}`)
  await page.getByLabel('Write a comment').click()
  await page.keyboard.type('Does @pri')
  await suggested('Priya Raghavan')
  await look('comment-mention')
  await press('Enter')
  await page.keyboard.type(`know of #${other.key.toLowerCase()}`)
  await suggested(other.key)
  await press('Enter')
  await press('Control+Enter')
  const comment = page.getByRole('article', { name: 'Comment by Dana Whitfield' })
  await comment.locator('.mention', { hasText: '@Priya Raghavan' }).waitFor()
  same('the link to the task', await comment.getByRole('link').getAttribute('href'), `/app/tasks/${other.key}`)
  await comment.getByRole('button', { name: 'Edit this comment' }).click()
  await page.getByLabel('Edit the comment').press('Control+End')
  await page.keyboard.type('and of the weather?')
  await button('Save').click()
  await comment.getByText('and of the weather?').waitFor()
  await comment.getByText('edited').waitFor()
  await page.getByRole('button', { name: 'Reply to Dana Whitfield' }).click()
  await page.keyboard.type('She does.')
  await press('Control+Enter')
  await page.getByText('She does.').waitFor()
  await page.getByRole('button', { name: 'Resolve the thread of Dana Whitfield' }).click()
  await page.getByRole('button', { name: 'Show the reply' }).waitFor()
  same('replies of a resolved thread', await page.getByText('She does.').count(), 0)
  await look('comment-resolved')
  await page.getByRole('button', { name: 'Reopen the thread of Dana Whitfield' }).click()
  await page.getByText('She does.').waitFor()
  await done('Reopen a thread')
  const reply = page.locator('.replies').getByRole('article')
  await reply.getByRole('button', { name: 'Delete this comment' }).click()
  await page.getByText('She does.').waitFor({ state: 'detached' })
  await undo('Delete a comment')
  await page.getByText('She does.').waitFor()
  console.log('Edited, resolved, reopened and removed comments.')

  // Links and recurrence.
  await button('Link a task').click()
  await page.getByLabel(`What ${plan.key} is to the other task`).selectOption({ label: 'Is blocked by' })
  await page.getByLabel('Key of the other task').fill(`#${other.key}`)
  await press('Enter')
  await page.locator('.task-links', { hasText: other.key }).waitFor()
  await undo(`Link ${plan.key} and ${other.key}`)
  await page.locator('.task-links').waitFor({ state: 'detached' })
  await page.getByRole('textbox', { name: 'Due' }).fill('2030-06-03')
  await page.locator('.properties').getByLabel('Repeats').selectOption({ label: 'Every two weeks' })
  await done(`Set how ${plan.key} repeats`)
  await until('the rule', async () => {
    const { data } = await graph('query ($id: ID!) { task(id: $id) { recurrence } }', { id: plan.id })
    return { found: data.task.recurrence === 'FREQ=WEEKLY;INTERVAL=2', instead: data.task }
  })
  await look('task-recurrence')
  console.log('Linked tasks, and let one repeat.')

  // Templates.
  await go(page, '/projects')
  await page.getByRole('button', { name: /^Templates of/ }).first().click()
  await page.getByLabel('Make one of').selectOption({ label: name })
  await page.getByLabel('Name of the template').fill(`A move ${name}`)
  await button('Make a template').click()
  await page.getByLabel('Make one of').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: /^Templates of/ }).first().click()
  await button('Use the template').waitFor()
  await page.locator('.menu-card select').first().selectOption({ label: `A move ${name} (2 tasks)` })
  await page.getByLabel('Name of the project').fill(`${name} again`)
  await look('templates')
  await button('Use the template').click()
  await page.getByRole('heading', { name: `${name} again` }).waitFor()
  await page.locator('[data-task]', { hasText: 'Book a lorry' }).waitFor()
  console.log('Began a project with a template.')

  async function look(screen) {
    await page.waitForTimeout(250) // What opens has opened.
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
    same(`axe on ${screen}`, violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`), [])
    same(`the width of ${screen}`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
    await picture(page, `app-${screen}-${colorScheme}-${WIDTH}`)
    console.log(`axe: 0 violations: ${screen}`)
  }
})
