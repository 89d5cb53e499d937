/// Two people move cards at once; the line of one is cut while both go on; and their server is killed: everything arrives once.
///
/// The script prints `kill the server` when somebody is to kill it and start it again.
import { createLine } from './line.mjs'
import { atGraph, boardPath, card, createProject, createTasks, lift, moveByKeys, moveByMouse, openApp, serverBoard, shownBoard, untilEqual, untilState } from './app.mjs'
import { inBrowser, picture, same, until } from './page.mjs'

const CUT_MS = 3_000
const MEASURED_MOVES = 20

const line = await createLine()
const graph = await atGraph('dana')
const projectId = await createProject(graph, 'Two people at once')
const titles = Array.from({ length: 8 }, (_, index) => `Card ${index + 1}`)
// Each moves out of a column of their own: a card that slides away under the mouse is another story.
const tasks = [...(await createTasks(graph, projectId, titles.slice(0, 4))), ...(await createTasks(graph, projectId, titles.slice(4), 'BACKLOG'))]
const path = boardPath(projectId)

await inBrowser(
  async ({ open }) => {
    let dana = await openApp(open, 'dana', { origin: line.url, path })
    const priya = await openApp(open, 'priya', { path })
    let both = [dana, priya]
    for (const page of both) await card(page, 'Card 8').waitFor()

    for (let round = 0; round < 3; round++) {
      await Promise.all([moveByKeys(dana, titles[round], 1), moveByMouse(priya, titles[round + 4], 'IN_REVIEW')])
    }
    const moved = await untilEqual(graph, projectId, both)
    same('the cards in the middle', [...moved.IN_PROGRESS].sort(), ['Card 1', 'Card 2', 'Card 3'])
    same('the cards further on', [...moved.IN_REVIEW].sort(), ['Card 5', 'Card 6', 'Card 7'])
    console.log('Two people moved six cards at once.')

    // One holds a card while the other moves it away: who drops it has the last word.
    await lift(priya, 'Card 4', 'DONE')
    await moveByKeys(dana, 'Card 4', 1)
    await until('the move', async () => ({ found: (await serverBoard(graph, projectId)).IN_PROGRESS.includes('Card 4') }))
    await priya.mouse.up()
    await until('the drop', async () => ({ found: (await serverBoard(graph, projectId)).DONE?.includes('Card 4') }))
    same('where the card is', (await untilEqual(graph, projectId, both)).DONE, ['Card 4'])
    console.log('Two people moved one card to two places, and see the same.')

    await measure(dana, priya)

    line.set('cut')
    await untilState(dana, 'Offline')
    const before = await changeCount()
    await moveByKeys(dana, 'Card 1', 1)
    await moveByKeys(dana, 'Card 2', 2)
    await moveByKeys(dana, 'Card 5', -2)
    await add(dana, 'TODO', 'Written on the way')
    await add(dana, 'DONE', 'Done on the way')
    await dana.locator('.connection', { hasText: 'Offline · 5 waiting' }).waitFor()
    await moveByMouse(priya, 'Card 8', 'IN_PROGRESS')
    await picture(dana, 'app-offline')
    same('what was shown meanwhile', (await shownBoard(dana)).DONE?.includes('Done on the way'), true)
    await new Promise((resolve) => setTimeout(resolve, CUT_MS))
    line.set('open')
    await untilState(dana, 'Live')
    const after = await untilEqual(graph, projectId, both)
    same('where the cards are', ['Card 1', 'Card 2', 'Card 5', 'Card 8'].map((title) => columnOf(after, title)), ['IN_REVIEW', 'DONE', 'TODO', 'IN_PROGRESS'])
    same('the new cards', [after.TODO.filter((title) => title === 'Written on the way').length, after.DONE.filter((title) => title === 'Done on the way').length], [1, 1])
    same('how many changes were made', (await changeCount()) - before, 4) // of cards that were there: three of hers, one of the other's
    console.log(`Five changes arrived once after ${CUT_MS / 1000} s without a line.`)

    line.set('cut')
    await untilState(dana, 'Offline')
    await moveByKeys(dana, 'Card 6', 1)
    await dana.locator('.connection', { hasText: 'Offline · 1 waiting' }).waitFor()
    const context = dana.context()
    await dana.close()
    line.set('open')
    dana = await context.newPage()
    await dana.goto(`${line.url}app${path}`)
    both = [dana, priya]
    await until('what was left', async () => ({ found: (await serverBoard(graph, projectId)).DONE.includes('Card 6') }))
    await untilEqual(graph, projectId, both)
    console.log('A page was closed without a line, and what it left was sent by the next.')

    console.log('kill the server')
    await until('the server to be gone', async () => ({ found: await fetch(line.url).then(() => false, () => true) }))
    await moveByKeys(dana, 'Card 3', 2)
    await add(priya, 'BACKLOG', 'Written while it was away')
    await untilState(dana, 'Live')
    await untilState(priya, 'Live')
    const last = await untilEqual(graph, projectId, both)
    same('the card that was moved meanwhile', columnOf(last, 'Card 3'), 'DONE')
    same('the card that was written meanwhile', last.BACKLOG, ['Written while it was away'])
    console.log('A server was killed, and nothing was lost or doubled.')
  },
  { hosts: [new URL(line.url).host, new URL(process.env.BASE_URL).host], expected: [/ERR_|WebSocket|Failed to load resource/] },
)
line.close()

async function add(page, status, title) {
  const column = page.locator(`[data-status="${status}"]`)
  await column.getByRole('button', { name: 'Add' }).click()
  await column.getByRole('textbox').fill(title)
  await page.keyboard.press('Enter')
  await page.keyboard.press('Escape')
}

function columnOf(board, title) {
  return Object.keys(board).find((status) => board[status].includes(title))
}

/** How often the cards that were there from the beginning have changed columns, by their histories. */
async function changeCount() {
  const query = 'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Task { activity(first: 100) { nodes { changes { field } } } } } }'
  const { data } = await graph(query, { ids: tasks.map(({ id }) => id) })
  return data.nodes.flatMap(({ activity }) => activity.nodes).filter(({ changes }) => changes.some(({ field }) => field === 'status')).length
}

/** From the key that drops a card to its place in the other browser. */
async function measure(from, to) {
  const times = []
  for (let round = 0; round < MEASURED_MOVES; round++) {
    const forth = round % 2 === 0
    const seen = to.evaluate(
      ([title, status]) =>
        new Promise((resolve) => {
          const look = () => {
            const card = [...document.querySelectorAll(`[data-status="${status}"] .card-title`)].some((each) => each.textContent === title)
            if (card) resolve(Date.now())
            else requestAnimationFrame(look)
          }
          look()
        }),
      ['Card 1', forth ? 'IN_REVIEW' : 'IN_PROGRESS'],
    )
    await card(from, 'Card 1').focus()
    await from.keyboard.press('Space')
    await from.keyboard.press(forth ? 'ArrowRight' : 'ArrowLeft')
    await from.evaluate(() => addEventListener('keydown', () => (globalThis.droppedAt = Date.now()), { capture: true, once: true }))
    await from.keyboard.press('Space')
    const arrived = await seen
    times.push(arrived - (await from.evaluate(() => globalThis.droppedAt)))
  }
  times.sort((a, b) => a - b)
  console.log(`From the key to the other browser: median ${times[times.length >> 1]} ms, p95 ${times[Math.ceil(times.length * 0.95) - 1]} ms.`)
}
