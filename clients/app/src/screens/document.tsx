/// One document, written by several people at once.
import { Editor } from '@tiptap/core'
import { HiveError, toGlobalId } from '@pantherahive/client'
import { useEffect, useRef, useState } from 'react'
import { isCreated, renameDocument } from '../data/documents'
import { connection, me } from '../data/replica'
import { canComment, canWrite } from '../data/rights'
import { documents, people, projects, type Document } from '../data/rows'
import { client } from '../data/session'
import { useStore } from '../data/store'
import { useRow } from '../data/use-rows'
import { authors, DiffView, type Diff } from '../editor/diff'
import { extensions } from '../editor/extensions'
import { DocumentSession, type TextState } from '../editor/session'
import { Toolbar } from '../editor/toolbar'
import { Versions } from '../editor/versions'
import { DocumentOpened, MarkSeen } from '../graph/operations'
import { Link, navigate } from '../router'
import { Avatar } from '../ui/avatar'
import { Discussion } from '../ui/discussion'
import { DocumentMenu } from '../ui/document-menu'
import { projectPath } from '../ui/frame'
import { Icon } from '../ui/icons'
import { Empty, Loading, Problem, useTitle } from '../ui/states'

interface Visit {
  diff: Diff
  /** Comments that came since. */
  comments: number
}

type Panel = 'versions' | 'comments' | null

export default function DocumentScreen({ documentId: uuid }: { documentId: string }) {
  const id = toGlobalId('Document', uuid)
  const document = useRow(documents, id)
  const [state, setState] = useState<{ problem: string } | { visit: Visit | null } | null>(null)
  const [attempt, setAttempt] = useState(0)
  const isOnServer = !document || isCreated(document)

  useEffect(() => {
    if (!isOnServer) return
    let isCurrent = true
    setState(null)
    open(id).then(
      (visit) => isCurrent && setState({ visit }),
      (error: unknown) => isCurrent && setState({ problem: error instanceof Error ? error.message : String(error) }),
    )
    return () => {
      isCurrent = false
    }
  }, [id, attempt, isOnServer])

  if (!isOnServer) return <Empty title={document.title} hint="It can be written as soon as the server has it." />
  if (state === null) return <Loading what="the document" />
  if ('problem' in state)
    return (
      <Problem title="The document could not be loaded" reason={state.problem} retry={() => setAttempt(attempt + 1)} />
    )
  if (!document) return <Empty title="This document is not there" hint="It was deleted, or you may not see it." />
  if (document.type !== 'TEXT')
    return <Empty title={document.title} hint="Spreadsheets and presentations are not shown here." />
  return <DocumentView key={id} document={document} visit={state.visit} />
}

/** Reads what has changed in the document since the last visit; then this visit counts. Offline there is nothing to say. */
async function open(id: string): Promise<Visit | null> {
  const { document } = await client.request(DocumentOpened, { id }).catch((error: unknown) => {
    if (error instanceof HiveError && error.isTemporary) return { document: null }
    throw error
  })
  if (!document) return null
  const { viewerUnread, diff } = document
  markSeen(id)
  const isOthers = diff.hunks.some(({ op, author }) => op !== 'EQUAL' && author?.id !== me())
  return isOthers ? { diff, comments: viewerUnread?.commentCount ?? 0 } : null
}

function markSeen(id: string): void {
  client.request(MarkSeen, { input: { subjectId: id } }).catch(() => undefined)
}

function DocumentView({ document, visit }: { document: Document; visit: Visit | null }) {
  useTitle(document.title)
  const viewer = useRow(people, me())
  const project = useRow(projects, document.projectId)
  const [panel, setPanel] = useState<Panel>(null)
  const [session, setSession] = useState<DocumentSession | null>(null)
  const canUpdate = canWrite(project)
  const [viewerId, viewerName] = [viewer?.id, viewer?.displayName]

  useEffect(() => {
    if (!viewerId || viewerName === undefined) return
    const opened = new DocumentSession(document.id, { id: viewerId, displayName: viewerName })
    setSession(opened)
    return () => {
      opened.destroy()
      // What others wrote meanwhile was seen as well.
      markSeen(document.id)
    }
  }, [document.id, viewerId, viewerName])

  return (
    <div className="document-screen">
      <header className="document-head">
        <div className="crumbs">
          {project && (
            <Link to={`${projectPath(project.id)}/documents`} className="crumb-link">
              <Icon name="back" /> {project.name}
            </Link>
          )}
          {session && <SaveState session={session} />}
        </div>
        <div className="document-tools">
          {session && <Peers session={session} />}
          <button
            className="button button-toggle"
            aria-pressed={panel === 'comments'}
            onClick={() => setPanel(panel === 'comments' ? null : 'comments')}
          >
            <Icon name="comment" /> Comments
          </button>
          <button
            className="button button-toggle"
            aria-pressed={panel === 'versions'}
            onClick={() => setPanel(panel === 'versions' ? null : 'versions')}
          >
            <Icon name="history" /> Versions
          </button>
          <DocumentMenu
            document={document}
            onRemoved={() => navigate(`${projectPath(document.projectId)}/documents`, { replace: true })}
          />
        </div>
      </header>
      <div className={`document-layout ${panel ? 'with-panel' : ''}`}>
        <div className="document-page">
          <DocumentTitle document={document} canUpdate={canUpdate} />
          {visit && <SinceLastVisit visit={visit} />}
          {session && <Text session={session} canUpdate={canUpdate} />}
        </div>
        {panel && (
          <aside className="document-panel" aria-label={panel === 'versions' ? 'Versions' : 'Comments'}>
            {panel === 'versions' ? (
              <>
                <h2>Versions</h2>
                <Versions documentId={document.id} canUpdate={canUpdate} />
              </>
            ) : (
              <Discussion subjectId={document.id} canComment={canComment(project)} />
            )}
          </aside>
        )}
      </div>
    </div>
  )
}

function DocumentTitle({ document, canUpdate }: { document: Document; canUpdate: boolean }) {
  const [draft, setDraft] = useState<string | null>(null)
  function save() {
    if (draft !== null) renameDocument(document, draft)
    setDraft(null)
  }
  if (!canUpdate) return <h1 className="document-title">{document.title}</h1>
  return (
    <h1 className="document-title">
      <textarea
        aria-label="Title"
        rows={1}
        maxLength={255}
        value={draft ?? document.title}
        onChange={(event) => setDraft(event.target.value.replaceAll('\n', ' '))}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key === 'Enter') event.currentTarget.blur()
          if (event.key === 'Escape') setDraft(null)
        }}
      />
    </h1>
  )
}

function SinceLastVisit({ visit }: { visit: Visit }) {
  const [isOpen, setOpen] = useState(false)
  const [isGone, setGone] = useState(false)
  if (isGone) return null
  const { added, removed } = visit.diff
  const who = authors(visit.diff)
  return (
    <section className="since" aria-label="Since your last visit">
      <p>
        Since your last visit{who.length > 0 && <>, {who.join(' and ')} changed this</>}:{' '}
        <span className="added">{added} characters added</span>, <span className="removed">{removed} removed</span>
        {visit.comments > 0 && <>, {visit.comments} new comments</>}.
      </p>
      <div className="since-tools">
        <button className="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Hide what changed' : 'Show what changed'}
        </button>
        <button className="icon-button" aria-label="Dismiss" onClick={() => setGone(true)}>
          <Icon name="close" />
        </button>
      </div>
      {isOpen && <DiffView diff={visit.diff} />}
    </section>
  )
}

function Text({ session, canUpdate }: { session: DocumentSession; canUpdate: boolean }) {
  const place = useRef<HTMLDivElement>(null)
  const isLoaded = useStore(session.isLoaded)
  const isReadOnly = useStore(session.isReadOnly) || !canUpdate
  const state = useStore(session.state)
  const isOffline = useStore(connection) === 'offline'
  const [editor, setEditor] = useState<Editor | null>(null)

  useEffect(() => {
    if (!isLoaded || !place.current) return
    const made = new Editor({
      element: place.current,
      extensions: extensions(session.opened.document, session.opened.awareness),
      injectCSS: false,
      editorProps: {
        handleClick: followLink,
        attributes: { class: 'text', role: 'textbox', 'aria-multiline': 'true', 'aria-label': 'Text of the document' },
      },
    })
    setEditor(made)
    return () => {
      setEditor(null)
      made.destroy()
    }
  }, [session, isLoaded])
  useEffect(() => editor?.setEditable(!isReadOnly), [editor, isReadOnly])

  if (state === 'refused') return <Empty title="The text is not shown" hint="You may not see it any more." />
  return (
    <>
      {editor && !isReadOnly && <Toolbar editor={editor} />}
      {!isLoaded &&
        (isOffline ? (
          <p className="faint">The text is shown when the server can be reached.</p>
        ) : (
          <Loading what="the text" />
        ))}
      <div ref={place} className="text-place" />
    </>
  )
}

/** In a text that can be written a link is followed with Ctrl or ⌘. */
function followLink(view: { editable: boolean }, _: number, event: MouseEvent): boolean {
  const link = (event.target as Element).closest('a')
  if (!link || (view.editable && !event.ctrlKey && !event.metaKey)) return false
  const [, key] = /^\/tasks\/([^/]+)$/.exec(new URL(link.href).pathname) ?? []
  if (key && link.origin === location.origin) navigate(`/tasks/${key}`)
  else if (/^https?:$/.test(link.protocol)) window.open(link.href, '_blank', 'noreferrer')
  return true
}

const STATE_NAMES: Record<TextState, string> = {
  connecting: 'Connecting …',
  saved: 'Saved',
  saving: 'Saving …',
  offline: 'Offline: your words wait here',
  refused: '',
}

function SaveState({ session }: { session: DocumentSession }) {
  const state = useStore(session.state)
  return (
    <span className={`save-state save-state-${state}`} role="status">
      {STATE_NAMES[state]}
    </span>
  )
}

function Peers({ session }: { session: DocumentSession }) {
  const peers = useStore(session.peers)
  if (peers.length === 0) return null
  return (
    <span className="peers" role="group" aria-label="Also here">
      {peers.slice(0, 6).map(({ id, name }) => (
        <Avatar key={id} id={id} name={name} size="large" />
      ))}
      {peers.length > 6 && <span className="faint">+{peers.length - 6}</span>}
    </span>
  )
}
