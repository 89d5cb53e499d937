/// Serves the build of the application as the server does, and replaces it by another one, as a deployment does.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { base } from './page.mjs'

const PAGE = '/app/'
const WORKER = '/app/service-worker.js'

/**
 * `replace('whole')`: another page, under which the editor has another name. `replace('broken')`: a service worker that lists
 * another page than there is, as between two steps of a deployment. `asked` counts how often its page was read; `policy` is another
 * Content-Security-Policy of the page, as when files move to another place.
 */
export async function createDeployment() {
  const texts = { [PAGE]: await read(PAGE), [WORKER]: await read(WORKER) }
  const editor = /\/app\/assets\/document-[\w-]+\.js/.exec(texts[WORKER])[0]
  const renamed = editor.replace('document-', 'document-renamed-')
  const original = { ...texts }
  const deployment = { url: '', asked: 0, policy: null, replace, close }
  let isReplaced = false

  const server = createServer(async ({ url, headers }, response) => {
    const { pathname } = new URL(url, deployment.url)
    const path = pathname === '/app' ? PAGE : pathname
    if (isReplaced && path === editor) return response.writeHead(404).end()
    const asked = await fetch(new URL(isReplaced && path === renamed ? editor : path, base), { headers: { accept: headers.accept ?? '*/*' } })
    if (isReplaced && path === PAGE) deployment.asked += 1
    const sent = Object.fromEntries([...asked.headers].filter(([name]) => !/^(content-(encoding|length)|transfer-encoding|connection|etag)$/.test(name)))
    if (deployment.policy && path === PAGE) sent['content-security-policy'] = deployment.policy
    response.writeHead(asked.status, sent).end(texts[path] ?? Buffer.from(await asked.arrayBuffer()))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  deployment.url = `http://127.0.0.1:${server.address().port}/`
  return deployment

  function replace(name) {
    isReplaced = true
    const page = original[PAGE].replace('<html', `<html data-build="${name}"`)
    const integrity = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`
    texts[PAGE] = page
    texts[WORKER] = original[WORKER].replace(integrity(original[PAGE]), name === 'broken' ? integrity('something else') : integrity(page))
      .replace(editor, renamed)
      .replace(/"[0-9a-f]{16}"/, `"${name}"`)
  }

  function close() {
    server.close()
    server.closeAllConnections()
  }
}

async function read(path) {
  return await (await fetch(new URL(path, base))).text()
}
