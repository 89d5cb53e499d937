/// Comments in threads, with reactions; they appear as others write them.
import { useMemo, useState, type FormEvent, type KeyboardEvent } from 'react'
import { createComment, editComment, removeComment, resolveThread } from '../data/comments'
import { viewer } from '../data/live'
import { change } from '../data/mutations'
import { notify } from '../data/notices'
import { comments, type Comment } from '../data/rows'
import { useStore } from '../data/store'
import { loadMoreReplies, loadMoreThreads, nextPages } from '../data/threads'
import { useRows } from '../data/use-rows'
import { Avatar } from './avatar'
import { Icon } from './icons'
import { Markdown } from './markdown'
import { SuggestingTextarea } from './suggesting-textarea'
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
          <Thread
            key={first.id}
            first={first}
            replies={replies}
            canComment={canComment}
            loadMore={pages.has(first.id) ? () => loadMoreReplies(subjectId, first.id) : undefined}
          />
        ))}
      </ol>
      {pages.has(subjectId) && <More label="Show more comments" load={() => loadMoreThreads(subjectId)} />}
      {canComment && (
        <Composer send={(body) => createComment(subjectId, body, null)} label="Write a comment" button="Comment" />
      )}
    </section>
  )
}

interface ThreadProps {
  first: Comment
  replies: readonly Comment[]
  canComment: boolean
  loadMore: (() => Promise<void>) | undefined
}

/** A resolved thread shows how it began until it is opened. */
function Thread({ first, replies, canComment, loadMore }: ThreadProps) {
  const isResolved = first.resolvedAt !== null
  const [isOpened, setOpened] = useState(false)
  const isWhole = !isResolved || isOpened
  return (
    <li className={`thread ${isResolved ? 'thread-resolved' : ''}`}>
      <CommentView comment={first} />
      {isWhole && replies.length > 0 && (
        <ol className="replies">
          {replies.map((reply) => (
            <li key={reply.id}>
              <CommentView comment={reply} />
            </li>
          ))}
        </ol>
      )}
      {isWhole && loadMore && <More label="Show all replies" load={loadMore} />}
      <div className="thread-foot">
        {isResolved && (replies.length > 0 || loadMore) && (
          <button
            className="button button-quiet reply-button"
            aria-expanded={isOpened}
            onClick={() => setOpened(!isOpened)}
          >
            {isOpened ? 'Hide the replies' : 'Show the replies'}
          </button>
        )}
        {canComment && isWhole && <Reply subjectId={first.subjectId} parent={first} />}
        {canComment && !first.isPending && (
          <button className="button button-quiet reply-button" onClick={() => resolveThread(first, !isResolved)}>
            <Icon name={isResolved ? 'history' : 'check'} size={14} /> {isResolved ? 'Reopen' : 'Resolve'}
            <span className="visually-hidden"> the thread of {first.authorName}</span>
          </button>
        )}
      </div>
    </li>
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
  const [isEditing, setEditing] = useState(false)
  const isOwn = comment.authorId === me?.id && !comment.isPending
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
          {isOwn && !isEditing && (
            <span className="comment-tools">
              <button className="icon-button" aria-label="Edit this comment" onClick={() => setEditing(true)}>
                <Icon name="edit" size={14} />
              </button>
              <button className="icon-button" aria-label="Delete this comment" onClick={() => removeComment(comment)}>
                <Icon name="trash" size={14} />
              </button>
            </span>
          )}
        </header>
        {isEditing ? (
          <Composer
            label="Edit the comment"
            button="Save"
            text={comment.body}
            isFocused
            send={(body) => editComment(comment, body)}
            onDone={() => setEditing(false)}
          />
        ) : (
          <Markdown text={comment.body} />
        )}
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
        send={(body) => createComment(subjectId, body, parent.id)}
        label={`Reply to ${parent.authorName}`}
        button="Reply"
        isFocused
        onDone={() => setOpen(false)}
      />
    </div>
  )
}

interface ComposerProps {
  send: (body: string) => void
  label: string
  button: string
  /** What is there to begin with. */
  text?: string
  isFocused?: boolean
  onDone?: () => void
}

function Composer({ send, label, button, text: before = '', isFocused = false, onDone }: ComposerProps) {
  const [text, setText] = useState(before)
  const body = text.trim()
  function submit() {
    if (!body) return
    send(body)
    setText('')
    onDone?.()
  }
  return (
    <form
      className="composer"
      onSubmit={(event: FormEvent) => {
        event.preventDefault()
        submit()
      }}
    >
      <SuggestingTextarea
        aria-label={label}
        placeholder={label}
        rows={text.includes('\n') || text.length > 80 ? 4 : 2}
        value={text}
        autoFocus={isFocused}
        onText={setText}
        onSubmit={submit}
        onEscape={onDone}
      />
      <div className="composer-foot">
        <span className="faint">Markdown · @ people · # tasks · Ctrl-Enter sends</span>
        {before && (
          <button type="button" className="button button-quiet" onClick={onDone}>
            Cancel
          </button>
        )}
        <button className="button button-primary" disabled={!body}>
          {button}
        </button>
      </div>
    </form>
  )
}
