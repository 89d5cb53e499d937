/// Drives the application at /app for the scripts beside this one.
import { base, same, signIn, until } from './page.mjs'

export const PEOPLE = { dana: 'Dana Whitfield', priya: 'Priya Raghavan' }

const MAILS = { dana: 'demo@pantherahive.dev', priya: 'priya@larkspur.example' }

/** Somebody of the demo at the graph, past any page. */
export const atGraph = (person) => signIn(MAILS[person])

/** The application in a context of its own, signed in as somebody of the demo. `origin` may be another way to the server. */
export async function openApp(open, person, { origin = base.href, path = '', ...options } = {}) {
  const page = await open({
    url: `${origin}app/`,
    signedIn: false,
    ready: (opened) => opened.getByRole('button', { name: PEOPLE[person] }).click(),
    ...options,
  })
  await page.getByRole('heading', { name: 'My tasks' }).waitFor()
  await untilState(page, 'Live')
  if (path) await go(page, path)
  return page
}

/** Another screen, as a link leads there: nothing is loaded anew. */
export async function go(page, path) {
  await page.evaluate((to) => {
    history.pushState(null, '', `/app${to}`)
    dispatchEvent(new PopStateEvent('popstate'))
  }, path)
}

export async function untilState(page, name) {
  await page.locator('.connection .popover-button', { hasText: name }).waitFor({ state: 'attached' })
}

const uuid = (id) => Buffer.from(id, 'base64').toString().split(':')[1]

export const boardPath = (projectId) => `/projects/${uuid(projectId)}`
export const documentPath = (documentId) => `/documents/${uuid(documentId)}`

/** A project of its own, so that scripts do not meet each other's cards. */
export async function createProject(graph, name) {
  const { data: found } = await graph('{ teams(first: 1) { nodes { id } } }')
  const query = 'mutation ($input: ProjectCreateInput!) { projectCreate(input: $input) { project { id } errors { message } } }'
  const { data } = await graph(query, { input: { teamId: found.teams.nodes[0].id, name } })
  same('errors of the project', data.projectCreate.errors, [])
  return data.projectCreate.project.id
}

export async function createTasks(graph, projectId, titles, status = 'TODO') {
  const query = 'mutation ($input: TasksCreateInput!) { tasksCreate(input: $input) { results { task { id key title } } failed } }'
  const tasks = titles.map((title) => ({ projectId, title, status }))
  const { data } = await graph(query, { input: { tasks, mode: 'ALL_OR_NOTHING' } })
  same('tasks that were not created', data.tasksCreate.failed, 0)
  return data.tasksCreate.results.map(({ task }) => task)
}

/** Titles by column, as the server has them. */
export async function serverBoard(graph, projectId) {
  const query = 'query ($id: ID!) { project(id: $id) { tasks(first: 100, orderBy: [{ field: RANK, direction: ASC }]) { nodes { title status } } } }'
  const { data } = await graph(query, { id: projectId })
  return columns(data.project.tasks.nodes)
}

/** Titles by column, as a page shows them. */
export async function shownBoard(page) {
  const cards = await page.evaluate(() =>
    [...document.querySelectorAll('[data-status] [data-task]')].map((card) => ({
      title: card.querySelector('.card-title').textContent,
      status: card.closest('[data-status]').dataset.status,
    })),
  )
  return columns(cards)
}

function columns(cards) {
  const found = {}
  for (const { title, status } of cards) (found[status] ??= []).push(title)
  return Object.fromEntries(Object.entries(found).sort())
}

/** Waits until pages show the board that the server has, and returns it. */
export async function untilEqual(graph, projectId, pages) {
  return until('equal boards', async () => {
    const boards = [await serverBoard(graph, projectId)]
    for (const page of pages) boards.push(await shownBoard(page))
    const texts = boards.map((board) => JSON.stringify(board))
    return { found: texts.every((text) => text === texts[0]) && boards[0], instead: boards }
  })
}

/** Moves a card with the keyboard: columns to the right, or to the left when negative. */
export async function moveByKeys(page, title, across) {
  await card(page, title).focus()
  await page.keyboard.press('Space')
  for (let step = 0; step < Math.abs(across); step++) await page.keyboard.press(across > 0 ? 'ArrowRight' : 'ArrowLeft')
  await page.keyboard.press('Space')
}

/** Moves a card with the mouse into a column. */
export async function moveByMouse(page, title, status) {
  await lift(page, title, status)
  await page.mouse.up()
}

/** Holds a card over a column with the mouse. */
export async function lift(page, title, status) {
  const from = await card(page, title).boundingBox()
  const to = await page.locator(`[data-status="${status}"] .column-title`).boundingBox()
  await page.mouse.move(from.x + from.width / 2, from.y + 12)
  await page.mouse.down()
  await page.mouse.move(from.x + from.width / 2 + 12, from.y + 20)
  await page.mouse.move(to.x + to.width / 2, to.y + to.height + 4, { steps: 6 })
}

export const card = (page, title) => page.locator('[data-task]', { has: page.getByText(title, { exact: true }) })

