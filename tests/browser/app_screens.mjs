/// axe finds nothing on any screen of the application, in light and dark, on a desk and on a phone; nothing is wider than the window.
///
/// COLOR_SCHEME, WIDTH  look at these only
/// PICTURES             the folder for the pictures of docs/app.md, as WebP (docs/pictures; on a server that was just filled)
import axe from 'axe-core'
import { atGraph, boardPath, documentPath, go, openApp } from './app.mjs'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { base, inBrowser, picture, same } from './page.mjs'

const { COLOR_SCHEME, WIDTH, PICTURES } = process.env

/** What stands in docs/. */
const SHOWN = new Set(['board-light-1440', 'document-dark-1440', 'my-tasks-light-390', 'task-dark-390'])

const graph = await atGraph('dana')
const places = await findPlaces()

/** What is looked at, in this order: each begins where the one before ended. */
const SCREENS = {
  'my-tasks': (page) => page.locator('.task-line').first().waitFor(),
  board: async (page) => {
    await go(page, places.board)
    await page.locator('.card').first().waitFor()
  },
  'board-lifted': async (page) => {
    await page.locator('.card').first().focus()
    await page.keyboard.press('Space')
    await page.keyboard.press('ArrowRight')
    await page.locator('.card-lifted').waitFor()
  },
  task: async (page) => {
    await page.keyboard.press('Escape')
    await go(page, places.task)
    await page.locator('.comment').first().waitFor()
    await page.getByRole('heading', { name: 'Activity' }).waitFor()
  },
  'task-writing': async (page) => {
    await page.getByRole('button', { name: 'Edit', exact: true }).click()
    await page.getByRole('button', { name: 'React' }).first().click()
  },
  documents: async (page) => {
    await go(page, `${places.board}/documents`)
    await page.locator('.document-line').first().waitFor()
  },
  document: async (page) => {
    await go(page, places.document)
    await page.getByRole('toolbar').waitFor()
  },
  versions: async (page) => {
    await page.getByRole('button', { name: 'Versions' }).click()
    await page.locator('.version').first().waitFor()
  },
  comments: async (page) => {
    await page.getByRole('button', { name: 'Comments' }).click()
    await page.getByRole('complementary', { name: 'Comments' }).waitFor()
  },
  search: async (page) => {
    await go(page, '/search?q=payment')
    await page.locator('mark').first().waitFor()
  },
  inbox: async (page) => {
    await go(page, '/inbox')
    await page.locator('.notification').first().waitFor()
  },
  projects: async (page) => {
    await go(page, '/projects')
    await page.getByRole('heading', { name: 'Projects', level: 1 }).waitFor()
  },
  menu: async (page) => {
    await page.getByRole('button', { name: 'Dana Whitfield' }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
  },
}

await inBrowser(async ({ open }) => {
  for (const colorScheme of COLOR_SCHEME ? [COLOR_SCHEME] : ['light', 'dark']) {
    for (const width of WIDTH ? [Number(WIDTH)] : [1440, 390]) {
      const viewport = { width, height: width < 760 ? 844 : 900 }
      const look = async (page, name) => {
        await page.waitForTimeout(250) // What opens has opened.
        await audit(page, `${name}, ${colorScheme}, ${width} px`)
        await picture(page, `app-${name}-${colorScheme}-${width}`)
        if (PICTURES && SHOWN.has(`${name}-${colorScheme}-${width}`)) await saveWebP(page, `app-${name}`)
      }
      const ready = (opened) => opened.getByRole('button', { name: 'Dana Whitfield' }).waitFor()
      const stranger = await open({ url: `${base.href}app/`, signedIn: false, ready, colorScheme, viewport, bypassCSP: true })
      await look(stranger, 'sign-in')
      await stranger.context().close()
      const page = await openApp(open, 'dana', { colorScheme, viewport, bypassCSP: true })
      for (const [name, show] of Object.entries(SCREENS)) {
        await show(page)
        await look(page, name)
      }
      await page.context().close()
    }
  }
})

async function audit(page, screen) {
  await page.evaluate(axe.source)
  const { violations, passes } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }),
  )
  const described = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} (${node.any[0]?.message ?? node.html})`).join('; ')}`)
  same(`axe on ${screen}`, described, [])
  same(`the width of ${screen}`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
  console.log(`axe: 0 violations, ${passes.length} rules passed: ${screen}`)
}

/** A board, a task with comments, and a document of the demo; and something in the inbox. */
async function findPlaces() {
  const query = `{
    projects(first: 20, orderBy: [{ field: NAME, direction: ASC }]) {
      nodes { id name tasks(first: 40) { nodes { id key description threadCount } } documents(first: 5) { nodes { id } } }
    }
  }`
  const { data } = await graph(query)
  const project = data.projects.nodes.find(({ name }) => name === 'Checkout and payments')
  const task = project.tasks.nodes.filter(({ description }) => description).sort((a, b) => b.threadCount - a.threadCount)[0]
  const priya = await atGraph('priya')
  const { data: me } = await graph('{ viewer { id } }')
  const user = Buffer.from(me.viewer.id, 'base64').toString().split(':')[1]
  const comment = 'mutation ($input: CommentCreateInput!) { commentCreate(input: $input) { errors { message } } }'
  const body = `[@Dana](user:${user}) could you look at **this**? \`code\` and [a link](https://example.com).\n\n- one\n- two`
  const { data: written } = await priya(comment, { input: { subjectId: task.id, body } })
  same('errors of the comment', written.commentCreate.errors, [])
  return { board: boardPath(project.id), task: `/tasks/${task.key}`, document: documentPath(project.documents.nodes[0].id) }
}

/** Encoded by the browser, which knows how; a fifth of a PNG. */
async function saveWebP(page, name) {
  const png = (await page.screenshot()).toString('base64')
  const blank = await page.context().newPage()
  const webp = await blank.evaluate(async (data) => {
    const image = new Image()
    image.src = `data:image/png;base64,${data}`
    await image.decode()
    const canvas = document.createElement('canvas')
    canvas.width = image.width
    canvas.height = image.height
    canvas.getContext('2d').drawImage(image, 0, 0)
    return canvas.toDataURL('image/webp', 0.82).split(',')[1]
  }, png)
  await blank.close()
  writeFileSync(join(PICTURES, `${name}.webp`), Buffer.from(webp, 'base64'))
}
