/// A subscription goes on while other tabs are shown, comes back when the server was lost, misses nothing, and says how it is.
import { createLine } from './line.mjs'
import {
  answer,
  base,
  editor,
  inBrowser,
  picture,
  run,
  same,
  showTab,
  signIn,
  tabButton,
  until,
  untilEvents,
} from './page.mjs'

/** Lets the page believe that tokens live for eight seconds, and records what its websockets send and receive. */
async function shortenTokens(page, frames) {
  page.on('websocket', (socket) => {
    socket.on('framesent', ({ payload }) => frames.push(payload))
    socket.on('framereceived', ({ payload }) => frames.push(payload))
  })
  await page.route('**/graphql', async (route) => {
    const response = await route.fetch()
    const text = await response.text()
    await route.fulfill({ response, body: text.replace(/"expiresIn":\s*\d+/, '"expiresIn":8') })
  })
}

/** A token that is about to expire is replaced on the open connection. */
async function renewsToken(open) {
  const frames = []
  const hasty = await open({ url: line.url, signedIn: false, prepare: (page) => shortenTokens(page, frames) })
  await run(hasty, 'Changes')
  await hasty.locator('[data-stream="open"]').waitFor()
  const accepted = await until('a newer token on the connection', async () => ({
    found: frames.includes('{"type":"pong","payload":{"authorization":"accepted"}}'),
    instead: frames.filter((frame) => !frame.includes('Bearer')),
  }))
  same(
    'a newer token that is accepted, on the only connection',
    [accepted, frames.filter((frame) => frame.includes('connection_ack')).length],
    [true, 1],
  )
  await hasty.context().close()
}

const line = await createLine()
await inBrowser(
  async ({ open }) => {
    const ask = await signIn('priya@larkspur.example')
    const page = await open({ url: line.url })
    const live = (state) => page.locator(`.hive-line[data-live="${state}"]`).waitFor()
    const status = () => page.locator('[data-stream]').innerText()

    await run(page, 'Changes')
    await live('open')
    await page.waitForTimeout(1000) // It is connected; the server also needs to have begun to listen.

    // Another tab is shown, and used, meanwhile.
    await run(page, 'MoveTask')
    const { task } = (await answer(page)).taskMove
    await showTab(page, 'Board')
    await tabButton(page, 'Changes').locator('.dot[data-state="open"]').waitFor()
    await showTab(page, 'Changes')
    const [first] = await untilEvents(page, 1, new RegExp(`^MOVED · Task · ${task.key} `))
    console.log(`While another tab was shown: ${first}`)

    // The server is lost, and what happens meanwhile comes afterwards, once.
    const rename = async (number) => {
      const query = 'mutation ($input: TaskUpdateInput!) { taskUpdate(input: $input) { errors { code } } }'
      const { data } = await ask(query, { input: { id: task.id, title: `Renamed ${number}` } })
      same('the errors of a rename', data.taskUpdate.errors, [])
    }
    let renamed = 0
    for (const loss of ['cut', 'stalled']) {
      line.set(loss)
      await live('connecting')
      // A try that nobody answers ends too, and another follows.
      for (let tries = 0; tries < (loss === 'stalled' ? 2 : 1); tries++) {
        const shown = await until('a pause between two tries', async () => {
          const text = await status()
          return { found: text.includes('Trying again in') && text, instead: text }
        })
        if (tries === 0) console.log(`After it was ${loss}: ${shown}`)
        if (loss === 'stalled') await page.locator('[data-stream="connecting"]').waitFor()
      }
      await picture(page, `stream-${loss}`)
      await rename(++renamed)
      await rename(++renamed)
      line.set('open')
      await live('open')
      const listed = await untilEvents(page, renamed, /title: /)
      same('the events, each once', listed.length, renamed)
      for (let number = 1; number <= renamed; number++) {
        if (!listed[renamed - number].includes(`→ Renamed ${number} `))
          throw new Error(`event ${number} is ${listed[renamed - number]}`)
      }
      const [note] = await page.locator('.events-note').allInnerTexts()
      if (!note.includes('none are missing')) throw new Error(`the list says ${note}`)
    }

    // Without a cursor the list says that something may be missing.
    await page.getByRole('button', { name: 'New tab' }).click()
    await editor(page).click()
    await page.keyboard.insertText(`subscription Plain { taskChanged(id: "${task.id}") { kind } }`)
    await page.getByRole('button', { name: 'Run the operation' }).click()
    await page.locator('[data-stream="open"]').waitFor()
    line.set('cut')
    await page.locator('[data-stream="waiting"]').waitFor()
    same('the dots of both streams', await page.locator('.graphiql-tab .dot[data-state="waiting"]').count(), 2)
    line.set('open')
    await page.locator('[data-stream="open"]').waitFor()
    const warning = await until('the note', async () => ({
      found: (await page.locator('.events-note').allInnerTexts())[0],
    }))
    if (!warning.includes('may be missing: there is no cursor')) throw new Error(`the list says ${warning}`)

    await renewsToken(open)

    // Stopped is stopped: nothing is tried again.
    await page.getByRole('button', { name: 'Stop', exact: true }).first().click()
    await showTab(page, 'Changes')
    await page.getByRole('button', { name: 'Stop', exact: true }).first().click()
    await live('closed')
    same('no dots', await page.locator('.graphiql-tab .dot').count(), 0)
  },
  {
    hosts: [new URL(line.url).host],
    expected: [/ERR_CONNECTION|WebSocket|ERR_EMPTY_RESPONSE|Failed to load resource|net::/],
  },
)
line.close()
process.exit()
