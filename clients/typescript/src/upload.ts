/** Uploads a file: announced, sent with progress, sent again after a break, completed. Each step may be repeated. */
import type { HiveClient } from './client.ts'
import { HiveError, succeeded, type UserError } from './errors.ts'
import { newUuid } from './global-id.ts'

export interface UploadOptions {
  /** What it will be on, by global id; without, it is named later where it is used (`uploadIds`). */
  subjectId?: string
  /** The file's own name and type by default. */
  fileName?: string
  contentType?: string
  /**
   * The key of this upload: whoever calls again with the same key and file, after a reload too, goes on with the same upload.
   * A new one by default.
   */
  key?: string
  /** How many attempts to send the bytes; 5 by default. */
  attempts?: number
  signal?: AbortSignal
  onProgress?(sent: number, total: number): void
}

export interface Uploaded {
  /** The attachment's global id. */
  id: string
  fileName: string
  contentType: string
  byteSize: number
}

interface Target {
  url: string
  method: string
  headers: { name: string; value: string }[]
}

interface Announced {
  upload: {
    attachment: (Uploaded & { state: 'PENDING' | 'READY' | 'REJECTED' }) | null
    upload: Target | null
    errors: UserError[]
  } | null
}

const FIELDS = 'attachment { id fileName contentType byteSize state } errors { code message path }'
const ANNOUNCE = `mutation AnnounceUpload($input: UploadCreateInput!) {
  upload: uploadCreate(input: $input) { ${FIELDS} upload { url method headers { name value } } }
}`
const COMPLETE = `mutation CompleteUpload($input: UploadCompleteInput!) { upload: uploadComplete(input: $input) { ${FIELDS} } }`

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000
/** Bytes are there already: an attempt before this one arrived, though its answer did not. */
const ALREADY_THERE = 412

/** The attachment, once it is ready. Throws `HiveError`: `INVALID` when it is not what it claims to be. */
export async function upload(
  client: HiveClient,
  file: Blob & { name?: string },
  options: UploadOptions = {},
): Promise<Uploaded> {
  const { subjectId, signal, key = newUuid(), attempts = 5 } = options
  const input = {
    fileName: options.fileName ?? file.name ?? 'file',
    contentType: options.contentType || file.type || 'application/octet-stream',
    byteSize: file.size,
    clientMutationId: `upload ${key}`,
    ...(subjectId ? { subjectId } : {}),
  }
  for (let attempt = 1; ; attempt += 1) {
    signal?.throwIfAborted()
    try {
      // Announced again each time: the address of the last time may have expired.
      const { attachment, upload: target } = succeeded((await ask<Announced>(client, ANNOUNCE, input, signal)).upload)
      if (!attachment) throw new HiveError('INTERNAL', 'Nothing was announced.')
      if (target && attachment.state === 'PENDING') await send(target, file, options)
      const completing = { id: attachment.id, clientMutationId: `complete ${key}` }
      const completed = attachment.state === 'READY' ? attachment : await complete(client, completing, signal)
      options.onProgress?.(file.size, file.size)
      const { id, fileName, contentType, byteSize } = completed
      return { id, fileName, contentType, byteSize }
    } catch (error) {
      if (!(error instanceof HiveError) || !error.isTemporary || attempt >= attempts) throw error
      await wait(Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS) * (0.5 + Math.random() / 2), signal)
    }
  }
}

async function complete(client: HiveClient, input: object, signal: AbortSignal | undefined): Promise<Uploaded> {
  const { attachment } = succeeded((await ask<Announced>(client, COMPLETE, input, signal)).upload)
  if (!attachment) throw new HiveError('INTERNAL', 'Nothing was completed.')
  return attachment
}

function ask<TData>(
  client: HiveClient,
  document: string,
  input: object,
  signal: AbortSignal | undefined,
): Promise<TData> {
  return client.request<TData, { input: object }>(document, { input }, signal ? { signal } : {})
}

async function send(target: Target, file: Blob, options: UploadOptions): Promise<void> {
  const status = await (globalThis.XMLHttpRequest
    ? sendByXhr(target, file, options)
    : sendByFetch(target, file, options))
  if (status < 300 || status === ALREADY_THERE) return
  const code = status >= 500 || status === 408 || status === 429 ? 'SERVICE_UNAVAILABLE' : 'INVALID'
  throw new HiveError(code, `The file was refused with status ${status}.`)
}

/** Only XMLHttpRequest tells how far an upload has come. */
function sendByXhr(target: Target, file: Blob, { signal, onProgress }: UploadOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const abort = (): void => request.abort()
    request.open(target.method, target.url)
    for (const { name, value } of target.headers) request.setRequestHeader(name, value)
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(loaded, total)
    request.onload = () => resolve(request.status)
    request.onerror = request.ontimeout = () => reject(new HiveError('NETWORK', 'The file did not arrive.'))
    request.onabort = () => reject(signal?.reason ?? new HiveError('NETWORK', 'The upload was ended.'))
    request.onloadend = () => signal?.removeEventListener('abort', abort)
    signal?.addEventListener('abort', abort)
    request.send(file)
  })
}

async function sendByFetch(target: Target, file: Blob, { signal }: UploadOptions): Promise<number> {
  try {
    const headers = target.headers.map(({ name, value }): [string, string] => [name, value])
    return (await fetch(target.url, { method: target.method, headers, body: file, ...(signal ? { signal } : {}) }))
      .status
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new HiveError('NETWORK', 'The file did not arrive.', { cause })
  }
}

function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true })
  })
}
