/// Saved versions of a document: what has changed since each, and the way back to it.
import { useCallback, useEffect, useState, type FormEvent } from 'react'
import type { ResultOf } from '../graph/graph'
import { DocumentRestoreVersion, DocumentSaveVersion, DocumentVersions, VersionDiff } from '../graph/operations'
import { notify } from '../data/notices'
import { client } from '../data/session'
import { watch } from '../data/replica'
import { Avatar } from '../ui/avatar'
import { momentInWords, timeAgo } from '../ui/times'
import { DiffView, type Diff } from './diff'

type Version = NonNullable<ResultOf<typeof DocumentVersions>['document']>['versions']['nodes'][number]

export function Versions({ documentId, canUpdate }: { documentId: string; canUpdate: boolean }) {
  const [versions, setVersions] = useState<readonly Version[] | null>(null)
  const [shown, setShown] = useState<{ id: string; diff: Diff } | null>(null)
  const [isAsking, setAsking] = useState<string | null>(null)

  const read = useCallback(async () => {
    const { document } = await client.request(DocumentVersions, { id: documentId })
    setVersions(document?.versions.nodes ?? [])
  }, [documentId])

  useEffect(() => {
    read().catch(() => setVersions([]))
    return watch(documentId, () => void read().catch(() => undefined))
  }, [documentId, read])

  async function attempt(work: () => Promise<{ errors: { message: string }[] } | null>, done: string) {
    try {
      const [error] = (await work())?.errors ?? []
      if (error) return notify(error.message, 'problem')
      notify(done)
      await read()
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), 'problem')
    }
  }

  function save(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const form = event.currentTarget
    const name = String(new FormData(form).get('name') ?? '').trim() || null
    void attempt(
      async () => (await client.request(DocumentSaveVersion, { input: { id: documentId, name } })).result,
      'The version is saved.',
    ).then(() => form.reset())
  }

  async function compare(version: Version) {
    if (shown?.id === version.id) return setShown(null)
    try {
      const { document } = await client.request(VersionDiff, { id: documentId, version: version.id })
      if (document) setShown({ id: version.id, diff: document.diff })
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), 'problem')
    }
  }

  function restore(version: Version) {
    if (isAsking !== version.id) return setAsking(version.id)
    setAsking(null)
    void attempt(
      async () =>
        (await client.request(DocumentRestoreVersion, { input: { id: documentId, versionId: version.id } })).result,
      `Version ${version.number} is the text again.`,
    )
  }

  return (
    <div className="versions">
      {canUpdate && (
        <form className="version-form" onSubmit={save}>
          <input
            name="name"
            aria-label="Name of the version"
            placeholder="Name of the version"
            maxLength={100}
            autoComplete="off"
          />
          <button className="button">Save</button>
        </form>
      )}
      {versions?.length === 0 && <p className="faint">No version was saved yet.</p>}
      <ol className="version-list">
        {versions?.map((version) => (
          <li key={version.id} className="version">
            <div className="version-head">
              {version.createdBy && <Avatar id={version.createdBy.id} name={version.createdBy.displayName} />}
              <span className="version-name">{version.name ?? `Version ${version.number}`}</span>
              <time className="faint" dateTime={version.createdAt} title={momentInWords(version.createdAt)}>
                {timeAgo(version.createdAt)}
              </time>
            </div>
            <div className="version-tools">
              <button
                className="button button-quiet"
                aria-expanded={shown?.id === version.id}
                onClick={() => void compare(version)}
              >
                Changes since
              </button>
              {canUpdate && (
                <button className="button button-quiet" onClick={() => restore(version)} onBlur={() => setAsking(null)}>
                  {isAsking === version.id ? 'Really restore?' : 'Restore'}
                </button>
              )}
            </div>
            {shown?.id === version.id && <DiffView diff={shown.diff} />}
          </li>
        ))}
      </ol>
    </div>
  )
}
