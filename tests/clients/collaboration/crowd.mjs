// Editors of both kinds type at random into one document, on any of several servers, and lose their connections at random.
// Prints what each has in the end: they must all have the same.
import { dice, open, sleep, until } from './provider.mjs'

const { urls, id, token, editors, edits, cuts, seed, offline = 0 } = JSON.parse(process.argv[2])
const roll = dice(seed)
const words = ['panther ', 'hive ', 'é', '🐆', 'x', '\n', 'a longer run of typed words ']

// As editors do, never between the two halves of a character.
function boundary(text, at) {
  const code = text.toString().charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}

function edit(doc) {
  const text = doc.getText('text')
  const map = doc.getMap('map')
  switch (roll(10)) {
    case 0:
    case 1:
      if (text.length > 4) {
        const start = boundary(text, roll(text.length - 4))
        text.delete(start, boundary(text, start + 1 + roll(3)) - start)
      }
      break
    case 2:
      map.set(`key ${roll(5)}`, { number: roll(1000), list: [roll(10), null, true] })
      break
    case 3:
      if (text.length > 8) {
        const start = boundary(text, roll(text.length - 5))
        text.format(start, boundary(text, start + 4) - start, { bold: roll(2) === 0 })
      }
      break
    default:
      text.insert(boundary(text, roll(text.length + 1)), words[roll(words.length)])
  }
}

const everybody = Array.from({ length: editors }, (_, index) =>
  open(index % 2 ? 'hocuspocus' : 'y-websocket', { url: urls[index % urls.length], id, token }),
)
await until(() => everybody.every((each) => each.isSynced()), 'everybody to be synced')

async function work(each) {
  for (let done = 0; done < edits; done++) {
    edit(each.doc)
    if (roll(100) < cuts) {
      each.cut()
      for (let alone = roll(6); alone > 0; alone--) edit(each.doc)
      await sleep(roll(60))
      each.aim(urls[roll(urls.length)])
      each.mend()
    }
    await sleep(roll(12))
  }
  each.mend()
}

// The first is away all the while, if that is asked for, and works on.
if (offline) everybody[0].cut()
for (let done = 0; done < offline; done++) edit(everybody[0].doc)
await Promise.all(everybody.slice(offline ? 1 : 0).map(work))
everybody[0].mend()
await until(() => everybody.every((each) => each.isSynced() && each.isAcknowledged()), 'everybody to be synced again', 90_000).catch((error) => {
  const states = everybody.map((each) => [each.isSynced(), each.isAcknowledged(), each.closed.slice(-5)])
  throw new Error(`${error.message}: ${JSON.stringify(states)}`)
})
// The order of an object's keys is nobody's: it may change on the way.
const sorted = (_, value) =>
  value && typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value
const all = (each) => JSON.stringify([each.doc.getText('text').toDelta(), each.doc.getMap('map').toJSON()], sorted)
await until(() => everybody.every((each) => all(each) === all(everybody[0])), 'everybody to have the same', 60_000).catch(() => {})
const said = everybody.map(all)
const refused = everybody.flatMap((each) => each.closed.filter((code) => code >= 4000))
console.log(JSON.stringify({ same: new Set(said).size, text: everybody[0].doc.getText('text').toString(), map: everybody[0].doc.getMap('map').toJSON(), refused }))
process.exit(0)
