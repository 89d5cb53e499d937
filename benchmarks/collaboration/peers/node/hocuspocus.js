// Hocuspocus with its database extension: `PORT`, `DATABASE_URL`, and `FLUSH_MS`, for how long it collects edits before it sends them on.
// Nobody needs a token. Documents are stored as the extension stores them: whole, 2 s after the last edit, 10 s after the first.
import { Database } from '@hocuspocus/extension-database'
import { Server } from '@hocuspocus/server'
import pg from 'pg'

const { PORT, DATABASE_URL, FLUSH_MS } = process.env
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4 })
await pool.query('CREATE TABLE IF NOT EXISTS hocuspocus (name text PRIMARY KEY, data bytea NOT NULL)')

const database = new Database({
  fetch: async ({ documentName }) => {
    const { rows } = await pool.query('SELECT data FROM hocuspocus WHERE name = $1', [documentName])
    return rows[0]?.data ?? null
  },
  store: async ({ documentName, state }) => {
    await pool.query('INSERT INTO hocuspocus VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET data = excluded.data', [documentName, state])
  },
})

const server = new Server({ port: Number(PORT), address: '127.0.0.1', quiet: true, flushDelay: Number(FLUSH_MS), extensions: [database] })
await server.listen()
