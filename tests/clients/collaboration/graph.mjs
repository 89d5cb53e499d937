// A provider over GraphQL alone: documentCollaboration brings what others write, documentApplyUpdate sends what is written here. It
// remembers the position that it has come to, and goes on from there when its socket was cut.
import net from 'node:net'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import * as Y from 'yjs'

const FOLLOW = `
subscription ($id: ID!, $sessionId: ID!, $after: Int, $stateVector: Base64) {
  documentCollaboration(id: $id, sessionId: $sessionId, after: $after, stateVector: $stateVector) {
    __typename
    ... on DocumentSynced { position update stateVector }
    ... on DocumentEdited { position update }
  }
}`
const APPLY = 'mutation ($input: DocumentApplyUpdateInput!) { documentApplyUpdate(input: $input) { position errors { code } } }'
const REMOTE = Symbol('remote')

const packed = (bytes) => Buffer.from(bytes).toString('base64')
const unpacked = (text) => new Uint8Array(Buffer.from(text, 'base64'))

export class GraphProvider {
  constructor({ url, id, token, sessionId }) {
    this.doc = new Y.Doc()
    this.synced = 0
    this.heard = []
    this.asked = []
    this.refused = []
    this._id = id
    this._sessionId = sessionId
    this._position = null
    this._waiting = []
    this._made = 0
    this._client = createClient({
      url: `${url}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { Authorization: `Bearer ${token}` },
      // Each subscription is asked for anew below, with the position that was reached: a repetition of the first would start over.
      retryAttempts: 0,
    })
    this.doc.on('update', (update, origin) => {
      if (origin === REMOTE) return
      this._made += 1
      this._waiting.push({ update, key: `${sessionId}-${this._made}` })
      this._send()
    })
    this._follow()
  }

  get position() {
    return this._position
  }

  isAcknowledged() {
    return this._waiting.length === 0
  }

  async _follow() {
    while (!this._ended) {
      const variables = { id: this._id, sessionId: this._sessionId, after: this._position, stateVector: packed(Y.encodeStateVector(this.doc)) }
      this.asked.push(this._position)
      try {
        this._events = this._client.iterate({ query: FOLLOW, variables })
        for await (const { data, errors } of this._events) {
          if (errors) throw new Error(JSON.stringify(errors))
          this._take(data.documentCollaboration)
        }
      } catch (error) {
        // A list of errors, or a socket closed with a code of the protocol, is the server's word; a broken line is nobody's.
        const meant = Array.isArray(error) || error instanceof Error || error?.code >= 4400
        if (!this._ended && meant) this.refused.push(error.reason ?? JSON.stringify(error.message ?? error))
      }
      await sleep(20)
    }
  }

  _take(event) {
    if (event.update === undefined) return
    const update = unpacked(event.update)
    this.heard.push({ type: event.__typename, position: event.position, bytes: update.length })
    Y.applyUpdate(this.doc, update, REMOTE)
    this._position = event.position
    if (event.__typename === 'DocumentSynced') this.synced += 1
  }

  // One mutation at a time, in order; what failed is sent again under the same key, so that it is kept once.
  async _send() {
    if (this._sending) return
    this._sending = true
    while (this._waiting.length && !this._ended) {
      const [{ update, key }] = this._waiting
      const input = { id: this._id, updates: [packed(update)], sessionId: this._sessionId, clientMutationId: key }
      try {
        const answers = this._client.iterate({ query: APPLY, variables: { input } })
        const { value } = await answers.next()
        const { errors } = value.data.documentApplyUpdate
        if (errors.length) this.refused.push(errors[0].code)
        this._waiting.shift()
      } catch {
        await sleep(20)
      }
    }
    this._sending = false
  }

  async end() {
    this._ended = true
    await this._client.dispose()
  }
}

// A way to a server that can be cut: what is open breaks, and nothing passes until it is mended.
export async function detour(address) {
  const target = new URL(address)
  const open = new Set()
  let passable = true
  const server = net.createServer((here) => {
    if (!passable) return here.destroy()
    const there = net.connect(Number(target.port), target.hostname)
    for (const [from, to] of [[here, there], [there, here]]) {
      open.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => (open.delete(from), to.destroy()))
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    cut: () => {
      passable = false
      open.forEach((socket) => socket.destroy())
    },
    mend: () => {
      passable = true
    },
    close: () => (open.forEach((socket) => socket.destroy()), server.close()),
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
