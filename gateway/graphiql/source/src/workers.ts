/// The editor's background threads, bundled with the page.
import EditorWorker from 'monaco-editor/esm/vs/editor/editor.worker.js?worker'
import JsonWorker from 'monaco-editor/esm/vs/language/json/json.worker.js?worker'
import GraphQLWorker from 'monaco-graphql/esm/graphql.worker.js?worker'

Object.assign(globalThis, {
  MonacoEnvironment: {
    getWorker(_id: string, language: string): Worker {
      if (language === 'json') return new JsonWorker()
      if (language === 'graphql') return new GraphQLWorker()
      return new EditorWorker()
    },
  },
})
