/// A button that becomes a field for the name of something new.
import { useState, type ReactNode } from 'react'
import { Icon } from './icons'

interface AddFormProps {
  /** What the button says, such as `Add a sub-task`. */
  label: ReactNode
  /** What the field is for, such as `Title of a new sub-task`. */
  field: string
  add: (name: string) => void
  /** Whether the field stays for the next one. */
  isRepeated?: boolean
}

export function AddForm({ label, field, add, isRepeated = false }: AddFormProps) {
  const [isOpen, setOpen] = useState(false)
  if (!isOpen)
    return (
      <button className="button button-quiet edit-button" onClick={() => setOpen(true)}>
        <Icon name="plus" /> {label}
      </button>
    )
  return (
    <form
      className="add-form"
      onSubmit={(event) => {
        event.preventDefault()
        const name = String(new FormData(event.currentTarget).get('name') ?? '').trim()
        if (!name || !isRepeated) setOpen(false)
        if (name) add(name)
        event.currentTarget.reset()
      }}
    >
      <input
        name="name"
        aria-label={field}
        placeholder={field}
        maxLength={255}
        autoFocus
        autoComplete="off"
        onBlur={(event) => !event.target.value && setOpen(false)}
        onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}
      />
    </form>
  )
}
