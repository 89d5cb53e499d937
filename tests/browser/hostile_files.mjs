/// Opens uploaded files in every way in which a page of the server's own origin could, and fails if a script of one of them runs.
///
/// FILES   a JSON file: names and addresses of the files, and whether a browser may show them in place
import { readFileSync } from 'node:fs'
import { base, expect, launch } from './oauth_app.mjs'

const files = JSON.parse(readFileSync(process.env.FILES, 'utf8'))
const PATIENCE_MS = 20_000
const SETTLE_MS = 300
const FILES_A_PAGE = 12

/** Every element and call that takes an address, for each of some addresses. */
function page(addresses) {
  return `<!doctype html><title>Page</title><body><script>
    for (const url of ${JSON.stringify(addresses).replaceAll('<', '\\u003c')}) {
      for (const [name, attribute] of [['iframe', 'src'], ['img', 'src'], ['script', 'src'], ['object', 'data'], ['video', 'src']]) {
        const element = document.createElement(name)
        element[attribute] = url
        document.body.append(element)
      }
      const module = document.createElement('script')
      Object.assign(module, { type: 'module', src: url })
      const link = document.createElement('link')
      Object.assign(link, { rel: 'stylesheet', href: url })
      document.body.append(module, link)
      for (const start of [() => new Worker(url), () => import(url), () => navigator.serviceWorker.register(url)]) {
        try { Promise.resolve(start()).catch(() => undefined) } catch { /* refused */ }
      }
    }
  </script></body>`
}

const browser = await launch()
const context = await browser.newContext()
const shown = new Map()
const ran = []
context.on('request', (request) => {
  if (new URL(request.url()).pathname === '/ran') ran.push(request.serviceWorker() ? 'a service worker' : shown.get(request.frame().page()))
})
context.on('page', (tab) => tab.on('dialog', (dialog) => (ran.push(shown.get(tab)), dialog.dismiss())))
const pages = new Map()
await context.route(`${base}/page-*`, (route) =>
  route.fulfill({ contentType: 'text/html', body: pages.get(new URL(route.request().url()).pathname) }),
)

/** Shows an address, which may be saved rather than shown: then the navigation ends with an error. */
async function visit(tab, address, what) {
  shown.set(tab, what)
  await tab.goto(address, { waitUntil: 'load', timeout: PATIENCE_MS }).catch(() => undefined)
  expect((await tab.title().catch(() => '')) !== 'ran', `${what} has run and changed the title.`)
}

const tab = await context.newPage()
pages.set('/page-control', "<script>fetch('/ran')</script>")
await visit(tab, `${base}/page-control`, 'the control')
await tab.waitForTimeout(SETTLE_MS)
expect(ran.join() === 'the control', 'A script that runs is not noticed.')
ran.length = 0

for (let start = 0; start < files.length; start += FILES_A_PAGE) {
  const some = files.slice(start, start + FILES_A_PAGE)
  pages.set(`/page-${start}`, page(some.map((each) => each.url)))
  await visit(tab, `${base}/page-${start}`, some.map((each) => each.name).join(', '))
  await tab.waitForTimeout(SETTLE_MS)
}
for (const { name, url } of files.filter((each) => each.isShown)) await visit(tab, url, name)
await tab.waitForTimeout(SETTLE_MS)
await browser.close()
expect(ran.length === 0, `Scripts have run:\n${[...new Set(ran)].join('\n')}`)
console.log(`${files.length} files were opened and ran nothing`)
