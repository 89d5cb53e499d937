/// Loads modules of the page as Vite understands them: TypeScript, and texts by `?raw`.
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const server = await createServer({
  root,
  configFile: false,
  logLevel: 'error',
  appType: 'custom',
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
})
after(() => server.close())

/** The module at a path below `src`. */
export const load = (path) => server.ssrLoadModule(`/src/${path}`)
