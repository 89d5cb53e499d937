/// Files of a task: chosen or dropped, sent straight to where they are stored.
import { upload } from '@pantherahive/client/upload'
import { useRef, useState, type DragEvent } from 'react'
import { notify } from '../data/notices'
import type { Task } from '../data/rows'
import { client } from '../data/session'
import { AttachmentDelete } from '../graph/operations'
import { Icon } from './icons'
import { bytesInWords } from './times'
import type { TaskHistoryData } from './use-history'

interface Sending {
  name: string
  share: number
}

interface AttachmentsProps {
  task: Task
  files: TaskHistoryData['attachments']['nodes']
  canAttach: boolean
}

export function Attachments({ task, files, canAttach }: AttachmentsProps) {
  const [sending, setSending] = useState<readonly Sending[]>([])
  const [isOver, setOver] = useState(false)
  const input = useRef<HTMLInputElement>(null)

  async function send(chosen: FileList | null) {
    for (const file of chosen ?? []) {
      const show = (share: number) =>
        setSending((all) => [...all.filter(({ name }) => name !== file.name), { name: file.name, share }])
      show(0)
      try {
        await upload(client, file, { subjectId: task.id, onProgress: (sent, total) => show(sent / total) })
      } catch (error) {
        notify(`${file.name}: not attached. ${error instanceof Error ? error.message : ''}`, 'problem')
      }
      setSending((all) => all.filter(({ name }) => name !== file.name))
    }
  }

  async function remove(id: string, name: string) {
    try {
      const { result } = await client.request(AttachmentDelete, { input: { id } })
      const [error] = result?.errors ?? []
      if (error) notify(`${name}: not removed. ${error.message}`, 'problem')
    } catch (error) {
      notify(`${name}: not removed. ${error instanceof Error ? error.message : ''}`, 'problem')
    }
  }

  if (!canAttach && files.length === 0) return null
  return (
    <section
      className={`task-section ${isOver ? 'drop-target' : ''}`}
      aria-labelledby="files"
      onDragOver={(event: DragEvent) => {
        if (!canAttach || !event.dataTransfer.types.includes('Files')) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        if (canAttach) void send(event.dataTransfer.files)
      }}
    >
      <h2 id="files">Files {files.length > 0 && <span className="group-count">{files.length}</span>}</h2>
      {(files.length > 0 || sending.length > 0) && (
        <ul className="files">
          {files.map(({ id, fileName, byteSize, url }) => (
            <li key={id} className="file">
              <Icon name="attach" />
              {url ? (
                <a href={url} target="_blank" rel="noreferrer">
                  {fileName}
                </a>
              ) : (
                <span>{fileName}</span>
              )}
              <span className="faint">{bytesInWords(byteSize)}</span>
              {canAttach && (
                <button
                  className="icon-button"
                  aria-label={`Remove ${fileName}`}
                  onClick={() => void remove(id, fileName)}
                >
                  <Icon name="trash" size={14} />
                </button>
              )}
            </li>
          ))}
          {sending.map(({ name, share }) => (
            <li key={name} className="file">
              <Icon name="attach" />
              <span>{name}</span>
              <progress value={share} aria-label={`Sending ${name}`} />
            </li>
          ))}
        </ul>
      )}
      {canAttach && (
        <>
          <input
            ref={input}
            type="file"
            multiple
            hidden
            aria-label="Files to attach"
            onChange={(event) => void send(event.target.files).then(() => input.current && (input.current.value = ''))}
          />
          <button className="button button-quiet edit-button" onClick={() => input.current?.click()}>
            <Icon name="attach" /> Attach a file
          </button>
        </>
      )}
    </section>
  )
}
