/** A server of its own for the tests, on a free port with embedded defaults; `HIVE_URL` names one that runs already. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { TestProject } from 'vitest/node'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const START_TIMEOUT_MS = 240_000

declare module 'vitest' {
  interface ProvidedContext {
    url: string
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const running = process.env['HIVE_URL']
  if (running) return void project.provide('url', running)
  const folder = mkdtempSync(join(tmpdir(), 'hive-'))
  const server = await startServer({ HIVE_DATA_DIR: folder, HIVE_SEED_SIZE: 'none', HIVE_COST_LIMITS: 'report' })
  project.provide('url', server.url)
  return async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Server {
  url: string
  port: number
  process: ChildProcess
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** A server with these settings, as soon as it is ready. */
export async function startServer(settings: Record<string, string>): Promise<Server> {
  const port = Number(settings['HIVE_PORT'] ?? (await freePort()))
  const { PATH = '', HOME = '' } = process.env
  const python = process.env['HIVE_PYTHON'] ?? join(root, '.venv/bin/python')
  const child = spawn(python, ['server.py', 'serve'], {
    cwd: root,
    env: { PATH, HOME, HIVE_PORT: String(port), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => (said = (said + chunk).slice(-20_000)))
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    child.kill(signal)
    await exited
  }
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(50)) {
    const isReady = await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return { url, port, process: child, stop }
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop('SIGKILL')
      throw new Error(`the server did not start:\n${said}`)
    }
  }
}

/** A port below those that the kernel hands out by itself. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    const isFree = await new Promise<boolean>((resolve) => {
      const probe = createServer()
      probe.once('error', () => resolve(false))
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}
