/// What `npm run build` makes: ../build/index.html, and under ../build/assets hashed files, stored gzipped wherever that helps.
import { gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'

const SERVER = 'http://127.0.0.1:8000'

/** The page is served at `/`, its files under `graphiql/`, whatever the prefix of both. */
function underGraphiql(): Plugin {
  return {
    name: 'under-graphiql',
    apply: 'build',
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const page = bundle['index.html']
        if (page?.type !== 'asset') throw new Error('There is no index.html.')
        page.source = String(page.source).replaceAll('"./assets/', '"./graphiql/assets/')
      },
    },
  }
}

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
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [underGraphiql(), gzipped()],
  server: { proxy: { '/graphql': { target: SERVER, ws: true }, '^/graphiql/(config|schema|cost)': SERVER } },
  build: {
    outDir: '../build',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    sourcemap: false,
    target: 'es2022',
    modulePreload: { polyfill: false },
    license: { fileName: 'assets/licenses.md' },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      // Without this mark all of the language service is part of what the editor waits for.
      treeshake: {
        moduleSideEffects: [
          {
            test: /node_modules\/(graphql-language-service|debounce-promise|nullthrows|vscode-languageserver-types)\//,
            sideEffects: false,
          },
        ],
      },
    },
  },
})
