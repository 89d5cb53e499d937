/** Clients that keep a replica, whose network can be taken away and who can be killed. */
import { memoryStorage as memoryTokens, type HiveClient } from '@pantherahive/client'
import { IDBFactory } from 'fake-indexeddb'
import WebSocket from 'ws'

import { open } from '../../typescript/tests/support/world.ts'
import { createSync, indexedDbStorage, type HiveSync, type Operation, type SyncOptions } from '../src/index.ts'

export { createTask, register, run, settle, until, type World } from '../../typescript/tests/support/world.ts'

/** A machine with a disk: what runs on it may be killed and started again. */
export class Machine {
  readonly disk = new IDBFactory()
  readonly rejected: [Operation, string][] = []
  isOnline = true
  client!: HiveClient
  sync!: HiveSync
  #isAlive = { current: false }
  #sockets = new Set<WebSocket>()

  constructor(
    readonly url: string,
    readonly tokens: ReturnType<HiveClient['session']['storage']['read']>,
    readonly options: SyncOptions = {},
  ) {
    this.start()
  }

  start(url: string = this.url): void {
    const alive = (this.#isAlive = { current: true })
    const machine = this
    // Whatever belongs to a process that was killed hears nothing more.
    class Socket extends WebSocket {
      constructor(...given: ConstructorParameters<typeof WebSocket>) {
        super(machine.isOnline && alive.current ? given[0] : 'ws://127.0.0.1:9', given[1] as string)
        this.on('error', () => undefined)
        machine.#sockets.add(this)
        this.on('close', () => machine.#sockets.delete(this))
      }
    }
    this.client = open({
      url,
      storage: memoryTokens(this.tokens),
      webSocketImpl: Socket,
      fetch: async (...given) => {
        if (!alive.current) return await new Promise<never>(() => undefined)
        if (!machine.isOnline) throw new TypeError('no network')
        const response = await fetch(...given)
        if (!alive.current) return await new Promise<never>(() => undefined)
        // An answer that was on its way when the network went is lost.
        if (!machine.isOnline) throw new TypeError('no network')
        return response
      },
    })
    const disk = indexedDbStorage('replica', this.disk)
    this.sync = createSync(this.client, {
      ...this.options,
      onRejected: (operation, error) => this.rejected.push([operation, error.code]),
      storage: {
        load: () => (alive.current ? disk.load() : new Promise(() => undefined)),
        write: (batch) => (alive.current ? disk.write(batch) : new Promise(() => undefined)),
        close: () => disk.close(),
      },
    })
  }

  goOffline(): void {
    this.isOnline = false
    for (const socket of this.#sockets) socket.terminate()
  }

  goOnline(): void {
    this.isOnline = true
    this.sync.wake()
  }

  /** The process ends without a word; its disk stays. */
  kill(): void {
    this.#isAlive.current = false
    for (const socket of this.#sockets) socket.terminate()
    void this.sync.dispose().catch(() => undefined)
    void this.client.dispose()
  }

  async dispose(): Promise<void> {
    await this.sync.dispose()
    await this.client.dispose()
  }
}
