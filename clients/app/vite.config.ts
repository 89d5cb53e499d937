/// What `npm run build` makes: the page, and under assets/ hashed files, stored gzipped wherever that helps.
import { gzipSync } from 'node:zlib'
import { defaultClientConditions, defineConfig, type Plugin } from 'vite'

const SERVER = 'http://127.0.0.1:8000'

/** Puts `name.gz` in the place of every file that shrinks by it: a fifth of the bytes to keep and to send. */
function gzipped(): Plugin {
  return {
    name: 'gzipped',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          if (!name.startsWith('assets/')) continue
          const content = Buffer.from(file.type === 'chunk' ? file.code : file.source)
          const smaller = gzipSync(content, { level: 9 })
          if (smaller.length > content.length * 0.9) continue
          delete bundle[name]
          this.emitFile({ type: 'asset', fileName: `${name}.gz`, source: smaller })
        }
      },
    },
  }
}

export default defineConfig({
  base: '/app/',
  oxc: { jsx: { runtime: 'automatic' } },
  plugins: [gzipped()],
  // The client is a part of the build: its source, not what is published of it.
  resolve: { conditions: ['@pantherahive/source', ...defaultClientConditions] },
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
    license: { fileName: 'assets/licenses.md' },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
})
