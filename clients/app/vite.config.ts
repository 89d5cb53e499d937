/// What `npm run build` makes: the page, its service worker, and under assets/ hashed files, stored gzipped wherever that helps.
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { gzipAsync } from '@gfx/zopfli'
import { defaultClientConditions, defineConfig, type Plugin } from 'vite'

const BASE = '/app/'
const NO_PRINTER = fileURLToPath(new URL('src/graph/no-printer.ts', import.meta.url))
const SERVER = 'http://127.0.0.1:8000'

/** Leaves the printer of graphql-js out: the client prints documents that were parsed, and here all of them are text. */
function withoutPrinter(): Plugin {
  return {
    name: 'without-printer',
    enforce: 'pre',
    resolveId: (source, importer) =>
      source === 'graphql' && importer?.endsWith('/typescript/src/document.ts') ? NO_PRINTER : undefined,
  }
}

/** Tells the service worker what there is to store: all files of the build with their hashes, but for the licences. */
function precached(): Plugin {
  return {
    name: 'precached',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const worker = bundle['service-worker.js']
        if (worker?.type !== 'chunk') throw new Error('The service worker is not a part of the build.')
        const files = Object.entries(bundle)
          .filter(([name]) => name === 'index.html' || (name.startsWith('assets/') && !name.endsWith('.md')))
          .map(([name, file]) => {
            const content = Buffer.from(file.type === 'chunk' ? file.code : file.source)
            const hash = createHash('sha256').update(content).digest('base64')
            return [name === 'index.html' ? BASE : BASE + name, `sha256-${hash}`] as const
          })
          .sort()
        const list = JSON.stringify(Object.fromEntries(files))
        const build = createHash('sha256')
          .update(list + worker.code)
          .digest('hex')
          .slice(0, 16)
        worker.code = worker.code.replace(/\bPRECACHED\b/, list).replace(/\bBUILD\b/, `"${build}"`)
      },
    },
  }
}

/**
 * Puts `name.gz` in the place of every file that shrinks by it: a fifth of the bytes to keep and to send. They are compressed once
 * and sent often, so zopfli takes its seconds for 4 % less.
 */
function gzipped(): Plugin {
  return {
    name: 'gzipped',
    apply: 'build',
    generateBundle: {
      order: 'post',
      async handler(_, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          if (!name.startsWith('assets/')) continue
          const content = Buffer.from(file.type === 'chunk' ? file.code : file.source)
          const smaller = await gzipAsync(content, { numiterations: 15 })
          if (smaller.length > content.length * 0.9) continue
          delete bundle[name]
          this.emitFile({ type: 'asset', fileName: `${name}.gz`, source: smaller })
        }
      },
    },
  }
}

export default defineConfig({
  base: BASE,
  oxc: { jsx: { runtime: 'automatic' } },
  plugins: [withoutPrinter(), precached(), gzipped()],
  // The client is a part of the build: its source, not what is published of it.
  resolve: {
    conditions: ['@pantherahive/source', ...defaultClientConditions],
    // Only TipTap's suggestions use it, and but for one thing that it can.
    alias: { '@floating-ui/dom': fileURLToPath(new URL('src/editor/floating.ts', import.meta.url)) },
  },
  server: {
    proxy: {
      '/graphql': { target: SERVER, ws: true },
      '/collaboration': { target: SERVER, ws: true },
      '/blobs': SERVER,
      '/app/config.json': SERVER,
    },
  },
  build: {
    outDir: '../../gateway/web_app/build',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    sourcemap: false,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ['index.html', 'worker/service-worker.ts'],
      // The address of the service worker stays the same from build to build.
      output: { entryFileNames: ({ name }) => (name === 'service-worker' ? '[name].js' : 'assets/[name]-[hash].js') },
    },
    license: { fileName: 'assets/licenses.md' },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
})
