/// Comments in threads, with reactions; they appear as others write them.
import { useMemo, useState, type FormEvent, type KeyboardEvent } from 'react'
import { withReaction } from '@pantherahive/sync'
import { createComment, editComment, removeComment, resolveThread } from '../data/comments'
import { notify } from '../data/notices'
import { me, replica } from '../data/replica'
import { comments, people, type Comment } from '../data/rows'
import { client } from '../data/session'
import { useRow, useRows } from '../data/use-rows'
import { FileAddress } from '../graph/operations'
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
          <Thread key={first.id} first={first} replies={replies} canComment={canComment} />
        ))}
      </ol>
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
}

/** A resolved thread shows how it began until it is opened. */
function Thread({ first, replies, canComment }: ThreadProps) {
  const author = useRow(people, first.authorId)?.displayName ?? 'Somebody'
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
      <div className="thread-foot">
        {isResolved && replies.length > 0 && (
          <button
            className="button button-quiet reply-button"
            aria-expanded={isOpened}
            onClick={() => setOpened(!isOpened)}
          >
            {isOpened ? 'Hide' : 'Show'} {replies.length === 1 ? 'the reply' : `${replies.length} replies`}
          </button>
        )}
        {canComment && isWhole && <Reply subjectId={first.subjectId} parent={first} />}
        {canComment && first.version > 0 && (
          <button className="button button-quiet reply-button" onClick={() => resolveThread(first, !isResolved)}>
            <Icon name={isResolved ? 'history' : 'check'} size={14} /> {isResolved ? 'Reopen' : 'Resolve'}
            <span className="visually-hidden"> the thread of {author}</span>
          </button>
        )}
      </div>
    </li>
  )
}

function CommentView({ comment }: { comment: Comment }) {
  const author = useRow(people, comment.authorId)?.displayName ?? 'Somebody'
  const isSent = comment.version > 0
  const [isEditing, setEditing] = useState(false)
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
          {comment.authorId === me() && isSent && !isEditing && (
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
        send={(body) => createComment(subjectId, body, parent.id)}
        label={`Reply to ${author}`}
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
