/// How soon one can type on a slow line with a slow machine, and how much of the line that takes.
///
/// The seconds are printed, not asserted, since they depend on what else the machine does. Asserted is what they follow from:
/// how many bytes come before the editor, and that the schema is compressed and does not come again.
import { inBrowser, same } from './page.mjs'

/** As browsers and Lighthouse mean it: 1.6 Mbit/s down, 750 kbit/s up, 150 ms there and back. */
const SLOW_4G = { offline: false, downloadThroughput: 1.6e6 / 8, uploadThroughput: 750e3 / 8, latency: 150 }
const CPU_SLOWDOWN = 4
const MAX_BYTES_BEFORE_EDITOR = 190_000
const MAX_SCHEMA_BYTES = 60_000
const MAX_UNCHANGED_BYTES = 1_000

await inBrowser(async ({ browser }) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  const line = await context.newCDPSession(page)
  await line.send('Network.enable')
  await line.send('Network.emulateNetworkConditions', SLOW_4G)
  await line.send('Emulation.setCPUThrottlingRate', { rate: CPU_SLOWDOWN })
  const requests = new Map()
  line.on('Network.responseReceived', ({ requestId, response }) =>
    requests.set(requestId, { path: new URL(response.url).pathname, bytes: 0 }),
  )
  line.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId)
    if (request) request.bytes = encodedDataLength
  })
  const total = () => [...requests.values()].reduce((sum, { bytes }) => sum + bytes, 0)

  await page.addInitScript(watchEditor)

  const visit = async (go) => {
    requests.clear()
    const started = performance.now()
    const seconds = () => ((performance.now() - started) / 1000).toFixed(1)
    await go()
    const { milliseconds, bytes } = await page
      .waitForFunction(() => globalThis.editorReady, null, { timeout: 60_000 })
      .then((found) => found.jsonValue())
    const ready = (milliseconds / 1000).toFixed(1)
    await page.locator('.graphiql-sidebar .turning').waitFor({ state: 'detached' })
    await page.locator('.hive-line[data-session="signed-in"]').waitFor()
    await page.waitForLoadState('networkidle')
    const schema = [...requests.values()].find(({ path }) => path.endsWith('/schema.json'))
    console.log(
      `The editor takes a key after ${ready} s and ${bytes} bytes; all is there after ${seconds()} s and ${total()} bytes.`,
    )
    return { bytes, schema: schema.bytes }
  }
  const first = await visit(() => page.goto(process.env.BASE_URL, { waitUntil: 'commit' }))
  const again = await visit(() => page.reload({ waitUntil: 'commit' }))
  console.log(`The schema takes ${first.schema} bytes at first and ${again.schema} bytes again.`)
  same('few bytes before the editor', first.bytes <= MAX_BYTES_BEFORE_EDITOR, true)
  same('a compressed schema', first.schema <= MAX_SCHEMA_BYTES, true)
  same('an unchanged schema does not come again', again.schema <= MAX_UNCHANGED_BYTES, true)
})

/** Runs in the page: presses a key as soon as the editor is there, and notes when it shows, since the navigation. */
function watchEditor() {
  const look = () => {
    const content = document.querySelector('.graphiql-query-editor .cm-content')
    if (content?.textContent.includes('^')) {
      const bytes = performance.getEntriesByType('resource').reduce((sum, { transferSize }) => sum + transferSize, 0)
      globalThis.editorReady = { milliseconds: performance.now(), bytes }
      document.execCommand('undo')
      return
    }
    if (content) {
      content.focus()
      document.execCommand('insertText', false, '^')
    }
    requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
}
