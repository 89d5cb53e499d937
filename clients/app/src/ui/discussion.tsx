/// Comments in threads, with reactions; they appear as others write them.
import { useMemo, useRef, useState, type FormEvent, type KeyboardEvent } from 'react'
import { newComment, withReaction } from '@pantherahive/sync'
import { notify } from '../data/notices'
import { me, replica } from '../data/replica'
import { comments, people, type Comment } from '../data/rows'
import { client } from '../data/session'
import { useRow, useRows } from '../data/use-rows'
import { FileAddress } from '../graph/operations'
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

/** Threads; the latest, unless all are asked for. */
const FIRST_SHOWN = 50

export function Discussion({ subjectId, canComment }: { subjectId: string; canComment: boolean }) {
  const all = useRows(comments)
  const [isWhole, setWhole] = useState(false)
  const threads = useMemo(() => {
    const here = all
      .filter((comment) => comment.subjectId === subjectId)
      .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id))
    return here
      .filter(({ parentId }) => !parentId)
      .map((first) => ({ first, replies: here.filter(({ parentId }) => parentId === first.id) }))
  }, [all, subjectId])
  const shown = isWhole ? threads : threads.slice(-FIRST_SHOWN)
  return (
    <section className="task-section discussion" aria-labelledby="comments">
      <h2 id="comments">
        Comments{' '}
        {threads.length > 0 && (
          <span className="group-count">{threads.reduce((sum, { replies }) => sum + 1 + replies.length, 0)}</span>
        )}
      </h2>
      {threads.length > shown.length && (
        <button className="button button-quiet reply-button" onClick={() => setWhole(true)}>
          Show {threads.length - shown.length} earlier
        </button>
      )}
      <ol className="threads">
        {shown.map(({ first, replies }) => (
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
            {canComment && <Reply subjectId={subjectId} parent={first} />}
          </li>
        ))}
      </ol>
      {canComment && <Composer subjectId={subjectId} label="Write a comment" button="Comment" />}
    </section>
  )
}

function CommentView({ comment }: { comment: Comment }) {
  const author = useRow(people, comment.authorId)?.displayName ?? 'Somebody'
  const isSent = comment.version > 0
  return (
    <article className={`comment ${isSent ? '' : 'comment-pending'}`} aria-label={`Comment by ${author}`}>
      <Avatar id={comment.authorId ?? ''} name={author} size="large" isDecoration />
      <div className="comment-body">
        <header className="comment-head">
          <strong>{author}</strong>
          <time className="faint" dateTime={comment.createdAt} title={momentInWords(comment.createdAt)}>
            {timeAgo(comment.createdAt)}
          </time>
          {comment.editedAt && <span className="faint">edited</span>}
          {comment.resolvedAt && <span className="resolved">Resolved</span>}
          {comment.authorId === me() && isSent && (
            <button
              className="icon-button comment-delete"
              aria-label="Delete this comment"
              onClick={() => replica().comments.delete(comment.id)}
            >
              <Icon name="trash" size={14} />
            </button>
          )}
        </header>
        <Markdown text={comment.body} />
        {comment.attachments.length > 0 && (
          <ul className="comment-files">
            {comment.attachments.map(({ id, fileName }) => (
              <li key={id}>
                <button className="button button-quiet" onClick={() => void openFile(id)}>
                  <Icon name="attach" size={14} /> {fileName}
                </button>
              </li>
            ))}
          </ul>
        )}
        {isSent && <Reactions comment={comment} />}
      </div>
    </article>
  )
}

/** Its address is short-lived: it is asked for when it is needed. */
async function openFile(id: string): Promise<void> {
  // Opened by the click itself, as what is opened later counts as unasked for.
  const page = window.open('', '_blank')
  try {
    const { node } = await client.request(FileAddress, { id })
    const url = node?.__typename === 'Attachment' ? node.url : null
    if (!url) throw new Error('It is not there any more.')
    if (page) page.location.replace(url)
  } catch (error) {
    page?.close()
    notify(`The file could not be opened. ${error instanceof Error ? error.message : ''}`, 'problem')
  }
}

function Reactions({ comment }: { comment: Comment }) {
  const [isOpen, setOpen] = useState(false)
  function react(emoji: string) {
    const on = !comment.reactions.some((each) => each.emoji === emoji && each.viewerReacted)
    setOpen(false)
    replica().comments.update(comment.id, (draft) => {
      draft.reactions = withReaction(comment.reactions, emoji, on)
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
  const author = useRow(people, parent.authorId)?.displayName ?? 'Somebody'
  if (!isOpen)
    return (
      <button className="button button-quiet reply-button" onClick={() => setOpen(true)}>
        <Icon name="reply" size={14} /> Reply<span className="visually-hidden"> to {author}</span>
      </button>
    )
  return (
    <div className="reply-form">
      <Composer
        subjectId={subjectId}
        parentId={parent.id}
        label={`Reply to ${author}`}
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
  const form = useRef<HTMLFormElement>(null)
  const [text, setText] = useState('')
  function submit(event: FormEvent) {
    event.preventDefault()
    const body = text.trim()
    if (!body) return
    replica().comments.insert(newComment({ subjectId, body, parentId: parentId ?? null, authorId: me() }))
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
