/// Comments in threads, with reactions; they appear as others write them.
import { useMemo, useRef, useState, type FormEvent, type KeyboardEvent } from 'react'
import { viewer } from '../data/live'
import { change, newId } from '../data/mutations'
import { notify } from '../data/notices'
import { comments, type Comment } from '../data/rows'
import { useStore } from '../data/store'
import { loadMoreReplies, loadMoreThreads, nextPages } from '../data/threads'
import { useRows } from '../data/use-rows'
import { Avatar } from './avatar'
import { Icon } from './icons'
import { Markdown } from './markdown'
import { momentInWords, timeAgo } from './times'

const EMOJI = ['👍', '❤️', '🎉', '👀', '😄', '🙏'] as const

const EMOJI_NAMES: Record<string, string> = {
  '👍': 'thumbs up',
  '❤️': 'heart',
  '🎉': 'celebration',
  '👀': 'eyes',
  '😄': 'laughing',
  '🙏': 'thanks',
}

export function Discussion({ subjectId, canComment }: { subjectId: string; canComment: boolean }) {
  const all = useRows(comments)
  const pages = useStore(nextPages)
  const threads = useMemo(() => {
    const here = all
      .filter((comment) => comment.subjectId === subjectId)
      .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id))
    return here
      .filter(({ parentId }) => !parentId)
      .map((first) => ({ first, replies: here.filter(({ parentId }) => parentId === first.id) }))
  }, [all, subjectId])
  return (
    <section className="task-section discussion" aria-labelledby="comments">
      <h2 id="comments">
        Comments{' '}
        {threads.length > 0 && (
          <span className="group-count">{threads.reduce((sum, { replies }) => sum + 1 + replies.length, 0)}</span>
        )}
      </h2>
      <ol className="threads">
        {threads.map(({ first, replies }) => (
          <li key={first.id} className="thread">
            <CommentView comment={first} />
            {replies.length > 0 && (
              <ol className="replies">
                {replies.map((reply) => (
                  <li key={reply.id}>
                    <CommentView comment={reply} />
                  </li>
                ))}
              </ol>
            )}
            {pages.has(first.id) && <More label="Show all replies" load={() => loadMoreReplies(subjectId, first.id)} />}
            {canComment && <Reply subjectId={subjectId} parent={first} />}
          </li>
        ))}
      </ol>
      {pages.has(subjectId) && <More label="Show more comments" load={() => loadMoreThreads(subjectId)} />}
      {canComment && <Composer subjectId={subjectId} label="Write a comment" button="Comment" />}
    </section>
  )
}

function More({ label, load }: { label: string; load: () => Promise<void> }) {
  return (
    <button
      className="button button-quiet reply-button"
      onClick={() => void load().catch((error: Error) => notify(error.message, 'problem'))}
    >
      {label}
    </button>
  )
}

function CommentView({ comment }: { comment: Comment }) {
  const me = useStore(viewer)
  return (
    <article
      className={`comment ${comment.isPending ? 'comment-pending' : ''}`}
      aria-label={`Comment by ${comment.authorName}`}
    >
      <Avatar id={comment.authorId ?? ''} name={comment.authorName} size="large" isDecoration />
      <div className="comment-body">
        <header className="comment-head">
          <strong>{comment.authorName}</strong>
          <time className="faint" dateTime={comment.createdAt} title={momentInWords(comment.createdAt)}>
            {timeAgo(comment.createdAt)}
          </time>
          {comment.editedAt && <span className="faint">edited</span>}
          {comment.resolvedAt && <span className="resolved">Resolved</span>}
          {comment.authorId === me?.id && !comment.isPending && (
            <button
              className="icon-button comment-delete"
              aria-label="Delete this comment"
              onClick={() =>
                change('commentDelete', { id: comment.id }, 'Delete a comment', {
                  collection: 'comments',
                  patch: { id: comment.id, changes: null },
                })
              }
            >
              <Icon name="trash" size={14} />
            </button>
          )}
        </header>
        <Markdown text={comment.body} />
        {comment.attachments.length > 0 && (
          <ul className="comment-files">
            {comment.attachments.map(({ id, fileName, url }) => (
              <li key={id}>
                <Icon name="attach" size={14} /> {url ? <a href={url}>{fileName}</a> : fileName}
              </li>
            ))}
          </ul>
        )}
        {!comment.isPending && <Reactions comment={comment} />}
      </div>
    </article>
  )
}

function Reactions({ comment }: { comment: Comment }) {
  const [isOpen, setOpen] = useState(false)
  function react(emoji: string) {
    const known = comment.reactions.find((each) => each.emoji === emoji)
    const on = !known?.viewerReacted
    const reactions = known
      ? comment.reactions
          .map((each) =>
            each.emoji === emoji ? { ...each, count: each.count + (on ? 1 : -1), viewerReacted: on } : each,
          )
          .filter(({ count }) => count > 0)
      : [...comment.reactions, { emoji, count: 1, viewerReacted: true }]
    setOpen(false)
    change('commentReact', { id: comment.id, emoji, on }, on ? `React with ${emoji}` : `Take ${emoji} back`, {
      collection: 'comments',
      patch: { id: comment.id, changes: { reactions } as object },
    })
  }
  return (
    <div className="reactions">
      {comment.reactions.map(({ emoji, count, viewerReacted }) => (
        <button
          key={emoji}
          className="reaction"
          aria-pressed={viewerReacted}
          aria-label={`${EMOJI_NAMES[emoji] ?? emoji}, ${count}`}
          onClick={() => react(emoji)}
        >
          <span aria-hidden="true">{emoji}</span> {count}
        </button>
      ))}
      {isOpen ? (
        <span
          className="reaction-choice"
          role="group"
          aria-label="Reactions"
          onKeyDown={(event: KeyboardEvent) => event.key === 'Escape' && setOpen(false)}
        >
          {EMOJI.map((emoji, index) => (
            <button
              key={emoji}
              className="reaction-pick"
              autoFocus={index === 0}
              aria-label={`React: ${EMOJI_NAMES[emoji]}`}
              onClick={() => react(emoji)}
            >
              <span aria-hidden="true">{emoji}</span>
            </button>
          ))}
        </span>
      ) : (
        <button className="icon-button reaction-open" aria-label="React" onClick={() => setOpen(true)}>
          <Icon name="smile" />
        </button>
      )}
    </div>
  )
}

function Reply({ subjectId, parent }: { subjectId: string; parent: Comment }) {
  const [isOpen, setOpen] = useState(false)
  if (!isOpen)
    return (
      <button className="button button-quiet reply-button" onClick={() => setOpen(true)}>
        <Icon name="reply" size={14} /> Reply<span className="visually-hidden"> to {parent.authorName}</span>
      </button>
    )
  return (
    <div className="reply-form">
      <Composer
        subjectId={subjectId}
        parentId={parent.id}
        label={`Reply to ${parent.authorName}`}
        button="Reply"
        isFocused
        onDone={() => setOpen(false)}
      />
    </div>
  )
}

interface ComposerProps {
  subjectId: string
  parentId?: string
  label: string
  button: string
  isFocused?: boolean
  onDone?: () => void
}

function Composer({ subjectId, parentId, label, button, isFocused = false, onDone }: ComposerProps) {
  const me = useStore(viewer)
  const form = useRef<HTMLFormElement>(null)
  const [text, setText] = useState('')
  function submit(event: FormEvent) {
    event.preventDefault()
    const body = text.trim()
    if (!body || !me) return
    const { uuid, id } = newId('Comment')
    const row: Comment & { isNew: true } = {
      isNew: true,
      isPending: true,
      id,
      version: 0,
      body,
      createdAt: new Date().toISOString(),
      editedAt: null,
      resolvedAt: null,
      subjectId,
      parentId: parentId ?? null,
      authorId: me.id,
      authorName: me.displayName,
      reactions: [],
      attachments: [],
    }
    change('commentCreate', { id: uuid, subjectId, body, ...(parentId ? { parentId } : {}) }, 'Comment', {
      collection: 'comments',
      patch: { id, changes: row as object },
    })
    setText('')
    onDone?.()
  }
  return (
    <form ref={form} className="composer" onSubmit={submit}>
      <textarea
        aria-label={label}
        placeholder={label}
        rows={text.includes('\n') || text.length > 80 ? 4 : 2}
        value={text}
        autoFocus={isFocused}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) form.current?.requestSubmit()
          if (event.key === 'Escape') onDone?.()
        }}
      />
      <div className="composer-foot">
        <span className="faint">Markdown · Ctrl-Enter sends</span>
        <button className="button button-primary" disabled={!text.trim()}>
          {button}
        </button>
      </div>
    </form>
  )
}
