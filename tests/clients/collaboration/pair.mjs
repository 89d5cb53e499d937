// Two editors over GraphQL, on two servers, who write at the same time; one of them is cut off while both go on, and comes back.
import { detour, GraphProvider } from './graph.mjs'
import { dice, until } from './provider.mjs'

const { urls, id, token, edits, seed } = JSON.parse(process.argv[2])
const way = await detour(urls[1])
const ada = new GraphProvider({ url: urls[0], id, token, sessionId: 'ada' })
const ben = new GraphProvider({ url: way.url, id, token, sessionId: 'ben' })
const throws = dice(seed)
const text = (editor) => editor.doc.getText('text').toString()

function write(editor, name, from, to) {
  for (let number = from; number < to; number += 1) {
    const there = editor.doc.getText('text')
    there.insert(throws(there.length + 1), `<${name}${number}>`)
    editor.doc.getMap('map').set(`${name}${number}`, number)
  }
}

const areOne = () => ada.isAcknowledged() && ben.isAcknowledged() && text(ada) === text(ben)
const size = () => [ada, ben].map((editor) => editor.doc.getMap('map').size)

await until(() => ada.synced && ben.synced, 'both to be synced')
write(ada, 'a', 0, edits)
write(ben, 'b', 0, edits)
await until(() => areOne() && size().every((each) => each === 2 * edits), 'both to write the same document')

const before = ben.position
const reached = ben.heard.length
way.cut()
write(ada, 'a', edits, 2 * edits)
write(ben, 'b', edits, 2 * edits)
await until(() => ada.isAcknowledged(), 'her edits')
const apart = text(ada) !== text(ben) && !ben.isAcknowledged()
way.mend()
await until(() => areOne() && size().every((each) => each === 4 * edits), 'both to write the same document again')
await until(() => ada.position === ben.position, 'both to be at the same position')

const back = ben.heard.slice(reached).find((event) => event.type === 'DocumentSynced')
console.log(
  JSON.stringify({
    text: text(ada),
    map: Object.fromEntries(ben.doc.getMap('map').entries()),
    apart,
    before,
    resumed: ben.asked.slice(1).every((after) => after === before) && ben.asked.length > 1,
    missed: back.position - before,
    position: ada.position,
    refused: [...ada.refused, ...ben.refused],
  }),
)
await Promise.all([ada.end(), ben.end()])
way.close()
process.exit(0)
