/// A line between a browser and the server that can be cut and stalled: `setOffline` of a browser leaves open websockets alive.
import { connect, createServer } from 'node:net'
import { base } from './page.mjs'

/** Stands between the browser and the server, so that the line can be cut and stalled. */
export async function createLine() {
  const pairs = new Set()
  let mode = 'open'
  const server = createServer((incoming) => {
    if (mode === 'cut') return incoming.destroy()
    const outgoing = connect(Number(base.port), base.hostname)
    const pair = { incoming, outgoing }
    pairs.add(pair)
    for (const [from, to] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ]) {
      from.on('data', (data) => mode !== 'stalled' && to.write(data))
      from.on('error', () => undefined)
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    /** `cut` ends all connections and refuses new ones, `stalled` lets nothing through, `open` lets everything through. */
    set(next) {
      mode = next
      if (next !== 'stalled')
        for (const { incoming, outgoing } of pairs) [incoming, outgoing].forEach((socket) => socket.destroy())
    },
    close: () => server.close(),
  }
}
