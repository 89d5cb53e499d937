// One editor who goes away and comes back: edits, and keeps what he has in a file between two runs.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import * as Y from 'yjs'
import { open, until } from './provider.mjs'

const { kind, url, id, token, file, words } = JSON.parse(process.argv[2])
const editor = open(kind, { url, id, token, before: existsSync(file) ? readFileSync(file) : null, words })
await until(() => editor.isSynced() && editor.isAcknowledged(), 'him to be synced')
await until(() => words.every((word) => editor.doc.getText('text').toString().includes(word)), 'his words')
writeFileSync(file, Y.encodeStateAsUpdate(editor.doc))
// A round trip more, so that what was sent last is known to have arrived.
editor.cut()
editor.mend()
await until(() => editor.isSynced(), 'him to be synced again')
console.log(JSON.stringify({ text: editor.doc.getText('text').toString(), closed: editor.closed.filter((code) => code >= 4000) }))
process.exit(0)
