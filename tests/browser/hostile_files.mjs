/// Opens uploaded files in every way in which a page of the server's own origin could, and fails if a script of one of them runs.
///
/// FILES   a JSON file: the names and addresses of the files
import { readFileSync } from 'node:fs'
import { base, expect, launch } from './oauth_app.mjs'

const files = JSON.parse(readFileSync(process.env.FILES, 'utf8'))
const PATIENCE_MS = 1_500
const TABS = 6

/** Every element and call that takes an address. */
function page(address) {
  const url = JSON.stringify(address).replaceAll('<', '\\u003c')
  return `<!doctype html><title>Page</title><body><script>
    const url = ${url}
    for (const [name, attribute] of [['iframe', 'src'], ['img', 'src'], ['script', 'src'], ['object', 'data'], ['embed', 'src'],
                                     ['video', 'src'], ['audio', 'src'], ['track', 'src'], ['input', 'src']]) {
      const element = document.createElement(name)
      if (name === 'input') element.type = 'image'
      element[attribute] = url
      document.body.append(element)
    }
    const module = document.createElement('script')
    Object.assign(module, { type: 'module', src: url })
    const link = document.createElement('link')
    Object.assign(link, { rel: 'stylesheet', href: url })
    document.body.append(module, link)
    for (const start of [() => new Worker(url), () => new SharedWorker(url), () => import(url),
                         () => navigator.serviceWorker.register(url)]) {
      try { Promise.resolve(start()).catch(() => undefined) } catch { /* refused */ }
    }
  </script></body>`
}

const browser = await launch()
const context = await browser.newContext()
let current = new Map()
const ran = []
context.on('request', (request) => {
  if (new URL(request.url()).pathname === '/ran') ran.push(`${request.frame().page() && current.get(request.frame().page())}`)
})
context.on('page', (tab) => tab.on('dialog', (dialog) => (ran.push(`${current.get(tab)}: a dialog`), dialog.dismiss())))
await context.route(`${base}/page-with-*`, (route) =>
  route.fulfill({ contentType: 'text/html', body: page(files[Number(route.request().url().split('page-with-')[1])].url) }),
)
await context.route(`${base}/control`, (route) =>
  route.fulfill({ contentType: 'text/html', body: "<script>fetch('/ran')</script>" }),
)

const control = await context.newPage()
await control.goto(`${base}/control`, { waitUntil: 'networkidle' })
expect(ran.length === 1, 'A script that runs is not noticed.')
ran.length = 0
await control.close()

async function open(tab, number) {
  current.set(tab, files[number].name)
  await tab.goto(`${base}/page-with-${number}`, { waitUntil: 'load', timeout: 20_000 }).catch(() => undefined)
  // An address that is saved rather than shown ends the navigation with an error.
  await tab.goto(files[number].url, { waitUntil: 'load', timeout: 20_000 }).catch(() => undefined)
  expect((await tab.title().catch(() => '')) !== 'ran', `${files[number].name} has run and changed its title.`)
}

let isDone = false
browser.on('disconnected', () => expect(isDone, `The browser has ended while it showed ${[...current.values()].join(', ')}.`))
let next = 0
await Promise.all(
  Array.from({ length: TABS }, async () => {
    const tab = await context.newPage()
    while (next < files.length) await open(tab, next++)
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
  }),
)
isDone = true
await browser.close()
expect(ran.length === 0, `Scripts have run:\n${[...new Set(ran)].join('\n')}`)
console.log(`${files.length} files were opened and ran nothing`)
